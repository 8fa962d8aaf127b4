/* The log of refusals: how many lines of a class, what they hold, and what they never do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <cmocka.h>

#include "refusals.h"

static const uint64_t second = 1000000000;
static char out[256 * 1024];
static int saved = -1, file = -1;
static struct refusals refusals;

static int begin(void **state)
{
	(void)state;
	log_open("test");
	refusals_init(&refusals, 0);
	file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	saved = dup(STDERR_FILENO);
	return file < 0 || dup2(file, STDERR_FILENO) < 0;
}

/* What was logged since begin; the lines are counted. */
static size_t logged(void)
{
	ssize_t n = pread(file, out, sizeof(out) - 1, 0);
	size_t lines = 0;
	out[n > 0 ? n : 0] = 0;
	for (const char *p = out; *p; p++)
		lines += *p == '\n';
	return lines;
}

static int end(void **state)
{
	(void)state;
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	return close(file);
}

static void note(enum token_code code, str location, uint64_t now)
{
	const struct token_verdict v = { .code = code };
	refusals_note(&refusals, &(struct refusal){ .verdict = &v, .location = location }, now);
}

static void test_first_then_few_then_counted(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		note(TOKEN_expired, LIT("imap"), second + i);
	assert_int_equal(logged(), REFUSALS_A_MINUTE);
	assert_int_equal(refusals.suppressed, 1000 - REFUSALS_A_MINUTE);
	refusals_tick(&refusals, 30 * second);
	assert_int_equal(logged(), REFUSALS_A_MINUTE);
	refusals_tick(&refusals, 62 * second);
	assert_int_equal(logged(), REFUSALS_A_MINUTE + 1);
	assert_non_null(strstr(out, "\"tokens refused\" code=\"expired\" location=\"imap\" "
				    "more=994 in_s=61"));
	refusals_tick(&refusals, 130 * second);
	assert_int_equal(logged(), REFUSALS_A_MINUTE + 1); /* nothing was left out since */
	note(TOKEN_expired, LIT("imap"), 131 * second);
	assert_int_equal(logged(), REFUSALS_A_MINUTE + 2);
}

static void test_classes_are_apart(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++)
		note(TOKEN_malformed, LIT("imap"), second);
	size_t before = logged();
	note(TOKEN_malformed, LIT("web"), second);
	note(TOKEN_expired, LIT("imap"), second);
	note(TOKEN_foreign_key, LIT("imap"), second);
	note(TOKEN_bad_mailbox, LIT("imap"), second);
	assert_int_equal(logged(), before + 4);
	char *alarm = strstr(out, "ALARM");
	assert_non_null(alarm);
	assert_non_null(strstr(alarm, "foreign_key"));
	assert_non_null(strstr(strstr(alarm + 1, "ALARM"), "bad_mailbox"));
	/* alarms are limited too, and stay alarms when they are counted */
	for (unsigned i = 0; i < 1000; i++)
		note(TOKEN_foreign_key, LIT("imap"), second);
	assert_int_equal(logged(), before + 4 + REFUSALS_A_MINUTE - 1);
	refusals_finish(&refusals, 2 * second);
	(void)logged();
	assert_non_null(strstr(out, "ALARM test \"tokens refused\" code=\"foreign_key\""));
}

static void test_table_is_bounded(void **state)
{
	static char names[2 * REFUSAL_CLASSES][16];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		(void)snprintf(names[i], sizeof(names[i]), "place-%zu", i);
		note(TOKEN_expired, str_from_c(names[i]), second);
	}
	assert_int_equal(refusals.n, REFUSAL_CLASSES);
	assert_int_equal(logged(), REFUSAL_CLASSES + REFUSALS_A_MINUTE);
	refusals_finish(&refusals, 2 * second);
	(void)logged();
	assert_non_null(strstr(out, "\"tokens refused\" code=\"others\" more=122"));
}

static void test_content(void **state)
{
	const struct token_verdict v = { .code = TOKEN_bad_mailbox,
					 .where = LIT("payload"),
					 .what = LIT("username"),
					 .issuer = LIT("https://login.example/home"),
					 .realm = LIT("home"),
					 .kid = LIT("k\n1\x1b[31m"),
					 .claims = LIT("CLAIMS"),
					 .jti = LIT("JTI") };
	struct address client;
	(void)state;
	assert_true(address_of(LIT("192.0.2.7"), &client));
	const struct refusal f = { .verdict = &v,
				   .location = LIT("imap"),
				   .client = &client,
				   .username = LIT("a\"b\r\n") };
	refusals_note(&refusals, &f, second);
	assert_int_equal(logged(), 1);
	assert_non_null(strstr(out, "code=\"bad_mailbox\" why=\"the realm may not claim this "
				    "mailbox\" part=\"payload\" member=\"username\" "
				    "location=\"imap\" issuer=\"https://login.example/home\" "
				    "realm=\"home\" kid=\"k\\x0a1\\x1b[31m\" "
				    "username=\"a\\\"b\\x0d\\x0a\" client=\"192.0.2.7\"\n"));
	assert_null(strstr(out, "CLAIMS"));
	/* one that is no verdict */
	const struct refusal junk = { .code = LIT("junk_limited"), .why = LIT("over the limit") };
	refusals_note(&refusals, &junk, second);
	assert_int_equal(logged(), 2);
	assert_non_null(strstr(out, "warn test \"token refused\" code=\"junk_limited\" "
				    "why=\"over the limit\"\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first_then_few_then_counted, begin, end),
		cmocka_unit_test_setup_teardown(test_classes_are_apart, begin, end),
		cmocka_unit_test_setup_teardown(test_table_is_bounded, begin, end),
		cmocka_unit_test_setup_teardown(test_content, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
