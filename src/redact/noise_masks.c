/* Which limbs of memory look random: one at a time, as it is defined, and many at once. The
 * memory may hold anything; time does not depend on it. */
#include "noise.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { LIMBS = NOISE_BLOCK / NOISE_LIMB };

uint64_t noise_bits(const uint8_t *p, size_t n)
{
	uint64_t bits = 0;
	for (size_t i = 0; i < n / NOISE_LIMB; i++) {
		uint64_t limb = load_le64(p + i * NOISE_LIMB);
		/* addresses and small numbers of either sign: the upper 17 bits are alike */
		bool far = (((limb >> 47) + 1) & 0x1ffff) > 1;
		bool text = !(limb & 0x8080808080808080);
		bits |= (uint64_t)(far & !text) << i;
	}
	return bits;
}

struct noise_masks noise_masks_plainly(const uint8_t *p, size_t there)
{
	size_t n = there < NOISE_BLOCK ? there : NOISE_BLOCK;
	struct noise_masks m = { noise_bits(p, n), 0 };
	for (size_t i = 0; i < LIMBS && (i + 2) * NOISE_LIMB <= there; i++) {
		uint64_t differs = load_le64(p + i * NOISE_LIMB) ^
				   load_le64(p + (i + 1) * NOISE_LIMB);
		m.alike |= (uint64_t) !(differs >> 56) << i;
	}
	return m;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static struct noise_masks masks_avx2(const uint8_t *p)
{
	const __m256i top = _mm256_set1_epi64x((long long)0x8080808080808080);
	const __m256i one = _mm256_set1_epi64x(1), signs = _mm256_set1_epi64x(0x1ffff);
	const __m256i none = _mm256_setzero_si256();
	struct noise_masks m = { 0 };
	for (unsigned i = 0; i < LIMBS; i += 4, p += 32) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
		__m256i next = _mm256_loadu_si256((const __m256i *)(const void *)(p + 8));
		__m256i upper = _mm256_add_epi64(_mm256_srli_epi64(v, 47), one);
		__m256i far = _mm256_cmpgt_epi64(_mm256_and_si256(upper, signs), one);
		__m256i text = _mm256_cmpeq_epi64(_mm256_and_si256(v, top), none);
		__m256i differs = _mm256_srli_epi64(_mm256_xor_si256(v, next), 56);
		__m256i noise = _mm256_andnot_si256(text, far);
		__m256i alike = _mm256_cmpeq_epi64(differs, none);
		m.noise |= (uint64_t)(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(noise)) << i;
		m.alike |= (uint64_t)(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(alike)) << i;
	}
	return m;
}

__attribute__((target("avx512f"))) static struct noise_masks masks_avx512(const uint8_t *p)
{
	const __m512i top = _mm512_set1_epi64((long long)0x8080808080808080);
	const __m512i one = _mm512_set1_epi64(1), signs = _mm512_set1_epi64(0x1ffff);
	struct noise_masks m = { 0 };
	for (unsigned i = 0; i < LIMBS; i += 8, p += 64) {
		__m512i v = _mm512_loadu_si512((const void *)p);
		__m512i next = _mm512_loadu_si512((const void *)(p + 8));
		__m512i upper = _mm512_add_epi64(_mm512_srli_epi64(v, 47), one);
		__m512i differs = _mm512_srli_epi64(_mm512_xor_si512(v, next), 56);
		__mmask8 far = _mm512_cmpgt_epi64_mask(_mm512_and_si512(upper, signs), one);
		m.noise |= (uint64_t)_mm512_mask_test_epi64_mask(far, v, top) << i;
		m.alike |= (uint64_t)_mm512_testn_epi64_mask(differs, differs) << i;
	}
	return m;
}
#endif

struct noise_masks noise_masks(const uint8_t *p, size_t there)
{
#if defined(__x86_64__)
	bool all = there >= NOISE_BLOCK + NOISE_LIMB;
	if (all && __builtin_cpu_supports("avx512f"))
		return masks_avx512(p);
	if (all && __builtin_cpu_supports("avx2"))
		return masks_avx2(p);
#endif
	return noise_masks_plainly(p, there);
}
