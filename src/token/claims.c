/* The claims (RFC 7519 section 4.1, RFC 9068 section 2.2, OpenID Connect Core section
 * 2). The issuer signed them, but a genuine token of another kind, for somebody else
 * or of another time must not pass. Absent is never the same as fine. */
#include "claims.h"

/* Beyond it, the year 36812, a number is no date. */
static const int64_t time_max = INT64_C(1) << 40;

static const str at_jwt_required[] = { { "sub", 3 }, { "jti", 3 }, { "client_id", 9 } };
static const str id_token_required[] = { { "sub", 3 } };

static const struct token_profile profiles[] = {
	{ { "at+jwt", 6 }, at_jwt_required, COUNT_OF(at_jwt_required) },
	{ { "JWT", 3 }, id_token_required, COUNT_OF(id_token_required) },
};

struct claims {
	const struct json_node *payload;
	const struct issuer *issuer;
	int64_t now;
	struct arena *arena;
	struct token_verdict *v;
};

static str bare_typ(str typ)
{
	str prefix = LIT("application/");
	bool has = typ.n > prefix.n && str_eq_nocase(str_sub(typ, 0, prefix.n), prefix);
	return has ? str_sub(typ, prefix.n, typ.n) : typ;
}

bool token_typ_matches(const struct token_profile *profile, str typ)
{
	return str_eq_nocase(profile->typ, bare_typ(typ));
}

const struct token_profile *token_profile_of(str typ)
{
	for (size_t i = 0; i < COUNT_OF(profiles); i++)
		if (token_typ_matches(&profiles[i], typ))
			return &profiles[i];
	return NULL;
}

/* Control bytes would reach logs and the protocols of those who ask. */
static bool is_clean(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

/* Fine when absent; a non-empty clean string when there. */
static bool text_read(const struct claims *c, str name, str *ret_text)
{
	const struct json_node *m = json_member(c->payload, name);
	if (!m)
		return true;
	return !failed(json_to_str(m, c->arena, ret_text)) && ret_text->n && is_clean(*ret_text);
}

static enum token_code texts_judge(struct claims *c)
{
	const struct {
		str name;
		str *to;
	} texts[] = {
		{ LIT("sub"), &c->v->sub },     { LIT("client_id"), &c->v->client_id },
		{ LIT("scope"), &c->v->scope }, { LIT("username"), &c->v->username },
		{ LIT("jti"), &c->v->jti },
	};
	const struct token_profile *p = c->issuer->profile;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (!text_read(c, texts[i].name, texts[i].to))
			return TOKEN_bad_claims;
	for (size_t i = 0; i < p->n_required; i++)
		if (!json_member(c->payload, p->required[i]))
			return TOKEN_bad_claims;
	return TOKEN_accepted;
}

/* cnf, if there, is an object that says something (RFC 7800 section 3.1). */
static enum token_code binding_judge(struct claims *c)
{
	const struct json_node *cnf = json_member(c->payload, LIT("cnf"));
	if (cnf && (cnf->type != JSON_OBJECT || !cnf->count))
		return TOKEN_bad_claims;
	c->v->bound = cnf;
	return TOKEN_accepted;
}

/* Takes note of the policy's audience that this one is. False: no plain string. */
static bool audience_read(struct claims *c, const struct json_node *aud)
{
	str text = { NULL, 0 };
	if (failed(json_to_str(aud, c->arena, &text)) || !text.n)
		return false;
	for (size_t i = 0; i < c->issuer->n_audiences && !c->v->audience.p; i++)
		if (str_eq(text, c->issuer->audiences[i]))
			c->v->audience = c->issuer->audiences[i];
	return true;
}

/* Several audiences of an ID token: azp must say that it is ours (OpenID Connect Core
 * section 3.1.3.7). */
static bool party_ok(struct claims *c, uint32_t n_audiences)
{
	str azp = { NULL, 0 };
	if (n_audiences < 2 || !str_eq(c->issuer->profile->typ, LIT("JWT")))
		return true;
	return text_read(c, LIT("azp"), &azp) && str_eq(azp, c->v->audience);
}

static enum token_code audience_judge(struct claims *c)
{
	const struct json_node *aud = json_member(c->payload, LIT("aud"));
	bool list = aud && aud->type == JSON_ARRAY;
	if (!aud || (list && !aud->count) || (!list && !audience_read(c, aud)))
		return TOKEN_bad_claims;
	for (const struct json_node *a = list ? json_first(aud) : NULL; a; a = json_next(aud, a))
		if (!audience_read(c, a))
			return TOKEN_bad_claims;
	if (!c->v->audience.p || !party_ok(c, list ? aud->count : 1))
		return TOKEN_bad_audience;
	return TOKEN_accepted;
}

static bool time_read(const struct claims *c, str name, int64_t *ret_time)
{
	const struct json_node *m = json_member(c->payload, name);
	return m && !failed(json_to_int(m, ret_time)) && *ret_time >= 0 && *ret_time <= time_max;
}

static enum token_code time_judge(struct claims *c)
{
	int64_t iat = 0, exp = 0, nbf = 0;
	if (!time_read(c, LIT("iat"), &iat) || !time_read(c, LIT("exp"), &exp) || exp <= iat)
		return TOKEN_bad_claims;
	if (json_member(c->payload, LIT("nbf")) && !time_read(c, LIT("nbf"), &nbf))
		return TOKEN_bad_claims;
	c->v->iat = iat;
	c->v->exp = exp;
	/* no leeway here: it would outlive a revocation that is kept until exp */
	if (c->now >= exp)
		return TOKEN_expired;
	if (iat - c->issuer->skew_s > c->now || nbf - c->issuer->skew_s > c->now)
		return TOKEN_not_yet;
	return exp - iat > c->issuer->max_ttl_s ? TOKEN_too_long_lived : TOKEN_accepted;
}

enum token_code claims_judge(const struct json_node *payload, const struct issuer *issuer,
			     int64_t now_s, struct arena *a, struct token_verdict *v)
{
	static enum token_code (*const checks[])(struct claims *) = {
		texts_judge,
		binding_judge,
		audience_judge,
		time_judge,
	};
	struct claims c = { payload, issuer, now_s, a, v };
	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		enum token_code code = checks[i](&c);
		if (code != TOKEN_accepted)
			return code;
	}
	return TOKEN_accepted;
}
