/* The claims (RFC 7519 section 4.1, RFC 9068 section 2.2, OpenID Connect Core section
 * 2). The issuer signed them, but a genuine token of another kind, for somebody else
 * or of another time must not pass. Absent is never the same as fine. */
#include "codec/base64url.h"
#include "judge.h"

#define CLAIM_ROW(name) REFUSAL_ROW(bad_claims, "payload", name)

/* A name as it stands in a token, with the refusal when the claim is missing or wrong. */
static const struct refusal claim_rows[AT_COUNT] = {
	[AT_ISS] = CLAIM_ROW("iss"),           [AT_AUD] = CLAIM_ROW("aud"),
	[AT_EXP] = CLAIM_ROW("exp"),           [AT_IAT] = CLAIM_ROW("iat"),
	[AT_NBF] = CLAIM_ROW("nbf"),           [AT_SUB] = CLAIM_ROW("sub"),
	[AT_JTI] = CLAIM_ROW("jti"),           [AT_CLIENT_ID] = CLAIM_ROW("client_id"),
	[AT_SCOPE] = CLAIM_ROW("scope"),       [AT_USERNAME] = CLAIM_ROW("username"),
	[AT_CNF] = CLAIM_ROW("cnf"),           [AT_AZP] = CLAIM_ROW("azp"),
	[AT_GRANT_ID] = CLAIM_ROW("grant_id"),
};

static const struct json_name claim_names[AT_COUNT] = {
	[AT_ISS] = JSON_NAME("iss"),           [AT_AUD] = JSON_NAME("aud"),
	[AT_EXP] = JSON_NAME("exp"),           [AT_IAT] = JSON_NAME("iat"),
	[AT_NBF] = JSON_NAME("nbf"),           [AT_SUB] = JSON_NAME("sub"),
	[AT_JTI] = JSON_NAME("jti"),           [AT_CLIENT_ID] = JSON_NAME("client_id"),
	[AT_SCOPE] = JSON_NAME("scope"),       [AT_USERNAME] = JSON_NAME("username"),
	[AT_CNF] = JSON_NAME("cnf"),           [AT_AZP] = JSON_NAME("azp"),
	[AT_GRANT_ID] = JSON_NAME("grant_id"),
};

