/* A token taken apart and named. Its text may be an attacker's, and its signature a thief's; must
 * never be taken for a judgement: that is verify.c. */
#include "token/facts.h"

#include "jws.h"

enum { JWK_MEMBERS_MAX = 32 };
static const struct json_limits jwk_limits = { .depth = 4, .members = JWK_MEMBERS_MAX };

static ch_err no_token(uint64_t detail)
{
	return ch_fail(CH_E_SYNTAX, "this is no token", detail);
}

/* Absent is empty; another type is a mistake. */
static bool text_of(const struct json_node *obj, str name, struct arena *a, str *ret_text)
{
	const struct json_node *m = json_member(obj, name);
	*ret_text = (str){ 0 };
	return !m || !failed(json_to_str(m, a, ret_text));
}

static bool time_of(const struct json_node *obj, str name, int64_t *ret_s)
{
	const struct json_node *m = json_member(obj, name);
	return m && !failed(json_to_int(m, ret_s)) && *ret_s >= 0;
}

static bool claims_read(const struct json_node *payload, struct arena *a, struct token_facts *f)
{
	return text_of(payload, LIT("iss"), a, &f->iss) &&
	       text_of(payload, LIT("client_id"), a, &f->client_id) &&
	       time_of(payload, LIT("iat"), &f->iat) && time_of(payload, LIT("exp"), &f->exp);
}

static ch_err parts_read(const struct jws *jws, struct token_scratch *s, struct token_facts *ret_f)
{
	struct jws j = *jws;
	struct arena a;
	const struct signed_text t = signed_text_of(bytes_of_str(j.input));
	struct token_facts f = { .input = j.input, .signature = j.sig };
	arena_init(&a, s->arena, sizeof(s->arena));
	if (jws_json(j.header, s->header) != TOKEN_accepted || jws_header(s->header, &a, &j) ||
	    jws_json(j.payload, s->payload) != TOKEN_accepted || !claims_read(s->payload, &a, &f))
		return no_token(j.input.n);
	f.alg = j.alg;
	f.typ = j.typ;
	f.kid = j.kid;
	f.claims = str_of_bytes(j.payload);
	mem_copy(f.identity, t.sha256, sizeof(f.identity));
	*ret_f = f;
	return CH_DONE;
}

ch_err token_facts_read(str token, struct token_scratch *scratch, struct token_facts *ret_f)
{
	struct jws jws;
	if (jws_split(token, scratch->text, &jws) != TOKEN_accepted)
		return no_token(token.n);
	return parts_read(&jws, scratch, ret_f);
}

ch_err token_facts_of(str input, bytes signature, struct token_scratch *scratch,
		      struct token_facts *ret_f)
{
	struct wr w = wr_of(scratch->text, TOKEN_MAX);
	struct jws jws = { .input = input, .sig = signature };
	str left = input;
	jws.header64 = str_cut(&left, '.');
	jws.payload64 = left;
	if (input.n > TOKEN_MAX || signature.n == 0 || signature.n > SIGNATURE_MAX ||
	    jws.header64.n == 0 || jws.payload64.n == 0 || jws_decode(&jws, JWS_HEADER, &w) ||
	    jws_decode(&jws, JWS_PAYLOAD, &w))
		return no_token(input.n);
	return parts_read(&jws, scratch, ret_f);
}

ch_err token_facts_check(const struct token_facts *f, str jwk)
{
	AUTO(public_key_done) struct public_key *k = NULL;
	struct json_node nodes[JWK_MEMBERS_MAX + 1];
	struct key_parts parts;
	str kid = { 0 };
	size_t n = 0;
	TRY(json_parse(bytes_of_str(jwk), jwk_limits, nodes, COUNT_OF(nodes), &n));
	TRY(jwk_read(nodes, &parts, &kid));
	if (f->kid.n == 0 || !str_eq(kid, f->kid) || !str_eq(alg_name(parts.alg), f->alg))
		return ch_fail(CH_E_MISMATCH, "the token names another key", f->kid.n);
	TRY(public_key_new(&parts, &k));
	if (failed(public_key_verify(k, NULL, signed_text_of(bytes_of_str(f->input)),
				     f->signature)))
		return ch_fail(CH_E_MISMATCH, "the token's signature is not good", f->input.n);
	return CH_DONE;
}

ch_err token_facts_logged(const struct token_facts *f, str jwk)
{
	struct json_node nodes[JWK_MEMBERS_MAX + 1];
	int64_t from_s = 0;
	size_t n = 0;
	TRY(json_parse(bytes_of_str(jwk), jwk_limits, nodes, COUNT_OF(nodes), &n));
	TRY(jwk_logged_from(nodes, &from_s));
	if (f->iat < from_s)
		return ch_fail(CH_E_RANGE, "the token is older than its key's time in the log",
			       (uint64_t)from_s);
	return CH_DONE;
}
