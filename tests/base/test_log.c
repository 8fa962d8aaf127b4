/* Log lines: whatever stands in a value, one event stays one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/rw.h"

static char out[8192];

static int saved = -1;
static int ends[2];

static void begin(void)
{
	assert_int_equal(pipe(ends), 0);
	saved = dup(STDERR_FILENO);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	(void)close(ends[1]);
}

static str end(void)
{
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	ssize_t n = read(ends[0], out, sizeof(out));
	(void)close(ends[0]);
	return (str){ out, n > 0 ? (size_t)n : 0 };
}

static size_t count(str s, char c)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == c;
	return n;
}

static void an_event_is_a_line(void **state)
{
	(void)state;
	log_open("chancery-test");
	begin();
	LOG(LOG_WARN, "refused", log_str("realm", LIT("home")), log_u64("n", UINT64_MAX),
	    log_i64("i", INT64_MIN));
	str line = end();
	str time = str_cut(&line, ' ');
	assert_int_equal(time.n, 24); /* 2026-11-22T12:00:00.123Z */
	assert_int_equal(time.p[23], 'Z');
	assert_true(str_eq(line, LIT("warn chancery-test \"refused\" realm=\"home\" "
				     "n=18446744073709551615 i=-9223372036854775808\n")));
}

static void a_value_cannot_forge_a_line(void **state)
{
	(void)state;
	char all[256];
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	begin();
	LOG(LOG_ERROR, "x", log_str("v", (str){ all, sizeof(all) }),
	    log_str("w", LIT("\" y=1\n2026-11-22T12:00:00.000Z ALARM chancery \"forged\"")));
	str line = end();
	assert_int_equal(count(line, '\n'), 1);
	assert_int_equal(line.p[line.n - 1], '\n');
	for (size_t i = 0; i + 1 < line.n; i++)
		assert_true(line.p[i] >= 0x20 && line.p[i] < 0x7f);
	/* the quote that would end the value early is escaped */
	assert_non_null(strstr(out, "w=\"\\\" y=1\\x0a2026"));
}

static void long_values_are_cut(void **state)
{
	(void)state;
	static char big[4000];
	memset(big, '\n', sizeof(big));
	begin();
	LOG(LOG_ERROR, "x", log_str("a", (str){ big, sizeof(big) }),
	    log_str("b", (str){ big, sizeof(big) }));
	str line = end();
	assert_int_equal(count(line, '\n'), 1);
	assert_true(line.n <= 2048);
	assert_int_equal(line.p[line.n - 1], '\n');
}

static void as_json(void **state)
{
	static char big[4000];
	char all[256];
	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	memset(big, 1, sizeof(big));
	assert_false(log_is_json());
	log_as_json(true);
	begin();
	LOG(LOG_WARN, "re\"fused", log_str("realm", LIT("a\"b\\c\n\xff")), log_i64("i", -3),
	    log_u64("n", 7));
	str line = end();
	str head = str_sub(line, 0, 9);
	assert_true(str_eq(head, LIT("{\"time\":\"")));
	assert_true(str_ends(line, LIT("Z\",\"level\":\"warn\",\"program\":\"chancery-test\","
				       "\"what\":\"re\\\"fused\",\"realm\":"
				       "\"a\\\"b\\\\c\\u000a\\u00ff\",\"i\":-3,\"n\":7}\n")));
	begin();
	LOG(LOG_WARN, "x", log_str("all", (str){ all, sizeof(all) }));
	line = end();
	for (size_t i = 0; i + 1 < line.n; i++)
		assert_true(line.p[i] >= 0x20 && line.p[i] < 0x7f);
	/* what does not fit is left out whole */
	begin();
	LOG(LOG_WARN, "x", log_str("a", (str){ big, sizeof(big) }),
	    log_str("b", (str){ big, sizeof(big) }), log_u64("c", 1));
	line = end();
	log_as_json(false);
	assert_null(memmem(line.p, line.n, "\"b\":", 4));
	assert_true(str_ends(line, LIT("...\",\"c\":1}\n")) && line.n <= 4096);
}

static void below_the_level_nothing(void **state)
{
	(void)state;
	begin();
	LOG(LOG_DEBUG, "quiet");
	log_min_level(LOG_ALARM);
	LOG(LOG_ERROR, "quiet too");
	LOG(LOG_ALARM, "loud");
	log_min_level(LOG_INFO);
	str line = end();
	assert_int_equal(count(line, '\n'), 1);
	assert_true(str_ends(line, LIT("\"loud\"\n")));
}

static void errors(void **state)
{
	(void)state;
	char text[256];
	struct wr w = wr_of(text, sizeof(text));
	err_print(&w, ch_fail(CH_E_IO, "cannot open the file", 2));
	assert_true(str_starts(wr_text(&w), LIT("E_IO: cannot open the file (ENOENT) [")));
	w.n = 0;
	err_print(&w, ch_fail(CH_E_RANGE, "too big", 70000));
	assert_true(str_starts(wr_text(&w), LIT("E_RANGE: too big (70000) [")));
	w.n = 0;
	err_print(&w, CH_DONE);
	assert_true(str_eq(wr_text(&w), LIT("OK")));
	begin();
	LOG(LOG_ERROR, "failed", log_err(ch_err_from_wire(9999, 1)));
	str line = end();
	assert_true(str_ends(line, LIT("[wire:0]\"\n")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_a_line),
		cmocka_unit_test(a_value_cannot_forge_a_line),
		cmocka_unit_test(long_values_are_cut),
		cmocka_unit_test(as_json),
		cmocka_unit_test(below_the_level_nothing),
		cmocka_unit_test(errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
