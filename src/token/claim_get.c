/* Claims by name, for whoever needs more than the verdict holds. Only of a token that was
 * accepted: an unverified payload must never be read through here. */
#include "token/verify.h"

static const struct json_limits limits = { .depth = TOKEN_DEPTH_MAX, .members = TOKEN_MEMBERS_MAX };

ch_err token_claims_read(const struct token_verdict *v, struct token_claims *ret_claims)
{
	size_t count = 0;
	if (v->code != TOKEN_accepted)
		return ch_fail(CH_E_DENIED, "the token was not accepted", v->code);
	TRY(json_parse(bytes_of_str(v->claims), limits, ret_claims->nodes,
		       COUNT_OF(ret_claims->nodes), &count));
	arena_init(&ret_claims->arena, ret_claims->room, sizeof(ret_claims->room));
	return CH_DONE;
}

static ch_err claim_of(const struct token_claims *c, str name, const struct json_node **ret_m)
{
	const struct json_node *m = json_member(c->nodes, name);
	if (!m)
		return ch_fail(CH_E_MISSING, "the token has no such claim", 0);
	*ret_m = m;
	return CH_DONE;
}

ch_err token_claim_str(struct token_claims *c, str name, str *ret_text)
{
	const struct json_node *m = NULL;
	TRY(claim_of(c, name, &m));
	return json_to_str(m, &c->arena, ret_text);
}

ch_err token_claim_int(const struct token_claims *c, str name, int64_t *ret_number)
{
	const struct json_node *m = NULL;
	TRY(claim_of(c, name, &m));
	return json_to_int(m, ret_number);
}

ch_err token_claim_bool(const struct token_claims *c, str name, bool *ret_yes)
{
	const struct json_node *m = NULL;
	TRY(claim_of(c, name, &m));
	if (m->type != JSON_TRUE && m->type != JSON_FALSE)
		return ch_fail(CH_E_SYNTAX, "is neither true nor false", m->type);
	*ret_yes = m->type == JSON_TRUE;
	return CH_DONE;
}

ch_err token_claim_texts(struct token_claims *c, str name, str *texts, size_t cap, size_t *ret_n)
{
	const struct json_node *m = NULL;
	size_t n = 0;
	TRY(claim_of(c, name, &m));
	bool list = m->type == JSON_ARRAY;
	if ((list ? m->count : 1) > cap)
		return ch_fail(CH_E_FULL, "claim has more texts than there is room for", m->count);
	if (!list)
		TRY(json_to_str(m, &c->arena, &texts[n++]));
	for (const struct json_node *t = list ? json_first(m) : NULL; t; t = json_next(m, t))
		TRY(json_to_str(t, &c->arena, &texts[n++]));
	*ret_n = n;
	return CH_DONE;
}

ch_err token_claim_json(const struct token_claims *c, str name, str *ret_text)
{
	const struct json_node *m = NULL;
	TRY(claim_of(c, name, &m));
	bool quoted = m->type == JSON_STRING;
	*ret_text = (str){ m->text.p - quoted, m->text.n + 2 * (size_t)quoted };
	return CH_DONE;
}
