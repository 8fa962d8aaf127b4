/* POST /alarms: a gate says that a token was never issued. Its word alone is nothing: the signature
 * is checked again with the published keys, and then the log is asked for a head made after the
 * alarm came. Only what is validly signed and absent there is an alarm, once a token. */
#include "base/clock.h"
#include "base/log.h"
#include "collector_internal.h"
#include "wire/boot.h"
#include "wire/control.h"

enum {
	ALARM_BURST = 16, /* of one gate at once … */
	ALARM_MS = 500,   /* … and one in so many ms for long */
	KEPT_BURST = 64,  /* evidence about one key … */
	KEPT_S = 60,
	MORE_S = 60, /* that there is more of it is logged so often */
	WAIT_S = 8,
	COMPROMISE_S = 3600,
	AGAIN_S = 3
};

static const uint64_t s_ns = 1000000000, ms_ns = 1000000;

static const char *const outcomes[ALARM_OUTCOME_COUNT] = {
	[ALARM_BELIEVED] = "believed",   [ALARM_KNOWN] = "known",
	[ALARM_LOGGED] = "logged",       [ALARM_MORE] = "more",
	[ALARM_BAD_TOKEN] = "bad_token", [ALARM_BAD_TIME] = "bad_time",
	[ALARM_LEGACY] = "legacy",       [ALARM_MALFORMED] = "malformed",
};

str alarm_outcome_name(enum alarm_outcome o)
{
	return str_from_c(outcomes[o]);
}

/* A second try would end the same way: so each of these is an answer. */
static void answer(struct collector *c, struct http_req *r, enum alarm_outcome outcome)
{
	c->counters.outcomes[outcome]++;
	http_answer_text(r, outcome == ALARM_MALFORMED ? 400 : 200, alarm_outcome_name(outcome));
}

static void refuse(struct collector *c, struct http_req *r, size_t gate, enum alarm_outcome outcome)
{
	LOG(LOG_WARN, "an alarm of a gate is not believed",
	    log_str("gate", c->config.gates[gate].name),
	    log_str("why", alarm_outcome_name(outcome)));
	answer(c, r, outcome);
}

static struct pending *free_slot(struct collector *c)
{
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (!c->pending[i].req)
			return &c->pending[i];
	return NULL;
}

/* Waits for a head that was made after now. */
static void wait_for_head(struct collector *c, struct http_req *r, struct pending *p)
{
	struct pending *slot = free_slot(c);
	if (!slot || !c->heads.configured) {
		c->counters.not_now++;
		answer_later(r, 503);
		return;
	}
	*slot = *p;
	slot->req = r;
	slot->after = heads_want(&c->heads);
	slot->until_ns = clock_mono_ns() + WAIT_S * s_ns;
	http_suspend(r);
}

void serve_alarms(struct http_req *r, void *ctx)
{
	struct collector *c = ctx;
	struct pending p = { .req = NULL };
	char id[ALARM_ID_SIZE];
	if (!gate_of(c, r, &p.gate))
		return;
	if (!pace_take(&c->alarm_paces[p.gate], ALARM_BURST, ALARM_MS * ms_ns, clock_mono_ns())) {
		c->counters.limited++;
		answer_later(r, 429);
		return;
	}
	if (failed(report_alarm_read(r->body, &p.alarm))) {
		refuse(c, r, p.gate, ALARM_MALFORMED);
		return;
	}
	enum alarm_outcome outcome = alarm_judge(c, r, &p);
	if (outcome != ALARM_BELIEVED) {
		refuse(c, r, p.gate, outcome);
		return;
	}
	alarm_id_write(p.identity, id);
	if (evidence_exists(c, (str){ id, sizeof(id) }))
		answer(c, r, ALARM_KNOWN);
	else
		wait_for_head(c, r, &p);
}

static void log_alarm(const struct collector *c, const struct pending *p, str id)
{
	uint8_t hex[2 * TOKEN_ID_SIZE], address[64];
	struct wr w = wr_of(hex, sizeof(hex)), client = wr_of(address, sizeof(address));
	wr_hex(&w, BYTES_OF(p->identity));
	address_print(&client, &p->alarm.client);
	LOG(LOG_ALARM,
	    "ALARM: a token that was never issued has a valid signature: somebody else holds the "
	    "key",
	    log_str("alarm", id), log_str("realm", p->realm), log_str("kid", p->kid),
	    log_str("token", wr_text(&w)), log_str("sub", p->sub), log_i64("iat", p->iat),
	    log_str("gate", c->config.gates[p->gate].name), log_str("location", p->alarm.location),
	    log_str("client", wr_text(&client)), log_u64("log_size", c->heads.edge.size));
}

static void send_compromise(struct collector *c)
{
	const struct control m = { .kind = CONTROL_COMPROMISE,
				   .name = c->compromise_realm,
				   .text = { (const uint8_t *)c->compromise_id,
					     sizeof(c->compromise_id) } };
	c->again_ns = 0;
	ch_err e = control_send(CONTROL_FD, &m, NULL);
	if (failed(e))
		LOG(LOG_ERROR, "cannot ask for a key to be compromised", log_err(e));
}

