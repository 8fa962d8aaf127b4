/* A login in the person's browser: a listener on 127.0.0.1 takes the answer (RFC 8252
 * section 7.3). It takes one answer with our state and tells others that it waits for
 * something else. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/rw.h"
#include "codec/form.h"
#include "http/http.h"
#include "say.h"
#include "token_flow.h"

enum { WAIT_S = 300 };

struct waiter {
	struct flow *flow;
	str query; /* p == NULL: still waiting */
};

static void on_callback(struct http_req *r, void *ctx)
{
	struct waiter *w = ctx;
	struct form q = { .n = 0 };
	str query = r->query;
	bool ours = !failed(form_parse(query, &r->arena, &q)) &&
		    str_eq(form_get(&q, LIT("state")), w->flow->state);
	if (ours && !w->query.p && !failed(arena_str(&w->flow->arena, query, &query)))
		w->query = query;
	if (ours)
		http_answer_text(r, 200, LIT("Done. You can close this window.\n"));
	else
		http_answer_text(r, 400, LIT("This is not the answer that is waited for.\n"));
}

static ch_err listener(int *ret_fd, uint32_t *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	AUTO(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, 4) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		return ch_fail(CH_E_IO, "cannot listen on 127.0.0.1", errno);
	*ret_port = ntohs(a.sin_port);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

/* The URL holds no secret: the verifier stays here. Nobody's failure if there is none. */
static void browser_open(const char *url)
{
	pid_t pid = 0;
	posix_spawn_file_actions_t quiet;
	char program[] = "xdg-open";
	char *copy = strdup(url);
	char *argv[] = { program, copy, NULL };
	(void)fprintf(stderr, "chancery: log in at\n  %s\n", url);
	if (!copy || (!getenv("DISPLAY") && !getenv("WAYLAND_DISPLAY"))) {
		free(copy);
		return;
	}
	(void)signal(SIGCHLD, SIG_IGN);
	(void)posix_spawn_file_actions_init(&quiet);
	(void)posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	(void)posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	(void)posix_spawnp(&pid, program, &quiet, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&quiet);
	free(copy);
}

static ch_err redirect_make(struct flow *f, uint32_t port)
{
	uint8_t *p = arena_alloc(&f->arena, 64);
	struct wr w = wr_of(p, p ? 64 : 0);
	wr_lit(&w, "http://127.0.0.1:");
	wr_dec(&w, port);
	wr_lit(&w, "/callback");
	f->redirect_uri = wr_text(&w);
	return wr_done(&w);
}

static void wait_for(struct http *h, const struct waiter *w)
{
	uint64_t start = clock_mono_ns();
	while (clock_mono_ns() - start < (uint64_t)WAIT_S * 1000000000U) {
		struct pollfd p = { .fd = http_epoll_fd(h), .events = POLLIN };
		int ms = http_timeout_ms(h);
		(void)poll(&p, 1, ms < 0 || ms > 1000 ? 1000 : ms);
		http_run(h);
		if (w->query.p && http_under_way(h) == 0)
			return;
	}
}

static ch_err browse(struct flow *f, struct waiter *w)
{
	const struct http_route route = { LIT("/callback"), HTTP_GET, on_callback, w };
	struct http_limits limits = http_limits_default();
	AUTO(http_done) struct http *h = NULL;
	uint32_t port = 0;
	int fd = -1;
	str url = { 0 };
	char text[8192];
	struct wr c = wr_of(text, sizeof(text));
	limits.connections = 8;
	TRY(listener(&fd, &port));
	TRY(http_new(fd, &limits, &route, 1, &h));
	TRY(redirect_make(f, port));
	TRY(flow_authorize_url(f, &url));
	wr_str(&c, url);
	wr_char(&c, 0);
	TRY(wr_done(&c));
	browser_open(text);
	wait_for(h, w);
	if (!w->query.p)
		return ch_fail(CH_E_BUSY, "nobody has logged in for five minutes", WAIT_S);
	return CH_DONE;
}

int flow_browser(struct flow *f, str *ret_query)
{
	struct waiter w = { .flow = f };
	ch_err e = browse(f, &w);
	if (failed(e))
		return say_trouble("no login at", f->issuer, e);
	*ret_query = w.query;
	return EXIT_YES;
}
