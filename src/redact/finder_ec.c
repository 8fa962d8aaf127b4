/* Private scalars of points in sight: of P-256, P-384, P-521 and secp256k1. Programs with
 * libcrypto have them behind BIGNUMs (finder_bignum.c); this is for all others. A place is
 * tried in both orders of bytes. Size: 2.1 MiB. */
#include "base/cleanup.h"
#include "crypto/related.h"
#include "noise.h"
#include "places.h"
#include "room.h"
#include "rsa_say.h"

enum { COORDINATE_MAX = 66, POINTS_MAX = 4096 };

/* How many scalars are tried: so many, and more by noise_scale. Some 50 to 100 ms each. */
static const struct {
	enum public_kind kind;
	enum place_want size;
	size_t budget, more;
} curves[CURVE_COUNT] = {
	[CURVE_P256] = { PUBLIC_P256, PLACE_32, 4 * 1024, 2 * 1024 },
	[CURVE_P384] = { PUBLIC_P384, PLACE_48, 250, 25 },
	[CURVE_P521] = { PUBLIC_P521, PLACE_66, 60, 20 },
	[CURVE_SECP256K1] = { PUBLIC_SECP256K1, PLACE_32, 100, 25 },
};

struct on_curve {
	size_t tried, left; /* left: points whose scalar is not known */
	bool known[POINTS_MAX];
};

struct finder_ec {
	struct finder finder;
	struct on_curve on[CURVE_COUNT];
	struct places places;
};

struct test {
	struct place_tester tester;
	struct finder_ec *f;
	struct hunt *h;
	struct relater *r;
	enum place_tier tier; /* of the place that is tried */
};

/* Which point a scalar belongs to; SIZE_MAX: none in sight. */
static size_t point_of(struct test *t, enum curve c, bytes be)
{
	uint8_t xy[2 * COORDINATE_MAX];
	if (failed(curve_public(c, t->r, be, xy)))
		return SIZE_MAX;
	for (size_t i = 0; i < publics_count(t->h->publics, curves[c].kind); i++) {
		bytes is = publics_at(t->h->publics, curves[c].kind, i);
		if (load_le64(is.p) == load_le64(xy) && mem_eq(is.p, xy, is.n))
			return i;
	}
	return SIZE_MAX;
}

static void know(struct on_curve *on, size_t point)
{
	on->left -= !on->known[point];
	on->known[point] = true;
}

static ch_err try_scalar(struct test *t, enum curve c, bytes be, uint64_t addr)
{
	struct on_curve *on = &t->f->on[c];
	on->tried++;
	size_t point = point_of(t, c, be);
	if (point == SIZE_MAX)
		return CH_DONE;
	know(on, point);
	struct value v = { VALUE_EC_SCALAR, true, be, t->f->finder.name, addr };
	return values_add(t->h->values, &v);
}

static bool wants_curve(const struct test *t, enum curve c, const struct place *p)
{
	enum { LAST_SHARE = 8 };
	/* guesses are worth a cheap multiplication alone, and wild ones few of them */
	bool guess = t->tier > PLACE_ALONE && c != CURVE_P256;
	size_t budget = curves[c].budget + curves[c].more * noise_scale(t->h->noise);
	budget = t->tier == PLACE_LAST ? budget / LAST_SHARE : budget;
	return curves[c].size == p->size && t->f->on[c].left && !guess &&
	       t->f->on[c].tried < budget;
}

static bool wants(struct place_tester *tester, const struct place *p, enum place_tier tier)
{
	struct test *t = (struct test *)tester;
	bool late = false, any = false;
	t->tier = tier;
	for (unsigned c = 0; c < CURVE_COUNT; c++) {
		bool wanted = wants_curve(t, (enum curve)c, p);
		any |= wanted;
		late |= !wanted && curves[c].size == p->size && t->f->on[c].left;
	}
	/* the other places are but guesses */
	t->h->untried += late && tier == PLACE_SURE;
	return any;
}

