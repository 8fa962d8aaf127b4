/* What an operator's watch asks: counters, does it live, can it judge. No secret and no
 * person is in them, so whoever can reach the gate may ask. */
#include "base/clock.h"
#include "gate_internal.h"
#include "wire/boot.h"

/* What metrics_now points to. */
struct snapshot {
	struct metrics_issuer issuers[REALMS_MAX];
	struct metrics_log logs[LOGS_MAX];
	struct metrics_logs log_counts;
	struct token_cache_counts cache;
	struct sightings_counts sightings;
	struct reports_counts reports;
	struct metrics_now now;
};

static void logs_take(const struct gate *g, struct snapshot *s)
{
	const int64_t now_s = clock_unix_s();
	const struct log_counts *c = &g->logs.counts;
	for (size_t i = 0; i < g->logs.n; i++) {
		const struct log_source *from = &g->logs.sources[i];
		int64_t age = now_s - from->tail.believed.time_s;
		s->logs[i] = (struct metrics_log){
			.name = from->of->name,
			.ok = logs_usable(from, now_s),
			.size = from->tail.believed.size,
			.head_age_s = from->tail.started ? age : -1,
			.live = live_count(from->live),
			.live_bytes = live_bytes(from->live),
		};
	}
	for (size_t i = 0; i < g->config.n_issuers; i++) {
		s->issuers[i].logged = logs_followed(&g->logs, i);
		s->issuers[i].log_ok = logs_issuer_ok(&g->logs, i, now_s);
	}
	s->log_counts = (struct metrics_logs){ c->catch_ups, c->waited, c->in_vain, c->legacy };
}

static void snapshot_take(const struct gate *g, struct snapshot *s)
{
	const uint64_t now = clock_mono_ns();
	for (size_t i = 0; i < g->config.n_issuers; i++) {
		const struct gate_issuer *from = &g->config.issuers[i];
		size_t n = g->keys.policy ? policy_keys(g->keys.policy, from->issuer) : 0;
		s->issuers[i] = (struct metrics_issuer){
			.issuer = from->issuer,
			.realm = from->realm,
			.keys = n,
			.followed = revocations_followed(&g->revocations, i),
			.heard = revocations_fresh(&g->revocations, i, now),
			.revoked = revocations_count(&g->revocations, i),
			.revocations_age_s = revocations_age_s(&g->revocations, i, now),
			.age_s = keys_age_s(&g->keys, i)
		};
	}
	logs_take(g, s);
	if (g->cache)
		s->cache = token_cache_counts(g->cache);
	if (g->sightings)
		s->sightings = sightings_counts(g->sightings);
	s->reports = reports_counts(g->reports);
	s->now = (struct metrics_now){
		.issuers = s->issuers,
		.n_issuers = g->config.n_issuers,
		.logs = s->logs,
		.n_logs = g->logs.n,
		.log_counts = g->logs.n > 0 ? &s->log_counts : NULL,
		.cache = g->cache ? &s->cache : NULL,
		.sightings = g->sightings ? &s->sightings : NULL,
		.sightings_ok = g->sightings && sightings_ok(g->sightings),
		.junk = &g->junk.counts,
		.refusals = &g->refusals,
		.forged = &g->forged,
		.reports = g->reports ? &s->reports : NULL,
		.started_s = g->started_s,
		.version = boot_build(),
	};
}

static void answer(struct http_req *r, unsigned status, str type, const struct wr *w)
{
	http_answer(r, &(struct http_answer){ .status = w->full ? 500 : status,
					      .type = type,
					      .body = w->full ? (bytes){ 0 } : wr_bytes(w) });
}

void serve_metrics(struct http_req *r, void *ctx)
{
	const struct gate *g = ctx;
	struct snapshot s = { .now = { 0 } };
	uint8_t *room = arena_alloc(&r->arena, METRICS_ANSWER_MAX);
	struct wr w = wr_of(room, room ? METRICS_ANSWER_MAX : 0);
	snapshot_take(g, &s);
	metrics_write(&w, &g->metrics, &s.now);
	answer(r, 200, LIT(METRICS_TYPE), &w);
}

void serve_health(struct http_req *r, void *ctx)
{
	(void)ctx;
	http_answer_text(r, 200, LIT("alive\n"));
}

void serve_ready(struct http_req *r, void *ctx)
{
	const struct gate *g = ctx;
	struct snapshot s = { .now = { 0 } };
	uint8_t *room = arena_alloc(&r->arena, READY_ANSWER_MAX);
	struct wr w = wr_of(room, room ? READY_ANSWER_MAX : 0);
	snapshot_take(g, &s);
	bool ready = ready_write(&w, &s.now);
	answer(r, ready ? 200 : 503, LIT("application/json"), &w);
}
