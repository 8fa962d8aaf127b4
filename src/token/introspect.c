/* The rules of a relying party that opens mailboxes. They only ever take away from what
 * token_verify accepted, and the realm comes from the issuer's place in the policy, never
 * from the token: a consumer key cannot speak for an enterprise mailbox. */
#include "token/introspect.h"

#include "codec/base64url.h"
#include "codec/json.h"
#include "refusal.h"
#include "token/mailbox.h"

static const struct introspect_issuer *rule_of(const struct introspect_rules *r, str issuer)
{
	for (size_t i = 0; i < r->n_issuers; i++)
		if (str_eq(r->issuers[i].issuer, issuer))
			return &r->issuers[i];
	return NULL;
}

/* A username becomes a path and a template variable in mail servers, and so does each
 * half of it: none may be ".." or hidden. */
static bool username_ok(str s)
{
	size_t ats = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		ats += c == '@';
		if (c <= ' ' || c > '~' || str_has(LIT("/\\\"'`%$*:;,<>()[]{}|&?"), c))
			return false;
		if (c == '.' && (i == 0 || s.p[i - 1] == '.' || s.p[i - 1] == '@'))
			return false;
	}
	return s.n > 0 && s.n <= 254 && ats <= 1;
}

static bool may_claim(const struct introspect_issuer *i, str username)
{
	if (!i || !username_ok(username))
		return false;
	for (size_t k = 0; k < i->n_mailboxes; k++)
		if (mailbox_matches(i->mailboxes[k], username))
			return true;
	return i->n_mailboxes == 0;
}

static const struct refusal *rules_check(const struct introspect_rules *r,
					 const struct token_verdict *v)
{
	if (v->bound)
		return REFUSAL(bad_binding, "payload", "cnf");
	if (r->scope.n > 0 && !scope_has(v->scope, r->scope))
		return REFUSAL(bad_scope, "payload", "scope");
	if (!may_claim(rule_of(r, v->issuer), v->username))
		return REFUSAL(bad_mailbox, "payload", "username");
	return NULL;
}

void introspect_check(const struct introspect_rules *r, struct token_verdict *v)
{
	const struct refusal *no = v->code == TOKEN_accepted ? rules_check(r, v) : NULL;
	if (no)
		token_refuse(v, no);
}

static void put_hash(struct json_out *o, str name, const uint8_t hash[static 32])
{
	char text[44];
	struct wr w = wr_of(text, sizeof(text));
	base64url_write(&w, (bytes){ hash, 32 });
	json_put_str(o, name, wr_text(&w));
}

/* The keys that its bearer must show (RFC 7800, RFC 9449 section 6.2). */
static void put_binding(struct json_out *o, const struct token_verdict *v)
{
	if (!v->bound)
		return;
	json_begin(o, LIT("cnf"), '{');
	if (v->binding.has_jkt)
		put_hash(o, LIT("jkt"), v->binding.jkt);
	if (v->binding.has_x5t)
		put_hash(o, LIT("x5t#S256"), v->binding.x5t);
	json_finish(o, '}');
}

static void put_claims(struct wr *w, const struct token_verdict *v)
{
	struct json_out o = json_out_of(w);
	json_begin(&o, (str){ 0 }, '{');
	json_put_bool(&o, LIT("active"), true);
	if (v->username.n > 0)
		json_put_str(&o, LIT("username"), v->username);
	json_put_str(&o, LIT("sub"), v->sub);
	json_put_str(&o, LIT("scope"), v->scope);
	json_put_str(&o, LIT("client_id"), v->client_id);
	json_put_str(&o, LIT("aud"), v->audience);
	json_put_str(&o, LIT("iss"), v->issuer);
	json_put_int(&o, LIT("exp"), v->exp);
	json_put_int(&o, LIT("iat"), v->iat);
	json_put_str(&o, LIT("jti"), v->jti);
	json_put_str(&o, LIT("token_type"), v->binding.has_jkt ? LIT("DPoP") : LIT("Bearer"));
	put_binding(&o, v);
	json_put_str(&o, LIT("realm"), v->realm);
	json_finish(&o, '}');
}

void introspect_write(struct wr *w, const struct token_verdict *v)
{
	size_t from = w->n;
	if (v->code == TOKEN_accepted) {
		put_claims(w, v);
		if (!w->full)
			return;
		w->n = from;
		w->full = false;
	}
	wr_lit(w, "{\"active\":false}");
}