static ch_err test(struct place_tester *tester, const struct place *p, bytes is)
{
	struct test *t = (struct test *)tester;
	uint8_t turned[COORDINATE_MAX];
	for (unsigned c = 0; c < CURVE_COUNT; c++) {
		size_t size = curve_size((enum curve)c);
		if (!wants_curve(t, (enum curve)c, p) || is.n < size)
			continue;
		bytes be = { is.p, size };
		bytes_turn(be, turned);
		/* a number of P-521 has 7 bits of its first byte free: the order shows */
		if (size < COORDINATE_MAX || be.p[0] < 2)
			TRY(try_scalar(t, (enum curve)c, be, p->addr));
		if (size < COORDINATE_MAX || turned[0] < 2)
			TRY(try_scalar(t, (enum curve)c, (bytes){ turned, size }, p->addr));
	}
	mem_wipe(turned, sizeof(turned));
	return CH_DONE;
}

/* Points whose scalars another finder has said already. */
static void learn(struct test *t)
{
	enum { LEARNT_MAX = 64 };
	size_t learnt = 0;
	for (unsigned c = 0; c < CURVE_COUNT; c++)
		t->f->on[c].left = publics_count(t->h->publics, curves[c].kind);
	for (size_t i = 0; i < values_count(t->h->values) && learnt < LEARNT_MAX; i++) {
		const struct value *v = values_at(t->h->values, i);
		if (v->kind != VALUE_EC_SCALAR)
			continue;
		for (unsigned c = 0; c < CURVE_COUNT; c++) {
			size_t size = curve_size((enum curve)c), point = SIZE_MAX;
			if (t->f->on[c].left && v->is.n <= size && v->is.n + 4 > size)
				point = point_of(t, (enum curve)c, v->is);
			if (point != SIZE_MAX)
				know(&t->f->on[c], point);
		}
		learnt++;
	}
}

/* The first limbs of a coordinate in either order. */
static void near_points(struct places *p, const struct hunt *h, enum curve c)
{
	uint8_t turned[COORDINATE_MAX];
	for (size_t i = 0; i < publics_count(h->publics, curves[c].kind); i++) {
		bytes x = { publics_at(h->publics, curves[c].kind, i).p, curve_size(c) };
		bytes_turn(x, turned);
		places_near(p, x.p);
		places_near(p, turned);
	}
}

static ch_err end(struct finder *finder, struct hunt *h)
{
	struct finder_ec *f = (struct finder_ec *)finder;
	AUTO(relater_done) struct relater *r = NULL;
	unsigned want = 0;
	TRY(relater_new(&r));
	struct test t = { { wants, test }, f, h, r, PLACE_SURE };
	learn(&t);
	for (unsigned c = 0; c < CURVE_COUNT; c++)
		want |= f->on[c].left ? (unsigned)curves[c].size : 0;
	if (!want)
		return CH_DONE;
	/* those of 32 bytes are by far the most, and cheap to try */
	enum place_want near = want & PLACE_32 ? PLACE_32 : PLACE_48;
	places_init(&f->places, want | (want & near ? PLACE_NEAR : 0), near);
	for (unsigned c = 0; c < CURVE_COUNT; c++)
		if (curves[c].size == near)
			near_points(&f->places, h, (enum curve)c);
	TRY(places_find(&f->places, h));
	return places_test(&f->places, h, &t.tester);
}

static void finder_ec_free(struct finder *f)
{
	room_done(f, sizeof(struct finder_ec));
}

ch_err finder_ec_new(struct finder **ret_f)
{
	void *p = NULL;
	TRY(room_new(sizeof(struct finder_ec), &p));
	struct finder_ec *f = p;
	f->finder = (struct finder){ LIT("ec-scalar"), NULL, end, finder_ec_free, NULL };
	*ret_f = &f->finder;
	return CH_DONE;
}
