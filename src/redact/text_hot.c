/* A fast look at which blocks may hold text, 64 bytes at a time. It may only err by marking
 * too much. */
#include <immintrin.h>

#include "text_hot.h"

enum { NEAR = 4 }; /* a call of the scanner costs more than so many blocks */

struct masks {
	uint64_t text, zero; /* a bit for each byte */
};

/* Text is 9 to 13 and 32 to 126. Bytes from 128 on are less than 0 here. */
static inline struct masks masks_of_any(const uint8_t *p)
{
	const __m128i blank = _mm_set1_epi8(0x1f), del = _mm_set1_epi8(0x7f);
	const __m128i eight = _mm_set1_epi8(8), fourteen = _mm_set1_epi8(14);
	struct masks m = { 0 };
	for (unsigned i = 0; i < 4; i++) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
		__m128i shown = _mm_andnot_si128(_mm_cmpeq_epi8(v, del), _mm_cmpgt_epi8(v, blank));
		__m128i ends = _mm_and_si128(_mm_cmpgt_epi8(v, eight), _mm_cmplt_epi8(v, fourteen));
		__m128i zero = _mm_cmpeq_epi8(v, _mm_setzero_si128());
		m.text |= (uint64_t)_mm_movemask_epi8(_mm_or_si128(shown, ends)) << 16 * i;
		m.zero |= (uint64_t)_mm_movemask_epi8(zero) << 16 * i;
	}
	return m;
}

__attribute__((target("avx2"))) static inline struct masks masks_of_avx2(const uint8_t *p)
{
	const __m256i blank = _mm256_set1_epi8(0x1f), del = _mm256_set1_epi8(0x7f);
	const __m256i eight = _mm256_set1_epi8(8), fourteen = _mm256_set1_epi8(14);
	struct masks m = { 0 };
	for (unsigned i = 0; i < 2; i++) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32 * i));
		__m256i shown =
			_mm256_andnot_si256(_mm256_cmpeq_epi8(v, del), _mm256_cmpgt_epi8(v, blank));
		__m256i ends = _mm256_and_si256(_mm256_cmpgt_epi8(v, eight),
						_mm256_cmpgt_epi8(fourteen, v));
		__m256i zero = _mm256_cmpeq_epi8(v, _mm256_setzero_si256());
		m.text |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_or_si256(shown, ends))
			  << 32 * i;
		m.zero |= (uint64_t)(uint32_t)_mm256_movemask_epi8(zero) << 32 * i;
	}
	return m;
}

__attribute__((target("avx512bw"))) static inline struct masks masks_of_avx512(const uint8_t *p)
{
	__m512i v = _mm512_loadu_si512((const void *)p);
	__m512i from_blank = _mm512_sub_epi8(v, _mm512_set1_epi8(32));
	__m512i from_tab = _mm512_sub_epi8(v, _mm512_set1_epi8(9));
	uint64_t shown = _mm512_cmple_epu8_mask(from_blank, _mm512_set1_epi8(126 - 32));
	uint64_t ends = _mm512_cmple_epu8_mask(from_tab, _mm512_set1_epi8(13 - 9));
	return (struct masks){ shown | ends, _mm512_testn_epi8_mask(v, v) };
}

/* Bits of `now` that have `n` more before them in a row, when bits of half that run are in
 * both: a bit stands for the byte where a run ends. */
static inline uint64_t row_of(uint64_t now, uint64_t before, unsigned n)
{
	return now & (now << n | before >> (64 - n));
}

/* What is known of the block before: where runs of 1, 2 and 4 characters end in it, of text
 * and of UTF-16LE. */
struct runs {
	uint64_t text, pair, four, wide, wide_pair;
};

/* Does a run of 8 characters, or of 4 in UTF-16LE, end in this block? */
static inline bool runs_end(struct masks m, struct runs *r)
{
	struct runs now = { .text = m.text };
	now.pair = row_of(now.text, r->text, 1);
	now.four = row_of(now.pair, r->pair, 2);
	now.wide = m.zero & (m.text << 1 | r->text >> 63);
	now.wide_pair = row_of(now.wide, r->wide, 2);
	uint64_t text = row_of(now.four, r->four, 4), wide = row_of(now.wide_pair, r->wide_pair, 4);
	*r = now;
	return text || wide;
}

