/* States by the clock, and plans that keep the order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "keystate/keystate.h"

enum { NOW = 1800000000, DAY = 86400, TTL = 600 };

static const struct key_rules rules = { .sign_s = 14 * DAY, .staged_s = 3600, .max_age_s = 300 };

static struct key_times published(int64_t at_s)
{
	return (struct key_times){ .created_s = at_s, .published_s = at_s, .max_ttl_s = TTL };
}

static void a_state_follows_from_the_times(void **state)
{
	(void)state;
	struct key_times t = published(NOW - 5000);
	assert_int_equal(key_state_at(&t, NOW + 300000000), KEY_STAGED);
	assert_int_equal(key_leaves_s(&t), 0);
	t.not_before_s = NOW;
	assert_int_equal(key_state_at(&t, NOW - 1), KEY_STAGED);
	assert_int_equal(key_state_at(&t, NOW), KEY_SIGNING);
	assert_int_equal(key_state_at(&t, NOW + 300000000), KEY_SIGNING);
	t.not_after_s = NOW + 100;
	assert_int_equal(key_state_at(&t, NOW + 99), KEY_SIGNING);
	assert_int_equal(key_state_at(&t, NOW + 100), KEY_VERIFY_ONLY);
	assert_int_equal(key_state_at(&t, NOW + 99 + TTL + KEY_SLACK_S), KEY_VERIFY_ONLY);
	assert_int_equal(key_state_at(&t, NOW + 100 + TTL + KEY_SLACK_S), KEY_RETIRED);
	t.limit_s = NOW + 50;
	assert_int_equal(key_state_at(&t, NOW + 49), KEY_SIGNING);
	assert_int_equal(key_state_at(&t, NOW + 50), KEY_VERIFY_ONLY);
	t.not_after_s = 0;
	assert_int_equal(key_ends_s(&t), NOW + 50);
	assert_string_equal(key_state_name(KEY_STAGED), "staged");
	assert_string_equal(key_state_name(KEY_VERIFY_ONLY), "verify-only");
}

static void the_next_change_is_the_nearest_ahead(void **state)
{
	(void)state;
	struct key_times keys[2] = { published(NOW), published(NOW) };
	assert_int_equal(key_next_change_s(keys, 2, NOW), 0);
	keys[0].not_before_s = NOW;
	keys[0].not_after_s = NOW + 100;
	keys[1].not_before_s = NOW + 90;
	assert_int_equal(key_next_change_s(keys, 2, NOW - 1), NOW);
	assert_int_equal(key_next_change_s(keys, 2, NOW), NOW + 90);
	assert_int_equal(key_next_change_s(keys, 2, NOW + 90), NOW + 100);
	assert_int_equal(key_next_change_s(keys, 2, NOW + 100), NOW + 100 + TTL + KEY_SLACK_S);
	assert_int_equal(key_next_change_s(keys, 2, NOW + DAY), 0);
}

static void of_those_that_may_the_newest_signs(void **state)
{
	(void)state;
	struct key_times keys[3] = { published(NOW), published(NOW), published(NOW) };
	assert_int_equal(key_signer(keys, 3, NOW), 3);
	keys[0].not_before_s = NOW;
	keys[1].not_before_s = NOW + 10;
	keys[1].not_after_s = NOW + 20;
	assert_int_equal(key_signer(keys, 3, NOW + 9), 0);
	assert_int_equal(key_signer(keys, 3, NOW + 10), 1);
	assert_int_equal(key_signer(keys, 3, NOW + 20), 0);
}

static void a_lead_is_never_shorter_than_a_cache(void **state)
{
	(void)state;
	struct key_rules r = rules;
	assert_int_equal(key_lead_s(&r), 3600 + 30);
	r.staged_s = 1;
	assert_int_equal(key_lead_s(&r), 300 + 30);
	r.max_age_s = 1;
	assert_int_equal(key_lead_s(&r), 2);
	r.max_age_s = 86400;
	assert_int_equal(key_lead_s(&r), 86400 + 60);
}

static void plans_follow_each_other(void **state)
{
	(void)state;
	struct key_times keys[4] = { key_first(&rules, NOW, TTL),
				     published(NOW + 20),
				     published(NOW + 10),
				     { .created_s = NOW } };
	key_plan(keys, 4, &rules, NOW + 100);
	assert_int_equal(keys[0].not_after_s, NOW + 14 * DAY);
	assert_int_equal(keys[2].not_before_s, keys[0].not_after_s);
	assert_int_equal(keys[1].not_before_s, keys[2].not_after_s);
	assert_int_equal(keys[1].not_after_s, NOW + 42 * DAY);
	assert_int_equal(keys[3].not_before_s, 0); /* not published */
	struct key_times before = keys[1];
	key_plan(keys, 4, &rules, NOW + 200);
	assert_memory_equal(&before, &keys[1], sizeof(before));
}

