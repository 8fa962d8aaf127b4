/* Places that may hold a private number. Memory is a crashed program's and may hold any
 * number of them: the table and the work are bounded, and what was left out is counted. */
#include <string.h>

#include "base/rand.h"
#include "crypto/short_hash.h"
#include "noise.h"
#include "places.h"

enum {
	LIMB = 8,
	NEAR_LIMBS = 16,
	LINK_LIMBS = 16,
	NEAR_HITS_MAX = 64,
	NEAR_SLOTS = 2 * PLACE_NEARS_MAX,
	TRIED_SLOTS = 8 * PLACES_MAX,
};

struct finding {
	struct noise_taker taker;
	struct places *places;
	struct hunt *h;
};

void places_init(struct places *p, unsigned want, enum place_want near)
{
	p->want = want;
	p->near = near;
	rand_fill(p->key, sizeof(p->key));
}

static uint64_t hash(const struct places *p, bytes b)
{
	uint64_t h = short_hash(p->key, b);
	return h ? h : 1;
}

/* Puts a hash into a table of which a quarter stays free; true when it was there. */
static bool put(uint64_t *table, size_t slots, uint64_t h)
{
	size_t at = (size_t)(h % slots);
	for (; table[at]; at = (at + 1) % slots)
		if (table[at] == h)
			return true;
	table[at] = h;
	return false;
}

static size_t near_bit(const uint8_t *head)
{
	return (size_t)((load_le64(head) * 0x9e3779b97f4a7c15) >> 48);
}

void places_near(struct places *p, const uint8_t head[static 8])
{
	if (p->n_nears == PLACE_NEARS_MAX) {
		p->overflow++;
		return;
	}
	size_t bit = near_bit(head);
	p->near_bits[bit / 64] |= 1ull << bit % 64;
	p->n_nears += !put(p->nears, NEAR_SLOTS, hash(p, (bytes){ head, LIMB }));
}

static bool is_near(const struct places *p, const uint8_t *head)
{
	size_t bit = near_bit(head);
	if (!(p->near_bits[bit / 64] >> bit % 64 & 1))
		return false;
	uint64_t h = hash(p, (bytes){ head, LIMB });
	for (size_t at = (size_t)(h % NEAR_SLOTS); p->nears[at]; at = (at + 1) % NEAR_SLOTS)
		if (p->nears[at] == h)
			return true;
	return false;
}

/* Numbers drawn at random have many differing bytes and about as many bits set as not: one in
 * 100,000 of them has not, and nearly all else that noise_bits takes for random, as tables of
 * bits, compressed pointers and bytecode. */
static bool is_drawn(bytes b)
{
	static const struct {
		uint8_t differ, margin;
	} limits[] = { [4] = { 22, 52 }, [6] = { 32, 64 }, [8] = { 42, 74 } };
	uint64_t seen[4] = { 0 };
	size_t words = b.n < 48 ? 4 : b.n < 64 ? 6 : 8, differ = 0, set = 0;
	for (size_t i = 0; i < words * LIMB; i++)
		seen[b.p[i] >> 6] |= UINT64_C(1) << (b.p[i] & 63);
	for (size_t i = 0; i < words; i++)
		set += noise_count(load_le64(b.p + i * LIMB));
	for (size_t i = 0; i < COUNT_OF(seen); i++)
		differ += noise_count(seen[i]);
	size_t middle = words * LIMB * 4, margin = limits[words].margin;
	return differ >= limits[words].differ && set + margin >= middle && set <= middle + margin;
}

static void add(struct places *p, enum place_tier tier, uint64_t addr, enum place_want size)
{
	if (p->n[tier] == PLACES_MAX)
		p->overflow += tier == PLACE_SURE;
	else
		p->places[tier][p->n[tier]++] = (struct place){ addr, size };
}

void places_add(struct places *p, uint64_t addr, enum place_want size)
{
	add(p, PLACE_SURE, addr, size);
}

/* What stands in front of an allocation: glibc's size of a chunk, or a JDK's array of size
 * bytes or as many words. */
static bool is_header(uint64_t limb, size_t size)
{
	uint64_t length = limb >> 32, chunk = limb & ~(uint64_t)0xf;
	bool glibc = (limb & 0xb) == 1 && chunk > size && chunk <= size + 48;
	return glibc || ((length == size || length == size / 4) && (uint32_t)limb);
}

/* What goes on for so long is mostly a number or hash of its own: an RSA modulus, a signature. */
static bool is_long(const struct noise_piece *p, size_t i)
{
	enum { LONG = 32, PLAIN_MAX = 3 };
	return noise_count(noise_run(p, i, LONG)) >= LONG - PLAIN_MAX;
}

/* Something of `limbs` limbs at limb i: which tier, or PLACE_TIERS for none. */
static unsigned tier_of(const struct noise_piece *p, size_t i, unsigned limbs)
{
	unsigned count = noise_count(noise_run(p, i, limbs));
	bool before = i && noise_run(p, i - 1, 1), after = noise_run(p, i + limbs, 1);
	/* one in 60 has a limb that is plain by chance */
	if (count + 1 < limbs)
		return PLACE_TIERS;
	if (!before && i && is_header(load_le64(p->p + (i - 1) * LIMB), limbs * LIMB))
		return PLACE_SURE;
	if (count < limbs || (before && after))
		return PLACE_TIERS;
	if (!before && !after)
		return PLACE_ALONE;
	return before || is_long(p, i) ? PLACE_LAST : PLACE_FIRST;
}

