/* The HTTP client against the HTTP server of this house, in a forked process. */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rw.h"
#include "fetch/many.h"
#include "fetch_internal.h"
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

static void typed(struct http_req *r, void *ctx)
{
	struct wr w = wr_of(arena_alloc(&r->arena, 4096), 4096);
	(void)ctx;
	wr_str(&w, http_field(r, "Content-Type"));
	wr_char(&w, ' ');
	wr_hex(&w, r->body);
	http_answer(r, &(struct http_answer){ .status = 200, .body = wr_bytes(&w) });
}

static void away(struct http_req *r, void *ctx)
{
	const struct http_out to = { LIT("Location"), LIT("http://127.0.0.1:1/x?code=1") };
	(void)ctx;
	http_answer(r, &(struct http_answer){ .status = 303, .fields = &to, .n_fields = 1 });
}

static void proven(struct http_req *r, void *ctx)
{
	const struct http_out nonce = { LIT("DPoP-Nonce"), LIT("n-1") };
	struct wr w = wr_of(arena_alloc(&r->arena, 4096), 4096);
	(void)ctx;
	wr_str(&w, http_field(r, "DPoP"));
	wr_char(&w, ' ');
	wr_str(&w, http_field(r, "If-None-Match"));
	http_answer(r, &(struct http_answer){ .status = 400,
					      .type = LIT("text/plain"),
					      .body = wr_bytes(&w),
					      .fields = &nonce,
					      .n_fields = 1 });
}

static void never(struct http_req *r, void *ctx)
{
	(void)ctx;
	http_suspend(r);
}

/* As a server of key sets: a tag, how long it is good, and 304 for who has it. */
static void tagged(struct http_req *r, void *ctx)
{
	const struct http_out fields[] = { { LIT("ETag"), LIT("\"a-1\"") },
					   { LIT("Cache-Control"), LIT("public, max-age=70") },
					   { LIT("Cache-Control"), LIT("MAX-AGE=\"60\"") } };
	bool same = str_eq(http_field(r, "If-None-Match"), LIT("\"a-1\""));
	(void)ctx;
	http_answer(r,
		    &(struct http_answer){ .status = same ? 304 : 200,
					   .type = LIT("text/plain"),
					   .body = same ? (bytes){ 0 } : bytes_of_str(LIT("keys")),
					   .fields = fields,
					   .n_fields = COUNT_OF(fields) });
}

