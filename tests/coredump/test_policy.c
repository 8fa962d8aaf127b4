/* Which crash gets which level: by uid, file identity and build id, the first rule that fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "coredump_internal.h"

static const struct culprit nginx = { .uid = 33, .device = 10, .inode = 500 };
static const struct culprit user = { .uid = 1500, .device = 10, .inode = 501 };

static struct dump_settings settings(enum dump_wish otherwise)
{
	struct dump_settings s = { .wish = otherwise, .n_rules = 3 };
	s.rules[0] = (struct dump_rule){
		.has_file = true, .device = 10, .inode = 500, .wish = WISH_FULL
	};
	s.rules[1] = (struct dump_rule){
		.has_uid = true, .uid_from = 1000, .uid_to = 1999, .wish = WISH_NEVER
	};
	s.rules[2] = (struct dump_rule){
		.has_uid = true, .uid_from = 33, .uid_to = 33, .wish = WISH_STRICT
	};
	return s;
}

static void test_first_rule(void **unused)
{
	(void)unused;
	struct dump_settings s = settings(WISH_TRIAGE);
	enum dump_wish wish = WISH_NEVER;
	assert_int_equal(policy_judge(&s, &nginx, &wish), VERDICT_DUMP);
	assert_int_equal(wish, WISH_FULL);
	assert_int_equal(policy_judge(&s, &user, &wish), VERDICT_NEVER);
	const struct culprit other_file = { 33, 10, 7 };
	assert_int_equal(policy_judge(&s, &other_file, &wish), VERDICT_DUMP);
	assert_int_equal(wish, WISH_STRICT);
}

static void test_no_rule(void **unused)
{
	(void)unused;
	const struct culprit other = { 2, 10, 7 };
	enum dump_wish wish = WISH_FULL;
	struct dump_settings s = settings(WISH_TRIAGE);
	assert_int_equal(policy_judge(&s, &other, &wish), VERDICT_DUMP);
	assert_int_equal(wish, WISH_TRIAGE);
	s = settings(WISH_NEVER);
	assert_int_equal(policy_judge(&s, &other, &wish), VERDICT_NEVER);
}

/* Handed on, by rule or by default; a rule for never before it wins. */
static void test_former(void **unused)
{
	(void)unused;
	struct dump_settings s = settings(WISH_FORMER);
	const struct culprit other = { 2, 10, 7 };
	enum dump_wish wish = WISH_FULL;
	assert_int_equal(policy_judge(&s, &other, &wish), VERDICT_FORMER);
	assert_int_equal(policy_judge(&s, &user, &wish), VERDICT_NEVER);
	s.rules[0].wish = WISH_FORMER;
	assert_int_equal(policy_judge(&s, &nginx, &wish), VERDICT_FORMER);
	assert_int_equal(wish, WISH_FULL);
}

/* The same inode on another device, and the bounds of a range. */
static void test_edges(void **unused)
{
	(void)unused;
	struct dump_settings s = settings(WISH_TRIAGE);
	enum dump_wish wish = WISH_TRIAGE;
	const struct culprit other_device = { 40, 11, 500 };
	assert_int_equal(policy_judge(&s, &other_device, &wish), VERDICT_DUMP);
	assert_int_equal(wish, WISH_TRIAGE);
	const uint32_t inside[] = { 1000, 1999 }, outside[] = { 999, 2000 };
	for (size_t i = 0; i < 2; i++) {
		struct culprit who = { inside[i], 1, 1 };
		assert_int_equal(policy_judge(&s, &who, &wish), VERDICT_NEVER);
		who.uid = outside[i];
		assert_int_equal(policy_judge(&s, &who, &wish), VERDICT_DUMP);
	}
}

/* What only the redactor can see is asked of it, unless a rule before decides. */
static void test_build_id(void **unused)
{
	(void)unused;
	struct dump_settings s = settings(WISH_TRIAGE);
	enum dump_wish wish = WISH_TRIAGE;
	s.rules[1].has_build_id = true;
	s.rules[1].build_id_n = 20;
	assert_int_equal(policy_judge(&s, &user, &wish), VERDICT_ASK);
	assert_int_equal(policy_judge(&s, &nginx, &wish), VERDICT_DUMP);
	assert_int_equal(wish, WISH_FULL);
}

static void test_only_triage(void **unused)
{
	(void)unused;
	struct redactor_config c = { .wish = WISH_FULL, .n_rules = 2 };
	c.rules[0].wish = WISH_NEVER;
	c.rules[1].wish = WISH_STRICT;
	policy_only_triage(&c);
	assert_int_equal(c.wish, WISH_TRIAGE);
	assert_int_equal(c.rules[0].wish, WISH_NEVER);
	assert_int_equal(c.rules[1].wish, WISH_TRIAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_rule), cmocka_unit_test(test_no_rule),
		cmocka_unit_test(test_former),     cmocka_unit_test(test_edges),
		cmocka_unit_test(test_build_id),   cmocka_unit_test(test_only_triage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
