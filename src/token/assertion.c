/* The judge of client assertions. All of one is a stranger's text until the signature is
 * known good under a key that the client registered; must never take a key or an algorithm
 * from the assertion, nor check more than one signature. */
#include "token/assertion.h"

#include "jws.h"
#include "policy_internal.h"
#include "token/jwk.h"

#define BAD(text) ch_fail(CH_E_INVALID_CLIENT, "the client assertion " text, 0)

static const struct json_limits jwks_limits = { .depth = 6, .members = CLIENT_JWKS_MEMBERS_MAX };

/* One that is being read. */
struct reading {
	const struct assertion_terms *terms;
	struct token_scratch *scratch;
	struct arena arena;
	struct jws jws;
	struct assertion a;
};

static ch_err read_shape(struct reading *r, str text)
{
	struct token_scratch *s = r->scratch;
	if (text.n > ASSERTION_MAX)
		return BAD("is too long");
	if (jws_split(text, s->text, &r->jws) != TOKEN_accepted ||
	    jws_json(r->jws.header, s->header) != TOKEN_accepted ||
	    jws_json(r->jws.payload, s->payload) != TOKEN_accepted)
		return BAD("is no JWT in compact form");
	r->a.input = r->jws.input;
	r->a.sig = r->jws.sig;
	return CH_DONE;
}

/* RFC 7523 asks for no typ; the one that its successor gives it is welcome, and any
 * other type of token is not an assertion. */
static bool typ_ok(str typ)
{
	static const struct token_profile profiles[] = {
		{ .typ = { "JWT", 3 } },
		{ .typ = { "client-authentication+jwt", 25 } },
	};
	for (size_t i = 0; i < COUNT_OF(profiles); i++)
		if (token_typ_matches(&profiles[i], typ))
			return true;
	return !typ.p;
}

static ch_err read_header(struct reading *r)
{
	if (jws_header(r->scratch->header, &r->arena, &r->jws))
		return BAD("has a header member that is not allowed");
	if (!typ_ok(r->jws.typ))
		return BAD("has the typ of another kind of token");
	r->a.alg = r->jws.alg;
	r->a.kid = r->jws.kid;
	return CH_DONE;
}

/* There, a string, and of 1 to max bytes. */
static bool claim_read(struct reading *r, str name, size_t max, str *ret_text)
{
	const struct json_node *m = json_member(r->scratch->payload, name);
	return m && !failed(json_to_str(m, &r->arena, ret_text)) && ret_text->n > 0 &&
	       ret_text->n <= max;
}

static ch_err read_client(struct reading *r)
{
	str iss = { NULL, 0 };
	if (!claim_read(r, LIT("sub"), ASSERTION_CLIENT_MAX, &r->a.client))
		return BAD("has no sub, which must be the client_id");
	if (!claim_read(r, LIT("iss"), ASSERTION_CLIENT_MAX, &iss) || !str_eq(iss, r->a.client))
		return BAD("has an iss that is not its sub: both must be the client_id");
	if (!claim_read(r, LIT("jti"), ASSERTION_JTI_MAX, &r->a.jti))
		return BAD("has no jti, or one over 255 bytes");
	return CH_DONE;
}

static bool is_ours(struct reading *r, const struct json_node *aud)
{
	str text = { NULL, 0 };
	bool ours = false;
	if (failed(json_to_str(aud, &r->arena, &text)))
		return false;
	for (size_t i = 0; i < r->terms->n_audiences; i++)
		ours = ours || str_eq(text, r->terms->audiences[i]);
	return ours;
}

/* One that is meant for others too could be sent here by one of them. */
static ch_err read_audience(struct reading *r)
{
	const struct json_node *aud = json_member(r->scratch->payload, LIT("aud"));
	bool list = aud && aud->type == JSON_ARRAY;
	bool ours = aud && (list ? aud->count > 0 : is_ours(r, aud));
	for (const struct json_node *one = list ? json_first(aud) : NULL; one && ours;
	     one = json_next(aud, one))
		ours = is_ours(r, one);
	return ours ? CH_DONE : BAD("is not for this issuer alone: aud must be the issuer's URL");
}