static void begin_compromise(struct collector *c, str realm, str id)
{
	c->compromise_ns = clock_mono_ns();
	c->compromise_realm = realm;
	mem_copy(c->compromise_id, id.p, sizeof(c->compromise_id));
	c->next_realm = (str){ NULL, 0 };
	c->counters.compromises_asked++;
	send_compromise(c);
}

/* The rules that decide are those of `chancery key compromise --alarm`; here is only how often it
 * is asked. */
static void ask_compromise(struct collector *c, const struct pending *p, str id)
{
	uint64_t now = clock_mono_ns();
	if (!c->config.compromises)
		return;
	if (c->compromise_ns != 0 && now - c->compromise_ns < COMPROMISE_S * s_ns) {
		LOG(LOG_ALARM,
		    "the key of this alarm is not compromised by itself: one was within the hour; "
		    "do it by hand (chancery key compromise)",
		    log_str("alarm", id), log_str("kid", p->kid));
		/* if that one is refused, this one may yet be granted */
		c->next_realm = p->realm;
		mem_copy(c->next_id, id.p, sizeof(c->next_id));
		return;
	}
	begin_compromise(c, p->realm, id);
}

void alarms_compromised(struct collector *c, uint32_t code)
{
	const str id = { c->compromise_id, sizeof(c->compromise_id) };
	if (code == COMPROMISE_AGAIN) {
		c->again_ns = clock_mono_ns() + AGAIN_S * s_ns;
		return;
	}
	if (code == 0) {
		c->counters.compromises_done++;
		LOG(LOG_ALARM, "the key of an alarm is compromised: it has left, another signs",
		    log_str("alarm", id));
		return;
	}
	/* that one did not use up the hour */
	c->compromise_ns = 0;
	LOG(LOG_ALARM, "the key of an alarm was not compromised, see above; look into it",
	    log_str("alarm", id), log_u64("status", code));
	if (c->next_realm.n > 0) {
		char next[ALARM_ID_SIZE];
		mem_copy(next, c->next_id, sizeof(next));
		begin_compromise(c, c->next_realm, (str){ next, sizeof(next) });
	}
}

/* Who has a key fills no disk with what he signs, nor keeps people from hearing of another key. */
static bool has_enough(struct collector *c, const struct pending *p)
{
	uint64_t now = clock_mono_ns();
	if (pace_take(pace_of_key(c->key_paces, p->realm, p->kid), KEPT_BURST, KEPT_S * s_ns, now))
		return false;
	if (c->more_ns != 0 && now - c->more_ns < MORE_S * s_ns)
		return true;
	c->more_ns = now;
	LOG(LOG_ALARM,
	    "more forged tokens of this key come than evidence is kept of: they are counted",
	    log_str("realm", p->realm), log_str("kid", p->kid));
	return true;
}

static void believe(struct collector *c, struct pending *p)
{
	char text[ALARM_ID_SIZE];
	alarm_id_write(p->identity, text);
	const str id = { text, sizeof(text) };
	/* two gates may have seen it at once */
	if (evidence_exists(c, id)) {
		answer(c, p->req, ALARM_KNOWN);
		return;
	}
	if (has_enough(c, p)) {
		answer(c, p->req, ALARM_MORE);
		return;
	}
	log_alarm(c, p, id);
	ch_err e = alarm_keep(c, p, id);
	if (failed(e)) {
		c->counters.evidence_failed++;
		LOG(LOG_ALARM, "the evidence of an alarm cannot be kept; the gate sends it again",
		    log_str("alarm", id), log_err(e));
		answer_later(p->req, 503);
		return;
	}
	ask_compromise(c, p, id);
	outbox_add(&c->outbox, id);
	answer(c, p->req, ALARM_BELIEVED);
}

static void decide(struct collector *c, struct pending *p)
{
	bool found = false, reach = false;
	ch_err e = heads_find(&c->heads, p->identity, &found);
	if (!failed(e) && !found)
		e = heads_reach(&c->heads, p->iat, &reach);
	if (failed(e)) {
		c->counters.not_now++;
		LOG(LOG_ERROR, "an alarm cannot be held against the log", log_err(e));
		answer_later(p->req, 503);
	} else if (found) {
		refuse(c, p->req, p->gate, ALARM_LOGGED);
	} else if (!reach) {
		refuse(c, p->req, p->gate, ALARM_BAD_TIME);
	} else {
		believe(c, p);
	}
	p->req = NULL;
}

void alarms_decide(struct collector *c, uint32_t req)
{
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (c->pending[i].req && c->pending[i].after < req)
			decide(c, &c->pending[i]);
		else if (c->pending[i].req)
			(void)heads_want(&c->heads);
}

void alarms_tick(struct collector *c, uint64_t now_ns)
{
	if (c->again_ns != 0 && now_ns >= c->again_ns)
		send_compromise(c);
	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct pending *p = &c->pending[i];
		if (!p->req || now_ns < p->until_ns)
			continue;
		c->counters.not_now++;
		answer_later(p->req, 503);
		p->req = NULL;
	}
}
