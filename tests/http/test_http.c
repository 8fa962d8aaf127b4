/* HTTP over a real loopback socket: routes, limits, malformed requests, suspension,
 * stop. The server runs in this process, one turn at a time between the client's. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "http/http.h"

static struct http *server;
static struct sockaddr_in address;
static struct http_req *waiting;
static str seen_field, seen_cookie;
static char got[8192];
static const uint8_t *seen_body;

static void echo(struct http_req *r, void *ctx)
{
	(void)ctx;
	seen_body = r->body.p;
	http_answer(r, &(struct http_answer){
			       .status = 200, .type = LIT("text/plain"), .body = r->body });
}

static void show(struct http_req *r, void *ctx)
{
	const struct http_out out = { LIT("X-Query"), r->query };
	(void)ctx;
	seen_field = http_field(r, "authorization");
	seen_cookie = http_cookie(r, LIT("sid"));
	http_answer(r, &(struct http_answer){ .status = 200,
					      .body = bytes_of_str(seen_cookie),
					      .fields = &out,
					      .n_fields = r->query.n > 0 });
}

static void later(struct http_req *r, void *ctx)
{
	(void)ctx;
	waiting = r;
	http_suspend(r);
}

static void split(struct http_req *r, void *ctx)
{
	const struct http_out out = { LIT("Location"), LIT("/x\r\nSet-Cookie: a=b") };
	(void)ctx;
	http_answer(r, &(struct http_answer){ .status = 303, .fields = &out, .n_fields = 1 });
}

static const struct http_route routes[] = {
	{ { "/echo", 5 }, HTTP_POST, echo, NULL },  { { "/show", 5 }, HTTP_GET, show, NULL },
	{ { "/later", 6 }, HTTP_GET, later, NULL }, { { "/split", 6 }, HTTP_GET, split, NULL },
	{ { "/both", 5 }, HTTP_GET, show, NULL },   { { "/both", 5 }, HTTP_POST, echo, NULL },
	{ { "/all/*", 6 }, HTTP_GET, show, NULL },
};

static unsigned seen_status;
static const struct http_route *seen_route;

static void answered(void *ctx, const struct http_req *r, const struct http_route *route,
		     unsigned status)
{
	*(size_t *)ctx += r->started_ns > 0;
	seen_route = route;
	seen_status = status;
}

static int start_for(unsigned connections, unsigned request_s)
{
	socklen_t n = sizeof(address);
	struct http_limits limits = http_limits_default();
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	address = (struct sockaddr_in){ .sin_family = AF_INET };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 16) ||
	    getsockname(fd, (struct sockaddr *)&address, &n))
		return -1;
	limits.connections = connections;
	limits.request_s = request_s;
	limits.traces = true;
	waiting = NULL;
	return failed(http_new(fd, &limits, routes, COUNT_OF(routes), &server)) ? -1 : 0;
}

static int start(void **state)
{
	(void)state;
	return start_for(4, 1);
}

static int start_for_many(void **state)
{
	(void)state;
	return start_for(32, 30);
}

static int stop(void **state)
{
	(void)state;
	http_free(server);
	server = NULL;
	return 0;
}

static int client(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Turns of the loop until the client has something to read, or none came. */
static bool turn(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	for (int i = 0; i < 300; i++) {
		http_run(server);
		if (poll(&p, 1, 1) > 0)
			return true;
	}
	return false;
}

static const char *answer(int fd)
{
	size_t n = 0;
	got[0] = 0;
	while (turn(fd) && n < sizeof(got) - 1) {
		ssize_t m = recv(fd, got + n, sizeof(got) - 1 - n, 0);
		if (m <= 0)
			break;
		n += (size_t)m;
		got[n] = 0;
		const char *end = strstr(got, "\r\n\r\n");
		const char *length = strstr(got, "Content-Length: ");
		uint64_t want = 0;
		str digits = length ? str_from_c(length + 16) : (str){ 0 };
		if (end && length && str_to_u64(str_cut(&digits, '\r'), 65536, &want) &&
		    n >= (size_t)(end + 4 - got) + want)
			break;
	}
	return got;
}

static const char *ask(const char *text)
{
	AUTO(fd_close) int fd = client();
	assert_false(failed(fd_write_all(fd, bytes_of_str(str_from_c(text)))));
	return answer(fd);
}