/* Absent is fine, and leaves *ret_time. */
static bool time_read(const struct reading *r, str name, int64_t *ret_time)
{
	const struct json_node *m = json_member(r->scratch->payload, name);
	return !m ||
	       (!failed(json_to_int(m, ret_time)) && *ret_time >= 0 && *ret_time <= TOKEN_TIME_MAX);
}

static ch_err read_times(struct reading *r)
{
	int64_t now = r->terms->now_s, iat = 0, nbf = 0;
	r->a.exp = -1;
	if (!time_read(r, LIT("exp"), &r->a.exp) || r->a.exp < 0)
		return BAD("has no exp, or one that is no whole number of seconds");
	/* no leeway: the record of its use ends here, too */
	if (r->a.exp <= now)
		return BAD("is expired (exp): make a new one for each request");
	if (r->a.exp > now + ASSERTION_AHEAD_S + ASSERTION_SKEW_S)
		return BAD("lives too long: its exp may be 5 minutes ahead at most");
	if (!time_read(r, LIT("iat"), &iat) || iat > now + ASSERTION_SKEW_S)
		return BAD("has an iat in the future, or one that is no number");
	if (!time_read(r, LIT("nbf"), &nbf) || nbf > now + ASSERTION_SKEW_S)
		return BAD("is not valid yet (nbf), or nbf is no number");
	return CH_DONE;
}

ch_err assertion_read(str text, const struct assertion_terms *t, struct assertion_scratch *s,
		      struct assertion *ret_a)
{
	struct reading r = { .terms = t, .scratch = &s->token };
	arena_init(&r.arena, s->token.arena, sizeof(s->token.arena));
	TRY(read_shape(&r, text));
	TRY(read_header(&r));
	TRY(read_client(&r));
	TRY(read_audience(&r));
	TRY(read_times(&r));
	*ret_a = r.a;
	return CH_DONE;
}

static ch_err set_read(str jwks, struct assertion_scratch *s, const struct json_node **ret_keys)
{
	size_t count = 0;
	if (jwks.n > CLIENT_JWKS_MAX)
		return ch_fail(CH_E_LIMIT, "the JWK set is over 8 KiB", jwks.n);
	TRY(json_parse(bytes_of_str(jwks), jwks_limits, s->jwks, COUNT_OF(s->jwks), &count));
	const struct json_node *keys = json_member(s->jwks, LIT("keys"));
	if (!keys || keys->type != JSON_ARRAY)
		return ch_fail(CH_E_SYNTAX, "it is no JWK set: no array named keys", 0);
	*ret_keys = keys;
	return CH_DONE;
}

static bool valid_at(const struct json_node *jwk, int64_t now_s)
{
	int64_t from = 0, until = 0;
	return !failed(jwk_period(jwk, &from, &until)) && from - ASSERTION_SKEW_S <= now_s &&
	       now_s < until;
}

/* The key of this kid, or the only one. False: there is none, or it is not told which. */
static bool key_choose(const struct json_node *keys, str kid, int64_t now_s,
		       struct key_parts *ret_key)
{
	size_t found = 0;
	for (const struct json_node *k = json_first(keys); k; k = json_next(keys, k)) {
		struct key_parts parts;
		str name = { NULL, 0 };
		if (failed(jwk_read(k, &parts, &name)) || (kid.p && !str_eq(name, kid)))
			continue;
		/* one that is past does not make its successor ambiguous */
		if (!valid_at(k, now_s))
			continue;
		*ret_key = parts;
		found++;
	}
	return found == 1;
}

static ch_err no(void)
{
	return ch_fail(CH_E_INVALID_CLIENT, "the client assertion does not verify", 0);
}

