/* What an operator's watch asks; no secret and no person is in it, so whoever reaches the port may
 * ask. */
#include "base/clock.h"
#include "codec/prometheus.h"
#include "collector_internal.h"
#include "wire/boot.h"

enum { METRICS_ROOM = 16 * 1024 };

static void put_outcomes(const struct prom *p, const struct counters *n)
{
	prom_head(p, LIT("alarms_total"), "counter", "alarms of gates by what became of them");
	for (size_t i = 0; i < ALARM_OUTCOME_COUNT; i++) {
		const struct prom_label l = { "outcome",
					      alarm_outcome_name((enum alarm_outcome)i) };
		prom_u64(p, LIT("alarms_total"), (struct prom_labels){ &l, 1 }, n->outcomes[i]);
	}
}

static void put_sightings(const struct prom *p, const struct counters *n)
{
	prom_one(p, LIT("batches_total"), "counter", "batches of sightings taken", n->batches);
	prom_one(p, LIT("batches_refused_total"), "counter", "batches not taken",
		 n->batches_refused);
	prom_one(p, LIT("sightings_total"), "counter", "records taken", n->records);
	prom_one(p, LIT("sightings_repeated_total"), "counter",
		 "records that came again and were there", n->repeated);
	prom_one(p, LIT("sightings_missing_total"), "counter",
		 "records that a gate had erased before it could send them", n->gaps);
	prom_one(p, LIT("sightings_compared_total"), "counter", "sightings held against the log",
		 n->compared);
	prom_one(p, LIT("sightings_unlogged_total"), "counter",
		 "sightings of tokens that the log does not have", n->unlogged);
}

static void metrics_write(struct wr *w, const struct collector *c)
{
	const struct prom p = { w, LIT("chancery_collector_") };
	const struct counters *n = &c->counters;
	put_outcomes(&p, n);
	put_sightings(&p, n);
	prom_one(&p, LIT("limited_total"), "counter", "reports that came too fast", n->limited);
	prom_one(&p, LIT("unauthorized_total"), "counter", "reports of nobody that is known",
		 n->unauthorized);
	prom_one(&p, LIT("alarms_delayed_total"), "counter",
		 "alarms that could not be decided in time, and come again", n->not_now);
	prom_one(&p, LIT("evidence_failed_total"), "counter", "evidence that could not be kept",
		 n->evidence_failed);
	prom_one(&p, LIT("compromises_asked_total"), "counter",
		 "keys that were asked to be compromised", n->compromises_asked);
	prom_one(&p, LIT("compromises_done_total"), "counter", "and were", n->compromises_done);
	prom_one(&p, LIT("webhook_sent_total"), "counter", "alarms that the webhook took",
		 c->outbox.sent);
	prom_one(&p, LIT("webhook_failed_total"), "counter", "tries that it did not take",
		 c->outbox.missed);
	prom_one(&p, LIT("webhook_waiting"), "gauge", "alarms that wait for it", c->outbox.n);
	prom_one(&p, LIT("log_followed"), "gauge", "1: alarms can be held against the log",
		 c->heads.state == HEADS_GOOD && !c->heads.missing);
	prom_one(&p, LIT("log_size"), "gauge", "entries of the log's newest head",
		 c->heads.edge.size);
	prom_one(&p, LIT("start_time_seconds"), "gauge", "when it started, since 1970",
		 (uint64_t)c->started_s);
}

void serve_metrics(struct http_req *r, void *ctx)
{
	uint8_t *room = arena_alloc(&r->arena, METRICS_ROOM);
	struct wr w = wr_of(room, room ? METRICS_ROOM : 0);
	metrics_write(&w, ctx);
	http_answer(r, &(struct http_answer){ .status = w.full ? 500 : 200,
					      .type = LIT(PROM_TYPE),
					      .body = w.full ? (bytes){ 0 } : wr_bytes(&w) });
}

void serve_health(struct http_req *r, void *ctx)
{
	(void)ctx;
	http_answer_text(r, 200, LIT("alive\n"));
}

void serve_ready(struct http_req *r, void *ctx)
{
	const struct collector *c = ctx;
	bool ready = c->heads.state == HEADS_GOOD && !c->heads.missing;
	http_answer_text(r, ready ? 200 : 503,
			 ready ? LIT("ready\n") : LIT("the log cannot be asked\n"));
}
