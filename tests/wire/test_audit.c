/* Records of what administrators did: there and back, every prefix, every flip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/audit.h"

static const struct audit_intent act = { .uid = 0,
					 .login_uid = 1000,
					 .sudo_uid = AUDIT_NOBODY,
					 .pid = 4711,
					 .who = { "carol", 5 },
					 .command = { "user add", 8 },
					 .object = { "corp/dora@corp.test", 19 } };
static const struct audit_outcome end = { .result = AUDIT_REFUSED,
					  .intent = 77,
					  .object = { "corp/dora", 9 },
					  .detail = { "is there already", 16 } };

static bool same_intent(const struct audit_intent *a, const struct audit_intent *b)
{
	return a->uid == b->uid && a->login_uid == b->login_uid && a->sudo_uid == b->sudo_uid &&
	       a->pid == b->pid && str_eq(a->who, b->who) && str_eq(a->command, b->command) &&
	       str_eq(a->object, b->object);
}

static bool same_outcome(const struct audit_outcome *a, const struct audit_outcome *b)
{
	return a->result == b->result && a->intent == b->intent && str_eq(a->object, b->object) &&
	       str_eq(a->detail, b->detail);
}

static void test_intent(void **state)
{
	uint8_t room[AUDIT_RECORD_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct audit_intent back;
	(void)state;
	audit_intent_write(&w, &act);
	assert_false(failed(audit_intent_read(wr_bytes(&w), &back)));
	assert_true(same_intent(&act, &back));
	for (size_t k = 0; k < w.n; k++)
		assert_true(failed(audit_intent_read((bytes){ room, k }, &back)));
	assert_int_equal(ch_code_of(audit_intent_read((bytes){ room, w.n + 1 }, &back)),
			 CH_E_TRAILING);
	/* a flip is refused, or is another act */
	for (size_t i = 0; i < 8 * w.n; i++) {
		room[i / 8] ^= (uint8_t)(1 << i % 8);
		if (!failed(audit_intent_read(wr_bytes(&w), &back)))
			assert_false(same_intent(&act, &back));
		room[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	room[0] = 2;
	assert_int_equal(ch_code_of(audit_intent_read(wr_bytes(&w), &back)), CH_E_UNSUPPORTED);
}

static void test_outcome(void **state)
{
	uint8_t room[AUDIT_RECORD_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct audit_outcome back;
	(void)state;
	audit_outcome_write(&w, &end);
	assert_false(failed(audit_outcome_read(wr_bytes(&w), &back)));
	assert_true(same_outcome(&end, &back));
	for (size_t k = 0; k < w.n; k++)
		assert_true(failed(audit_outcome_read((bytes){ room, k }, &back)));
	assert_true(failed(audit_outcome_read((bytes){ room, w.n + 1 }, &back)));
	for (size_t i = 0; i < 8 * w.n; i++) {
		room[i / 8] ^= (uint8_t)(1 << i % 8);
		if (!failed(audit_outcome_read(wr_bytes(&w), &back)))
			assert_false(same_outcome(&end, &back));
		room[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	room[1] = AUDIT_RESULTS;
	assert_int_equal(ch_code_of(audit_outcome_read(wr_bytes(&w), &back)), CH_E_SYNTAX);
	assert_true(str_eq(audit_result_name(AUDIT_RESULTS), LIT("unknown")));
}

/* An act of no name is none. */
static void test_no_command(void **state)
{
	uint8_t room[AUDIT_RECORD_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct audit_intent none = act, back;
	(void)state;
	none.command = (str){ 0 };
	audit_intent_write(&w, &none);
	assert_int_equal(ch_code_of(audit_intent_read(wr_bytes(&w), &back)), CH_E_SYNTAX);
}

static void test_long_texts_are_cut(void **state)
{
	static char text[2 * AUDIT_DETAIL_MAX];
	uint8_t room[AUDIT_RECORD_MAX];
	struct wr w = wr_of(room, sizeof(room));
	const str all = { text, sizeof(text) };
	struct audit_intent i = { .who = all, .command = all, .object = all };
	struct audit_outcome o = { .object = all, .detail = all };
	(void)state;
	for (size_t k = 0; k < sizeof(text); k++)
		text[k] = 'a';
	audit_intent_write(&w, &i);
	assert_false(w.full || failed(audit_intent_read(wr_bytes(&w), &i)));
	assert_int_equal(i.object.n, AUDIT_OBJECT_MAX);
	w = wr_of(room, sizeof(room));
	audit_outcome_write(&w, &o);
	assert_false(w.full || failed(audit_outcome_read(wr_bytes(&w), &o)));
	assert_int_equal(o.detail.n, AUDIT_DETAIL_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intent),
		cmocka_unit_test(test_outcome),
		cmocka_unit_test(test_no_command),
		cmocka_unit_test(test_long_texts_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
