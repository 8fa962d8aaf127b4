/* The files of the crash handler's state and reports that are handed to it: there and back,
 * every prefix, every flip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "there_and_back.h"
#include "wire/dump_settings.h"

static uint8_t room[DUMP_SETTINGS_MAX], again[DUMP_SETTINGS_MAX];

#define REDO(type)                                       \
	static ch_err redo_##type(bytes b, struct wr *w) \
	{                                                \
		static struct type c;                    \
		c = (struct type){ 0 };                  \
		TRY(type##_read(b, &c));                 \
		type##_write(w, &c);                     \
		return wr_done(w);                       \
	}
REDO(dump_settings)
REDO(dump_former)
REDO(dump_self_test)
REDO(crash_report)
REDO(crash_stored)

static struct dump_settings sample(void)
{
	struct dump_settings s = { .mode = DUMP_MODE_SOCKET,
				   .pattern = LIT("@@/var/lib/chancery-coredump/run/core"),
				   .pipe_limit = 4,
				   .libexec = LIT("/usr/libexec/chancery"),
				   .store = LIT("/var/lib/chancery-coredump/dumps"),
				   .uid_base = 59980,
				   .limits = { .core_bytes = UINT64_C(1) << 36,
					       .file_bytes = 1 << 30,
					       .total_bytes = UINT64_C(10) << 30,
					       .free_bytes = 1 << 30,
					       .keep_days = 30,
					       .crashes = 5,
					       .per_s = 600,
					       .at_once = 4,
					       .seconds = 600 },
				   .n_reporters = 1,
				   .reporters = { 990 },
				   .wish = WISH_TRIAGE,
				   .beyond_to_former = true,
				   .n_rules = 2 };
	s.rules[0] = (struct dump_rule){
		.has_uid = true, .uid_from = 1000, .uid_to = 1999, .wish = WISH_NEVER
	};
	s.rules[1] = (struct dump_rule){
		.has_file = true, .device = 65024, .inode = 77, .wish = WISH_FULL
	};
	return s;
}

static void test_settings(void **unused)
{
	(void)unused;
	struct dump_settings s = sample();
	struct wr w = wr_of(room, sizeof(room));
	dump_settings_write(&w, &s);
	there_and_back(redo_dump_settings, &w);
}

/* All rules that there may be fit. */
static void test_full_settings(void **unused)
{
	(void)unused;
	struct dump_settings s = sample();
	struct wr w = wr_of(room, sizeof(room));
	struct wr out = wr_of(again, sizeof(again));
	s.n_rules = DUMP_RULES_MAX;
	for (size_t i = 0; i < DUMP_RULES_MAX; i++)
		s.rules[i] = (struct dump_rule){ .has_build_id = true,
						 .build_id = { (uint8_t)i },
						 .build_id_n = BUILD_ID_MAX };
	dump_settings_write(&w, &s);
	assert_false(w.full);
	assert_false(failed(redo_dump_settings(wr_bytes(&w), &out)));
}

static void refused(struct dump_settings s)
{
	struct wr w = wr_of(room, sizeof(room));
	struct wr out = wr_of(again, sizeof(again));
	dump_settings_write(&w, &s);
	assert_int_equal(ch_code_of(redo_dump_settings(wr_bytes(&w), &out)), CH_E_PROTOCOL);
}

static void test_nonsense(void **unused)
{
	(void)unused;
	struct dump_settings s = sample();
	s.store = LIT("store");
	refused(s);
	s = sample();
	s.libexec = LIT("");
	refused(s);
	s = sample();
	s.pattern = LIT("");
	refused(s);
	s = sample();
	s.limits.at_once = 0;
	refused(s);
	s = sample();
	s.wish = WISH_COUNT;
	refused(s);
	s = sample();
	s.mode = DUMP_MODE_COUNT;
	refused(s);
}

static void test_small_files(void **unused)
{
	(void)unused;
	struct wr w = wr_of(room, sizeof(room));
	dump_former_write(&w, &(struct dump_former){ LIT("|/lib/systemd-coredump %P"), 16 });
	there_and_back(redo_dump_former, &w);
	w = wr_of(room, sizeof(room));
	dump_self_test_write(
		&w, &(struct dump_self_test){ .pid = 99, .public_key = { 1 }, .store = LIT("/s") });
	there_and_back(redo_dump_self_test, &w);
}

static void test_reports(void **unused)
{
	(void)unused;
	static const uint8_t text[] = "program: chancery-signer\n";
	struct wr w = wr_of(room, sizeof(room));
	crash_report_write(&w, &(struct crash_report){ .pid = 7,
						       .signal = 11,
						       .time_s = 1790000000,
						       .program = LIT("chancery-signer"),
						       .text = BYTES_OF(text) });
	there_and_back(redo_crash_report, &w);
	w = wr_of(room, sizeof(room));
	crash_stored_write(&w, &(struct crash_stored){ CH_E_FULL, 3, LIT("20261122-abc") });
	there_and_back(redo_crash_stored, &w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings), cmocka_unit_test(test_full_settings),
		cmocka_unit_test(test_nonsense), cmocka_unit_test(test_small_files),
		cmocka_unit_test(test_reports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
