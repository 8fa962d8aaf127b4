/* A hunt by two threads finds what a hunt by one thread finds; a failure of either ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "beside/beside.h"
#include "calm.h"
#include "halves.h"
#include "crypto/related.h"
#include "made_keys.h"
#include "made_values.h"
#include "plant.h"
#include "text_kit.h"

enum { PAGE = 4096, PREKEY = 16 * 1024, ROUNDS = 4, SPOTS = 400, TEXTS = 64, LIMB = 8, GAPS = 64 };

static finder_new_fn *const makers[] = {
	finder_text_new,    finder_bignum_new, finder_rsa_new, finder_ec_new,
	finder_ed25519_new, finder_ssh_new,    finder_aes_new, finder_wide_new,
};
static struct plant *p;
static struct beside *beside;
static struct made_rsa rsa;
static uint8_t skipped[PLANT_SIZE / PAGE]; /* pages that were never touched */

static size_t below(size_t n)
{
	return any_below((unsigned)n);
}

/* Many short ranges, as in a sparse heap. */
static ch_err next_of_many(struct core_memory *m, uint64_t addr, uint64_t end, uint64_t *ret_from,
			   uint64_t *ret_to)
{
	(void)m;
	while (addr < end && skipped[(addr - PLANT_BASE) / PAGE])
		addr += PAGE - addr % PAGE;
	*ret_from = addr < end ? addr : end;
	while (addr < end && !skipped[(addr - PLANT_BASE) / PAGE])
		addr += PAGE - addr % PAGE;
	*ret_to = addr < end ? addr : end;
	return CH_DONE;
}

/* A place of n bytes, a multiple of 16. */
static size_t spot(size_t n)
{
	return below((PLANT_SIZE - n - LIMB) / 16) * 16 + 16;
}

static void put_bignum(const struct made_number *n)
{
	uint8_t le[MADE_MAX] = { 0 };
	bytes turned = plant_turned(made(n), le);
	size_t at = spot(MADE_MAX), head = spot(4 * LIMB), top = (turned.n + LIMB - 1) / LIMB;
	plant_at(p, at, (bytes){ le, top * LIMB });
	plant_u64(p, head, PLANT_BASE + at);
	plant_u64(p, head + LIMB, top << 32 | top);
	plant_u64(p, head + 2 * LIMB, (uint64_t)1 << 32);
}

/* What some finder says. */
static void put_keys(void)
{
	static uint8_t noise[PREKEY];
	uint8_t both[64];
	rand_fill(noise, sizeof(noise));
	size_t at = spot(PREKEY);
	plant_at(p, at, BYTES_OF(noise));
	plant_u64(p, at - LIMB, (PREKEY + 16) | 1);
	rand_fill(both, sizeof(both));
	ed25519_of_seed(both, both + 32);
	plant_at(p, spot(sizeof(both)), BYTES_OF(both));
	put_bignum(&rsa.n);
	put_bignum(&rsa.p);
	put_bignum(&rsa.q);
}

static void put_text(void)
{
	static struct planted one;
	plant(&text_finds[below(text_finds_count())], 200, &one);
	plant_at(p, spot(one.n), (bytes){ one.p, one.n });
}

static void fill_memory(void)
{
	mem_zero(p->p, PLANT_SIZE);
	for (size_t i = 0; i < SPOTS; i++) {
		size_t n = 16 * below(512), at = spot(n + 16);
		for (size_t k = 0; k < n; k++)
			p->p[at + k] =
				(uint8_t)(i % 3 ? k * 131 + (k >> 3) * 17 + i : 'a' + k % 26);
	}
	for (size_t i = 0; i < TEXTS; i++)
		put_text();
	for (size_t i = below(2) * GAPS; i > 0; i--) {
		size_t at = below(PLANT_SIZE / PAGE) * PAGE, n = below(24) * PAGE;
		mem_zero(p->p + at, n < PLANT_SIZE - at ? n : PLANT_SIZE - at);
	}
	put_keys();
	for (size_t i = 0; i < COUNT_OF(skipped); i++)
		skipped[i] = bytes_are_zero((bytes){ p->p + i * PAGE, PAGE });
}

struct outcome {
	struct values *values;
	struct publics *publics;
	struct calm *calm;
	uint64_t untried, unread;
};

