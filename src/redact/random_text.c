/* Secrets as text, of which no 32 bytes look random: runs of letters, of one byte or wide, found 64
 * bytes at a time and judged once each, where they begin. The memory is hostile: time goes by its
 * size alone, since what is longer than RANDOM_RUN_MAX is judged in parts. */
#include "random_text.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

enum { STEP = 64, AHEAD = 2 * STEP, STEPS_MAX = (RANDOM_BLOCK + AHEAD) / STEP };
static const size_t widths[RANDOM_WIDTHS] = { 1, 2, 4 };
_Static_assert(AHEAD >= RANDOM_TEXT_MIN * 4, "what begins in a block is seen in its steps");

void letter_kernel_plain(const uint8_t *p, size_t n, struct letter_masks *ret_m)
{
	for (size_t at = 0; at < n; at += STEP) {
		struct letter_masks m = { 0 };
		for (size_t i = 0; i < STEP && at + i < n; i++) {
			m.letters |= (uint64_t)(letter_codes[p[at + i]] != 0) << i;
			m.zeros |= (uint64_t)!p[at + i] << i;
		}
		*ret_m++ = m;
	}
}

#if defined(__x86_64__)
static inline __m128i within(__m128i x, char from, char last)
{
	__m128i off = _mm_sub_epi8(x, _mm_set1_epi8(from));
	return _mm_cmpeq_epi8(_mm_min_epu8(off, _mm_set1_epi8((char)(last - from))), off);
}

static inline struct letter_masks sixteen_masks(const uint8_t *p)
{
	__m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i small = _mm_or_si128(x, _mm_set1_epi8(0x20));
	__m128i is = _mm_or_si128(within(x, '0', '9'), within(small, 'a', 'z'));
	/* of '+', '-' and '/' the upper five bits and the last are alike, and of ')' */
	__m128i sign = _mm_cmpeq_epi8(_mm_or_si128(x, _mm_set1_epi8(6)), _mm_set1_epi8('/'));
	is = _mm_or_si128(is, _mm_andnot_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8(')')), sign));
	is = _mm_or_si128(is, _mm_cmpeq_epi8(x, _mm_set1_epi8('_')));
	__m128i zeros = _mm_cmpeq_epi8(x, _mm_setzero_si128());
	return (struct letter_masks){ (unsigned)_mm_movemask_epi8(is),
				      (unsigned)_mm_movemask_epi8(zeros) };
}

void letter_kernel_sse2(const uint8_t *p, size_t n, struct letter_masks *ret_m)
{
	size_t at = 0;
	for (; at + STEP <= n; at += STEP) {
		struct letter_masks m = { 0 };
		for (unsigned i = 0; i < STEP; i += 16) {
			struct letter_masks part = sixteen_masks(p + at + i);
			m.letters |= part.letters << i;
			m.zeros |= part.zeros << i;
		}
		*ret_m++ = m;
	}
	letter_kernel_plain(p + at, n - at, ret_m);
}

#define AVX512 __attribute__((target("avx512f,avx512bw")))

AVX512 static inline uint64_t within_64(__m512i x, char from, char last)
{
	return _mm512_cmple_epu8_mask(_mm512_sub_epi8(x, _mm512_set1_epi8(from)),
				      _mm512_set1_epi8((char)(last - from)));
}

AVX512 void letter_kernel_avx512(const uint8_t *p, size_t n, struct letter_masks *ret_m)
{
	size_t at = 0;
	for (; at + STEP <= n; at += STEP) {
		__m512i x = _mm512_loadu_si512(p + at);
		__m512i small = _mm512_or_si512(x, _mm512_set1_epi8(0x20));
		__m512i sign = _mm512_or_si512(x, _mm512_set1_epi8(6));
		uint64_t signs = _mm512_cmpeq_epi8_mask(sign, _mm512_set1_epi8('/'));
		signs &= ~_mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(')'));
		signs |= _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('_'));
		ret_m->letters = signs | within_64(x, '0', '9') | within_64(small, 'a', 'z');
		ret_m->zeros = _mm512_testn_epi8_mask(x, x);
		ret_m++;
	}
	letter_kernel_plain(p + at, n - at, ret_m);
}

letter_kernel *letter_kernel_best(void)
{
	return __builtin_cpu_supports("avx512bw") ? letter_kernel_avx512 : letter_kernel_sse2;
}

#else

void letter_kernel_sse2(const uint8_t *p, size_t n, struct letter_masks *ret_m)
{
	letter_kernel_plain(p, n, ret_m);
}

void letter_kernel_avx512(const uint8_t *p, size_t n, struct letter_masks *ret_m)
{
	letter_kernel_plain(p, n, ret_m);
}

letter_kernel *letter_kernel_best(void)
{
	return letter_kernel_plain;
}
#endif

