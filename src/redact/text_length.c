/* Looks for lengths in all memory, which may hold anything: four bytes, of which two are zero
 * and one is of two values, many places at a time. */
#include "text_length.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { SIZE = 4, BLOCK = 64, FIRST = 0x2b, OTHERS = 0x56 };

/* 43, 86 and 342. */
static bool is_length(const uint8_t *p)
{
	bool low = (p[0] == OTHERS && p[1] < 2) || (p[0] == FIRST && !p[1]);
	return low && !p[2] && !p[3];
}

static bool is_base64url(uint8_t c)
{
	bool letter = (uint8_t)((c | 0x20) - 'a') < 26, digit = (uint8_t)(c - '0') < 10;
	return letter || digit || c == '-' || c == '_';
}

static bool is_there(const uint8_t *p, size_t at, size_t n)
{
	return is_length(p + at) && (at + SIZE == n || is_base64url(p[at + SIZE]));
}

size_t length_next_plainly(const uint8_t *p, size_t at, size_t n)
{
	for (; at + SIZE <= n; at++)
		if (is_there(p, at, n))
			return at;
	return n;
}

#if defined(__x86_64__)
/* The first of those places; n: none of them. */
static inline size_t first_of(const uint8_t *p, size_t at, size_t n, uint64_t places)
{
	for (; places; places &= places - 1) {
		size_t i = at + (size_t)__builtin_ctzll(places);
		if (is_there(p, i, n))
			return i;
	}
	return n;
}

__attribute__((target("avx512bw"))) static size_t next_avx512(const uint8_t *p, size_t at, size_t n)
{
	const __m512i first = _mm512_set1_epi8(FIRST), others = _mm512_set1_epi8(OTHERS);
	for (; at + BLOCK + SIZE <= n; at += BLOCK) {
		__m512i v = _mm512_loadu_si512((const void *)(p + at));
		uint64_t low = _mm512_cmpeq_epi8_mask(v, first) | _mm512_cmpeq_epi8_mask(v, others);
		if (__builtin_expect(!low, 1))
			continue;
		__m512i w = _mm512_loadu_si512((const void *)(p + at + 2));
		__m512i x = _mm512_loadu_si512((const void *)(p + at + 3));
		low &= _mm512_testn_epi8_mask(w, w) & _mm512_testn_epi8_mask(x, x);
		size_t i = first_of(p, at, n, low);
		if (i < n)
			return i;
	}
	return length_next_plainly(p, at, n);
}

__attribute__((target("avx2"))) static size_t next_avx2(const uint8_t *p, size_t at, size_t n)
{
	const __m256i first = _mm256_set1_epi8(FIRST), others = _mm256_set1_epi8(OTHERS);
	const __m256i none = _mm256_setzero_si256();
	for (; at + BLOCK / 2 + SIZE <= n; at += BLOCK / 2) {
		const __m256i *q = (const __m256i *)(const void *)(p + at);
		__m256i v = _mm256_loadu_si256(q);
		__m256i w = _mm256_loadu_si256((const __m256i *)(const void *)(p + at + 2));
		__m256i is =
			_mm256_or_si256(_mm256_cmpeq_epi8(v, first), _mm256_cmpeq_epi8(v, others));
		is = _mm256_and_si256(is, _mm256_cmpeq_epi8(w, none));
		size_t i = first_of(p, at, n, (uint32_t)_mm256_movemask_epi8(is));
		if (i < n)
			return i;
	}
	return length_next_plainly(p, at, n);
}
#endif

size_t length_next(const uint8_t *p, size_t at, size_t n)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512bw"))
		return next_avx512(p, at, n);
	if (__builtin_cpu_supports("avx2"))
		return next_avx2(p, at, n);
#endif
	return length_next_plainly(p, at, n);
}