static void a_late_successor_waits_until_it_is_known(void **state)
{
	(void)state;
	struct key_times keys[2] = { key_first(&rules, NOW, TTL), published(NOW + 14 * DAY - 10) };
	key_plan(keys, 2, &rules, NOW + 14 * DAY - 5);
	assert_int_equal(keys[0].not_after_s, NOW + 14 * DAY);
	assert_int_equal(keys[1].not_before_s, NOW + 14 * DAY - 10 + key_lead_s(&rules));
	assert_int_equal(key_signer(keys, 2, NOW + 14 * DAY), 2);
}

static void when_none_signs_the_first_is_brought_forward(void **state)
{
	(void)state;
	struct key_times keys[2] = { published(NOW), published(NOW + 5) };
	keys[0].not_before_s = NOW + 10 * DAY;
	keys[0].not_after_s = NOW + 24 * DAY;
	key_plan(keys, 2, &rules, NOW + DAY);
	assert_int_equal(keys[0].not_before_s, NOW + DAY);
	assert_int_equal(keys[0].not_after_s, NOW + 15 * DAY);
	assert_int_equal(keys[1].not_before_s, NOW + 15 * DAY);
	/* and never before it is known */
	keys[0] = published(NOW);
	key_plan(keys, 1, &rules, NOW + 10);
	assert_int_equal(keys[0].not_before_s, NOW + key_lead_s(&rules));
}

static void one_without_an_end_gets_it_with_a_successor(void **state)
{
	(void)state;
	struct key_times keys[2] = { published(NOW - 400 * DAY), { .created_s = NOW } };
	keys[0].not_before_s = NOW - 400 * DAY;
	key_plan(keys, 2, &rules, NOW);
	assert_int_equal(keys[0].not_after_s, 0);
	keys[1].published_s = NOW;
	key_plan(keys, 2, &rules, NOW);
	assert_int_equal(keys[0].not_after_s, NOW + key_lead_s(&rules));
	assert_int_equal(keys[1].not_before_s, keys[0].not_after_s);
	keys[0].not_before_s = NOW - DAY;
	keys[0].not_after_s = keys[1].not_before_s = keys[1].not_after_s = 0;
	key_plan(keys, 2, &rules, NOW);
	assert_int_equal(keys[0].not_after_s, NOW + 13 * DAY);
}

static void a_limit_is_kept(void **state)
{
	(void)state;
	struct key_times keys[3] = { key_first(&rules, NOW, TTL), published(NOW), published(NOW) };
	keys[0].limit_s = NOW + DAY;
	keys[1].limit_s = NOW + DAY; /* over before it could begin */
	keys[2].limit_s = NOW + 3 * DAY;
	key_plan(keys, 3, &rules, NOW);
	assert_int_equal(keys[1].not_before_s, 0);
	assert_int_equal(keys[2].not_before_s, NOW + DAY);
	assert_int_equal(key_ends_s(&keys[2]), NOW + 3 * DAY);
	assert_false(key_wants_next(keys, 3, &rules, NOW));
	assert_true(key_wants_next(keys, 2, &rules, NOW));
}