/* Where letters may be RANDOM_TEXT_MIN in a row: at each of these bits are some of a row. Of such
 * a row of bytes eight are a word, and of wide letters four are in one step. */
static uint64_t seek(struct letter_masks m, size_t width)
{
	uint64_t x = m.letters;
	for (size_t i = 1; i < width; i++)
		x &= m.zeros >> i;
	x &= x >> width;
	x &= x >> 2 * width;
	return width > 1 ? x : x & x >> 4 & 0x0101010101010101;
}

INLINE bool is_letter(const struct random_block *b, size_t at, size_t width)
{
	if (at >= b->there || b->there - at < width || !letter_codes[b->p[at]])
		return false;
	for (size_t i = 1; i < width; i++) {
		if (b->p[at + i])
			return false;
	}
	return true;
}

/* A block, and where there are letters in the first n bytes from where it begins. */
struct scan {
	struct random_block b;
	const struct letter_masks *masks;
	size_t n;
};

/* Where letters of one byte end, or what was scanned does. */
static size_t letters_end(const struct scan *s, size_t at)
{
	while (at < s->n) {
		uint64_t others = ~s->masks[at / STEP].letters >> at % STEP;
		if (others)
			return at + (size_t)__builtin_ctzll(others);
		at = (at / STEP + 1) * STEP;
	}
	return s->n;
}

/* All of the run in which the letter at `at` is, but for what was judged before; what is longer
 * than may be ends early. */
INLINE struct letter_run run_of(const struct scan *s, size_t at, size_t width, size_t judged)
{
	size_t to = width == 1 ? letters_end(s, at) : at, most = RANDOM_RUN_MAX * width;
	while (at >= judged + width && is_letter(&s->b, at - width, width))
		at -= width;
	while (to - at < most && is_letter(&s->b, to, width))
		to += width;
	to = to - at < most ? to : at + most;
	return (struct letter_run){ s->b.p + at, (to - at) / width, width };
}

static struct letter_run run_at(const struct scan *s, size_t at, size_t width, size_t judged)
{
	return width == 1 ? run_of(s, at, 1, judged) : run_of(s, at, width, judged);
}

static size_t cover(const struct random_block *b, const struct letter_run *r,
		    struct letter_piece piece)
{
	size_t at = (size_t)(r->p - b->p), to = at + piece.to * r->width;
	for (size_t i = at + piece.from * r->width; i < to && i < b->n; i++)
		b->owners[i] = b->owner;
	return to;
}

/* How far what is found in it covers. */
static size_t judge(const struct random_block *b, const struct letter_run *r)
{
	struct letter_piece piece;
	size_t covered = 0;
	for (size_t at = 0; drawn_digits_next(r, &at, &piece);) {
		covered = cover(b, r, piece);
		if (piece.from == 0 && piece.to == r->n)
			return covered;
	}
	for (size_t at = 0; drawn_letters_next(r, &at, &piece);) {
		size_t to = cover(b, r, piece);
		covered = to > covered ? to : covered;
	}
	return covered;
}

/* The runs of one width that begin in the block and of which there are letters at these bits. */
static size_t judge_all(const struct scan *s, size_t from, uint64_t bits, size_t width,
			size_t *judged)
{
	size_t covered = 0;
	for (; bits; bits &= bits - 1) {
		size_t at = from + (size_t)__builtin_ctzll(bits);
		if (at < *judged)
			continue;
		struct letter_run r = run_at(s, at, width, *judged);
		at = (size_t)(r.p - s->b.p);
		if (at >= s->b.n)
			break;
		*judged = at + r.n * width;
		size_t to = r.n < RANDOM_TEXT_MIN ? 0 : judge(&s->b, &r);
		covered = to > covered ? to : covered;
	}
	return covered;
}

size_t random_find_text_by(letter_kernel *kernel, struct random_block b, size_t *judged)
{
	struct letter_masks NOT_ZEROED masks[STEPS_MAX + 1];
	size_t n = b.there - b.n < AHEAD ? b.there : b.n + AHEAD, covered = 0;
	kernel(b.p, n, masks);
	const struct scan s = { b, masks, n };
	for (size_t at = 0; at < n; at += STEP) {
		struct letter_masks m = masks[at / STEP];
		for (size_t w = 0; m.letters && w < RANDOM_WIDTHS; w++) {
			uint64_t bits = seek(m, widths[w]);
			if (!bits)
				continue;
			size_t to = judge_all(&s, at, bits, widths[w], &judged[w]);
			covered = to > covered ? to : covered;
		}
	}
	return covered;
}

size_t random_find_text(struct random_block b, size_t *judged)
{
	return random_find_text_by(letter_kernel_best(), b, judged);
}
