/* Ed25519 and X25519: seeds, clamped scalars and what follows from them, of public keys in
 * sight; and two forms that tell of themselves: seed || public key in 64 bytes (libsodium,
 * Go), and libcrypto's ECX_KEY, which holds the public key and leads to the private one:
 *
 *   … | public key (57), 7 unused | private key (pointer, 8) | 32 (8) | kind (4) | …
 *
 * X448's and Ed448's are like it; of those the structure is taken at its word.
 *
 * Size: 2.4 MiB. */
#include "base/cleanup.h"
#include "crypto/related.h"
#include "limbs.h"
#include "noise.h"
#include "places.h"
#include "room.h"

/* How many are tried, some 25 us each: so many, and more by noise_scale. */
enum {
	TRIES_MAX = 2 * 1024,
	TRIES_MORE = 2 * 1024,
	KEY = 32,
	LINKS_MAX = 4096,
	LIMB = 8,
	ECX_PUBLIC = 63,
	ECX_KINDS = 4,
	ECX_X448 = 1,
	ECX_ED448 = 3,
	X448 = 56,
	ED448 = 57,
	DISTINCT_MIN = 32, /* of 56 random bytes; 51 are likely */
	LARGE_MAX = 1024
};

/* What an ECX_KEY says. */
struct link {
	uint64_t addr; /* of the private key */
	uint8_t public[KEY];
};

/* Of X448 and Ed448. */
struct large {
	uint64_t addr;
	size_t n;
};

struct finder_ed25519 {
	struct finder finder;
	size_t n_large;
	struct large large[LARGE_MAX];
	size_t n_links;
	struct link links[LINKS_MAX];
	struct places places;
};

struct test {
	struct place_tester tester;
	struct hunt *h;
	str finder;
	size_t n_ed, n_x; /* public keys in sight */
	size_t tries[2];  /* of pairs, and of others */
};

static bool in_sight(const struct hunt *h, enum public_kind kind, const uint8_t *public)
{
	for (size_t i = 0; i < publics_count(h->publics, kind); i++)
		if (bytes_eq(publics_at(h->publics, kind, i), (bytes){ public, KEY }))
			return true;
	return false;
}

static ch_err say(struct test *t, enum value_kind kind, const uint8_t *is, uint64_t addr)
{
	/* not numbers, although a scalar is one: nobody turns them around */
	struct value v = { kind, false, { is, KEY }, t->finder, addr };
	return values_add(t->h->values, &v);
}

static ch_err say_seed(struct test *t, const uint8_t *seed, uint64_t addr)
{
	uint8_t both[2 * KEY];
	ed25519_expand(seed, both);
	TRY(say(t, VALUE_ED25519_SEED, seed, addr));
	TRY(say(t, VALUE_ED25519_SCALAR, both, addr));
	ch_err e = say(t, VALUE_ED25519_SCALAR, both + KEY, addr);
	mem_wipe(both, sizeof(both));
	return e;
}

/* Libraries keep X25519's as it was given, or with its bits set. */
static ch_err say_x25519(struct test *t, const uint8_t *scalar, uint64_t addr)
{
	uint8_t clamped[KEY];
	mem_copy(clamped, scalar, KEY);
	clamped[0] &= 248;
	clamped[KEY - 1] = (uint8_t)((clamped[KEY - 1] & 127) | 64);
	TRY(say(t, VALUE_X25519, scalar, addr));
	ch_err e = say(t, VALUE_X25519, clamped, addr);
	mem_wipe(clamped, sizeof(clamped));
	return e;
}

static bool is_clamped(const uint8_t *s)
{
	return !(s[0] & 7) && (s[KEY - 1] & 0xc0) == 0x40;
}

static bool wants(struct place_tester *tester, const struct place *p, enum place_tier tier)
{
	struct test *t = (struct test *)tester;
	bool more = t->tries[p->size != PLACE_64] <
		    TRIES_MAX + TRIES_MORE * noise_scale(t->h->noise);
	/* of what tells of itself only what is alone */
	if (p->size == PLACE_64 && tier > PLACE_ALONE)
		return false;
	t->h->untried += !more && tier == PLACE_SURE;
	return more;
}