static void one_is_always_wanted_behind(void **state)
{
	(void)state;
	struct key_times keys[2] = { key_first(&rules, NOW, TTL), { .created_s = NOW } };
	assert_true(key_wants_next(keys, 1, &rules, NOW));
	assert_false(key_wants_next(keys, 2, &rules, NOW));
	keys[1].published_s = NOW;
	key_plan(keys, 2, &rules, NOW);
	assert_false(key_wants_next(keys, 2, &rules, NOW));
	assert_true(key_wants_next(keys, 2, &rules, NOW + 14 * DAY));
	/* one that will be over before another could follow it is not enough */
	keys[1].limit_s = keys[1].not_before_s + 60;
	assert_true(key_wants_next(keys, 2, &rules, keys[1].not_before_s - 1));
}

static void only_the_first_signs_at_once(void **state)
{
	(void)state;
	struct key_times k = key_first(&rules, NOW, TTL);
	int64_t gone = NOW + 14 * DAY + TTL + KEY_SLACK_S;
	assert_true(key_may_be_first(NULL, 0, &rules, NOW));
	assert_false(key_may_be_first(&k, 1, &rules, NOW));
	assert_false(key_may_be_first(&k, 1, &rules, gone));
	assert_false(key_may_be_first(&k, 1, &rules, gone + key_lead_s(&rules) - 1));
	assert_true(key_may_be_first(&k, 1, &rules, gone + key_lead_s(&rules)));
	struct key_times staged = { .created_s = NOW };
	assert_false(key_may_be_first(&staged, 1, &rules, NOW + 1000 * DAY));
}

static void a_hand_over_moves_all_behind_it(void **state)
{
	(void)state;
	struct key_times keys[3] = { key_first(&rules, NOW, TTL), published(NOW), published(NOW) };
	key_plan(keys, 3, &rules, NOW);
	size_t next = key_successor(keys, 3, NOW + DAY);
	assert_int_equal(next, 1);
	assert_int_equal(key_may_sign_s(&keys[next], &rules), NOW + key_lead_s(&rules));
	keys_hand_over(keys, 3, next, &rules, NOW + DAY);
	assert_int_equal(keys[0].not_after_s, NOW + 14 * DAY); /* until it is known to all */
	assert_int_equal(keys[1].not_before_s, NOW + DAY);
	assert_int_equal(keys[1].not_after_s, NOW + 15 * DAY);
	assert_int_equal(keys[2].not_before_s, NOW + 15 * DAY);
	assert_int_equal(key_signer(keys, 3, NOW + DAY), 1);
	assert_int_equal(key_successor(keys, 2, NOW + DAY), 2);
	keys_end_replaced(keys, 3, NOW + DAY + 2);
	assert_int_equal(keys[0].not_after_s, NOW + DAY + 2);
	assert_int_equal(keys[1].not_after_s, NOW + 15 * DAY);
	/* at once again: the one before signed for next to no time, and ends all the same */
	keys_hand_over(keys, 3, 2, &rules, NOW + DAY + 1);
	assert_int_equal(key_signer(keys, 3, NOW + DAY + 1), 2);
	keys_end_replaced(keys, 3, NOW + DAY + 1);
	assert_int_equal(keys[1].not_after_s, NOW + DAY + 1);
	assert_int_equal(key_newest_s(keys, 3), NOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_state_follows_from_the_times),
		cmocka_unit_test(the_next_change_is_the_nearest_ahead),
		cmocka_unit_test(of_those_that_may_the_newest_signs),
		cmocka_unit_test(a_lead_is_never_shorter_than_a_cache),
		cmocka_unit_test(plans_follow_each_other),
		cmocka_unit_test(a_late_successor_waits_until_it_is_known),
		cmocka_unit_test(when_none_signs_the_first_is_brought_forward),
		cmocka_unit_test(one_without_an_end_gets_it_with_a_successor),
		cmocka_unit_test(a_limit_is_kept),
		cmocka_unit_test(one_is_always_wanted_behind),
		cmocka_unit_test(only_the_first_signs_at_once),
		cmocka_unit_test(a_hand_over_moves_all_behind_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
