/* What an operator's watch asks: counters, does it live, can it judge. No secret and no
 * person is in them, so whoever can reach the gate may ask. */
#include "gate_internal.h"
#include "wire/boot.h"

static void fill(const struct gate *g, struct metrics_issuer *issuers, struct metrics_now *ret_now)
{
	for (size_t i = 0; i < g->config.n_issuers; i++) {
		const struct gate_issuer *from = &g->config.issuers[i];
		size_t n = g->keys.policy ? policy_keys(g->keys.policy, from->issuer) : 0;
		issuers[i] = (struct metrics_issuer){ .issuer = from->issuer,
						      .realm = from->realm,
						      .keys = n,
						      .age_s = keys_age_s(&g->keys, i) };
	}
	*ret_now = (struct metrics_now){ .issuers = issuers,
					 .n_issuers = g->config.n_issuers,
					 .sightings_ok = g->sightings && sightings_ok(g->sightings),
					 .junk = &g->junk.counts,
					 .refusals = &g->refusals,
					 .started_s = g->started_s,
					 .version = boot_build() };
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
	struct metrics_issuer issuers[REALMS_MAX];
	struct metrics_now now;
	uint8_t *room = arena_alloc(&r->arena, METRICS_ANSWER_MAX);
	struct wr w = wr_of(room, room ? METRICS_ANSWER_MAX : 0);
	fill(g, issuers, &now);
	metrics_write(&w, &g->metrics, &now);
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
	struct metrics_issuer issuers[REALMS_MAX];
	struct metrics_now now;
	uint8_t *room = arena_alloc(&r->arena, READY_ANSWER_MAX);
	struct wr w = wr_of(room, room ? READY_ANSWER_MAX : 0);
	fill(g, issuers, &now);
	bool ready = ready_write(&w, &now);
	answer(r, ready ? 200 : 503, LIT("application/json"), &w);
}
