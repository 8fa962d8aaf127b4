/* Reading further claims of a token that was verified: its payload again, parsed on the
 * stack, so that no answer depends on storage that somebody else may have used since. */
#include "inside.h"

/* Only a token that was accepted has an issuer here. */
static ch_err claims_open(const struct ch_verified *v, const char *name,
			  struct token_claims *ret_claims)
{
	if (!v || !name || !v->issuer.p || !v->claims.p)
		return ch_fail(CH_E_USAGE, "claims are read of a token that was accepted", 0);
	struct token_verdict accepted = { .claims = str_of_text(v->claims) };
	return token_claims_read(&accepted, ret_claims);
}

ch_err ch_claim_text(const struct ch_verified *v, const char *name, char *to, size_t to_size)
{
	struct token_claims claims;
	str text = { NULL, 0 };
	if (!to || !to_size)
		return ch_fail(CH_E_USAGE, "ch_claim_text got no room", to_size);
	TRY(claims_open(v, name, &claims));
	TRY(token_claim_str(&claims, str_from_c(name), &text));
	if (str_has(text, '\0'))
		return ch_fail(CH_E_SYNTAX, "the claim has a zero byte", 0);
	if (text.n >= to_size)
		return ch_fail(CH_E_FULL, "the claim is longer than its room", text.n);
	mem_copy(to, text.p, text.n);
	to[text.n] = 0;
	return CH_DONE;
}

ch_err ch_claim_int(const struct ch_verified *v, const char *name, int64_t *ret_value)
{
	struct token_claims claims;
	if (!ret_value)
		return ch_fail(CH_E_USAGE, "ch_claim_int got a NULL", 0);
	TRY(claims_open(v, name, &claims));
	return token_claim_int(&claims, str_from_c(name), ret_value);
}

ch_err ch_claim_bool(const struct ch_verified *v, const char *name, bool *ret_value)
{
	struct token_claims claims;
	if (!ret_value)
		return ch_fail(CH_E_USAGE, "ch_claim_bool got a NULL", 0);
	TRY(claims_open(v, name, &claims));
	return token_claim_bool(&claims, str_from_c(name), ret_value);
}

ch_err ch_claim_json(const struct ch_verified *v, const char *name, ch_text *ret_json)
{
	struct token_claims claims;
	str json = { NULL, 0 };
	if (!ret_json)
		return ch_fail(CH_E_USAGE, "ch_claim_json got a NULL", 0);
	TRY(claims_open(v, name, &claims));
	TRY(token_claim_json(&claims, str_from_c(name), &json));
	*ret_json = text_of_str(json);
	return CH_DONE;
}

bool ch_scope_has(const struct ch_verified *v, const char *word)
{
	return v && word && *word && scope_has(str_of_text(v->scope), str_from_c(word));
}