#define STARTS(text, with) assert_int_equal(strncmp((text), (with), strlen(with)), 0)
#define HAS(text, with) assert_non_null(strstr((text), (with)))
#define H " HTTP/1.1\r\nHost: x\r\n"

static void serves(void **state)
{
	(void)state;
	const char *a = ask("POST /echo" H "Content-Length: 5\r\n\r\nhello");
	STARTS(a, "HTTP/1.1 200");
	HAS(a, "\r\n\r\nhello");
	a = ask("GET /show?a=%20b&c" H "Authorization: Basic x\r\nCookie: a=1; sid=77\r\n\r\n");
	HAS(a, "X-Query: a=%20b&c");
	HAS(a, "\r\n\r\n77");
	STARTS(ask("HEAD /show" H "\r\n"), "HTTP/1.1 200");
	STARTS(ask("GET /all/" H "\r\n"), "HTTP/1.1 200");
	STARTS(ask("GET /all/x/..?y" H "\r\n"), "HTTP/1.1 200");
	STARTS(ask("GET /all" H "\r\n"), "HTTP/1.1 404");
	STARTS(ask("GET /al%6c/x" H "\r\n"), "HTTP/1.1 404");
	STARTS(ask("POST /all/x" H "\r\n"), "HTTP/1.1 405");
	STARTS(ask("POST /echo" H
		   "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
	       "HTTP/1.1 200");
	HAS(got, "\r\n\r\nabcde");
}

static void refuses(void **state)
{
	(void)state;
	STARTS(ask("GET /nothing" H "\r\n"), "HTTP/1.1 404");
	STARTS(ask("GET /show%2f" H "\r\n"), "HTTP/1.1 404");
	STARTS(ask("GET /sho%77" H "\r\n"), "HTTP/1.1 404");
	STARTS(ask("DELETE /both" H "\r\n"), "HTTP/1.1 405");
	HAS(got, "Allow: GET, HEAD, POST\r\n");
	STARTS(ask("GET /echo" H "\r\n"), "HTTP/1.1 405");
	HAS(got, "Allow: POST\r\n");
	STARTS(ask("POST /echo" H "Content-Length: -5\r\n\r\n"), "HTTP/1.1 4");
	STARTS(ask("POST /echo" H "Content-Length: 99999999\r\n\r\n"), "HTTP/1.1 413");
	STARTS(ask("GET /show HTTP/1.1\r\n\r\n"), "HTTP/1.1 400");
	(void)ask("\x16\x03\x01\x02\r\n\r\n");
	STARTS(ask("GET /split" H "\r\n"), "HTTP/1.1 500");
	assert_null(strstr(got, "Set-Cookie"));
}

#define NEXT "GET /show" H "\r\n"

/* A front that reads them otherwise would take a part of one request for the next. */
static void one_reading_only(void **state)
{
	(void)state;
	static const char *const two[] = {
		"POST /echo" H
		"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT,
		"POST /echo" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"
		"0\r\n\r\n" NEXT,
		"POST /echo" H "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" NEXT,
		"POST /echo" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" NEXT,
		"POST /echo" H "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n"
		"0\r\n\r\n" NEXT,
		"POST /echo" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" NEXT,
		"POST /echo" H "Content-Length: 0\r\ncontent-length: 5\r\n\r\nhello" NEXT,
		"GET /show" H "host: y\r\n\r\n" NEXT,
		"GET /show" H "A B: c\r\n\r\n" NEXT,
	};
	for (size_t i = 0; i < COUNT_OF(two); i++) {
		STARTS(ask(two[i]), "HTTP/1.1 400");
		HAS(got, "Connection: close");
		assert_null(strstr(got + 8, "HTTP/1.1 200"));
	}
}

static char big[200 * 1024];

static void large(void **state)
{
	static const char head[] = "POST /echo" H "Content-Length: 100000\r\n\r\n";
	(void)state;
	memset(big, 'a', sizeof(big));
	mem_copy(big, head, sizeof(head) - 1);
	big[sizeof(head) - 1 + 100000] = 0;
	STARTS(ask(big), "HTTP/1.1 413");
	memset(big, 'a', sizeof(big));
	mem_copy(big, "GET /", 5);
	mem_copy(big + 30000, H "\r\n", sizeof(H "\r\n"));
	STARTS(ask(big), "HTTP/1.1 414");
	memset(big, 'a', sizeof(big));
	mem_copy(big, "GET /show" H "A: ", sizeof("GET /show" H "A: ") - 1);
	mem_copy(big + 30000, "\r\n\r\n", 5);
	STARTS(ask(big), "HTTP/1.1 431");
}

static void twice_is_empty(void **state)
{
	(void)state;
	(void)ask("GET /show" H
		  "Authorization: a\r\nauthorization: b\r\nCookie: sid=1; sid=2\r\n\r\n");
	assert_int_equal(seen_field.n, 0);
	assert_non_null(seen_field.p);
	assert_null(seen_cookie.p);
	(void)ask("GET /show" H "\r\n");
	assert_null(seen_field.p);
}

static void suspended(void **state)
{
	AUTO(fd_close) int fd = client();
	(void)state;
	assert_false(failed(fd_write_all(fd, bytes_of_str(LIT("GET /later" H "\r\n")))));
	assert_false(turn(fd));
	assert_non_null(waiting);
	assert_int_equal(http_under_way(server), 1);
	http_answer_text(waiting, 200, LIT("done"));
	HAS(answer(fd), "\r\n\r\ndone");
	/* the connection lives on */
	assert_false(failed(fd_write_all(fd, bytes_of_str(LIT("GET /show" H "\r\n")))));
	STARTS(answer(fd), "HTTP/1.1 200");
	http_run(server);
	assert_int_equal(http_under_way(server), 0);
}

static void gone_while_suspended(void **state)
{
	(void)state;
	int fd = client();
	assert_false(failed(fd_write_all(fd, bytes_of_str(LIT("GET /later" H "\r\n")))));
	assert_false(turn(fd));
	(void)close(fd);
	http_run(server);
	http_answer_text(waiting, 200, LIT("done"));
	for (int i = 0; i < 5; i++)
		http_run(server);
	assert_int_equal(http_under_way(server), 0);
}

static void stops(void **state)
{
	AUTO(fd_close) int fd = client();
	(void)state;
	assert_false(failed(fd_write_all(fd, bytes_of_str(LIT("GET /later" H "\r\n")))));
	assert_false(turn(fd));
	http_stop(server);
	http_answer_text(waiting, 200, LIT("done"));
	HAS(answer(fd), "Connection: close");
	http_run(server);
	assert_int_equal(http_under_way(server), 0);
}

static void stops_with_one_waiting(void **state)
{
	AUTO(fd_close) int fd = client();
	(void)state;
	assert_false(failed(fd_write_all(fd, bytes_of_str(LIT("GET /later" H "\r\n")))));
	assert_false(turn(fd));
	http_free(server);
	server = NULL;
	assert_true(recv(fd, got, sizeof(got), 0) > 0);
	STARTS(got, "HTTP/1.1 503");
}

/* A byte now and then keeps no connection open. */
static void drips(void **state)
{
	AUTO(fd_close) int fd = client();
	char c = 0;
	bool over = false;
	(void)state;
	for (int i = 0; i < 30 && !over; i++) {
		(void)send(fd, "G", 1, MSG_NOSIGNAL);
		http_run(server);
		(void)usleep(100000);
		over = recv(fd, &c, 1, MSG_DONTWAIT) == 0;
	}
	assert_true(over);
	STARTS(ask("GET /show" H "\r\n"), "HTTP/1.1 200");
}

/* Who waits for us is not cut off. */
static void waits_longer(void **state)
{
	AUTO(fd_close) int fd = client();
	(void)state;
	assert_false(failed(fd_write_all(fd, bytes_of_str(LIT("GET /later" H "\r\n")))));
	assert_false(turn(fd));
	for (int i = 0; i < 20; i++) {
		(void)usleep(100000);
		http_run(server);
	}
	http_answer_text(waiting, 200, LIT("done"));
	HAS(answer(fd), "\r\n\r\ndone");
}

/* Every answer is told once, with its route; a trace comes back with a span of ours. */
static void watched(void **state)
{
	size_t n = 0;
	const struct http_watcher watcher = { answered, &n };
	(void)state;
	http_watch(server, &watcher);
	STARTS(ask("GET /show" H "\r\n"), "HTTP/1.1 200");
	assert_true(n == 1 && seen_status == 200 && seen_route == &routes[1]);
	assert_null(strstr(got, "traceresponse"));
	STARTS(ask("GET /nothing" H "\r\n"), "HTTP/1.1 404");
	assert_true(n == 2 && seen_status == 404 && !seen_route);
	STARTS(ask("POST /echo" H "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
	       "HTTP/1.1 400");
	assert_true(n == 3 && seen_status == 400 && !seen_route);
	STARTS(ask("GET /show" H
		   "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n"),
	       "HTTP/1.1 200");
	HAS(got, "traceresponse: 00-4bf92f3577b34da6a3ce929d0e0e4736-");
	assert_null(strstr(got, "00f067aa0ba902b7"));
	/* two of them are none */
	STARTS(ask("GET /show" H
		   "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
		   "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n"),
	       "HTTP/1.1 200");
	assert_null(strstr(got, "traceresponse"));
	AUTO(fd_close) int fd = client();
	assert_false(failed(fd_write_all(fd, bytes_of_str(LIT("GET /later" H "\r\n")))));
	for (int i = 0; i < 300 && !waiting; i++)
		(void)turn(fd);
	assert_int_equal(n, 5);
	http_answer_text(waiting, 503, LIT("later\n"));
	STARTS(answer(fd), "HTTP/1.1 503");
	assert_true(n == 6 && seen_status == 503 && seen_route == &routes[2]);
}

static void one_too_many(void **state)
{
	int fd[6];
	(void)state;
	for (size_t i = 0; i < 6; i++) {
		fd[i] = client();
		assert_false(failed(fd_write_all(fd[i], bytes_of_str(LIT("GET /la")))));
		http_run(server);
	}
	assert_true(http_under_way(server) <= 4);
	for (size_t i = 0; i < 6; i++)
		(void)close(fd[i]);
	for (size_t i = 0; i < 20; i++)
		http_run(server);
	assert_int_equal(http_under_way(server), 0);
	STARTS(ask("GET /show" H "\r\n"), "HTTP/1.1 200");
}

/* What a crowd needed goes back to the system when the crowd has gone, and what comes later is
 * served as before. */
static void crowd(void **state)
{
	(void)state;
	enum { CROWD = 20 };
	int fd[CROWD];
	unsigned char there = 0;
	for (size_t i = 0; i < CROWD; i++) {
		fd[i] = client();
		http_run(server);
		assert_false(failed(fd_write_all(
			fd[i],
			bytes_of_str(LIT("POST /echo" H "Content-Length: 5\r\n\r\nhello")))));
	}
	for (size_t i = 0; i < CROWD; i++)
		STARTS(answer(fd[i]), "HTTP/1.1 200");
	assert_int_equal(http_connections(server), CROWD);
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	void *const at = (uint8_t *)(uintptr_t)seen_body - (uintptr_t)seen_body % page;
	assert_int_equal(mincore(at, page, &there), 0);
	assert_true(there & 1);
	for (size_t i = 0; i < CROWD; i++)
		(void)close(fd[i]);
	/* -1: nothing is left to be done */
	while (http_timeout_ms(server) >= 0) {
		(void)poll(NULL, 0, 10);
		http_run(server);
	}
	assert_int_equal(http_connections(server), 0);
	assert_int_equal(mincore(at, page, &there), 0);
	assert_false(there & 1);
	HAS(ask("POST /echo" H "Content-Length: 5\r\n\r\nagain"), "\r\n\r\nagain");
}

/* libmicrohttpd's calls that would start GnuTLS come to us. */
static void no_tls(void **state)
{
	(void)state;
	Dl_info here = { 0 }, there = { 0 };
	int (*start_tls)(void) = NULL;
	*(void **)(void *)&start_tls = dlsym(RTLD_DEFAULT, "gnutls_global_init");
	assert_non_null(start_tls);
	assert_int_equal(start_tls(), 0);
	assert_true(dladdr((const void *)&routes, &here) != 0);
	assert_true(dladdr(dlsym(RTLD_DEFAULT, "gnutls_global_init"), &there) != 0);
	assert_ptr_equal(here.dli_fbase, there.dli_fbase);
	assert_true(dladdr(dlsym(RTLD_DEFAULT, "_gnutls_global_init_skip"), &there) != 0);
	assert_ptr_equal(here.dli_fbase, there.dli_fbase);
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(serves),
		T(refuses),
		T(large),
		T(twice_is_empty),
		T(suspended),
		T(gone_while_suspended),
		T(stops),
		T(stops_with_one_waiting),
		T(drips),
		T(waits_longer),
		T(one_too_many),
		T(one_reading_only),
		T(watched),
		cmocka_unit_test_setup_teardown(crowd, start_for_many, stop),
		cmocka_unit_test(no_tls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
