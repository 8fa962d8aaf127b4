/* Which limbs of memory fit a filter: one at a time, as it is defined, and many at once. The
 * memory may hold anything; time does not depend on it. */
#include "limbs.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

uint64_t limbs_fit_plainly(const struct limb_filter *f, const uint8_t *p, size_t n)
{
	uint64_t bits = 0;
	n = n < LIMBS_BLOCK ? n : LIMBS_BLOCK;
	for (size_t i = 0; i < n / LIMB_SIZE; i++) {
		uint64_t limb = load_le64(p + i * LIMB_SIZE);
		bits |= (uint64_t)((limb & f->mask) == f->want && (limb & f->part) >= f->least)
			<< i;
	}
	return bits;
}

#if defined(__x86_64__)
/* Signed numbers are compared there: with the highest bit turned the order is the same. */
__attribute__((target("avx2"))) static uint64_t fit_avx2(const struct limb_filter *f,
							 const uint8_t *p)
{
	const __m256i mask = _mm256_set1_epi64x((long long)f->mask);
	const __m256i want = _mm256_set1_epi64x((long long)f->want);
	const __m256i part = _mm256_set1_epi64x((long long)f->part);
	const __m256i top = _mm256_set1_epi64x(INT64_MIN);
	const __m256i least = _mm256_xor_si256(_mm256_set1_epi64x((long long)f->least), top);
	uint64_t bits = 0;
	for (unsigned i = 0; i < 64; i += 4, p += 32) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
		__m256i same = _mm256_cmpeq_epi64(_mm256_and_si256(v, mask), want);
		__m256i less =
			_mm256_cmpgt_epi64(least, _mm256_xor_si256(_mm256_and_si256(v, part), top));
		__m256i fits = _mm256_andnot_si256(less, same);
		bits |= (uint64_t)(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(fits)) << i;
	}
	return bits;
}

__attribute__((target("avx512f"))) static uint64_t fit_avx512(const struct limb_filter *f,
							      const uint8_t *p)
{
	const __m512i mask = _mm512_set1_epi64((long long)f->mask);
	const __m512i want = _mm512_set1_epi64((long long)f->want);
	const __m512i part = _mm512_set1_epi64((long long)f->part);
	const __m512i least = _mm512_set1_epi64((long long)f->least);
	uint64_t bits = 0;
	for (unsigned i = 0; i < 64; i += 8, p += 64) {
		__m512i v = _mm512_loadu_si512((const void *)p);
		__mmask8 same = _mm512_cmpeq_epi64_mask(_mm512_and_si512(v, mask), want);
		bits |= (uint64_t)_mm512_mask_cmpge_epu64_mask(same, _mm512_and_si512(v, part),
							       least)
			<< i;
	}
	return bits;
}
#endif

uint64_t limbs_fit(const struct limb_filter *f, const uint8_t *p, size_t n)
{
#if defined(__x86_64__)
	if (n >= LIMBS_BLOCK && __builtin_cpu_supports("avx512f"))
		return fit_avx512(f, p);
	if (n >= LIMBS_BLOCK && __builtin_cpu_supports("avx2"))
		return fit_avx2(f, p);
#endif
	return limbs_fit_plainly(f, p, n);
}
