/* The set of what is revoked, against a plain list of the same; what it forgets, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "revoke/set.h"

enum { NOW = 1795400000, MOST = 5000 };

static void *storage;
static struct revoked *set;

static int begin(void **state)
{
	(void)state;
	size_t n = revoked_size(MOST);
	storage = aligned_alloc(64, (n + 63) / 64 * 64);
	if (!storage)
		return -1;
	mem_zero(storage, n);
	return failed(revoked_init(storage, n, MOST, &set)) ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	free(storage);
	return 0;
}

static ch_err add(enum revoke_kind kind, bytes subject, int64_t when_s, int64_t now_s)
{
	return revoked_add(set,
			   &(struct revocation){ .kind = kind,
						 .why = REVOKE_BY_ADMIN,
						 .when_s = when_s,
						 .subject = subject },
			   now_s);
}

static ch_err add_text(enum revoke_kind kind, str subject, int64_t when_s)
{
	return add(kind, bytes_of_str(subject), when_s, NOW);
}

static const struct revoked_query good = { .grant_id = { "g", 1 },
					   .client_id = { "c", 1 },
					   .sub = { "s", 1 },
					   .kid = { "k", 1 },
					   .iat = NOW - 10 };

static void each_part_of_a_token(void **state)
{
	uint8_t identity[REVOKE_TOKEN_ID] = { 7 }, other[REVOKE_TOKEN_ID] = { 8 };
	struct revoked_query q = good;
	(void)state;
	q.identity = identity;
	assert_int_equal(revoked_find(set, &q), 0);
	assert_false(failed(add(REVOKE_TOKEN, BYTES_OF(identity), NOW + 300, NOW)));
	assert_int_equal(revoked_find(set, &q), REVOKE_TOKEN);
	q.identity = other;
	assert_int_equal(revoked_find(set, &q), 0);
	q.identity = NULL;
	assert_false(failed(add_text(REVOKE_KEY, LIT("k"), NOW)));
	assert_int_equal(revoked_find(set, &q), REVOKE_KEY);
	assert_false(failed(add_text(REVOKE_USER, LIT("s"), NOW)));
	assert_int_equal(revoked_find(set, &q), REVOKE_USER);
	assert_false(failed(add_text(REVOKE_CLIENT, LIT("c"), NOW)));
	assert_int_equal(revoked_find(set, &q), REVOKE_CLIENT);
	assert_false(failed(add_text(REVOKE_GRANT, LIT("g"), NOW)));
	assert_int_equal(revoked_find(set, &q), REVOKE_GRANT);
	assert_int_equal(revoked_count(set), 5);
	revoked_clear(set);
	assert_int_equal(revoked_find(set, &q), 0);
	assert_int_equal(revoked_count(set), 0);
}

/* The same text as another kind is another thing. */
static void kinds_do_not_mix(void **state)
{
	const struct revoked_query q = { .grant_id = LIT("x"), .iat = NOW };
	(void)state;
	assert_false(failed(add_text(REVOKE_USER, LIT("x"), NOW)));
	assert_false(failed(add_text(REVOKE_CLIENT, LIT("x"), NOW)));
	assert_false(failed(add_text(REVOKE_KEY, LIT("x"), NOW)));
	assert_int_equal(revoked_find(set, &q), 0);
}

