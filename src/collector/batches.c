/* POST /sightings: a batch of one gate's chain. Taken whole, told when it is durable, and each
 * sighting of a good signature is held against the log: a gate that reads the log itself would not
 * have let it in, one that does not, or lies, shows here; and so does who tries what a stolen key is
 * good for, even if he was refused for another reason. */
#include "base/clock.h"
#include "base/log.h"
#include "collector_internal.h"
#include "token/codes.h"

enum {
	STRANGE_MAX = 2 * REPORT_RECORDS_MAX,
	BATCH_BURST = 64,
	BATCH_MS = 20, /* of one gate, for long */
	FINDS_MS = 20, /* alarms must not wait for more */
	WARN_S = 10,
};

static const uint64_t ms_ns = 1000000;

/* One that was not among the newest entries: waits for a head. */
struct strange {
	uint8_t identity[SIGHTING_ID];
	uint32_t after;
	uint8_t code;
	int64_t time_ms;
};

/* Each gate has room of its own, so that none keeps another's from being taken. */
static struct strange waiting[COLLECTOR_GATES_MAX][STRANGE_MAX];
static size_t n_waiting[COLLECTOR_GATES_MAX];
static size_t turn_of; /* the gate whose come first */

static void warn(struct collector *c, size_t gate, const struct strange *s)
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
	    log_str("gate", c->config.gates[gate].name), log_str("token", wr_text(&w)),
	    log_str("verdict", token_code_name((enum token_code)s->code)),
	    log_i64("time_ms", s->time_ms), log_u64("more_before", c->unwarned));
	c->warned_ns = now;
	c->unwarned = 0;
}

/* Gates take tokens of others' authorities, too, whose log is another. */
static bool is_ours(const struct collector *c, str issuer)
{
	for (size_t i = 0; i < c->config.n_issuers; i++)
		if (str_eq(c->config.issuers[i].issuer, issuer))
			return true;
	return false;
}

/* Whatever else was wrong with it: somebody held a token with a good signature. But the entry of one
 * that is over may have been pruned. */
static bool is_compared(struct collector *c, const struct sighting *s)
{
	bool reach = true;
	if (s->code == TOKEN_expired)
		return is_ours(c, s->issuer) && !failed(heads_reach(&c->heads, 0, &reach)) && reach;
	return is_ours(c, s->issuer);
}

static void compare(struct collector *c, size_t gate, const struct report_record *r)
{
	struct sighting s;
	if (r->type != SIGHTING_VERDICT || failed(sighting_read(r->payload, &s)) ||
	    !is_compared(c, &s))
		return;
	c->counters.compared++;
	if (known_has(&c->heads.known, s.identity))
		return;
	struct strange *one = &waiting[gate][n_waiting[gate]++];
	*one = (struct strange){ .after = heads_want(&c->heads),
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

/* Those of one gate, until it is time for something else. */
static void compare_gate(struct collector *c, size_t gate, uint32_t req, uint64_t until_ns)
{
	struct strange *mine = waiting[gate];
	size_t kept = 0;
	for (size_t i = 0; i < n_waiting[gate]; i++) {
		bool found = false, now = mine[i].after < req && clock_mono_ns() < until_ns;
		ch_err e = now ? heads_find(&c->heads, mine[i].identity, &found) : CH_DONE;
		if (now && !failed(e) && !found)
			warn(c, gate, &mine[i]);
		/* what cannot be looked up now is looked up again */
		if (!now || failed(e))
			mine[kept++] = mine[i];
	}
	n_waiting[gate] = kept;
	if (kept > 0)
		(void)heads_want(&c->heads);
}

void batches_compare(struct collector *c, uint32_t req)
{
	uint64_t until_ns = clock_mono_ns() + FINDS_MS * ms_ns;
	size_t n = c->config.n_gates;
	for (size_t i = 0; i < n; i++)
		compare_gate(c, (turn_of + i) % n, req, until_ns);
	turn_of = n > 0 ? (turn_of + 1) % n : 0;
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
	if (done.elsewhere)
		LOG(LOG_WARN,
		    "a gate goes on behind what was kept of it, as after a restore: it is told "
		    "where "
		    "that ends",
		    log_str("gate", c->config.gates[gate].name), log_u64("wanted", next),
		    log_u64("came", b.seq));
	else
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
	if (!pace_take(&c->batch_paces[gate], BATCH_BURST, BATCH_MS * ms_ns, clock_mono_ns())) {
		c->counters.limited++;
		answer_later(r, 429);
		return;
	}
	/* each of a batch may have to wait for a head */
	if (STRANGE_MAX - n_waiting[gate] < REPORT_RECORDS_MAX) {
		answer_later(r, 503);
		return;
	}
	ch_err e = take(c, r, gate);
	if (failed(e))
		refuse(c, r, gate, e);
}