/* 521 bits: 8 limbs and 9 bits, little endian. */
static unsigned tier_of_66(const struct noise_piece *p, size_t i)
{
	unsigned count = noise_count(noise_run(p, i, 8));
	uint64_t before = i ? load_le64(p->p + (i - 1) * LIMB) : 0;
	if (count < 7 || load_le64(p->p + (i + 8) * LIMB) > 0x1ff)
		return PLACE_TIERS;
	if (is_header(before, 72) || is_header(before, 66))
		return PLACE_SURE;
	return i && noise_run(p, i - 1, 1) ? PLACE_LAST : PLACE_ALONE;
}

static void see_limb(struct places *x, const struct noise_piece *p, size_t i)
{
	static const struct {
		enum place_want size;
		unsigned limbs;
	} sizes[] = { { PLACE_32, 4 }, { PLACE_48, 6 }, { PLACE_64, 8 } };
	size_t left = p->n / LIMB - i;
	for (size_t k = 0; k < COUNT_OF(sizes); k++) {
		if (!(x->want & sizes[k].size) || left < sizes[k].limbs)
			continue;
		unsigned tier = tier_of(p, i, sizes[k].limbs);
		if (tier < PLACE_TIERS &&
		    is_drawn((bytes){ p->p + i * LIMB, sizes[k].limbs * LIMB }))
			add(x, tier, p->addr + i * LIMB, sizes[k].size);
	}
	unsigned tier = x->want & PLACE_66 && left > 8 ? tier_of_66(p, i) : PLACE_TIERS;
	if (tier < PLACE_TIERS)
		add(x, tier, p->addr + i * LIMB, PLACE_66);
}

/* Whatever lies around limb i, where a public key is. */
static void see_near(struct finding *f, const struct noise_piece *p, size_t i)
{
	struct places *x = f->places;
	size_t from = i > NEAR_LIMBS ? i - NEAR_LIMBS : 0, end = p->n / LIMB;
	if (++x->near_hits > NEAR_HITS_MAX)
		return;
	for (size_t k = from; k < i + NEAR_LIMBS && k < end; k++) {
		uint64_t limb = load_le64(p->p + k * LIMB);
		bool close = k + LINK_LIMBS > i && k < i + LINK_LIMBS;
		if (noise_count(noise_run(p, k, 4)) >= 3)
			add(x, PLACE_SURE, p->addr + k * LIMB, x->near);
		else if (x->want & PLACE_LINKS && close && limb % LIMB == 0 &&
			 core_map_at(f->h->map, limb))
			add(x, PLACE_SURE, limb, x->near);
	}
}

/* Behind the header of a DER form: RFC 5915 and RFC 8410. */
static void see_der(struct places *x, const struct noise_piece *p)
{
	static const struct {
		uint8_t header[5], n;
		enum place_want size;
	} headers[] = { { { 2, 1, 1, 4, 32 }, 5, PLACE_32 },
			{ { 2, 1, 1, 4, 48 }, 5, PLACE_48 },
			{ { 2, 1, 1, 4, 66 }, 5, PLACE_66 },
			{ { 4, 34, 4, 32 }, 4, PLACE_32 } };
	for (size_t k = 0; k < COUNT_OF(headers); k++) {
		size_t n = headers[k].n;
		const uint8_t *at = p->p + p->from, *end = p->p + p->to;
		if (!(x->want & headers[k].size))
			continue;
		while ((at = memmem(at, (size_t)(end - at), headers[k].header, n))) {
			at += n;
			add(x, PLACE_SURE, p->addr + (uint64_t)(at - p->p), headers[k].size);
		}
	}
}

static ch_err take(struct noise_taker *t, const struct noise_piece *p)
{
	struct finding *f = (struct finding *)t;
	struct places *x = f->places;
	for (size_t i = p->from / LIMB; i < p->to / LIMB; i++) {
		/* two plain limbs begin nothing */
		if (!noise_run(p, i, 2))
			continue;
		see_limb(x, p, i);
		if (x->want & PLACE_NEAR && is_near(x, p->p + i * LIMB))
			see_near(f, p, i);
	}
	see_der(x, p);
	return CH_DONE;
}

ch_err places_find(struct places *p, struct hunt *h)
{
	struct finding f = { { take }, p, h };
	return noise_walk(h->noise, h->memory, &f.taker);
}

static const size_t sizes[] = {
	[PLACE_32] = 32, [PLACE_48] = 48, [PLACE_64] = 64, [PLACE_66] = PLACE_SIZE_MAX
};

static ch_err test_one(struct places *p, struct hunt *h, struct place_tester *t,
		       const struct place *place)
{
	uint8_t is[PLACE_SIZE_MAX] = { 0 };
	size_t want = sizes[place->size], n = 0, got = 1;
	while (got && n < want) {
		TRY(h->memory->read(h->memory, place->addr + n, is + n, want - n, &got));
		n += got;
	}
	if (n < (want < 66 ? want : 66) || !is_drawn((bytes){ is, n }) ||
	    put(p->tried, TRIED_SLOTS, hash(p, (bytes){ is, n })))
		return CH_DONE;
	ch_err e = t->test(t, place, (bytes){ is, n });
	mem_wipe(is, sizeof(is));
	return e;
}

ch_err places_test(struct places *p, struct hunt *h, struct place_tester *t)
{
	h->untried += p->overflow;
	for (unsigned tier = 0; tier < PLACE_TIERS; tier++) {
		for (size_t i = 0; i < p->n[tier]; i++) {
			const struct place *place = &p->places[tier][i];
			if (t->wants(t, place, (enum place_tier)tier))
				TRY(test_one(p, h, t, place));
		}
	}
	return CH_DONE;
}
