/* Four words at once: which are pointers, how many bytes are not zero, and where that does
 * not settle it, which of the 256 values each word has. A shift by 64 and more gives zero,
 * so that each quarter of the values takes one shift of its own. */
#include "random_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

enum { LANES = 4 };

struct words {
	__m256i word;
	__m256i used;      /* bytes that are not zero */
	unsigned pointers; /* a bit for each */
	bool has_sets;
	__m256i sets[4];
};

bool random_has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

AVX2 static inline void words_load(struct words *w, const struct random_rule *r, const uint8_t *p)
{
	const __m256i one = _mm256_set1_epi8(1), zero = _mm256_setzero_si256();
	w->word = _mm256_loadu_si256((const __m256i *)(const void *)p);
	w->used = _mm256_sad_epu8(_mm256_min_epu8(w->word, one), zero);
	w->has_sets = false;
	__m256i in = zero;
	for (size_t i = 0; i < r->n; i++) {
		__m256i above = _mm256_cmpgt_epi64(w->word, _mm256_set1_epi64x(r->before[i]));
		__m256i below = _mm256_cmpgt_epi64(_mm256_set1_epi64x(r->end[i]), w->word);
		in = _mm256_or_si256(in, _mm256_and_si256(above, below));
	}
	w->pointers = (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(in));
}

AVX2 static inline void words_sets(struct words *w)
{
	const __m256i one = _mm256_set1_epi64x(1), byte = _mm256_set1_epi64x(0xff);
	if (w->has_sets)
		return;
	w->has_sets = true;
	for (size_t q = 0; q < 4; q++)
		w->sets[q] = _mm256_setzero_si256();
	__m256i rest = w->word;
	for (size_t i = 0; i < 8; i++) {
		__m256i b = _mm256_and_si256(rest, byte);
		rest = _mm256_srli_epi64(rest, 8);
		for (size_t q = 0; q < 4; q++) {
			__m256i by = _mm256_sub_epi64(b, _mm256_set1_epi64x(64 * (long long)q));
			w->sets[q] = _mm256_or_si256(w->sets[q], _mm256_sllv_epi64(one, by));
		}
	}
}

/* Lanes 1 to 4 of the eight in a and b, and so on. */
AVX2 static inline __m256i from_1(__m256i a, __m256i b)
{
	return _mm256_permute4x64_epi64(_mm256_blend_epi32(a, b, 0x03), 0x39);
}

AVX2 static inline __m256i from_2(__m256i a, __m256i b)
{
	return _mm256_permute2x128_si256(a, b, 0x21);
}

AVX2 static inline __m256i from_3(__m256i a, __m256i b)
{
	return _mm256_permute4x64_epi64(_mm256_blend_epi32(a, b, 0x3f), 0x93);
}

AVX2 static inline __m256i bits_of_bytes(__m256i v)
{
	const __m256i low = _mm256_set1_epi8(15);
	const __m256i bits = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1,
					      1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
	__m256i high = _mm256_and_si256(_mm256_srli_epi16(v, 4), low);
	return _mm256_add_epi8(_mm256_shuffle_epi8(bits, _mm256_and_si256(v, low)),
			       _mm256_shuffle_epi8(bits, high));
}

/* Lanes i to i + 3 of the eight in a and b; and i + 4. */
struct counts {
	__m256i four, five;
};

AVX2 static inline struct counts differing(const struct words *a, const struct words *b)
{
	const __m256i zero = _mm256_setzero_si256();
	struct counts all = { zero, zero };
	for (size_t q = 0; q < 4; q++) {
		__m256i x = a->sets[q], y = b->sets[q];
		__m256i pairs = _mm256_or_si256(x, from_1(x, y));
		__m256i more = _mm256_or_si256(from_2(x, y), from_3(x, y));
		__m256i four = _mm256_or_si256(pairs, more);
		all.four = _mm256_add_epi8(all.four, bits_of_bytes(four));
		all.five = _mm256_add_epi8(all.five, bits_of_bytes(_mm256_or_si256(four, y)));
	}
	return (struct counts){ _mm256_sad_epu8(all.four, zero), _mm256_sad_epu8(all.five, zero) };
}

/* The bytes that are not zero, and the zero, are all that can differ. */
AVX2 static inline unsigned may_be_near(const struct words *a, const struct words *b)
{
	__m256i x = a->used, y = b->used;
	__m256i pairs = _mm256_add_epi64(x, from_1(x, y));
	__m256i four = _mm256_add_epi64(pairs, _mm256_add_epi64(from_2(x, y), from_3(x, y)));
	__m256i five = _mm256_add_epi64(four, y);
	__m256i near =
		_mm256_or_si256(_mm256_cmpgt_epi64(four, _mm256_set1_epi64x(RANDOM_NEAR - 2)),
				_mm256_cmpgt_epi64(five, _mm256_set1_epi64x(RANDOM_DISTINCT - 2)));
	return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(near));
}

AVX2 static inline void put(uint8_t *d, struct words *a, struct words *b)
{
	unsigned pointers = a->pointers | b->pointers << LANES;
	pointers |= pointers >> 1;
	pointers |= pointers >> 2;
	unsigned near = may_be_near(a, b) & ~pointers;
	if (!near) {
		for (size_t i = 0; i < LANES; i++)
			d[i] = !(pointers >> i & 1);
		return;
	}
	words_sets(a);
	words_sets(b);
	long long four[LANES], five[LANES];
	struct counts c = differing(a, b);
	_mm256_storeu_si256((__m256i *)(void *)four, c.four);
	_mm256_storeu_si256((__m256i *)(void *)five, c.five);
	for (size_t i = 0; i < LANES; i++) {
		int maybe = five[i] >= RANDOM_DISTINCT ? RANDOM_MAYBE : 0;
		d[i] = pointers >> i & 1 ? 0 : (uint8_t)((int)four[i] | maybe);
	}
}

AVX2 void random_kernel_avx2(const struct random_rule *r, const uint8_t *p, size_t n, uint8_t *d)
{
	struct words w[2];
	words_load(&w[0], r, p);
	for (size_t i = 0; i < n; i += 2 * LANES) {
		words_load(&w[1], r, p + 8 * (i + LANES));
		put(d + i, &w[0], &w[1]);
		words_load(&w[0], r, p + 8 * (i + 2 * LANES));
		put(d + i + LANES, &w[1], &w[0]);
	}
}

#else

bool random_has_avx2(void)
{
	return false;
}

void random_kernel_avx2(const struct random_rule *r, const uint8_t *p, size_t n, uint8_t *d)
{
	random_kernel_plain(r, p, n, d);
}

#endif
