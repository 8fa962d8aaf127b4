/* Alarms on their way to the collector: who has one key, and makes tokens as fast as he likes, does
 * not keep from people that somebody has another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/rw.h"
#include "reports.h"
#include "wire/channel.h"

static struct reports *reports;
static int ours, theirs;
static uint32_t under_way;

static int begin(void **unused)
{
	int pair[2];
	(void)unused;
	if (failed(channel_pair(pair)))
		return 1;
	theirs = pair[0];
	ours = pair[1];
	reports_open(theirs, NULL, &reports);
	return 0;
}

static int end(void **unused)
{
	(void)unused;
	reports_close(reports);
	(void)close(ours);
	(void)close(theirs);
	return 0;
}

static void show(const char *kid, uint8_t number)
{
	char text[64];
	struct wr w = wr_of(text, sizeof(text));
	struct token_verdict v = { .kid = str_from_c(kid), .identity = { number, 1 } };
	wr_str(&w, v.kid);
	wr_lit(&w, ".");
	wr_dec(&w, number);
	wr_lit(&w, ".c2ln");
	reports_alarm(reports, &v, &(struct asked){ .token = wr_text(&w) });
}

/* The next alarm, as the collector gets it; it answers `status`. False: there is none. */
static bool next(uint16_t status, char ret_input[static 64])
{
	static uint8_t room[FETCH_MESSAGE_MAX];
	struct report_alarm a = { 0 };
	struct fetch_post p = { 0 };
	bytes message = { 0 };
	struct wr w = wr_of(ret_input, 63);
	if (failed(channel_recv(ours, room, sizeof(room), &message, NULL)))
		return false;
	assert_false(failed(fetch_read_post(message, &p)));
	assert_int_equal(p.post, REPORTS_POST_ALARMS);
	assert_false(failed(report_alarm_read(p.body, &a)));
	wr_str(&w, a.signing_input);
	ret_input[w.n] = 0;
	under_way = p.req;
	const struct fetch_posted said = { .req = p.req, .post = p.post, .status = status };
	reports_posted(reports, &said);
	reports_turn(reports, clock_mono_ns());
	return true;
}

static void one_key_leaves_room_for_another(void **unused)
{
	char input[64];
	size_t n = 0, of_second = 0, last = 0;
	(void)unused;
	for (uint8_t i = 1; i <= 3 * REPORTS_ALARMS; i++)
		show("first", i);
	show("second", 100);
	show("second", 101);
	for (; next(200, input); n++) {
		bool second = input[0] == 's';
		of_second += second;
		last = second ? n : last;
	}
	assert_int_equal(n, REPORTS_ALARMS);
	assert_int_equal(of_second, 2);
	assert_int_equal(reports_counts(reports).alarms_dropped, 2 * REPORTS_ALARMS + 2);
}

/* What had no room is sent when it is shown again; what was sent is not. */
static void what_was_dropped_is_not_forgotten(void **unused)
{
	char input[64];
	size_t n = 0;
	(void)unused;
	for (uint8_t i = 1; i <= REPORTS_ALARMS + 1; i++)
		show("third", (uint8_t)(120 + i));
	while (next(200, input))
		n++;
	assert_int_equal(n, REPORTS_ALARMS);
	show("third", 121);
	assert_false(next(200, input));
	show("third", 120 + REPORTS_ALARMS + 1);
	assert_true(next(200, input));
	assert_string_equal(input, "third.137");
}

/* The first is answered 503 each time: the one behind it is sent all the same. */
static void one_that_is_not_taken_keeps_none_back(void **unused)
{
	char input[64];
	(void)unused;
	show("fourth", 201);
	show("fourth", 202);
	assert_true(next(503, input));
	assert_string_equal(input, "fourth.201");
	reports_turn(reports, clock_mono_ns() + UINT64_C(20000000000));
	assert_true(next(200, input));
	assert_string_equal(input, "fourth.202");
	assert_true(next(200, input));
	assert_string_equal(input, "fourth.201");
	assert_false(next(200, input));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_key_leaves_room_for_another),
		cmocka_unit_test(what_was_dropped_is_not_forgotten),
		cmocka_unit_test(one_that_is_not_taken_keeps_none_back),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