static void outcome_done(struct outcome *o)
{
	values_done(&o->values);
	publics_done(&o->publics);
	calm_done(&o->calm);
}

static void hunt(struct beside *with, struct outcome *ret_o)
{
	struct finder *finders[COUNT_OF(makers)] = { 0 }, *too[COUNT_OF(makers)] = { 0 };
	const struct hunt_helper helper = { with, &p->memory, too };
	assert_false(failed(values_new(&ret_o->values)));
	assert_false(failed(publics_new(&ret_o->publics)));
	assert_false(failed(calm_new(&ret_o->calm)));
	struct hunt h = { .map = &p->map,
			  .memory = &p->memory,
			  .values = ret_o->values,
			  .publics = ret_o->publics,
			  .calm = ret_o->calm,
			  .helper = with ? &helper : NULL };
	for (size_t i = 0; i < COUNT_OF(makers); i++) {
		assert_false(failed(makers[i](&finders[i])));
		assert_false(failed(makers[i](&too[i])));
	}
	assert_false(failed(hunt_run(&h, finders, COUNT_OF(makers), &ret_o->unread)));
	for (size_t i = 0; i < COUNT_OF(makers); i++) {
		finders[i]->free(finders[i]);
		too[i]->free(too[i]);
	}
	ret_o->untried = h.untried;
}

static bool is_part(bytes part, bytes of)
{
	for (size_t i = 0; i + part.n <= of.n; i++)
		if (mem_eq(of.p + i, part.p, part.n))
			return true;
	return false;
}

/* Every value of a is one of b, or what the edge of a window left of one. */
static void assert_has_values(const struct values *a, const struct values *b)
{
	for (size_t i = 0; i < values_count(a); i++) {
		const struct value *x = values_at(a, i);
		bool same = false, part = false;
		for (size_t k = 0; k < values_count(b); k++) {
			const struct value *y = values_at(b, k);
			bool equal = bytes_eq(x->is, y->is);
			same |= equal && x->kind == y->kind && x->number == y->number &&
				str_eq(x->finder, y->finder) && x->first_addr == y->first_addr;
			part |= !equal && is_part(x->is, y->is);
		}
		assert_true(same || part);
	}
}

static size_t assert_same_publics(const struct publics *a, const struct publics *b)
{
	size_t all = 0;
	for (enum public_kind k = 0; k < PUBLIC_KIND_COUNT; k++) {
		assert_int_equal(publics_count(a, k), publics_count(b, k));
		for (size_t i = 0; i < publics_count(a, k); i++) {
			size_t at = 0;
			while (at < publics_count(b, k) &&
			       !bytes_eq(publics_at(a, k, i), publics_at(b, k, at)))
				at++;
			assert_true(at < publics_count(b, k));
		}
		all += publics_count(a, k);
	}
	return all;
}

/* How many cells are calm. Their keys are drawn, so only what they answer can be compared. */
static size_t assert_same_calm(const struct calm *a, const struct calm *b)
{
	size_t calm = 0;
	for (size_t at = 0; at < PLANT_SIZE; at += CALM_CELL) {
		bytes cell = { p->p + at, CALM_CELL };
		bool is = calm_is(a, &p->load, PLANT_BASE + at, cell);
		assert_int_equal(is, calm_is(b, &p->load, PLANT_BASE + at, cell));
		calm += is;
	}
	for (uint64_t at = PLANT_BASE, end = PLANT_BASE + PLANT_SIZE, to[2] = { at }; at < end;) {
		uint64_t from[2] = { 0 };
		assert_true(calm_next(a, at, end, &from[0], &to[0]));
		assert_true(calm_next(b, at, end, &from[1], &to[1]));
		assert_true(from[0] == from[1] && to[0] == to[1]);
		at = to[0];
	}
	return calm;
}

static bool says(const struct values *v, const char *finder)
{
	for (size_t i = 0; i < values_count(v); i++)
		if (str_eq(values_at(v, i)->finder, str_from_c(finder)))
			return true;
	return false;
}

