/* Who asks the token endpoint. A client is taken by the one method that it is registered
 * with; one that is unknown, one with a wrong secret and one that comes another way get the same
 * answer. Must never log or repeat a secret or an assertion. */
#include "base/clock.h"
#include "issuer.h"

static ch_err no(void)
{
	return ch_fail(CH_E_INVALID_CLIENT,
		       "client authentication failed: it is unknown, or this is not its secret or "
		       "key, or not the method that it is registered with",
		       0);
}

/* The client of this id, if this is its method. */
static ch_err client_of(struct token_request *t, str id, enum client_auth way,
			const struct store_client **ret_c)
{
	const struct store_client *c = NULL;
	ch_err e = client_find(t->realm->issuer, t->realm->config->name, id, &c);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return no();
	TRY(e);
	if (!str_eq(c->auth_method, client_auth_name(way)))
		return no();
	*ret_c = c;
	return CH_DONE;
}

static ch_err by_secret(struct token_request *t, str id, struct secret_bytes secret,
			enum client_auth way)
{
	uint8_t hash[SHA256_SIZE];
	const struct store_client *c = NULL;
	secret_hash(secret, hash);
	TRY(client_of(t, id, way, &c));
	if (c->secret_hash.n != sizeof(hash) || !mem_eq_ct(hash, c->secret_hash.p, sizeof(hash)))
		return no();
	t->client = c;
	return CH_DONE;
}

static ch_err said_is(struct token_request *t, str id)
{
	str said = form_get(&t->form, LIT("client_id"));
	if (said.p && !str_eq(said, id))
		return ch_fail(CH_E_INVALID_REQUEST, "client_id is not who authenticates", 0);
	return CH_DONE;
}

static ch_err by_basic(struct token_request *t)
{
	str id = { 0 };
	struct secret_bytes secret = { 0 };
	TRY(basic_read(http_field(t->http, "Authorization"), &t->http->arena, &id, &secret));
	TRY(said_is(t, id));
	return by_secret(t, id, secret, CLIENT_AUTH_BASIC);
}

static ch_err by_post(struct token_request *t)
{
	str id = form_get(&t->form, LIT("client_id"));
	str secret = form_get(&t->form, LIT("client_secret"));
	if (!id.p)
		return ch_fail(CH_E_INVALID_CLIENT, "client_secret needs client_id beside it", 0);
	return by_secret(t, id, secret_bytes_of(bytes_of_str(secret)), CLIENT_AUTH_POST);
}

static ch_err by_none(struct token_request *t)
{
	str id = form_get(&t->form, LIT("client_id"));
	if (!id.p)
		return ch_fail(CH_E_INVALID_CLIENT, "the request says no client", 0);
	return client_of(t, id, CLIENT_AUTH_NONE, &t->client);
}

static ch_err signature_check(struct issuer *is, const struct assertion *a, str jwks, int64_t now_s)
{
	struct key_parts parts = { .alg = ALG_COUNT };
	const struct public_key *key = NULL;
	TRY(assertion_key(a, jwks, now_s, &is->assertions, &parts));
	TRY(client_key_find(&is->client_keys, &parts, &key));
	return assertion_verify(a, key, is->client_keys.work);
}

/* Everything cheap comes before the signature; what was used is noted after it, so that
 * only a client's own assertions take room. */
static ch_err by_assertion(struct token_request *t)
{
	struct issuer *is = t->realm->issuer;
	const struct issuer_realm *m = t->realm->config;
	struct wr endpoint = reply_room(t->http, m->issuer.n + 8);
	const struct store_client *c = NULL;
	struct assertion a = { 0 };
	wr_str(&endpoint, m->issuer);
	wr_lit(&endpoint, "/token");
	TRY(wr_done(&endpoint));
	/* and the endpoint that it is shown at (RFC 9126 section 2) */
	const str audiences[] = { m->issuer, wr_text(&endpoint), realm_url(t->http, t->realm) };
	const struct assertion_terms terms = { audiences, COUNT_OF(audiences), clock_unix_s() };
	TRY(assertion_read(form_get(&t->form, LIT("client_assertion")), &terms, &is->assertions,
			   &a));
	TRY(said_is(t, a.client));
	TRY(client_of(t, a.client, CLIENT_AUTH_JWT, &c));
	if (failed(signature_check(is, &a, c->jwks, terms.now_s)))
		return no();
	TRY(spent_note(is, m->name, &a, terms.now_s));
	t->client = c;
	return CH_DONE;
}

ch_err client_authenticate(struct token_request *t)
{
	static ch_err (*const ways[CLIENT_AUTH_COUNT])(struct token_request *) = {
		[CLIENT_AUTH_NONE] = by_none,
		[CLIENT_AUTH_BASIC] = by_basic,
		[CLIENT_AUTH_POST] = by_post,
		[CLIENT_AUTH_JWT] = by_assertion,
	};
	enum client_auth way = CLIENT_AUTH_NONE;
	TRY(client_auth_of(&t->form, http_field(t->http, "Authorization").p != NULL, &way));
	return ways[way](t);
}