static const struct token_profile profiles[] = {
	{ { "at+jwt", 6 }, 1U << AT_SUB | 1U << AT_JTI | 1U << AT_CLIENT_ID },
	{ { "JWT", 3 }, 1U << AT_SUB },
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

void claims_find(struct judge *j)
{
	json_members(j->scratch->payload, claim_names, AT_COUNT, j->claim);
}

/* Control bytes would reach logs and the protocols of those who ask. JSON has none below
 * the blank but by escape. */
static bool is_clean(const struct json_node *m, str s)
{
	for (size_t i = 0; m->escaped && i < s.n; i++)
		if ((uint8_t)s.p[i] < ' ')
			return false;
	return !str_has(s, 0x7f);
}

/* Fine when absent; a non-empty clean string when there. */
static bool text_read(struct judge *j, enum claim_at at, str *ret_text)
{
	const struct json_node *m = j->claim[at];
	if (!m)
		return true;
	return !failed(json_to_str(m, &j->arena, ret_text)) && ret_text->n &&
	       is_clean(m, *ret_text);
}

static const struct refusal *texts_judge(struct judge *j)
{
	const struct {
		enum claim_at at;
		str *to;
	} texts[] = {
		{ AT_SUB, &j->v->sub },
		{ AT_JTI, &j->v->jti },
		{ AT_CLIENT_ID, &j->v->client_id },
		{ AT_SCOPE, &j->v->scope },
		{ AT_USERNAME, &j->v->username },
	};
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (!text_read(j, texts[i].at, texts[i].to) ||
		    (!texts[i].to->n && j->issuer->profile->required >> texts[i].at & 1))
			return &claim_rows[texts[i].at];
	/* a name that others may use otherwise: what is no clean text is none of ours */
	if (!text_read(j, AT_GRANT_ID, &j->v->grant_id))
		j->v->grant_id = (str){ 0 };
	return NULL;
}

/* Absent, or a SHA-256 in canonical base64url. */
static bool hash_read(struct judge *j, const struct json_node *m, uint8_t ret_hash[static 32])
{
	uint8_t hash[32];
	struct wr w = wr_of(hash, sizeof(hash));
	str text = { NULL, 0 };
	if (!m)
		return true;
	if (failed(json_to_str(m, &j->arena, &text)) || failed(base64url_read(text, &w)) ||
	    w.n != sizeof(hash))
		return false;
	mem_copy(ret_hash, hash, sizeof(hash));
	return true;
}

/* cnf, if there, is an object that says something (RFC 7800 section 3.1). */
static const struct refusal *binding_judge(struct judge *j)
{
	static const struct json_name names[] = { JSON_NAME("jkt"), JSON_NAME("x5t#S256") };
	const struct json_node *cnf = j->claim[AT_CNF], *m[COUNT_OF(names)];
	struct token_binding *b = &j->v->binding;
	if (!cnf)
		return NULL;
	if (cnf->type != JSON_OBJECT || !cnf->count)
		return &claim_rows[AT_CNF];
	json_members(cnf, names, COUNT_OF(names), m);
	b->has_jkt = m[0];
	b->has_x5t = m[1];
	b->other = cnf->count > (uint32_t)b->has_jkt + b->has_x5t;
	if (!hash_read(j, m[0], b->jkt))
		return REFUSAL(bad_claims, "cnf", "jkt");
	if (!hash_read(j, m[1], b->x5t))
		return REFUSAL(bad_claims, "cnf", "x5t#S256");
	j->v->bound = true;
	return NULL;
}

/* Takes note of the policy's audience that this one is. False: no plain string. */
static bool audience_read(struct judge *j, const struct json_node *aud)
{
	str text = { NULL, 0 };
	if (failed(json_to_str(aud, &j->arena, &text)) || !text.n)
		return false;
	for (size_t i = 0; i < j->issuer->n_audiences && !j->v->audience.p; i++)
		if (str_eq(text, j->issuer->audiences[i]))
			j->v->audience = j->issuer->audiences[i];
	return true;
}

/* Several audiences of an ID token: azp must say that it is ours (OpenID Connect Core
 * section 3.1.3.7). */
static bool party_ok(struct judge *j, uint32_t n_audiences)
{
	str azp = { NULL, 0 };
	if (n_audiences < 2 || !str_eq(j->issuer->profile->typ, LIT("JWT")))
		return true;
	return text_read(j, AT_AZP, &azp) && str_eq(azp, j->v->audience);
}

static const struct refusal *audience_judge(struct judge *j)
{
	const struct json_node *aud = j->claim[AT_AUD];
	bool list = aud && aud->type == JSON_ARRAY;
	if (!aud || (list && !aud->count) || (!list && !audience_read(j, aud)))
		return &claim_rows[AT_AUD];
	for (const struct json_node *a = list ? json_first(aud) : NULL; a; a = json_next(aud, a))
		if (!audience_read(j, a))
			return &claim_rows[AT_AUD];
	if (!j->v->audience.p)
		return REFUSAL(bad_audience, "payload", "aud");
	if (!party_ok(j, list ? aud->count : 1))
		return REFUSAL(bad_audience, "payload", "azp");
	return NULL;
}

static bool time_read(const struct judge *j, enum claim_at at, int64_t *ret_time)
{
	const struct json_node *m = j->claim[at];
	return m && !failed(json_to_int(m, ret_time)) && *ret_time >= 0 &&
	       *ret_time <= TOKEN_TIME_MAX;
}

static const struct refusal *times_read(struct judge *j)
{
	struct token_verdict *v = j->v;
	if (!time_read(j, AT_IAT, &v->iat))
		return &claim_rows[AT_IAT];
	if (!time_read(j, AT_EXP, &v->exp) || v->exp <= v->iat)
		return &claim_rows[AT_EXP];
	if (j->claim[AT_NBF] && !time_read(j, AT_NBF, &v->nbf))
		return &claim_rows[AT_NBF];
	return NULL;
}

static const struct refusal *times_judge(struct judge *j)
{
	const struct token_verdict *v = j->v;
	int64_t skew = j->issuer->skew_s;
	/* no leeway here: it would outlive a revocation that is kept until exp */
	if (j->now >= v->exp)
		return REFUSAL(expired, "payload", "exp");
	if (v->iat - skew > j->now)
		return REFUSAL(not_yet, "payload", "iat");
	if (v->nbf - skew > j->now)
		return REFUSAL(not_yet, "payload", "nbf");
	if (v->exp - v->iat > j->issuer->max_ttl_s)
		return REFUSAL(too_long_lived, "payload", "exp");
	/* no genuine token is older than its key */
	return v->iat < j->key->from_s - skew ? REFUSAL(key_not_valid, "payload", "iat") : NULL;
}

/* The audience last: what is refused for it is good in all else, and its verdict is whole. */
const struct refusal *claims_judge(struct judge *j)
{
	static const struct refusal *(*const checks[])(struct judge *) = {
		texts_judge, binding_judge, times_read, times_judge, audience_judge,
	};
	const struct refusal *r = NULL;
	for (size_t i = 0; i < COUNT_OF(checks) && !r; i++)
		r = checks[i](j);
	return r;
}