static const struct http_route routes[] = {
	{ { "/typed", 6 }, HTTP_POST, typed, NULL },  { { "/tagged", 7 }, HTTP_GET, tagged, NULL },
	{ { "/show", 5 }, HTTP_GET, show, NULL },     { { "/show", 5 }, HTTP_POST, show, NULL },
	{ { "/away", 5 }, HTTP_GET, away, NULL },     { { "/never", 6 }, HTTP_GET, never, NULL },
	{ { "/proven", 7 }, HTTP_GET, proven, NULL },
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

static void posts_any_bytes(void **state)
{
	static const char body[] = { 'a', 0, '\n', (char)0xff };
	(void)state;
	struct fetch_answer a = { 0 };
	struct fetch_request q = { .form = { body, sizeof(body) }, .form_type = LIT("text/plain") };
	assert_false(failed(get("/typed", q, &a)));
	assert_true(str_eq(str_of_bytes(a.body), LIT("text/plain 61000aff")));
	q.form_type = LIT("");
	assert_false(failed(get("/typed", q, &a)));
	assert_true(
		str_eq(str_of_bytes(a.body), LIT("application/x-www-form-urlencoded 61000aff")));
	/* a form of before is not sent again */
	assert_false(failed(get("/show", (struct fetch_request){ 0 }, &a)));
	assert_true(str_ends(str_of_bytes(a.body), LIT("body=")));
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

static void tags_and_ages(void **state)
{
	(void)state;
	struct fetch_answer a = { 0 };
	assert_false(failed(get("/show", (struct fetch_request){ .pinned = true }, &a)));
	assert_true(a.max_age_s == -1 && !a.etag.p);
	assert_false(failed(get("/tagged", (struct fetch_request){ .pinned = true }, &a)));
	assert_true(a.status == 200 && a.max_age_s == 60 && str_eq(a.etag, LIT("\"a-1\"")));
	struct fetch_request q = { .if_none_match = LIT("\"a-1\"") };
	assert_false(failed(get("/tagged", q, &a)));
	assert_true(a.status == 304 && a.body.n == 0 && str_eq(a.etag, LIT("\"a-1\"")));
	/* and it is forgotten afterwards */
	assert_false(failed(get("/tagged", (struct fetch_request){ 0 }, &a)));
	assert_int_equal(a.status, 200);
	q.if_none_match = LIT("\"\r\nAuthorization: Basic eA==\"");
	assert_int_equal(ch_code_of(get("/tagged", q, &a)), CH_E_SYNTAX);
}

static void proofs_and_nonces(void **state)
{
	(void)state;
	struct fetch_answer a = { 0 };
	struct fetch_request q = { .dpop = LIT("a.b.c"), .if_none_match = LIT("\"t\"") };
	assert_false(failed(get("/proven", q, &a)));
	assert_true(a.status == 400 && str_eq(a.dpop_nonce, LIT("n-1")));
	assert_true(str_eq(str_of_bytes(a.body), LIT("a.b.c \"t\"")));
	/* and all is forgotten afterwards */
	assert_false(failed(get("/proven", (struct fetch_request){ 0 }, &a)));
	assert_true(str_eq(str_of_bytes(a.body), LIT(" ")));
	assert_false(failed(get("/show", q, &a)));
	assert_null(a.dpop_nonce.p);
	q.dpop = LIT("a\r\nAuthorization: Basic eA==");
	assert_int_equal(ch_code_of(get("/proven", q, &a)), CH_E_SYNTAX);
}

static void ages_are_read_strictly(void **state)
{
	(void)state;
	const struct {
		const char *field;
		int64_t so_far, age;
	} cases[] = {
		{ "", -1, -1 },
		{ "public", -1, -1 },
		{ "max-age=0", -1, 0 },
		{ "max-age=60", -1, 60 },
		{ " public ,\tMax-Age = 60 , x=y", -1, 60 },
		{ "max-age=\"60\"", -1, 60 },
		{ "max-age=60, max-age=50", -1, 50 },
		{ "max-age=60", 50, 50 },
		{ "max-age=40", 50, 40 },
		{ "public", 50, 50 },
		{ "s-maxage=60", -1, -1 },
		{ "xmax-age=60", -1, -1 },
		{ "x=\"a, max-age=60\"", -1, -1 },
		{ "x=\"a\\\", max-age=60", -1, -1 }, /* a quote that never ends */
		{ "max-age=-1", -1, 0 },
		{ "max-age=+1", -1, 0 },
		{ "max-age=1.5", -1, 0 },
		{ "max-age=1e9", -1, 0 },
		{ "max-age=0x10", -1, 0 },
		{ "max-age=60s", -1, 0 },
		{ "max-age", -1, 0 },
		{ "max-age=", -1, 0 },
		{ "max-age=\"", -1, 0 },
		{ "no-store", -1, 0 },
		{ "no-cache=\"x\", max-age=60", -1, 0 },
		{ "max-age=2147483647", -1, FETCH_AGE_MAX },
		{ "max-age=2147483648", -1, FETCH_AGE_MAX },
		{ "max-age=99999999999999999999999999999999999999", -1, FETCH_AGE_MAX },
		{ ",,,=,max-age=7,,", -1, 7 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t age = max_age_read(str_from_c(cases[i].field), cases[i].so_far);
		if (age != cases[i].age)
			fail_msg("%s: %ld", cases[i].field, (long)age);
	}
}

static void a_pinned_one_is_https_or_here(void **state)
{
	(void)state;
	struct fetch_answer a = { 0 };
	struct fetch_request q = { .pinned = true };
	const str far[] = { LIT("http://192.0.2.1/"), LIT("http://localhost.test/"),
			    LIT("http://127.0.0.1.test/") };
	for (size_t i = 0; i < COUNT_OF(far); i++) {
		q.url = far[i];
		arena_init(&arena, memory, sizeof(memory));
		assert_int_equal(ch_code_of(fetch_run(client, &q, &arena, &a)), CH_E_DENIED);
	}
	/* a proxy of the environment is not asked */
	(void)setenv("http_proxy", "http://127.0.0.1:1", 1);
	(void)setenv("all_proxy", "http://127.0.0.1:1", 1);
	assert_false(failed(get("/show", q, &a)));
	(void)unsetenv("http_proxy");
	(void)unsetenv("all_proxy");
}

static str url_of(struct wr *w, const char *host, const char *path)
{
	wr_str(w, str_from_c(host));
	wr_dec(w, port);
	wr_str(w, str_from_c(path));
	return wr_text(w);
}

/* Runs until `n` are over; answers by slot. */
static void drive(struct fetches *f, size_t n, ch_err *e, struct fetch_answer *a)
{
	while (n > 0) {
		struct pollfd p = { .fd = fetches_fd(f), .events = POLLIN };
		size_t slot = 0;
		ch_err how = CH_DONE;
		struct fetch_answer answer = { 0 };
		(void)poll(&p, 1, fetches_timeout_ms(f));
		assert_false(failed(fetches_run(f)));
		while (fetches_next(f, &slot, &how, &answer)) {
			e[slot] = how;
			a[slot] = answer;
			n--;
		}
	}
}

static void several_at_once(void **state)
{
	(void)state;
	char room[5][128];
	struct fetches *f = NULL;
	ch_err e[4];
	struct fetch_answer a[4] = { 0 };
	static const char *const paths[] = { "/never", "/tagged", "/show", "/away" };
	assert_false(failed(fetches_new(4, 64, &f)));
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		struct wr w = wr_of(room[i], sizeof(room[i]));
		struct fetch_request q = { .url = url_of(&w, "http://127.0.0.1:", paths[i]),
					   .timeout_s = i == 0 ? 2 : 20,
					   .pinned = true };
		assert_false(failed(fetches_start(f, i, &q)));
		assert_true(fetches_busy(f, i));
		assert_int_equal(ch_code_of(fetches_start(f, i, &q)), CH_E_BUSY);
	}
	/* the one that never answers holds nobody up */
	drive(f, 3, e, a);
	assert_true(fetches_busy(f, 0) && !fetches_busy(f, 1));
	assert_false(failed(e[1]) || failed(e[2]) || failed(e[3]));
	assert_true(a[1].max_age_s == 60 && str_eq(str_of_bytes(a[1].body), LIT("keys")));
	assert_true(str_eq(str_of_bytes(a[2].body), LIT("auth= cookie= body=")));
	assert_int_equal(a[3].status, 303);
	/* another, while it waits; by an address that the name has not */
	struct wr w = wr_of(room[4], sizeof(room[4]));
	struct fetch_request q = { .url = url_of(&w, "http://nowhere.test:", "/show"),
				   .addresses = LIT("127.0.0.1"),
				   .max = 4 };
	assert_false(failed(fetches_start(f, 2, &q)));
	drive(f, 1, e, a);
	assert_int_equal(ch_code_of(e[2]), CH_E_FULL);
	drive(f, 1, e, a);
	assert_int_equal(ch_code_of(e[0]), CH_E_BUSY);
	/* and what is under way may be broken off */
	q.url = url_of((w = wr_of(room[4], sizeof(room[4])), &w), "http://127.0.0.1:", "/never");
	assert_false(failed(fetches_start(f, 0, &q)));
	assert_false(failed(fetches_run(f)));
	assert_int_equal(ch_code_of(fetches_start(f, 4, &q)), CH_E_RANGE);
	fetches_free(f);
}

static void names_are_looked_up_in_this_thread(void **state)
{
	(void)state;
	char room[512];
	const str none[] = { LIT("http://127.0.0.1/"), LIT("http://[::1]/"),
			     LIT("https://localhost:8/") };
	for (size_t i = 0; i < COUNT_OF(none); i++) {
		struct wr w = wr_of(room, sizeof(room));
		assert_false(failed(fetch_lookup(none[i], &w)));
		assert_int_equal(w.n, 0);
	}
	assert_false(failed(fetch_lookup_plainly()));
	struct wr w = wr_of(room, sizeof(room));
	assert_int_equal(ch_code_of(fetch_lookup(LIT("nothing"), &w)), CH_E_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gets_and_posts),
		cmocka_unit_test(posts_any_bytes),
		cmocka_unit_test(follows_nothing),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(tags_and_ages),
		cmocka_unit_test(proofs_and_nonces),
		cmocka_unit_test(ages_are_read_strictly),
		cmocka_unit_test(a_pinned_one_is_https_or_here),
		cmocka_unit_test(several_at_once),
		cmocka_unit_test(names_are_looked_up_in_this_thread),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
