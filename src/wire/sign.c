/* Signing batches, both halves. The reader is the signer's only parser of what an
 * issuer sends: strict, bounded, and a breach is an error, never a guess. */
#include "wire/sign.h"

#include <assert.h>

#include "base/ck.h"

enum { COUNT_AT = 2, HEADER_SIZE = 4 };

static const struct sign_claim_rule rules[SIGN_CLAIM_COUNT] = {
#define X(id, name, form, typs) [CLAIM_##id] = { { "" name, sizeof(name) - 1 }, form, typs },
	SIGN_CLAIMS(X)
#undef X
};

const struct sign_claim_rule *sign_claim_rule(enum sign_claim_id id)
{
	return &rules[id];
}

void sign_add_text(struct sign_request *r, enum sign_claim_id id, str text)
{
	if (!text.p)
		return;
	assert(r->n_claims < SIGN_CLAIMS_MAX);
	r->claims[r->n_claims++] = (struct sign_claim){ .id = id, .text = text };
}

void sign_add_number(struct sign_request *r, enum sign_claim_id id, int64_t number)
{
	assert(r->n_claims < SIGN_CLAIMS_MAX);
	r->claims[r->n_claims++] = (struct sign_claim){ .id = id, .number = number };
}

void sign_batch_begin(struct wr *w, enum sign_type type)
{
	w->n = 0;
	w->full = false;
	wr_u8(w, (uint8_t)type);
	wr_u8(w, WIRE_VERSION);
	wr_u16(w, 0);
}

size_t sign_batch_count(const struct wr *w)
{
	return w->n < HEADER_SIZE ? 0 : (size_t)w->p[COUNT_AT] << 8 | w->p[COUNT_AT + 1];
}

/* Counts the item that was written from `before` on, or takes it back. */
static bool keep_item(struct wr *w, size_t before, size_t item_max)
{
	size_t n = sign_batch_count(w);
	if (w->full || n >= SIGN_BATCH_MAX || w->n - before > item_max) {
		w->n = before;
		w->full = false;
		return false;
	}
	wr_patch_u16(w, COUNT_AT, u16_from(n + 1));
	return true;
}

static void claim_write(struct wr *w, const struct sign_claim *c)
{
	wr_u8(w, (uint8_t)c->id);
	switch (rules[c->id].form) {
	case FORM_NUMBER:
		wr_i64(w, c->number);
		break;
	case FORM_BOOL:
		wr_bool(w, c->number != 0);
		break;
	case FORM_TEXT:
	case FORM_TEXTS:
	case FORM_JKT:
		wr_str16(w, c->text);
		break;
	}
}

bool sign_batch_add_request(struct wr *w, const struct sign_request *r)
{
	size_t before = w->n;
	wr_u32(w, r->req);
	wr_u8(w, (uint8_t)r->typ);
	wr_u8(w, r->alg);
	wr_u32(w, r->ttl_s);
	wr_u8(w, u8_from(r->n_claims));
	for (size_t i = 0; i < r->n_claims; i++)
		claim_write(w, &r->claims[i]);
	return keep_item(w, before, SIGN_REQUEST_MAX);
}

bool sign_batch_add_answer(struct wr *w, const struct sign_answer *a)
{
	size_t before = w->n;
	wr_u32(w, a->req);
	wr_u16(w, a->code);
	wr_str16(w, a->token);
	return keep_item(w, before, MESSAGE_MAX);
}

bool sign_batch_add_key(struct wr *w, const struct sign_key *k)
{
	size_t before = w->n;
	wr_str16(w, k->kid);
	wr_u8(w, k->alg);
	wr_i64(w, k->not_before_s);
	wr_i64(w, k->not_after_s);
	wr_u32(w, k->max_ttl_s);
	wr_bytes16(w, k->jwk);
	return keep_item(w, before, MESSAGE_MAX);
}