/* Seed and public key in one. */
static ch_err test_pair(struct test *t, const struct place *p, bytes is)
{
	uint8_t public[KEY];
	t->tries[0]++;
	ed25519_of_seed(is.p, public);
	return mem_eq(public, is.p + KEY, KEY) ? say_seed(t, is.p, p->addr) : CH_DONE;
}

static ch_err test_ed(struct test *t, const struct place *p, const uint8_t *is)
{
	uint8_t public[KEY];
	t->tries[1]++;
	ed25519_of_seed(is, public);
	if (in_sight(t->h, PUBLIC_ED25519, public))
		TRY(say_seed(t, is, p->addr));
	if (!is_clamped(is))
		return CH_DONE;
	t->tries[1]++;
	if (!failed(ed25519_of_scalar(is, public)) && in_sight(t->h, PUBLIC_ED25519, public))
		TRY(say(t, VALUE_ED25519_SCALAR, is, p->addr));
	return CH_DONE;
}

static ch_err test(struct place_tester *tester, const struct place *p, bytes is)
{
	struct test *t = (struct test *)tester;
	uint8_t public[KEY];
	if (p->size == PLACE_64)
		return test_pair(t, p, is);
	if (t->n_ed)
		TRY(test_ed(t, p, is.p));
	if (!t->n_x)
		return CH_DONE;
	t->tries[1]++;
	if (!failed(x25519_of(is.p, public)) && in_sight(t->h, PUBLIC_X25519, public))
		TRY(say_x25519(t, is.p, p->addr));
	return CH_DONE;
}

/* A pointer at `at`, and the length of a key behind it. */
static void see_link(struct finder_ed25519 *f, struct hunt *h, const uint8_t *at)
{
	uint64_t to = load_le64(at);
	if (load_le32(at + 2 * LIMB) >= ECX_KINDS || !core_map_at(h->map, to) ||
	    !load_le64(at - ECX_PUBLIC) || at[KEY - ECX_PUBLIC])
		return;
	if (f->n_links == LINKS_MAX) {
		h->untried++;
		return;
	}
	struct link *l = &f->links[f->n_links++];
	l->addr = to;
	mem_copy(l->public, at - ECX_PUBLIC, KEY);
}

static size_t distinct(const uint8_t *p, size_t n)
{
	bool is[256] = { false };
	size_t sum = 0;
	for (size_t i = 0; i < n; i++) {
		sum += !is[p[i]];
		is[p[i]] = true;
	}
	return sum;
}

/* An ECX_KEY of the larger curve, n bytes, its pointer at `at`. */
static void see_large(struct finder_ed25519 *f, struct hunt *h, const uint8_t *at, size_t n)
{
	const uint8_t *public = at - ECX_PUBLIC;
	uint32_t kind = load_le32(at + 2 * LIMB);
	uint64_t to = load_le64(at);
	if (kind != (n == X448 ? ECX_X448 : ECX_ED448) || !core_map_at(h->map, to) ||
	    (n == X448 && public[X448]) || distinct(public, X448) < DISTINCT_MIN)
		return;
	if (f->n_large == LARGE_MAX)
		h->untried++;
	else
		f->large[f->n_large++] = (struct large){ to, n };
}

static void see(struct finder_ed25519 *f, struct hunt *h, const uint8_t *at)
{
	uint64_t n = load_le64(at + LIMB);
	if (n == KEY)
		see_link(f, h, at);
	if (n == X448 || n == ED448)
		see_large(f, h, at, (size_t)n);
}

