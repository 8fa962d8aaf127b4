/* A fast look at which blocks may hold text, 64 bytes at a time. It may only err by marking
 * too much. */
#include <emmintrin.h>

#include "text_hot.h"

enum { NEAR = 4 }; /* a call of the scanner costs more than so many blocks */

struct masks {
	uint64_t text, zero; /* a bit for each byte */
};

static struct masks masks_of(const uint8_t *p)
{
	const __m128i blank = _mm_set1_epi8(0x1f), del = _mm_set1_epi8(0x7f);
	const __m128i nine = _mm_set1_epi8(8), cr = _mm_set1_epi8(14);
	struct masks m = { 0 };
	for (unsigned i = 0; i < 4; i++) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
		/* signed: bytes from 0x80 on are less than 0 */
		__m128i shown = _mm_andnot_si128(_mm_cmpeq_epi8(v, del), _mm_cmpgt_epi8(v, blank));
		__m128i ends = _mm_and_si128(_mm_cmpgt_epi8(v, nine), _mm_cmplt_epi8(v, cr));
		unsigned text = (unsigned)_mm_movemask_epi8(_mm_or_si128(shown, ends));
		unsigned zero = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_setzero_si128()));
		m.text |= (uint64_t)text << 16 * i;
		m.zero |= (uint64_t)zero << 16 * i;
	}
	return m;
}

typedef unsigned __int128 u128;

/* Does a run end or go on in the upper half? */
static bool runs(struct masks before, struct masks now)
{
	u128 text = (u128)now.text << 64 | before.text;
	u128 zero = (u128)now.zero << 64 | before.zero;
	u128 wide = text & zero >> 1;
	text &= text >> 1;
	text &= text >> 2;
	text &= text >> 4;
	wide &= wide >> 2;
	wide &= wide >> 4;
	return (uint64_t)(text >> 57) || (uint64_t)(wide >> 57);
}

static void mark(struct hot *h, size_t block)
{
	if (block < h->blocks)
		h->bits[block / 64] |= (uint64_t)1 << block % 64;
}

void hot_mark(const uint8_t *p, size_t n, struct hot *ret_hot)
{
	size_t blocks = (n + HOT_BLOCK - 1) / HOT_BLOCK;
	*ret_hot = (struct hot){ .blocks = blocks };
	struct masks before = { 0 };
	for (size_t i = 0; i + 1 < blocks; i++) {
		struct masks now = masks_of(p + i * HOT_BLOCK);
		if (runs(before, now)) {
			mark(ret_hot, i ? i - 1 : 0);
			mark(ret_hot, i);
			mark(ret_hot, i + 1);
		}
		before = now;
	}
	mark(ret_hot, 0);
	mark(ret_hot, blocks - 1);
	mark(ret_hot, blocks > 1 ? blocks - 2 : 0);
}

static bool marked(const struct hot *h, size_t block)
{
	return h->bits[block / 64] >> block % 64 & 1;
}

bool hot_next(const struct hot *h, size_t *at, size_t *ret_end)
{
	size_t from = *at;
	while (from < h->blocks && !marked(h, from))
		from++;
	if (from >= h->blocks)
		return false;
	size_t end = from + 1;
	for (size_t i = end; i < h->blocks && i < end + NEAR; i++)
		if (marked(h, i))
			end = i + 1;
	*at = from;
	*ret_end = end;
	return true;
}
