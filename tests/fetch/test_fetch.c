/* The HTTP client against the HTTP server of this house, in a forked process. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/rw.h"
#include "fetch/fetch.h"
#include "http/http.h"

static pid_t server_pid;
static uint32_t port;
static uint8_t memory[1 << 20];
static struct arena arena;
static struct fetch *client;

static void show(struct http_req *r, void *ctx)
{
	const struct http_out cookie = { LIT("Set-Cookie"), LIT("a=b") };
	struct wr w = wr_of(arena_alloc(&r->arena, 4096), 4096);
	(void)ctx;
	wr_lit(&w, "auth=");
	wr_str(&w, http_field(r, "Authorization"));
	wr_lit(&w, " cookie=");
	wr_str(&w, http_cookie(r, LIT("a")));
	wr_lit(&w, " body=");
	wr_put(&w, r->body);
	http_answer(r, &(struct http_answer){ .status = 200,
					      .type = LIT("text/plain"),
					      .body = wr_bytes(&w),
					      .fields = &cookie,
					      .n_fields = 1 });
}

static void away(struct http_req *r, void *ctx)
{
	const struct http_out to = { LIT("Location"), LIT("http://127.0.0.1:1/x?code=1") };
	(void)ctx;
	http_answer(r, &(struct http_answer){ .status = 303, .fields = &to, .n_fields = 1 });
}

static void never(struct http_req *r, void *ctx)
{
	(void)ctx;
	http_suspend(r);
}

static const struct http_route routes[] = {
	{ { "/show", 5 }, HTTP_GET, show, NULL },
	{ { "/show", 5 }, HTTP_POST, show, NULL },
	{ { "/away", 5 }, HTTP_GET, away, NULL },
	{ { "/never", 6 }, HTTP_GET, never, NULL },
};

static void serve(int fd)
{
	struct http *h = NULL;
	struct http_limits limits = http_limits_default();
	if (failed(http_new(fd, &limits, routes, COUNT_OF(routes), &h)))
		_exit(1);
	for (;;) {
		struct pollfd p = { .fd = http_epoll_fd(h), .events = POLLIN };
		(void)poll(&p, 1, http_timeout_ms(h));
		http_run(h);
	}
}

static int start(void **state)
{
	(void)state;
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&a, n) || listen(fd, 8) ||
	    getsockname(fd, (struct sockaddr *)&a, &n))
		return -1;
	port = ntohs(a.sin_port);
	server_pid = fork();
	if (server_pid == 0)
		serve(fd);
	(void)close(fd);
	return server_pid < 0 || failed(fetch_new(&client)) ? -1 : 0;
}

static int stop(void **state)
{
	(void)state;
	fetch_free(client);
	(void)kill(server_pid, SIGKILL);
	return waitpid(server_pid, NULL, 0) == server_pid ? 0 : -1;
}

static ch_err get(const char *path, struct fetch_request q, struct fetch_answer *ret_a)
{
	static char url[256];
	struct wr w = wr_of(url, sizeof(url));
	wr_lit(&w, "http://127.0.0.1:");
	wr_dec(&w, port);
	wr_str(&w, str_from_c(path));
	q.url = wr_text(&w);
	arena_init(&arena, memory, sizeof(memory));
	return fetch_run(client, &q, &arena, ret_a);
}

static void gets_and_posts(void **state)
{
	(void)state;
	struct fetch_answer a = { 0 };
	assert_false(failed(get("/show", (struct fetch_request){ 0 }, &a)));
	assert_int_equal(a.status, 200);
	assert_true(str_eq(a.type, LIT("text/plain")));
	assert_true(str_eq(str_of_bytes(a.body), LIT("auth= cookie= body=")));
	struct fetch_request q = { .form = LIT("x=1"),
				   .user = LIT("u"),
				   .password = secret_bytes_of(bytes_of_str(LIT("p"))) };
	assert_false(failed(get("/show", q, &a)));
	assert_true(str_eq(str_of_bytes(a.body), LIT("auth=Basic dTpw cookie=b body=x=1")));
	assert_false(failed(get("/show", (struct fetch_request){ 0 }, &a)));
	assert_true(str_eq(str_of_bytes(a.body), LIT("auth= cookie=b body=")));
}

static void follows_nothing(void **state)
{
	(void)state;
	struct fetch_answer a = { 0 };
	assert_false(failed(get("/away", (struct fetch_request){ 0 }, &a)));
	assert_int_equal(a.status, 303);
	assert_true(str_eq(a.location, LIT("http://127.0.0.1:1/x?code=1")));
	assert_false(failed(get("/nothing", (struct fetch_request){ 0 }, &a)));
	assert_int_equal(a.status, 404);
}

static void limits_hold(void **state)
{
	(void)state;
	struct fetch_answer a = { 0 };
	assert_int_equal(ch_code_of(get("/show", (struct fetch_request){ .max = 4 }, &a)),
			 CH_E_FULL);
	assert_int_equal(ch_code_of(get("/never", (struct fetch_request){ .timeout_s = 1 }, &a)),
			 CH_E_BUSY);
	struct fetch_request q = { .url = LIT("file:///etc/passwd") };
	assert_int_equal(ch_code_of(fetch_run(client, &q, &arena, &a)), CH_E_SYNTAX);
	q.url = LIT("http://127.0.0.1:1/");
	assert_int_equal(ch_code_of(fetch_run(client, &q, &arena, &a)), CH_E_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gets_and_posts),
		cmocka_unit_test(follows_nothing),
		cmocka_unit_test(limits_hold),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