static ch_err look(struct finder *finder, struct hunt *h, const struct window *w)
{
	/* 32, 56, 57 and few others */
	static const struct limb_filter length = { ~UINT64_C(25), KEY, 0, 0 };
	struct finder_ed25519 *f = (struct finder_ed25519 *)finder;
	size_t at = w->seen > 3 * LIMB ? (w->seen - 3 * LIMB) / LIMB * LIMB : 0;
	at = at > 72 ? at : 72;
	for (; at + 3 * LIMB <= w->n; at += LIMBS_BLOCK) {
		uint64_t bits = limbs_fit(&length, w->p + at + LIMB, w->n - at - 2 * LIMB);
		while (bits)
			see(f, h, w->p + at + limbs_take(&bits));
	}
	return CH_DONE;
}

static void join(struct finder *finder, struct hunt *h, const struct finder *later)
{
	struct finder_ed25519 *f = (struct finder_ed25519 *)finder;
	const struct finder_ed25519 *from = (const struct finder_ed25519 *)later;
	for (size_t i = 0; i < from->n_links; i++) {
		if (f->n_links < LINKS_MAX)
			f->links[f->n_links++] = from->links[i];
		else
			h->untried++;
	}
	for (size_t i = 0; i < from->n_large; i++) {
		if (f->n_large < LARGE_MAX)
			f->large[f->n_large++] = from->large[i];
		else
			h->untried++;
	}
}

static ch_err follow(struct test *t, const struct link *l)
{
	uint8_t is[KEY], public[KEY];
	size_t got = 0;
	TRY(t->h->memory->read(t->h->memory, l->addr, is, KEY, &got));
	if (got < KEY)
		return CH_DONE;
	ed25519_of_seed(is, public);
	if (mem_eq(public, l->public, KEY))
		TRY(say_seed(t, is, l->addr));
	if (!failed(x25519_of(is, public)) && mem_eq(public, l->public, KEY))
		TRY(say_x25519(t, is, l->addr));
	mem_wipe(is, sizeof(is));
	return CH_DONE;
}

static ch_err follow_large(struct test *t, const struct large *l)
{
	uint8_t is[ED448];
	size_t got = 0;
	TRY(t->h->memory->read(t->h->memory, l->addr, is, l->n, &got));
	if (got < l->n || distinct(is, X448) < DISTINCT_MIN)
		return CH_DONE;
	struct value v = { VALUE_PRIVATE_KEY, false, { is, l->n }, t->finder, l->addr };
	ch_err e = values_add(t->h->values, &v);
	mem_wipe(is, sizeof(is));
	return e;
}

static ch_err end(struct finder *finder, struct hunt *h)
{
	struct finder_ed25519 *f = (struct finder_ed25519 *)finder;
	struct test t = { { wants, test },
			  h,
			  f->finder.name,
			  publics_count(h->publics, PUBLIC_ED25519),
			  publics_count(h->publics, PUBLIC_X25519),
			  { 0, 0 } };
	for (size_t i = 0; i < f->n_links; i++)
		TRY(follow(&t, &f->links[i]));
	for (size_t i = 0; i < f->n_large; i++)
		TRY(follow_large(&t, &f->large[i]));
	unsigned near = t.n_ed || t.n_x ? PLACE_32 | PLACE_NEAR | PLACE_LINKS : 0;
	places_init(&f->places, PLACE_64 | near, PLACE_32);
	for (size_t i = 0; i < t.n_ed; i++)
		places_near(&f->places, publics_at(h->publics, PUBLIC_ED25519, i).p);
	for (size_t i = 0; i < t.n_x; i++)
		places_near(&f->places, publics_at(h->publics, PUBLIC_X25519, i).p);
	TRY(places_find(&f->places, h));
	return places_test(&f->places, h, &t.tester);
}

static void finder_ed25519_free(struct finder *f)
{
	room_done(f, sizeof(struct finder_ed25519));
}

ch_err finder_ed25519_new(struct finder **ret_f)
{
	void *p = NULL;
	TRY(room_new(sizeof(struct finder_ed25519), &p));
	struct finder_ed25519 *f = p;
	f->finder = (struct finder){ LIT("ed25519"), look, end, finder_ed25519_free, join };
	*ret_f = &f->finder;
	return CH_DONE;
}
