/* POST /sightings: a batch of one gate's chain. Taken whole, told when it is durable, and each
 * sighting of a token that was let in is held against the log: a gate that reads the log itself
 * would not have let it in, one that does not, or lies, shows here. */
#include "base/clock.h"
#include "base/log.h"
#include "collector_internal.h"
#include "token/codes.h"

enum {
	STRANGE_MAX = 4096,
	BATCH_BURST = 64,
	BATCHES_PER_S = 50,
	FINDS_A_TURN = 64,
	WARN_S = 10,
};

/* One that was not among the newest entries: waits for a head. */
struct strange {
	uint8_t identity[SIGHTING_ID];
	uint32_t after;
	uint8_t gate;
	uint8_t code;
	int64_t time_ms;
};

static struct strange waiting[STRANGE_MAX];
static size_t n_waiting;

static void warn(struct collector *c, const struct strange *s)
{
	uint8_t hex[2 * SIGHTING_ID];
	struct wr w = wr_of(hex, sizeof(hex));
	uint64_t now = clock_mono_ns();
	c->counters.unlogged++;
	if (c->warned_ns != 0 && now - c->warned_ns < (uint64_t)WARN_S * 1000000000) {
		c->unwarned++;
		return;
	}
	wr_hex(&w, BYTES_OF(s->identity));
	LOG(LOG_WARN,
	    "a gate says that it saw a token that the log does not have; without the token that "
	    "is no proof",
	    log_str("gate", c->config.gates[s->gate].name), log_str("token", wr_text(&w)),
	    log_str("verdict", token_code_name((enum token_code)s->code)),
	    log_i64("time_ms", s->time_ms), log_u64("more_before", c->unwarned));
	c->warned_ns = now;
	c->unwarned = 0;
}

/* Which verdicts say that somebody held a token with a good signature that is of now. */
static bool is_compared(uint16_t type, const struct sighting *s)
{
	return type == SIGHTING_VERDICT &&
	       (s->code == TOKEN_accepted || s->code == TOKEN_not_logged);
}

static void compare(struct collector *c, size_t gate, const struct report_record *r)
{
	struct sighting s;
	if (r->type != SIGHTING_VERDICT || failed(sighting_read(r->payload, &s)) ||
	    !is_compared(r->type, &s))
		return;
	c->counters.compared++;
	if (known_has(&c->heads.known, s.identity))
		return;
	struct strange *one = &waiting[n_waiting++];
	*one = (struct strange){ .after = heads_want(&c->heads),
				 .gate = (uint8_t)gate,
				 .code = s.code,
				 .time_ms = r->time_ms };
	mem_copy(one->identity, s.identity, sizeof(one->identity));
}

/* Those that came for the first time. */
static void compare_all(struct collector *c, size_t gate, const struct report_batch *b,
			struct rd records, uint64_t new_ones)
{
	struct report_record r;
	if (!c->heads.configured || b->chain != SIGHTINGS_SIGNED)
		return;
	for (size_t i = 0; i < b->count && !failed(report_next(&records, &r)); i++)
		if (i + new_ones >= b->count)
			compare(c, gate, &r);
}

void batches_compare(struct collector *c, uint32_t req)
{
	size_t kept = 0, finds = 0;
	for (size_t i = 0; i < n_waiting; i++) {
		bool found = false;
		bool now = waiting[i].after < req && finds < FINDS_A_TURN;
		finds += now;
		ch_err e = now ? heads_find(&c->heads, waiting[i].identity, &found) : CH_DONE;
		if (now && !failed(e) && !found)
			warn(c, &waiting[i]);
		/* what cannot be looked up now is looked up again */
		if (!now || failed(e))
			waiting[kept++] = waiting[i];
	}
	n_waiting = kept;
	if (kept > 0)
		(void)heads_want(&c->heads);
}

static void answer_place(struct http_req *r, const struct report_batch *b, uint64_t next)
{
	uint8_t *room = arena_alloc(&r->arena, REPORT_PLACE_SIZE);
	struct wr w = wr_of(room, room ? REPORT_PLACE_SIZE : 0);
	struct report_place p = { .chain = b->chain, .next = next };
	mem_copy(p.id, b->id, sizeof(p.id));
	report_place_write(&w, &p);
	http_answer(r, &(struct http_answer){ .status = w.full ? 500 : 200,
					      .type = LIT("application/octet-stream"),
					      .body = wr_bytes(&w) });
}

static bool is_bad_report(ch_err e)
{
	enum ch_code code = (enum ch_code)ch_code_of(e);
	return code == CH_E_SYNTAX || code == CH_E_TRUNCATED || code == CH_E_TRAILING ||
	       code == CH_E_UNSUPPORTED || code == CH_E_RANGE;
}

static void refuse(struct collector *c, struct http_req *r, size_t gate, ch_err e)
{
	c->counters.batches_refused++;
	if (is_bad_report(e)) {
		LOG(LOG_WARN, "a gate sent what is no batch of sightings",
		    log_str("gate", c->config.gates[gate].name), log_err(e));
		http_answer(r, &(struct http_answer){ .status = 400 });
		return;
	}
	LOG(LOG_ERROR, "sightings of a gate cannot be kept; it keeps them and sends them again",
	    log_str("gate", c->config.gates[gate].name), log_err(e));
	answer_later(r, 503);
}

static ch_err take(struct collector *c, struct http_req *r, size_t gate)
{
	struct rd records;
	struct report_batch b;
	struct taken_done done = { 0 };
	uint64_t next = 0;
	TRY(report_open(r->body, &records, &b));
	if (b.count > 0)
		TRY(taken_batch(&c->taken, gate, &b, records, &done));
	TRY(taken_place(&c->taken, gate, &b, &next));
	c->counters.batches++;
	c->counters.records += done.records;
	c->counters.repeated += done.repeated;
	c->counters.gaps += done.gap;
	if (done.gap > 0)
		LOG(LOG_WARN, "a gate had erased sightings before it could send them",
		    log_str("gate", c->config.gates[gate].name), log_u64("records", done.gap));
	compare_all(c, gate, &b, records, done.records);
	answer_place(r, &b, next);
	return CH_DONE;
}

void serve_sightings(struct http_req *r, void *ctx)
{
	struct collector *c = ctx;
	size_t gate = 0;
	if (!gate_of(c, r, &gate))
		return;
	if (!pace_take(&c->batch_paces[gate], BATCH_BURST, BATCHES_PER_S, clock_mono_ns())) {
		c->counters.limited++;
		answer_later(r, 429);
		return;
	}
	/* each of a batch may have to wait for a head */
	if (STRANGE_MAX - n_waiting < REPORT_RECORDS_MAX) {
		answer_later(r, 503);
		return;
	}
	ch_err e = take(c, r, gate);
	if (failed(e))
		refuse(c, r, gate, e);
}
