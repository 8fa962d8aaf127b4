/* As random_avx2.c, for eight words at once and with instructions that count bits. */
#include "random_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq")))

enum { LANES = 8 };

struct words {
	__m512i word;
	__m512i used; /* bytes that are not zero */
	unsigned pointers;
	bool has_sets;
	size_t quarters; /* of sets that are not empty */
	__m512i sets[4];
};

bool random_has_avx512(void)
{
	return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vpopcntdq");
}

AVX512 static inline void words_load(struct words *w, const struct random_rule *r, const uint8_t *p)
{
	w->word = _mm512_loadu_si512(p);
	__m512i ones = _mm512_min_epu8(w->word, _mm512_set1_epi8(1));
	w->used = _mm512_sad_epu8(ones, _mm512_setzero_si512());
	w->has_sets = false;
	w->pointers = 0;
	for (size_t i = 0; i < r->n; i++) {
		__mmask8 above = _mm512_cmpgt_epi64_mask(w->word, _mm512_set1_epi64(r->before[i]));
		w->pointers |=
			_mm512_mask_cmplt_epi64_mask(above, w->word, _mm512_set1_epi64(r->end[i]));
	}
}

AVX512 static inline void words_sets(struct words *w)
{
	const __m512i one = _mm512_set1_epi64(1), byte = _mm512_set1_epi64(0xff);
	if (w->has_sets)
		return;
	w->has_sets = true;
	w->quarters = _mm512_movepi8_mask(w->word) ? 4 : 2;
	for (size_t q = 0; q < 4; q++)
		w->sets[q] = _mm512_setzero_si512();
	__m512i rest = w->word;
	for (size_t i = 0; i < 8; i++) {
		__m512i b = _mm512_and_si512(rest, byte);
		rest = _mm512_srli_epi64(rest, 8);
		for (size_t q = 0; q < w->quarters; q++) {
			__m512i by = _mm512_sub_epi64(b, _mm512_set1_epi64(64 * (long long)q));
			w->sets[q] = _mm512_or_si512(w->sets[q], _mm512_sllv_epi64(one, by));
		}
	}
}

/* Lanes i to i + 3 of the sixteen in a and b; and i + 4. */
struct counts {
	__m512i four, five;
};

AVX512 static inline struct counts differing(const struct words *a, const struct words *b)
{
	struct counts all = { _mm512_setzero_si512(), _mm512_setzero_si512() };
	size_t quarters = a->quarters > b->quarters ? a->quarters : b->quarters;
	for (size_t q = 0; q < quarters; q++) {
		__m512i x = a->sets[q], y = b->sets[q];
		__m512i one = _mm512_or_si512(x, _mm512_alignr_epi64(y, x, 1));
		__m512i two =
			_mm512_or_si512(_mm512_alignr_epi64(y, x, 2), _mm512_alignr_epi64(y, x, 3));
		__m512i four = _mm512_or_si512(one, two);
		__m512i five = _mm512_or_si512(four, _mm512_alignr_epi64(y, x, 4));
		all.four = _mm512_add_epi64(all.four, _mm512_popcnt_epi64(four));
		all.five = _mm512_add_epi64(all.five, _mm512_popcnt_epi64(five));
	}
	return all;
}

/* The bytes that are not zero, and the zero, are all that can differ. */
AVX512 static inline unsigned may_be_near(const struct words *a, const struct words *b)
{
	__m512i x = a->used, y = b->used;
	__m512i one = _mm512_add_epi64(x, _mm512_alignr_epi64(y, x, 1));
	__m512i two = _mm512_add_epi64(_mm512_alignr_epi64(y, x, 2), _mm512_alignr_epi64(y, x, 3));
	__m512i four = _mm512_add_epi64(one, two);
	__m512i five = _mm512_add_epi64(four, _mm512_alignr_epi64(y, x, 4));
	return _mm512_cmpgt_epi64_mask(four, _mm512_set1_epi64(RANDOM_NEAR - 2)) |
	       _mm512_cmpgt_epi64_mask(five, _mm512_set1_epi64(RANDOM_DISTINCT - 2));
}

AVX512 static inline void put(uint8_t *d, struct words *a, struct words *b)
{
	unsigned pointers = a->pointers | b->pointers << LANES;
	pointers |= pointers >> 1;
	pointers |= pointers >> 2;
	__m512i counts = _mm512_set1_epi64(1);
	if (may_be_near(a, b) & ~pointers) {
		words_sets(a);
		words_sets(b);
		struct counts c = differing(a, b);
		__mmask8 may =
			_mm512_cmpgt_epi64_mask(c.five, _mm512_set1_epi64(RANDOM_DISTINCT - 1));
		counts = _mm512_mask_or_epi64(c.four, may, c.four, _mm512_set1_epi64(RANDOM_MAYBE));
	}
	__mmask8 none = (__mmask8)~pointers;
	_mm_storel_epi64((__m128i *)(void *)d, _mm512_maskz_cvtepi64_epi8(none, counts));
}

AVX512 void random_kernel_avx512(const struct random_rule *r, const uint8_t *p, size_t n,
				 uint8_t *d)
{
	struct words w[2];
	words_load(&w[0], r, p);
	for (size_t i = 0; i + LANES <= n; i += 2 * LANES) {
		words_load(&w[1], r, p + 8 * (i + LANES));
		put(d + i, &w[0], &w[1]);
		words_load(&w[0], r, p + 8 * (i + 2 * LANES));
		if (i + 2 * LANES <= n)
			put(d + i + LANES, &w[1], &w[0]);
	}
}

#else

bool random_has_avx512(void)
{
	return false;
}

void random_kernel_avx512(const struct random_rule *r, const uint8_t *p, size_t n, uint8_t *d)
{
	random_kernel_plain(r, p, n, d);
}

#endif
