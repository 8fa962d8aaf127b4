/* What an operator's watch asks, on an address of its own that no front passes on: counters, does
 * it live, can it serve. No secret and no person is in the answers. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "issuer.h"
#include "wire/boot.h"

enum { MONITOR_CONNECTIONS = 8, MONITOR_IDLE_S = 2, MONITOR_BODY = 1024, RUN_EVERY_NS = 500000000 };

static bool store_answers(struct issuer *is)
{
	ch_err e = store_begin(is->store);
	if (failed(e))
		return ch_code_of(e) == CH_E_BUSY;
	return !failed(store_end(is->store, false));
}

static void realm_now(const struct realm *m, struct metrics_now *now, size_t i)
{
	now->realms[i].name = m->config->name;
	now->realms[i].keys = m->n_keys;
	now->realms[i].signs = m->current && (m->has_key || !m->config->issues);
	now->realms[i].generation = m->current ? m->current->generation : 0;
	now->realms[i].waiting = m->waiting;
}

/* The ledger has each head signed and written anew, idle or not; before the first one, since we are here. */
static uint64_t log_age_s(const struct issuer *is)
{
	struct stat st = { 0 };
	int64_t at_s = is->metrics.started_s;
	if (fstatat(is->log.folder_fd, "checkpoint", &st, AT_SYMLINK_NOFOLLOW) == 0)
		at_s = st.st_mtime;
	int64_t age_s = clock_unix_s() - at_s;
	return age_s > 0 ? (uint64_t)age_s : 0;
}

static void now_take(struct issuer *is, struct metrics_now *now)
{
	static str grants[METRICS_GRANTS_MAX];
	*now = (struct metrics_now){
		.group = is->config.group,
		.build = boot_build(),
		.n_realms = is->config.n_realms,
		.grants = grants,
		.n_grants = grant_names(grants, COUNT_OF(grants)),
		.has_hasher = is->config.has_hasher,
		.hasher_there = is->hasher.watch.fd >= 0,
		.hashes_waiting = is->hasher.waiting,
		.under_way = http_under_way(is->http),
		.connections = http_connections(is->http),
		.turned_away = http_turned_away(is->http),
		.stopping = is->stopping,
		.store_ok = !room_lacks() && store_answers(is),
		.has_log = is->log.folder_fd >= 0,
		.log_full = room_lacks_log(),
	};
	if (now->has_log)
		now->log_age_s = log_age_s(is);
	for (size_t i = 0; i < is->config.n_realms; i++)
		realm_now(&is->realms[i], now, i);
}

static void answer(struct http_req *r, unsigned status, str type, const struct wr *w)
{
	http_answer(r, &(struct http_answer){ .status = w->full ? 500 : status,
					      .type = type,
					      .body = w->full ? (bytes){ 0 } : wr_bytes(w) });
}

static void serve_metrics(struct http_req *r, void *ctx)
{
	struct issuer *is = ctx;
	struct metrics_now now;
	struct wr w = reply_room(r, METRICS_ANSWER_MAX);
	now_take(is, &now);
	metrics_write(&w, &is->metrics, &now);
	answer(r, 200, LIT(PROM_TYPE), &w);
}

static void serve_health(struct http_req *r, void *ctx)
{
	(void)ctx;
	http_answer_text(r, 200, LIT("alive\n"));
}

static void serve_ready(struct http_req *r, void *ctx)
{
	struct metrics_now now;
	struct wr w = reply_room(r, 4096);
	now_take(ctx, &now);
	bool ready = ready_write(&w, &now);
	answer(r, ready ? 200 : 503, LIT("application/json"), &w);
}

static void monitor_event(struct issuer *is, struct watch *w)
{
	(void)w;
	is->monitor_ns = clock_mono_ns();
	http_run(is->monitor);
}

void monitor_run(struct issuer *is)
{
	/* with no connection, too: the library takes new ones up again after its limit only then */
	if (!is->monitor)
		return;
	if (clock_mono_ns() - is->monitor_ns > RUN_EVERY_NS)
		monitor_event(is, &is->monitor_watch);
}

ch_err monitor_make(struct issuer *is, int listen_fd)
{
	static struct http_route routes[5];
	const struct http_limits limits = { .connections = MONITOR_CONNECTIONS,
					    .idle_s = MONITOR_IDLE_S,
					    .request_s = MONITOR_IDLE_S,
					    .connection_memory = 16384,
					    .body = MONITOR_BODY,
					    .arena = METRICS_ANSWER_MAX + 4096 };
	const struct http_route all[COUNT_OF(routes)] = {
		{ LIT("/metrics"), HTTP_GET, serve_metrics, is },
		{ LIT("/health"), HTTP_GET, serve_health, is },
		{ LIT("/healthz"), HTTP_GET, serve_health, is },
		{ LIT("/ready"), HTTP_GET, serve_ready, is },
		{ LIT("/readyz"), HTTP_GET, serve_ready, is },
	};
	for (size_t i = 0; i < COUNT_OF(routes); i++)
		routes[i] = all[i];
	TRY(http_new(listen_fd, &limits, routes, COUNT_OF(routes), &is->monitor));
	is->monitor_watch = (struct watch){ monitor_event, http_epoll_fd(is->monitor) };
	return watch_add(is, &is->monitor_watch);
}

/* --- what is counted of each request --- */

static void answered(void *ctx, const struct http_req *r, const struct http_route *route,
		     unsigned status)
{
	struct issuer *is = ctx;
	size_t at = route ? is->route_endpoints[route - is->routes] : 0;
	uint64_t ns = clock_mono_ns() - r->started_ns;
	metrics_answered(&is->metrics, at, status, ns);
	if (!is->config.log_requests)
		return;
	LOG(LOG_INFO, "request", log_str("endpoint", is->metrics.endpoints[at].name),
	    log_str("method", is->metrics.endpoints[at].method), log_u64("status", status),
	    log_u64("us", ns / 1000), log_trace(r));
}

void requests_watch(struct issuer *is)
{
	is->watcher = (struct http_watcher){ answered, is };
	http_watch(is->http, &is->watcher);
}

struct log_field log_trace(const struct http_req *r)
{
	static uint8_t room[2 * TRACE_ID_SIZE];
	struct wr w = wr_of(room, sizeof(room));
	if (!r->trace.present)
		return (struct log_field){ 0 };
	wr_hex(&w, BYTES_OF(r->trace.id));
	return log_str("trace", wr_text(&w));
}

void metrics_count(const struct realm *m, enum metrics_counter c)
{
	struct issuer *is = m->issuer;
	is->metrics.realms[m - is->realms].counts[c]++;
}