/* Three blocks: the one before, since the run began there, and the one behind. */
static inline void mark(struct hot *h, size_t block)
{
	size_t from = block ? block - 1 : 0, word = from / 64;
	unsigned __int128 bits = (unsigned __int128)(block ? 7 : 3) << from % 64;
	h->bits[word] |= (uint64_t)bits;
	h->bits[word + 1] |= (uint64_t)(bits >> 64);
}

__attribute__((target("avx512bw"))) static void mark_avx512(const uint8_t *p, size_t n,
							    struct hot *h)
{
	struct runs r = { 0 };
	for (size_t i = 0; i < n; i++)
		if (runs_end(masks_of_avx512(p + i * HOT_BLOCK), &r))
			mark(h, i);
}

__attribute__((target("avx2"))) static void mark_avx2(const uint8_t *p, size_t n, struct hot *h)
{
	struct runs r = { 0 };
	for (size_t i = 0; i < n; i++)
		if (runs_end(masks_of_avx2(p + i * HOT_BLOCK), &r))
			mark(h, i);
}

static void mark_any(const uint8_t *p, size_t n, struct hot *h)
{
	struct runs r = { 0 };
	for (size_t i = 0; i < n; i++)
		if (runs_end(masks_of_any(p + i * HOT_BLOCK), &r))
			mark(h, i);
}

typedef void mark_fn(const uint8_t *p, size_t n, struct hot *h);

static void mark_with(mark_fn *f, bytes b, struct hot *ret_hot)
{
	size_t blocks = (b.n + HOT_BLOCK - 1) / HOT_BLOCK;
	*ret_hot = (struct hot){ .blocks = blocks };
	f(b.p, blocks - 1, ret_hot);
	mark(ret_hot, 0);
	mark(ret_hot, blocks - 1);
}

void hot_mark_plainly(const uint8_t *p, size_t n, struct hot *ret_hot)
{
	mark_with(mark_any, (bytes){ p, n }, ret_hot);
}

void hot_mark(const uint8_t *p, size_t n, struct hot *ret_hot)
{
	mark_fn *f = __builtin_cpu_supports("avx512bw") ? mark_avx512
		     : __builtin_cpu_supports("avx2")   ? mark_avx2
							: mark_any;
	mark_with(f, (bytes){ p, n }, ret_hot);
}

/* The first block from `at` on that is marked, or not, as asked. */
static size_t seek(const struct hot *h, size_t at, bool marked)
{
	while (at < h->blocks) {
		uint64_t word = marked ? h->bits[at / 64] : ~h->bits[at / 64];
		word &= ~(uint64_t)0 << at % 64;
		if (word)
			return at / 64 * 64 + (size_t)__builtin_ctzll(word);
		at = at / 64 * 64 + 64;
	}
	return h->blocks;
}

bool hot_next(const struct hot *h, size_t *at, size_t *ret_end)
{
	size_t from = seek(h, *at, true), next = from, end;
	if (from >= h->blocks)
		return false;
	do {
		end = seek(h, next, false);
		next = seek(h, end, true);
	} while (next < h->blocks && next - end <= NEAR);
	*at = from;
	*ret_end = end < h->blocks ? end : h->blocks;
	return true;
}

/* 43, 86 and 342 */
static bool is_length(const uint8_t *p)
{
	bool low = (p[0] == 0x56 && p[1] < 2) || (p[0] == 0x2b && !p[1]);
	return low && !p[2] && !p[3];
}

size_t hot_length(const uint8_t *p, size_t at, size_t n)
{
	const __m128i first = _mm_set1_epi8(0x56), other = _mm_set1_epi8(0x2b);
	const __m128i zero = _mm_setzero_si128();
	for (; at + 20 <= n; at += 16) {
		const uint8_t *q = p + at;
		__m128i a = _mm_loadu_si128((const __m128i *)(const void *)q);
		__m128i c = _mm_loadu_si128((const __m128i *)(const void *)(q + 2));
		__m128i low = _mm_or_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(a, other));
		__m128i both = _mm_and_si128(low, _mm_cmpeq_epi8(c, zero));
		for (int m = _mm_movemask_epi8(both); m; m &= m - 1)
			if (is_length(q + __builtin_ctz((unsigned)m)))
				return at + (size_t)__builtin_ctz((unsigned)m);
	}
	for (; at + 4 <= n; at++)
		if (is_length(p + at))
			return at;
	return n;
}
