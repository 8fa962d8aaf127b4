/* What the opener believes of a redactor's report: texts of a known form, nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "report_facts.h"

static struct report_facts_said said(const char *json)
{
	struct report_facts_said f = { 0 };
	assert_false(failed(report_facts_read(bytes_of_str(str_from_c(json)), &f)));
	return f;
}

static void test_known(void **unused)
{
	(void)unused;
	struct report_facts_said f = said("{\"whole\":true,\"level\":\"strict\",\"signal\":11,"
					  "\"build_id\":\"0a1b\",\"masked\":[{\"kind\":\"x\"}]}");
	assert_true(str_eq(f.level, LIT("strict")));
	assert_true(str_eq(f.build_id, LIT("0a1b")));
	assert_int_equal(f.signal, 11);
}

static void test_other_forms(void **unused)
{
	(void)unused;
	struct report_facts_said f = said("{\"level\":\"everything\",\"signal\":65,"
					  "\"build_id\":\"../../etc\"}");
	assert_int_equal(f.level.n + f.build_id.n, 0);
	assert_int_equal(f.signal, 0);
	f = said("{\"level\":3,\"signal\":\"11\",\"build_id\":null}");
	assert_int_equal(f.level.n + f.build_id.n, 0);
	assert_int_equal(f.signal, 0);
}

static void test_flaws(void **unused)
{
	(void)unused;
	struct report_facts_said f = said("{\"flaws\":[]}");
	assert_false(f.unusable);
	assert_int_equal(f.flaws_n, 0);
	f = said("{\"flaws\":[{\"flaw\":\"unread\",\"n\":4096},{\"flaw\":\"level\"}]}");
	assert_false(f.unusable);
	assert_true(str_eq((str){ f.flaws, f.flaws_n }, LIT("unread level")));
	f = said("{\"flaws\":[{\"flaw\":\"no-text\"},{\"flaw\":\"registry\"}]}");
	assert_false(f.unusable);
	assert_true(str_eq((str){ f.flaws, f.flaws_n }, LIT("no-text registry")));
	assert_true(said("{\"flaws\":[{\"flaw\":\"unread\"},{\"flaw\":\"cut\"}]}").unusable);
	assert_true(said("{\"flaws\":[{\"flaw\":\"unsupported\"}]}").unusable);
	/* one that cannot be read */
	assert_true(said("{\"flaws\":[{\"flaw\":\"a\\nb\"}]}").unusable);
	assert_true(said("{\"flaws\":[7]}").unusable);
}

static void test_no_report(void **unused)
{
	(void)unused;
	static const char *const bad[] = { "", "{", "[]", "{\"a\":1}x", "{\"a\":1,\"a\":2}", "7" };
	struct report_facts_said f = { 0 };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_true(failed(report_facts_read(bytes_of_str(str_from_c(bad[i])), &f)));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_known),
					    cmocka_unit_test(test_other_forms),
					    cmocka_unit_test(test_flaws),
					    cmocka_unit_test(test_no_report) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
