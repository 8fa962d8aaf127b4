/* A batch on its way: decoded and checked, built, pending, signed, answered. Each
 * request gets its own answer; a message that is not well formed means that the peer is
 * taken over, and ends its socket. */
#include <poll.h>

#include "base/clock.h"
#include "base/rand.h"
#include "codec/base64url.h"
#include "signer_internal.h"
#include "token/build.h"

enum {
	JTI_BYTES = 16,
	JTI_TEXT = 22,
	TOKENS_CAP = SIGN_BATCH_MAX * SIGN_TOKEN_MAX,
	SEND_TIMEOUT_MS = 200
};

struct pending_entry {
	uint32_t req;
	uint16_t code;
	struct signing_key *key;
	size_t at, n; /* the signing input, in pending.text */
};

/* One at a time, and single-threaded. The text has no key in it. */
static struct {
	size_t n;
	struct pending_entry entry[SIGN_BATCH_MAX];
	uint8_t text[TOKENS_CAP];
	size_t used;
	uint8_t random[SIGN_BATCH_MAX * JTI_BYTES];
} pending;

static uint8_t message_room[MESSAGE_MAX];

static const enum claim_kind kinds[] = {
	[FORM_TEXT] = CLAIM_TEXT,   [FORM_NUMBER] = CLAIM_INT, [FORM_BOOL] = CLAIM_BOOL,
	[FORM_TEXTS] = CLAIM_TEXTS, [FORM_JKT] = CLAIM_JKT,
};

static str typ_text(enum token_typ typ)
{
	return typ == TYP_ACCESS ? LIT("at+jwt") : LIT("JWT");
}

static size_t claims_of(const struct sign_request *q, struct claim *claims)
{
	for (size_t i = 0; i < q->n_claims; i++) {
		const struct sign_claim *c = &q->claims[i];
		const struct sign_claim_rule *rule = sign_claim_rule(c->id);
		claims[i] = (struct claim){ .name = rule->name,
					    .kind = kinds[rule->form],
					    .text = c->text,
					    .number = c->number };
	}
	return q->n_claims;
}

/* Header and payload, written here and nowhere else. */
static ch_err build(const struct realm *m, const struct sign_request *q, int64_t now_s,
		    struct pending_entry *e)
{
	struct claim claims[SIGN_CLAIMS_MAX];
	uint8_t jti[JTI_TEXT];
	struct wr j = wr_of(jti, sizeof(jti));
	struct wr w = wr_of(pending.text + pending.used, SIGN_TOKEN_MAX - SIGNATURE_MAX * 2);
	const struct token_header h = { e->key->meta.alg, typ_text(q->typ), e->key->meta.kid };
	base64url_write(&j, (bytes){ pending.random + pending.n * JTI_BYTES, JTI_BYTES });
	const struct token_stamp stamp = { m->issuer, now_s, now_s + q->ttl_s, wr_text(&j) };
	TRY(token_write_input(&w, &h, &stamp, claims, claims_of(q, claims)));
	TRY(wr_done(&w));
	e->at = pending.used;
	e->n = w.n;
	pending.used += SIGN_TOKEN_MAX;
	return CH_DONE;
}

static void take_request(struct signer *s, struct realm *m, const struct sign_request *q)
{
	struct pending_entry *e = &pending.entry[pending.n];
	int64_t now_s = clock_unix_s();
	*e = (struct pending_entry){ .req = q->req };
	s->status->typ = q->typ;
	ch_err r = grant_check(m, q, now_s, clock_mono_ns(), &e->key);
	if (!failed(r))
		r = build(m, q, now_s, e);
	e->code = (uint16_t)ch_code_of(r);
	if (failed(r))
		s->status->refused++;
	pending.n++;
}

static ch_err batch_build(struct signer *s, struct realm *m, bytes message)
{
	struct rd r;
	size_t n = 0;
	struct sign_request q;
	s->status->step = STEP_DECODE;
	TRY(sign_batch_open(message, SIGN_REQUESTS, &r, &n));
	rand_fill(pending.random, n * JTI_BYTES);
	pending.n = 0;
	pending.used = 0;
	s->status->step = STEP_BUILD;
	for (size_t i = 0; i < n; i++) {
		TRY(sign_read_request(&r, &q));
		take_request(s, m, &q);
	}
	if (!rd_end(&r))
		return ch_fail(CH_E_PROTOCOL, "a batch has something after its end", rd_left(&r));
	return CH_DONE;
}

static ch_err sign_entry(struct pending_entry *e, str *ret_token)
{
	uint8_t sig[SIGNATURE_MAX];
	size_t sig_n = 0;
	bytes input = { pending.text + e->at, e->n };
	TRY(private_key_sign(e->key->key, input, sig, &sig_n));
	struct wr w = wr_of(pending.text + e->at, SIGN_TOKEN_MAX);
	w.n = e->n;
	token_write_signature(&w, (bytes){ sig, sig_n });
	TRY(wr_done(&w));
	*ret_token = wr_text(&w);
	return CH_DONE;
}

/* An issuer has two batches in flight at most and reads; one that does not must not
 * hold up the other realms. */
static ch_err send_answers(const struct realm *m, const struct wr *w)
{
	ch_err e = channel_send(m->fd, wr_bytes(w), NULL);
	if (ch_code_of(e) != CH_E_BUSY)
		return e;
	if (failed(channel_wait(m->fd, POLLOUT, SEND_TIMEOUT_MS)))
		return ch_fail(CH_E_PROTOCOL, "an issuer does not read its answers", w->n);
	return channel_send(m->fd, wr_bytes(w), NULL);
}

static ch_err add_answer(const struct realm *m, struct wr *w, const struct sign_answer *a)
{
	if (sign_batch_add_answer(w, a))
		return CH_DONE;
	TRY(send_answers(m, w));
	sign_batch_begin(w, SIGN_ANSWERS);
	if (!sign_batch_add_answer(w, a))
		return ch_fail(CH_E_FULL, "a token does not fit a message", a->token.n);
	return CH_DONE;
}

static ch_err batch_sign(struct signer *s, const struct realm *m)
{
	struct wr w = wr_of(message_room, sizeof(message_room));
	sign_batch_begin(&w, SIGN_ANSWERS);
	for (size_t i = 0; i < pending.n; i++) {
		struct pending_entry *e = &pending.entry[i];
		struct sign_answer a = { .req = e->req, .code = e->code };
		s->status->step = STEP_SIGN;
		if (a.code == CH_OK)
			a.code = (uint16_t)ch_code_of(sign_entry(e, &a.token));
		if (a.code == CH_OK)
			s->status->signed_tokens++;
		TRY(add_answer(m, &w, &a));
	}
	s->status->step = STEP_SEND;
	return send_answers(m, &w);
}

ch_err batch_serve(struct signer *s, struct realm *m)
{
	bytes message = { 0 };
	TRY(channel_recv(m->fd, message_room, sizeof(message_room), &message, NULL));
	s->status->batches++;
	/* the requests' texts are in message_room until they are built; answers reuse it */
	TRY(batch_build(s, m, message));
	TRY(batch_sign(s, m));
	s->status->step = STEP_IDLE;
	s->status->typ = 0;
	return CH_DONE;
}
