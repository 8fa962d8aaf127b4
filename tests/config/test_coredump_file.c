/* The policy of a machine for crashes: what is read, and what each complaint says. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "config/config.h"

static char why_room[CONFIG_WHY_MAX];

static ch_err parse(const char *yaml, struct coredump_file *f, struct config_text **text)
{
	struct wr why = wr_of(why_room, sizeof(why_room) - 1);
	ch_err e =
		coredump_file_parse(LIT("c.yaml"), bytes_of_str(str_from_c(yaml)), &why, f, text);
	why_room[why.n] = 0;
	return e;
}

static void complains(const char *yaml, const char *text)
{
	struct coredump_file f;
	struct config_text *t = NULL;
	assert_true(failed(parse(yaml, &f, &t)));
	if (!strstr(why_room, text))
		fail_msg("\"%s\" is not in \"%s\"", text, why_room);
}

static void test_rules(void **unused)
{
	(void)unused;
	struct coredump_file f;
	AUTO(config_text_done) struct config_text *t = NULL;
	ch_err e = parse("level: never\nseal_to: /k\nrules:\n  - uid: 1000-1999\n    level: full\n"
			 "  - executable: /usr/sbin/nginx\n    level: strict\n"
			 "  - build_id: 0aFF\n    level: triage\n",
			 &f, &t);
	assert_true(failed(e)); /* capital digits */
	e = parse("level: never\nseal_to: /k\nrules:\n  - uid: 1000-1999\n    level: full\n"
		  "  - executable: /usr/sbin/nginx\n    uid: 33\n    level: strict\n"
		  "  - build_id: 0aff\n    level: triage\nlimits:\n  crashes: 9\n",
		  &f, &t);
	assert_false(failed(e));
	assert_int_equal(f.level, WISH_NEVER);
	assert_int_equal(f.n_rules, 3);
	assert_int_equal(f.rules[0].level, WISH_FULL);
	assert_int_equal(f.rules[1].level, WISH_STRICT);
	assert_true(str_eq(f.rules[1].executable, LIT("/usr/sbin/nginx")));
	assert_int_equal(f.crashes, 9);
	assert_int_equal(f.per_s, 600);
}

static void test_former(void **unused)
{
	(void)unused;
	struct coredump_file f;
	AUTO(config_text_done) struct config_text *t = NULL;
	assert_false(failed(parse("level: former\nbeyond_limits: former\n", &f, &t)));
	assert_int_equal(f.level, WISH_FORMER);
	assert_int_equal(f.beyond, 1);
	complains("beyond_limits: keep\n", "choose one of");
	complains("level: former\nrules:\n  - build_id: aa\n    level: full\n",
		  "c.yaml:3: a build id");
	complains("rules:\n  - uid: 5\n    level: former\n  - build_id: aa\n    level: never\n",
		  "c.yaml:4: a build id");
}

static void test_defaults(void **unused)
{
	(void)unused;
	struct coredump_file f;
	AUTO(config_text_done) struct config_text *t = NULL;
	assert_false(failed(parse("level: triage\n", &f, &t)));
	assert_int_equal(f.n_rules, 0);
	assert_int_equal(f.seal_to.n, 0);
	assert_true(str_eq(f.store, LIT(DUMP_STATE_DEFAULT "/dumps")));
}

static void test_complaints(void **unused)
{
	(void)unused;
	complains("level: all\n", "c.yaml:1: level: \"all\" is not known");
	complains("rules:\n  - level: full\n", "c.yaml:2: this rule is for every crash");
	complains("rules:\n  - uid: 9-3\n    level: full\n", "is no uid");
	complains("rules:\n  - executable: nginx\n    level: full\n", "is no absolute path");
	complains("rules:\n  - comm: nginx\n    level: full\n", "unknown key \"comm\"");
	complains("rules:\n  - uid: 3\n", "key \"level\" is missing");
	complains("store: dumps\n", "is no absolute path");
	complains("limits:\n  at_once: 0\n", "out of range");
	complains("reports_from: [990-991]\n", "is no uid");
}

static void test_uids(void **unused)
{
	(void)unused;
	static const char *const bad[] = { "", "-", "1-", "-1", "x", "2-1", "4294967295", "1-2-3" };
	uint32_t from = 0, to = 0;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(coredump_uids(str_from_c(bad[i]), &from, &to));
	assert_true(coredump_uids(LIT("0"), &from, &to));
	assert_int_equal(from + to, 0);
	assert_true(coredump_uids(LIT("5-7"), &from, &to));
	assert_int_equal(from, 5);
	assert_int_equal(to, 7);
}

/* The one that an operator starts from, but for what stands in comments. */
static void test_example(void **unused)
{
	(void)unused;
	static char yaml[16 * 1024];
	size_t n = 0;
	struct coredump_file f, d;
	AUTO(config_text_done) struct config_text *t = NULL;
	assert_false(failed(file_read(AT_FDCWD, EXAMPLE, yaml, sizeof(yaml) - 1, &n)));
	assert_false(failed(parse(yaml, &f, &t)));
	coredump_file_defaults(&d);
	assert_int_equal(f.level, d.level);
	assert_true(str_eq(f.store, d.store));
	const uint32_t said[] = { f.core_mb, f.dump_mb, f.total_mb, f.free_mb, f.keep_days,
				  f.crashes, f.per_s,   f.at_once,  f.seconds, f.uid_base };
	const uint32_t held[] = { d.core_mb, d.dump_mb, d.total_mb, d.free_mb, d.keep_days,
				  d.crashes, d.per_s,   d.at_once,  d.seconds, d.uid_base };
	assert_memory_equal(said, held, sizeof(said));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),    cmocka_unit_test(test_former),
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_complaints),
		cmocka_unit_test(test_uids),     cmocka_unit_test(test_example),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
