/* The witness's loop: one thread, one request after another, so that of two that follow on the same
 * head only one is cosigned. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/signals.h"
#include "codec/prometheus.h"
#include "witness_internal.h"

enum { METRICS_MAX = 128 * 1024, STOP_MS = 3000, TURN_MS = 1000, CONNECTIONS = 256 };

struct server {
	struct witness *w;
	struct http *http, *monitor; /* monitor NULL: none */
	struct http_route routes[1], monitor_routes[5];
	int signals;
	bool stopping;
	uint64_t stop_ns;
};

static void serve_add(struct http_req *r, void *ctx)
{
	struct witness_answer a = { .body = wr_of(arena_alloc(&r->arena, WITNESS_ANSWER_MAX),
						  WITNESS_ANSWER_MAX) };
	if (!a.body.p) {
		http_answer_text(r, 503, LIT("There is no memory for this.\n"));
		return;
	}
	witness_add(ctx, str_of_bytes(r->body), clock_unix_s(), &a);
	const struct http_out fields[] = { { LIT("Cache-Control"), LIT("no-store") },
					   { LIT("X-Content-Type-Options"), LIT("nosniff") } };
	http_answer(r, &(struct http_answer){ .status = a.status,
					      .type = a.type,
					      .body = wr_bytes(&a.body),
					      .fields = fields,
					      .n_fields = COUNT_OF(fields) });
}

static void serve_metrics(struct http_req *r, void *ctx)
{
	struct wr w = wr_of(arena_alloc(&r->arena, METRICS_MAX), METRICS_MAX);
	w.full = !w.p;
	if (!w.full)
		witness_metrics(ctx, &w);
	http_answer(r, &(struct http_answer){ .status = w.full ? 500 : 200,
					      .type = LIT(PROM_TYPE),
					      .body = w.full ? (bytes){ 0 } : wr_bytes(&w) });
}

static void serve_alive(struct http_req *r, void *ctx)
{
	(void)ctx;
	http_answer_text(r, 200, LIT("alive\n"));
}

static ch_err doors_open(struct server *s)
{
	struct http_limits limits = http_limits_default(), watch = limits;
	const str paths[] = { LIT("/metrics"), LIT("/health"), LIT("/healthz"), LIT("/ready"),
			      LIT("/readyz") };
	limits.connections = CONNECTIONS;
	limits.body = WITNESS_BODY_MAX;
	s->routes[0] = (struct http_route){ LIT("/add-checkpoint"), HTTP_POST, serve_add, s->w };
	TRY(http_new(LISTEN_FD, &limits, s->routes, COUNT_OF(s->routes), &s->http));
	if (!s->w->config.has_monitor)
		return CH_DONE;
	watch.connections = 8;
	watch.arena = METRICS_MAX + 4096;
	watch.body = 1024;
	for (size_t i = 0; i < COUNT_OF(paths); i++)
		s->monitor_routes[i] = (struct http_route){ paths[i], HTTP_GET,
							    i ? serve_alive : serve_metrics, s->w };
	return http_new(MONITOR_FD, &watch, s->monitor_routes, COUNT_OF(s->monitor_routes),
			&s->monitor);
}

static void begin_stop(struct server *s)
{
	if (s->stopping)
		return;
	s->stopping = true;
	s->stop_ns = clock_mono_ns();
	http_stop(s->http);
}

static int sleep_ms(struct server *s)
{
	int most = s->stopping ? 10 : TURN_MS, ms = http_timeout_ms(s->http);
	int other = s->monitor ? http_timeout_ms(s->monitor) : -1;
	most = ms >= 0 && ms < most ? ms : most;
	return other >= 0 && other < most ? other : most;
}

static ch_err turn(struct server *s)
{
	struct pollfd p[] = { { s->signals, POLLIN, 0 },
			      { http_epoll_fd(s->http), POLLIN, 0 },
			      { s->monitor ? http_epoll_fd(s->monitor) : -1, POLLIN, 0 } };
	uint8_t info[128];
	if (poll(p, COUNT_OF(p), sleep_ms(s)) < 0 && errno != EINTR)
		return ch_fail(CH_E_IO, "cannot wait", errno);
	if (p[0].revents && read(s->signals, info, sizeof(info)) > 0)
		begin_stop(s);
	http_run(s->http);
	if (s->monitor)
		http_run(s->monitor);
	return CH_DONE;
}

static bool is_over(const struct server *s)
{
	if (!s->stopping)
		return false;
	return http_under_way(s->http) == 0 ||
	       clock_mono_ns() - s->stop_ns > (uint64_t)STOP_MS * 1000000;
}

static void close_all(struct server *s)
{
	http_free(s->monitor);
	http_free(s->http);
}

ch_err witness_serve(struct witness *w)
{
	const int stops[] = { SIGTERM, SIGINT };
	struct server s = { .w = w, .signals = -1 };
	ch_err e = signals_open(stops, COUNT_OF(stops), &s.signals);
	if (!failed(e))
		e = doors_open(&s);
	if (!failed(e))
		e = witness_confine();
	if (!failed(e))
		LOG(LOG_INFO, "the witness serves", log_str("name", w->config.name),
		    log_u64("logs", w->config.n_logs));
	while (!failed(e) && !is_over(&s))
		e = turn(&s);
	close_all(&s);
	return e;
}