ch_err sign_batch_open(bytes message, enum sign_type type, struct rd *ret_r, size_t *ret_n)
{
	struct rd r = rd_of(message);
	uint8_t is = rd_u8(&r);
	uint8_t version = rd_u8(&r);
	size_t n = rd_u16(&r);
	if (r.bad || is != type || version != WIRE_VERSION || n > SIGN_BATCH_MAX)
		return ch_fail(CH_E_PROTOCOL, "not a batch of the kind that belongs here", is);
	*ret_r = r;
	*ret_n = n;
	return CH_DONE;
}

static ch_err claim_read(struct rd *r, unsigned typ, uint32_t *seen, struct sign_claim *ret_c)
{
	uint8_t id = rd_u8(r);
	if (r->bad || id >= SIGN_CLAIM_COUNT)
		return ch_fail(CH_E_PROTOCOL, "a claim that does not exist", id);
	if (!(rules[id].typs & typ))
		return ch_fail(CH_E_PROTOCOL, "a claim that this typ must not have", id);
	if (*seen & (uint32_t)1 << id)
		return ch_fail(CH_E_PROTOCOL, "a claim twice", id);
	*seen |= (uint32_t)1 << id;
	struct sign_claim c = { .id = (enum sign_claim_id)id };
	switch (rules[id].form) {
	case FORM_NUMBER:
		c.number = rd_i64(r);
		break;
	case FORM_BOOL:
		c.number = rd_bool(r);
		break;
	case FORM_TEXT:
	case FORM_TEXTS:
	case FORM_JKT:
		c.text = rd_str16(r, SIGN_TEXT_MAX);
		break;
	}
	*ret_c = c;
	return CH_DONE;
}
_Static_assert(SIGN_CLAIM_COUNT <= 32, "a claim has a bit in `seen`");

ch_err sign_read_request(struct rd *r, struct sign_request *ret_request)
{
	struct sign_request *q = ret_request;
	uint32_t seen = 0;
	size_t before = rd_left(r);
	q->req = rd_u32(r);
	uint8_t typ = rd_u8(r);
	q->alg = rd_u8(r);
	q->ttl_s = rd_u32(r);
	q->n_claims = rd_u8(r);
	if (r->bad || (typ != TYP_ACCESS && typ != TYP_ID) || q->n_claims > SIGN_CLAIMS_MAX)
		return ch_fail(CH_E_PROTOCOL, "a signing request is not well formed", typ);
	q->typ = (enum token_typ)typ;
	for (size_t i = 0; i < q->n_claims; i++)
		TRY(claim_read(r, typ, &seen, &q->claims[i]));
	if (r->bad || before - rd_left(r) > SIGN_REQUEST_MAX)
		return ch_fail(CH_E_PROTOCOL, "a signing request ends early or is too long",
			       before);
	return CH_DONE;
}

ch_err sign_read_answer(struct rd *r, struct sign_answer *ret_answer)
{
	struct sign_answer a = { .req = rd_u32(r), .code = rd_u16(r) };
	a.token = rd_str16(r, SIGN_TOKEN_MAX);
	if (r->bad || (a.code == CH_OK) != (a.token.n > 0))
		return ch_fail(CH_E_PROTOCOL, "a signer's answer is not well formed", a.req);
	*ret_answer = a;
	return CH_DONE;
}

ch_err sign_read_key(struct rd *r, struct sign_key *ret_key)
{
	struct sign_key k = { .kid = rd_str16(r, 64) };
	k.alg = rd_u8(r);
	k.not_before_s = rd_i64(r);
	k.not_after_s = rd_i64(r);
	k.max_ttl_s = rd_u32(r);
	k.jwk = rd_bytes16(r, 4096);
	if (r->bad || k.kid.n == 0 || k.jwk.n == 0 || k.not_before_s < 0 || k.not_after_s < 0)
		return ch_fail(CH_E_PROTOCOL, "a signer's key is not well formed", 0);
	*ret_key = k;
	return CH_DONE;
}
