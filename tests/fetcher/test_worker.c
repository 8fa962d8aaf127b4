/* A worker and a gate that is not to be trusted: it gets what the configuration names, by
 * number, and not in a flood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "fetcher_internal.h"

static int gate = -1;
static pid_t worker;

/* Nobody answers there: port 1 of loopback. */
static int start(void **state)
{
	static const struct fetcher_config config = { .n_urls = 2,
						      .urls = { { "http://127.0.0.1:1/a", 20 },
								{ "http://127.0.0.1:1/b", 20 } },
						      .n_posts = 1,
						      .posts = { { { "http://127.0.0.1:1/c", 20 },
								   { "a/b", 3 },
								   { "gate", 4 },
								   { "12345678", 8 } } } };
	int ends[2];
	(void)state;
	assert_false(failed(channel_pair(ends)));
	worker = fork();
	if (worker == 0) {
		struct fetches *f = NULL;
		(void)close(ends[0]);
		if (failed(fetches_new(3, FETCH_BODY_MAX, &f)))
			_exit(99);
		_exit((int)ch_code_of(worker_serve(&config, f, ends[1])));
	}
	(void)close(ends[1]);
	gate = ends[0];
	return worker < 0;
}

/* The worker's end, which the test brought about. */
static int ended(void)
{
	int status = 0;
	assert_int_equal(waitpid(worker, &status, 0), worker);
	assert_true(WIFEXITED(status));
	fd_close(&gate);
	return WEXITSTATUS(status);
}

static void ask(uint32_t req, uint16_t url)
{
	uint8_t room[256];
	struct wr w = wr_of(room, sizeof(room));
	fetch_write_ask(&w, &(struct fetch_ask){ .req = req, .url = url, .etag = LIT("\"x\"") });
	assert_false(failed(channel_send(gate, wr_bytes(&w), NULL)));
}

static struct fetch_told told(void)
{
	static uint8_t room[FETCH_MESSAGE_MAX];
	bytes message = { 0 };
	struct fetch_told t = { 0 };
	assert_false(failed(channel_wait(gate, POLLIN, 20000)));
	assert_false(failed(channel_recv(gate, room, sizeof(room), &message, NULL)));
	assert_false(failed(fetch_read_told(message, &t)));
	return t;
}

static void send_post(uint32_t req, uint16_t number, bytes body)
{
	static uint8_t room[FETCH_MESSAGE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	fetch_write_post(&w, &(struct fetch_post){ .req = req, .post = number, .body = body });
	assert_false(failed(channel_send(gate, wr_bytes(&w), NULL)));
}

static struct fetch_posted posted(void)
{
	static uint8_t room[FETCH_MESSAGE_MAX];
	bytes message = { 0 };
	struct fetch_posted p = { 0 };
	assert_false(failed(channel_wait(gate, POLLIN, 20000)));
	assert_false(failed(channel_recv(gate, room, sizeof(room), &message, NULL)));
	assert_false(failed(fetch_read_posted(message, &p)));
	return p;
}

static void sends_by_number(void **state)
{
	static uint8_t body[FETCH_POST_MAX];
	(void)state;
	send_post(9, 0, BYTES_OF(body));
	struct fetch_posted p = posted();
	assert_int_equal(p.req, 9);
	assert_int_equal(p.post, 0);
	assert_int_equal(p.code, CH_E_GONE);
	/* the number of a URL that is fetched is another one */
	ask(10, 0);
	assert_int_equal(told().req, 10);
	send_post(11, 1, BYTES_OF(body));
	assert_int_equal(ended(), CH_E_PROTOCOL);
}

static void a_post_of_nothing_ends_it(void **state)
{
	(void)state;
	send_post(1, 0, (bytes){ 0 });
	assert_int_equal(ended(), CH_E_PROTOCOL);
}

static void answers_by_number(void **state)
{
	(void)state;
	ask(7, 1);
	struct fetch_told t = told();
	assert_int_equal(t.req, 7);
	assert_int_equal(t.url, 1);
	assert_int_equal(t.code, CH_E_GONE);
	assert_int_equal(t.max_age_s, -1);
	fd_close(&gate);
	assert_int_equal(ended(), CH_OK);
}

static void a_flood_is_refused(void **state)
{
	(void)state;
	unsigned refused = 0;
	for (uint32_t i = 1; i <= 40; i++) {
		ask(i, 0);
		uint16_t code = told().code;
		refused += code == CH_E_LIMIT || code == CH_E_BUSY;
	}
	/* a few at once, then one a second: however slow the machine, not forty */
	assert_true(refused > 0);
	/* the other URL is not concerned */
	ask(41, 1);
	assert_int_equal(told().code, CH_E_GONE);
	fd_close(&gate);
	assert_int_equal(ended(), CH_OK);
}

static void a_number_that_is_none_ends_it(void **state)
{
	(void)state;
	ask(1, 2);
	assert_int_equal(ended(), CH_E_PROTOCOL);
}

static void rubbish_ends_it(void **state)
{
	(void)state;
	assert_false(failed(channel_send(gate, bytes_of_str(LIT("http://evil.test/")), NULL)));
	assert_int_equal(ended(), CH_E_PROTOCOL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(answers_by_number, start),
		cmocka_unit_test_setup(sends_by_number, start),
		cmocka_unit_test_setup(a_post_of_nothing_ends_it, start),
		cmocka_unit_test_setup(a_flood_is_refused, start),
		cmocka_unit_test_setup(a_number_that_is_none_ends_it, start),
		cmocka_unit_test_setup(rubbish_ends_it, start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
