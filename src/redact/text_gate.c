/* Looks through all memory for fragments of patterns: the hottest loop of the finder of text. The
 * memory may hold anything; it may only err by seeing a fragment where there is none. */
#include "text_gate.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
	BLOCK = 64,
	BEFORE = FRAGMENT_MAX,                   /* of a block, that is read for it */
	BEHIND = GATE_PLACES - 1 + FRAGMENT_MAX, /* likewise */
};

static const struct gate_table *const table = &text_gate_made;

/* Is a fragment of one of these buckets here? `before`: how many bytes are before p. */
static inline bool is_there(const uint8_t *p, size_t before, unsigned buckets)
{
	uint32_t gram = gate_gram(load_le32(p));
	if (__builtin_expect(!(table->grams[gram / 64] >> gram % 64 & 1), 1))
		return false;
	for (; buckets; buckets &= buckets - 1) {
		unsigned b = (unsigned)__builtin_ctz(buckets);
		for (size_t i = table->first[b]; i < table->first[b + 1]; i++) {
			const struct gate_word *w = &table->words[i];
			if (w->at <= before && (load_le64(p - w->at) & w->mask) == w->want)
				return true;
		}
	}
	return false;
}

/* Blocks from p[at] on until one ends behind `end`; p[0 .. end + BLOCK + BEHIND) is there. The
 * first place in a fragment, or one that is not before end. */
typedef size_t kernel(const uint8_t *p, size_t at, size_t end);

static inline unsigned buckets_of(const uint8_t *p, size_t set)
{
	unsigned all = 0xff;
	for (size_t k = 0; k < GATE_PLACES; k++)
		all &= table->low[k][set][p[k] & 15] & table->high[k][set][p[k] >> 4];
	return all;
}

static size_t blocks_plainly(const uint8_t *p, size_t at, size_t end)
{
	for (; at < end; at++) {
		unsigned buckets = buckets_of(p + at, 0) | buckets_of(p + at, 1) << 8;
		if (buckets && is_there(p + at, at, buckets))
			return at;
	}
	return at;
}

#if defined(__x86_64__)
static inline size_t first_of(const uint8_t *p, size_t at, uint64_t places, const uint8_t *low,
			      const uint8_t *high)
{
	for (; places; places &= places - 1) {
		size_t i = (size_t)__builtin_ctzll(places);
		if (is_there(p + at + i, at + i, low[i] | (unsigned)high[i] << 8))
			return i;
	}
	return BLOCK;
}

#define AVX512 __attribute__((target("avx512bw")))
#define AVX2 __attribute__((target("avx2")))

AVX512 static inline __m512i four_times(const uint8_t *p)
{
	return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)p));
}

AVX512 static size_t blocks_avx512(const uint8_t *p, size_t at, size_t end)
{
	const __m512i half = _mm512_set1_epi8(15);
	__m512i low[GATE_PLACES][GATE_SETS], high[GATE_PLACES][GATE_SETS];
	for (size_t k = 0; k < GATE_PLACES; k++)
		for (size_t s = 0; s < GATE_SETS; s++) {
			low[k][s] = four_times(table->low[k][s]);
			high[k][s] = four_times(table->high[k][s]);
		}
	for (; at < end; at += BLOCK) {
		__m512i in[GATE_SETS] = { _mm512_set1_epi8(-1), _mm512_set1_epi8(-1) };
		for (size_t k = 0; k < GATE_PLACES; k++) {
			__m512i v = _mm512_loadu_si512((const void *)(p + at + k));
			__m512i a = _mm512_and_si512(v, half);
			__m512i b = _mm512_and_si512(_mm512_srli_epi16(v, 4), half);
			for (size_t s = 0; s < GATE_SETS; s++)
				in[s] = _mm512_ternarylogic_epi64(
					in[s], _mm512_shuffle_epi8(low[k][s], a),
					_mm512_shuffle_epi8(high[k][s], b), 0x80);
		}
		__m512i any = _mm512_or_si512(in[0], in[1]);
		uint64_t places = _mm512_test_epi8_mask(any, any);
		if (__builtin_expect(!places, 1))
			continue;
		uint8_t NOT_ZEROED is[GATE_SETS][BLOCK];
		_mm512_storeu_si512((void *)is[0], in[0]);
		_mm512_storeu_si512((void *)is[1], in[1]);
		size_t i = first_of(p, at, places, is[0], is[1]);
		if (i < BLOCK)
			return at + i;
	}
	return at;
}