static void the_same_is_found(void **state)
{
	(void)state;
	made_rsa(1024, &rsa);
	p->memory.next = next_of_many;
	static const char *const finders[] = { "ssh-prekey", "ed25519", "openssl-bignum", "pem" };
	size_t publics = 0, calm = 0, said[COUNT_OF(finders)] = { 0 };
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct outcome one = { 0 }, two = { 0 };
		fill_memory();
		hunt(NULL, &one);
		hunt(beside, &two);
		assert_has_values(one.values, two.values);
		assert_has_values(two.values, one.values);
		publics += assert_same_publics(one.publics, two.publics);
		calm += assert_same_calm(one.calm, two.calm);
		assert_true(one.untried == two.untried && one.unread == two.unread);
		for (size_t i = 0; i < COUNT_OF(finders); i++)
			said[i] += says(one.values, finders[i]);
		outcome_done(&one);
		outcome_done(&two);
	}
	/* it was a test */
	assert_true(publics > 0 && calm > 0);
	for (size_t i = 0; i < COUNT_OF(finders); i++)
		assert_true(said[i] > 0);
}

/* A finder that fails at its nth look. */
struct failing {
	struct finder finder;
	unsigned looks, at;
};

static ch_err give_up(struct finder *f, struct hunt *h, const struct window *w)
{
	struct failing *x = (struct failing *)f;
	(void)h;
	(void)w;
	assert_true(++x->looks <= x->at); /* after a failure nobody is asked again */
	return x->looks == x->at ? ch_fail(CH_E_LIMIT, "as the test wants", x->at) : CH_DONE;
}

static ch_err never(struct finder *f, struct hunt *h)
{
	(void)f;
	(void)h;
	assert_true(false);
	return CH_DONE;
}

static void failures_end_it(void **state)
{
	(void)state;
	plant_noise(p->p, PLANT_SIZE, 3);
	for (unsigned at = 1; at <= 4; at++) {
		for (unsigned which = 0; which < 2; which++) {
			struct failing first = { { LIT("test"), give_up, never, NULL, NULL },
						 0,
						 at };
			struct failing later = first;
			*(which ? &first.at : &later.at) = UINT32_MAX;
			struct finder *finders[] = { &first.finder }, *too[] = { &later.finder };
			const struct hunt_helper helper = { beside, &p->memory, too };
			uint64_t unread = 7;
			p->hunt.helper = &helper;
			ch_err e = hunt_run(&p->hunt, finders, 1, &unread);
			assert_int_equal(ch_code_of(e), CH_E_LIMIT);
			assert_int_equal(e.detail, at);
			assert_int_equal(unread, 7);
		}
	}
}

/* Where it is cut, nothing is: neither what stands there nor what is known of the cell before. */
static void the_cut_is_no_edge(void **state)
{
	(void)state;
	enum { MIDDLE = PLANT_SIZE / 2 };
	static struct planted one;
	uint64_t at = 0;
	for (size_t i = 0; i < PLANT_SIZE; i++)
		p->p[i] = (uint8_t)(i * 131 + (i >> 3) * 17) | 0x80;
	assert_false(failed(halves_of(&p->map, &p->memory, &at)));
	assert_true(at == PLANT_BASE + MIDDLE);
	for (size_t i = 0; i < text_finds_count(); i += 7) {
		struct outcome o = { 0 };
		plant(&text_finds[i], 200, &one);
		size_t from = MIDDLE - one.from - 1 - below(one.to - one.from - 1);
		static uint8_t before[sizeof(one.p)];
		mem_copy(before, p->p + from, one.n);
		plant_at(p, from, (bytes){ one.p, one.n });
		hunt(beside, &o);
		bytes cell = { p->p + MIDDLE - CALM_CELL, CALM_CELL };
		assert_false(calm_is(o.calm, &p->load, PLANT_BASE + MIDDLE - CALM_CELL, cell));
		cell.p += 2 * CALM_CELL;
		assert_true(calm_is(o.calm, &p->load, PLANT_BASE + MIDDLE + CALM_CELL, cell));
		plant_at(p, from, (bytes){ before, one.n });
		outcome_done(&o);
	}
}

static int fresh(void **state)
{
	(void)state;
	p = plant_new();
	return failed(beside_new(&beside));
}

static int gone(void **state)
{
	(void)state;
	beside_done(&beside);
	plant_done(p);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, gone)
		T(the_same_is_found),
		T(failures_end_it),
		T(the_cut_is_no_edge),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