/* Who is let in again gets new tokens; a grant, a token, a key never come back. */
static void until_when(void **state)
{
	struct revoked_query q = { .sub = LIT("s"), .iat = NOW };
	(void)state;
	assert_false(failed(add_text(REVOKE_USER, LIT("s"), NOW)));
	assert_int_equal(revoked_find(set, &q), REVOKE_USER);
	q.iat = NOW + 1;
	assert_int_equal(revoked_find(set, &q), 0);
	/* an older word does not undo a newer one */
	assert_false(failed(add_text(REVOKE_USER, LIT("s"), NOW - 100)));
	q.iat = NOW;
	assert_int_equal(revoked_find(set, &q), REVOKE_USER);
	assert_false(failed(add_text(REVOKE_USER, LIT("s"), NOW + 50)));
	q.iat = NOW + 50;
	assert_int_equal(revoked_find(set, &q), REVOKE_USER);
	assert_int_equal(revoked_count(set), 1);
	q = (struct revoked_query){ .grant_id = LIT("g"), .iat = NOW + 100000 };
	assert_false(failed(add_text(REVOKE_GRANT, LIT("g"), NOW)));
	assert_int_equal(revoked_find(set, &q), REVOKE_GRANT);
}

/* What is past when it comes is not taken; what becomes past makes room; a key never does. */
static void forgets_what_is_past(void **state)
{
	uint8_t identity[REVOKE_TOKEN_ID] = { 0 };
	const int64_t later = NOW + REVOKED_TTL_MAX_S + REVOKED_SLACK_S + 1;
	(void)state;
	assert_false(failed(add(REVOKE_TOKEN, BYTES_OF(identity), NOW - REVOKED_SLACK_S - 1, NOW)));
	assert_int_equal(revoked_count(set), 0);
	assert_false(failed(add_text(REVOKE_KEY, LIT("k"), 1)));
	for (uint16_t i = 1; i < MOST; i++) {
		identity[0] = (uint8_t)(i >> 8);
		identity[1] = (uint8_t)i;
		assert_false(failed(add(REVOKE_TOKEN, BYTES_OF(identity), NOW + 300, NOW)));
	}
	assert_int_equal(revoked_count(set), MOST);
	assert_int_equal(ch_code_of(add_text(REVOKE_USER, LIT("one too many"), NOW)), CH_E_LIMIT);
	/* and what is there stays */
	assert_int_equal(revoked_find(set, &(struct revoked_query){ .identity = identity }),
			 REVOKE_TOKEN);
	assert_int_equal(ch_code_of(add(REVOKE_USER, bytes_of_str(LIT("u")), later, later)), CH_OK);
	assert_int_equal(revoked_count(set), 2);
	assert_int_equal(revoked_find(set, &(struct revoked_query){ .kid = LIT("k") }), REVOKE_KEY);
	assert_int_equal(revoked_find(set, &(struct revoked_query){ .identity = identity }), 0);
	assert_int_equal(revoked_find(set, &(struct revoked_query){ .sub = LIT("u") }),
			 REVOKE_USER);
}

/* Many, beside the plain answer. */
static void many(void **state)
{
	(void)state;
	for (int i = 0; i < MOST; i++) {
		char text[16];
		int n = snprintf(text, sizeof(text), "user-%d", i);
		if (i % 3 == 0)
			assert_false(failed(
				add_text(REVOKE_USER, (str){ text, (size_t)n }, NOW + i % 7)));
	}
	for (int i = 0; i < MOST; i++) {
		char text[16];
		int n = snprintf(text, sizeof(text), "user-%d", i);
		const struct revoked_query q = { .sub = { text, (size_t)n }, .iat = NOW + 3 };
		assert_int_equal(revoked_find(set, &q), i % 3 == 0 && i % 7 >= 3 ? REVOKE_USER : 0);
	}
}

static void sizes(void **state)
{
	struct revoked *none = NULL;
	(void)state;
	assert_int_equal(revoked_size(0), 0);
	assert_int_equal(revoked_size((size_t)REVOKED_MAX + 1), 0);
	assert_true(failed(revoked_init(storage, revoked_size(MOST) - 1, MOST, &none)));
	assert_true(failed(revoked_init((uint8_t *)storage + 1, revoked_size(MOST), 10, &none)));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = { T(each_part_of_a_token),
					    T(kinds_do_not_mix),
					    T(until_when),
					    T(forgets_what_is_past),
					    T(many),
					    T(sizes) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