ch_err assertion_key(const struct assertion *a, str jwks, int64_t now_s,
		     struct assertion_scratch *s, struct key_parts *ret_key)
{
	const struct json_node *keys = NULL;
	struct key_parts parts = { .alg = ALG_COUNT };
	if (failed(set_read(jwks, s, &keys)) || !key_choose(keys, a->kid, now_s, &parts) ||
	    !str_eq(a->alg, alg_name(parts.alg)))
		return no();
	*ret_key = parts;
	return CH_DONE;
}

ch_err assertion_verify(const struct assertion *a, const struct public_key *key,
			struct key_work *work_or_null)
{
	struct signed_text t = signed_text_of(bytes_of_str(a->input));
	return failed(public_key_verify(key, work_or_null, t, a->sig)) ? no() : CH_DONE;
}

/* The keys that a set has shown so far. */
struct keys_seen {
	str kids[CLIENT_KEYS_MAX];
	uint8_t thumbprints[CLIENT_KEYS_MAX][THUMBPRINT_SIZE];
	size_t n;
};

static ch_err key_note(struct keys_seen *seen, const struct key_parts *parts, str kid)
{
	uint8_t *mine = seen->thumbprints[seen->n % CLIENT_KEYS_MAX];
	if (!kid.n || kid.n > KID_MAX)
		return ch_fail(CH_E_RANGE, "kid is empty or longer than 64 bytes", kid.n);
	if (seen->n == CLIENT_KEYS_MAX)
		return ch_fail(CH_E_LIMIT, "the set has more than 8 keys", seen->n);
	TRY(jwk_thumbprint(parts, mine));
	for (size_t i = 0; i < seen->n; i++) {
		if (str_eq(seen->kids[i], kid))
			return ch_fail(CH_E_DUPLICATE, "two keys of the set have this kid", i);
		if (mem_eq(seen->thumbprints[i], mine, THUMBPRINT_SIZE))
			return ch_fail(CH_E_DUPLICATE, "the set has this key twice", i);
	}
	seen->kids[seen->n++] = kid;
	return CH_DONE;
}

static ch_err key_check(struct keys_seen *seen, const struct json_node *jwk)
{
	AUTO(public_key_done) struct public_key *key = NULL;
	struct key_parts parts;
	str kid = { NULL, 0 };
	int64_t from = 0, until = 0;
	TRY(jwk_read(jwk, &parts, &kid));
	TRY(jwk_period(jwk, &from, &until));
	TRY(key_note(seen, &parts, kid));
	return public_key_new(&parts, &key);
}

/* `key "…": what` */
static ch_err explain(struct wr *why, const struct json_node *jwk, ch_err e)
{
	const struct json_node *kid = json_member(jwk, LIT("kid"));
	if (!why)
		return e;
	if (kid && kid->type == JSON_STRING) {
		wr_lit(why, "key ");
		json_write_str(why, str_sub(kid->text, 0, KID_MAX));
		wr_lit(why, ": ");
	}
	wr_str(why, str_from_c(e.site->what));
	return e;
}

ch_err client_jwks_check(str jwks, struct assertion_scratch *s, struct wr *why)
{
	struct keys_seen seen = { .n = 0 };
	const struct json_node *keys = NULL;
	ch_err e = set_read(jwks, s, &keys);
	if (failed(e))
		return explain(why, NULL, e);
	for (const struct json_node *k = json_first(keys); k; k = json_next(keys, k)) {
		e = key_check(&seen, k);
		if (failed(e) && ch_code_of(e) != CH_E_UNSUPPORTED)
			return explain(why, k, e);
	}
	if (seen.n > 0)
		return CH_DONE;
	return explain(why, NULL,
		       ch_fail(CH_E_MISSING,
			       "the set has no key for ES256, EdDSA, RS256 or PS256 signatures",
			       0));
}
