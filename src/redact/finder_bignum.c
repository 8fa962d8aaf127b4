/* Headers of long numbers: 16 to 24 bytes that lead to limbs, or to digits of 60 bits. Keys of programs with libcrypto
 * lie nowhere else. Layouts, in memory order:
 *
 *   OpenSSL's BIGNUM    limbs (pointer, 8) | top (4) | dmax (4) | neg (4) | flags (4)
 *   GMP's mpz_t         alloc (4) | size (4) | limbs (pointer, 8)
 *   mbedTLS's MPI       sign (4), 4 unused | size (8) | limbs (pointer, 8)
 *   libtommath's mp_int size (4) | alloc (4) | sign (4), 4 unused | digits (pointer, 8)
 *
 * Anything may look like one: what it leads to is judged at the end. Size: 2.2 MiB. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "bignum_pool.h"
#include "limbs.h"
#include "room.h"

enum { HEADER = 24, LONGEST = 32, TOP_MIN = 3, DMAX_MAX = 1023 };

struct finder_bignum {
	struct finder finder;
	struct bignum_pool pool;
};

/* Two sizes in one limb, top and dmax or alloc and size, or one: few in memory look like it.
 * The lower is never less than the fewest limbs. */
static const struct limb_filter sizes_fit = { 0xfffffc00fffffc00, 0, UINT32_MAX, TOP_MIN };

static void put(struct bignum_pool *p, struct hunt *h, const struct bignum_header *b)
{
	if (p->n_headers == BIGNUM_HEADERS_MAX)
		h->untried++;
	else
		p->headers[p->n_headers++] = *b;
}

static void see(struct bignum_pool *p, struct hunt *h, const struct bignum_header *b)
{
	const struct core_load *load = core_map_at(h->map, b->limbs);
	if (!load || b->limbs - load->addr >= load->file_size)
		return;
	/* windows overlap: a header that was seen is one of the last */
	for (size_t i = p->n_headers; i > 0 && p->headers[i - 1].addr >= b->addr; i--)
		if (p->headers[i - 1].addr == b->addr)
			return;
	put(p, h, b);
}

static bool may_point(uint64_t limbs)
{
	return limbs % 8 == 0 && limbs >> 47 == 0 && limbs >= 4096;
}

/* Whether it may be one. */
static bool judge_openssl(struct bignum_pool *p, struct hunt *h, uint64_t addr, const uint8_t *at)
{
	uint32_t top = load_le32(at + 8), dmax = load_le32(at + 12);
	uint32_t neg = load_le32(at + 16), flags = load_le32(at + 20);
	uint64_t limbs = load_le64(at);
	if (top < TOP_MIN || top > dmax || top > BIGNUM_LIMBS_MAX || neg > 1 ||
	    flags & ~(uint32_t)BIGNUM_FLAGS || !may_point(limbs))
		return false;
	struct bignum_header b = { addr, limbs, flags, (uint16_t)top, BIGNUM_NONE };
	see(p, h, &b);
	return true;
}

/* The sizes are at `at`, the pointer is behind them. */
static void judge_others(struct bignum_pool *p, struct hunt *h, uint64_t addr, const uint8_t *at)
{
	uint32_t low = load_le32(at), high = load_le32(at + 4);
	uint64_t limbs = load_le64(at + 8);
	bool gmp = high >= TOP_MIN && high <= low, mbedtls = !high && load_le32(at - 8) == 1;
	uint32_t top = gmp ? high : low;
	if ((!gmp && !mbedtls) || top > BIGNUM_LIMBS_MAX || !may_point(limbs))
		return;
	struct bignum_header b = { mbedtls ? addr - 8 : addr, limbs, BIGNUM_FOREIGN, (uint16_t)top,
				   BIGNUM_NONE };
	see(p, h, &b);
}

/* The sizes are at `at`, the sign is behind them, then the pointer. */
static void judge_digits(struct bignum_pool *p, struct hunt *h, uint64_t addr, const uint8_t *at)
{
	uint32_t top = load_le32(at), alloc = load_le32(at + 4);
	uint64_t digits = load_le64(at + 16);
	if (top < TOP_MIN || top > alloc || top > BIGNUM_LIMBS_MAX || load_le32(at + 8) > 1 ||
	    !may_point(digits))
		return;
	struct bignum_header b = { addr, digits, BIGNUM_FOREIGN | BIGNUM_DIGITS, (uint16_t)top,
				   BIGNUM_NONE };
	see(p, h, &b);
}

static ch_err look(struct finder *f, struct hunt *h, const struct window *w)
{
	struct bignum_pool *p = &((struct finder_bignum *)f)->pool;
	size_t at = w->seen > LONGEST ? (w->seen - LONGEST) / 8 * 8 : 0;
	for (; at + HEADER <= w->n; at += LIMBS_BLOCK) {
		/* the sizes are the second limb of each; what is behind them counts too */
		uint64_t bits = limbs_fit(&sizes_fit, w->p + at + 8, w->n - at - HEADER + 8);
		while (bits) {
			size_t i = at + limbs_take(&bits);
			bool openssl = load_le32(w->p + i + 12) &&
				       judge_openssl(p, h, w->addr + i, w->p + i);
			judge_others(p, h, w->addr + i + 8, w->p + i + 8);
			if (!openssl && i + LONGEST <= w->n)
				judge_digits(p, h, w->addr + i + 8, w->p + i + 8);
		}
	}
	return CH_DONE;
}

static void join(struct finder *f, struct hunt *h, const struct finder *later)
{
	struct bignum_pool *p = &((struct finder_bignum *)f)->pool;
	const struct bignum_pool *from = &((const struct finder_bignum *)later)->pool;
	for (size_t i = 0; i < from->n_headers; i++)
		put(p, h, &from->headers[i]);
}

static ch_err end(struct finder *f, struct hunt *h)
{
	struct bignum_pool *p = &((struct finder_bignum *)f)->pool;
	TRY(bignum_pool_fill(p, h));
	return bignum_relate(p, h, f->name);
}

static void finder_bignum_free(struct finder *f)
{
	room_done(f, sizeof(struct finder_bignum));
}

ch_err finder_bignum_new(struct finder **ret_f)
{
	void *p = NULL;
	TRY(room_new(sizeof(struct finder_bignum), &p));
	struct finder_bignum *f = p;
	f->finder = (struct finder){ LIT("openssl-bignum"), look, end, finder_bignum_free, join };
	*ret_f = &f->finder;
	return CH_DONE;
}
