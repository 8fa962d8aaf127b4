/* A batch on its way: decoded and checked, built, its entries with the ledger, signed in slices,
 * answered. Each request gets its own answer; a message that is not well formed means that the
 * peer is taken over, and ends its socket. Nothing is signed that is not in the log. */
#include <assert.h>
#include <poll.h>

#include "base/clock.h"
#include "base/rand.h"
#include "codec/base64url.h"
#include "crypto/hash.h"
#include "signer_internal.h"
#include "token/build.h"

enum {
	JTI_BYTES = 16,
	JTI_TEXT = 22,
	SIGNATURE_TEXT_MAX = 1 + (SIGNATURE_MAX + 2) / 3 * 4,
	INPUT_MAX = SIGN_TOKEN_MAX - SIGNATURE_TEXT_MAX,
	SEND_TIMEOUT_MS = 200
};

static uint8_t message_room[MESSAGE_MAX];

/* Of the batch that is being built; single-threaded. */
static struct {
	uint8_t random[SIGN_BATCH_MAX * JTI_BYTES];
	struct ledger_item items[SIGN_BATCH_MAX];
	size_t n_items;
	struct wr entries;
	uint8_t entry_room[SIGN_BATCH_MAX * LOG_ENTRY_MAX];
} making;

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

/* Its entry says what the token says: they are made of the same numbers. */
static ch_err log_it(const struct signer *s, const struct realm *m, const struct sign_request *q,
		     const struct token_stamp *stamp, const struct pending_entry *e, bytes input)
{
	struct log_entry entry = { .iat_s = stamp->iat,
				   .exp_s = stamp->exp,
				   .realm = m->name,
				   .kid = e->key->meta.kid,
				   .typ = q->typ == TYP_ACCESS ? LOG_TYP_AT_JWT : LOG_TYP_JWT };
	sha256(input, entry.hash);
	TRY(ledger_item_of(s, m, q, &entry, &making.entries, &making.items[making.n_items]));
	making.n_items++;
	return CH_DONE;
}

/* Header and payload, written here and nowhere else. */
static ch_err build(const struct signer *s, struct batch *b, const struct sign_request *q,
		    int64_t now_s, struct pending_entry *e)
{
	NOT_ZEROED struct claim claims[SIGN_CLAIMS_MAX];
	uint8_t jti[JTI_TEXT];
	struct wr j = wr_of(jti, sizeof(jti));
	struct wr w = wr_of(b->text + b->used, INPUT_MAX);
	const struct token_header h = { e->key->meta.alg, typ_text(q->typ), e->key->meta.kid };
	base64url_write(&j, (bytes){ making.random + b->n * JTI_BYTES, JTI_BYTES });
	const struct token_stamp stamp = { b->realm->issuer, now_s, now_s + q->ttl_s, wr_text(&j) };
	TRY(token_write_input(&w, &h, &stamp, claims, claims_of(q, claims)));
	TRY(wr_done(&w));
	TRY(log_it(s, b->realm, q, &stamp, e, wr_bytes(&w)));
	e->at = b->used;
	e->n = w.n;
	b->used += w.n + SIGNATURE_TEXT_MAX;
	return CH_DONE;
}

static void take_request(struct signer *s, struct batch *b, const struct sign_request *q)
{
	struct pending_entry *e = &b->entry[b->n];
	int64_t now_s = clock_unix_s();
	*e = (struct pending_entry){ .req = q->req };
	s->status->typ = q->typ;
	ch_err r = grant_check(b->realm, q, now_s, clock_mono_ns(), &e->key);
	if (!failed(r))
		r = build(s, b, q, now_s, e);
	e->code = (uint16_t)ch_code_of(r);
	if (failed(r))
		s->status->refused++;
	b->n++;
}

static ch_err batch_build(struct signer *s, struct batch *b, bytes message)
{
	struct rd r;
	size_t n = 0;
	struct sign_request q;
	s->status->step = STEP_DECODE;
	TRY(sign_batch_open(message, SIGN_REQUESTS, &r, &n));
	rand_fill(making.random, n * JTI_BYTES);
	making.n_items = 0;
	making.entries = wr_of(making.entry_room, sizeof(making.entry_room));
	s->status->step = STEP_BUILD;
	for (size_t i = 0; i < n; i++) {
		TRY(sign_read_request(&r, &q));
		take_request(s, b, &q);
	}
	if (!rd_end(&r))
		return ch_fail(CH_E_PROTOCOL, "a batch has something after its end", rd_left(&r));
	return CH_DONE;
}

static struct batch *free_batch(const struct signer *s)
{
	for (size_t i = 0; i < BATCHES_MAX; i++)
		if (s->batches[i].state == BATCH_FREE)
			return &s->batches[i];
	return NULL;
}

bool batch_may_take(const struct signer *s)
{
	return free_batch(s) && s->seq - s->appended < APPENDS_MAX;
}

static void batch_free(struct signer *s, struct batch *b)
{
	b->state = BATCH_FREE;
	s->status->typ = 0;
}

ch_err batch_take(struct signer *s, struct realm *m)
{
	bytes message = { 0 };
	struct batch *b = free_batch(s);
	assert(b);
	TRY(channel_recv(m->fd, message_room, sizeof(message_room), &message, NULL));
	s->status->batches++;
	b->realm = m;
	b->n = b->next = b->used = 0;
	b->turn = ++s->turn;
	/* the requests' texts are in message_room until they are with the ledger; answers reuse it */
	TRY(batch_build(s, b, message));
	ledger_append(s, b, making.items, making.n_items);
	return CH_DONE;
}

struct batch *batch_due(struct signer *s)
{
	struct batch *due = NULL;
	for (size_t i = 0; i < BATCHES_MAX; i++) {
		struct batch *b = &s->batches[i];
		if (b->state == BATCH_LOGGED && (!due || b->turn < due->turn))
			due = b;
	}
	return due;
}

static ch_err sign_entry(struct batch *b, const struct pending_entry *e, str *ret_token)
{
	uint8_t sig[SIGNATURE_MAX];
	size_t sig_n = 0;
	bytes input = { b->text + e->at, e->n };
	TRY(private_key_sign(e->key->key, input, sig, &sig_n));
	struct wr w = wr_of(b->text + e->at, e->n + SIGNATURE_TEXT_MAX);
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

/* The request's own refusal comes first: it was not even asked of the ledger. */
static struct sign_answer answer_of(struct signer *s, struct batch *b,
				    const struct pending_entry *e)
{
	struct sign_answer a = { .req = e->req, .code = e->code };
	assert(b->state == BATCH_LOGGED);
	if (a.code == CH_OK)
		a.code = b->code;
	if (a.code == CH_OK)
		a.code = (uint16_t)ch_code_of(sign_entry(b, e, &a.token));
	if (a.code == CH_OK)
		s->status->signed_tokens++;
	return a;
}

ch_err batch_answer(struct signer *s, struct batch *b)
{
	struct wr w = wr_of(message_room, sizeof(message_room));
	sign_batch_begin(&w, SIGN_ANSWERS);
	s->status->step = STEP_SIGN;
	for (size_t i = 0; i < SLICE && b->next < b->n; i++) {
		struct sign_answer a = answer_of(s, b, &b->entry[b->next++]);
		TRY(add_answer(b->realm, &w, &a));
	}
	if (b->next == b->n)
		batch_free(s, b);
	s->status->step = STEP_SEND;
	TRY(send_answers(b->realm, &w));
	s->status->step = STEP_IDLE;
	return CH_DONE;
}