AVX2 static inline __m256i twice(const uint8_t *p)
{
	return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)p));
}

AVX2 static size_t blocks_avx2(const uint8_t *p, size_t at, size_t end)
{
	enum { HALF = BLOCK / 2 };
	const __m256i half = _mm256_set1_epi8(15);
	__m256i low[GATE_PLACES][GATE_SETS], high[GATE_PLACES][GATE_SETS];
	for (size_t k = 0; k < GATE_PLACES; k++)
		for (size_t s = 0; s < GATE_SETS; s++) {
			low[k][s] = twice(table->low[k][s]);
			high[k][s] = twice(table->high[k][s]);
		}
	for (; at < end; at += HALF) {
		__m256i in[GATE_SETS] = { _mm256_set1_epi8(-1), _mm256_set1_epi8(-1) };
		for (size_t k = 0; k < GATE_PLACES; k++) {
			__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(p + at + k));
			__m256i a = _mm256_and_si256(v, half);
			__m256i b = _mm256_and_si256(_mm256_srli_epi16(v, 4), half);
			for (size_t s = 0; s < GATE_SETS; s++) {
				__m256i both = _mm256_and_si256(_mm256_shuffle_epi8(low[k][s], a),
								_mm256_shuffle_epi8(high[k][s], b));
				in[s] = _mm256_and_si256(in[s], both);
			}
		}
		__m256i none =
			_mm256_cmpeq_epi8(_mm256_or_si256(in[0], in[1]), _mm256_setzero_si256());
		uint32_t places = ~(uint32_t)_mm256_movemask_epi8(none);
		if (__builtin_expect(!places, 1))
			continue;
		uint8_t NOT_ZEROED is[GATE_SETS][HALF];
		_mm256_storeu_si256((__m256i *)(void *)is[0], in[0]);
		_mm256_storeu_si256((__m256i *)(void *)is[1], in[1]);
		size_t i = first_of(p, at, places, is[0], is[1]);
		if (i < BLOCK)
			return at + i;
	}
	return at;
}
#endif

/* The last blocks, or all of a short piece, where nothing may be read behind the end: with zeros
 * behind it. */
static size_t next_at_end(kernel *k, const uint8_t *p, size_t at, size_t n)
{
	uint8_t NOT_ZEROED copy[BEFORE + 3 * BLOCK + BEHIND];
	size_t before = at < BEFORE ? at : BEFORE, there = before + n - at;
	mem_copy(copy, p + at - before, there);
	mem_zero(copy + there, sizeof(copy) - there);
	at += k(copy, before, there) - before;
	return at < n ? at : n;
}

static size_t next_by(kernel *k, const uint8_t *p, size_t at, size_t n)
{
	if (at >= n)
		return n;
	if (n - at > 2 * BLOCK) {
		size_t end = n - BLOCK - BEHIND;
		at = k(p, at, end);
		if (at < end)
			return at;
	}
	return next_at_end(k, p, at, n);
}

size_t gate_next_plainly(const uint8_t *p, size_t at, size_t n)
{
	return next_by(blocks_plainly, p, at, n);
}

size_t gate_next(const uint8_t *p, size_t at, size_t n)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512bw"))
		return next_by(blocks_avx512, p, at, n);
	if (__builtin_cpu_supports("avx2"))
		return next_by(blocks_avx2, p, at, n);
#endif
	return gate_next_plainly(p, at, n);
}
