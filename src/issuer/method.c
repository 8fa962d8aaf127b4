/* How clients authenticate (RFC 6749 section 2.3, RFC 7521 section 4.2, OpenID Connect
 * Core section 9), by the request's form alone: never two ways at once, never half of one. */
#include "rules.h"

static const str names[CLIENT_AUTH_COUNT] = {
	[CLIENT_AUTH_NONE] = { "none", 4 },
	[CLIENT_AUTH_BASIC] = { "client_secret_basic", 19 },
	[CLIENT_AUTH_POST] = { "client_secret_post", 18 },
	[CLIENT_AUTH_JWT] = { "private_key_jwt", 15 },
};

str client_auth_name(enum client_auth way)
{
	return names[way];
}

bool client_is_public(const struct store_client *c)
{
	return str_eq(c->auth_method, names[CLIENT_AUTH_NONE]);
}

ch_err client_auth_of(const struct form *f, bool has_authorization, enum client_auth *ret_way)
{
	static const str kind = { "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", 54 };
	str type = form_get(f, LIT("client_assertion_type"));
	bool posts = form_get(f, LIT("client_secret")).p != NULL;
	bool asserts = form_get(f, LIT("client_assertion")).p != NULL;
	if (has_authorization + posts + (asserts || type.p) > 1)
		return ch_fail(CH_E_INVALID_REQUEST, "the client authenticates in two ways", 0);
	if (asserts != (type.p != NULL))
		return ch_fail(CH_E_INVALID_REQUEST,
			       "client_assertion and client_assertion_type go together", 0);
	if (asserts && !str_eq(type, kind))
		return ch_fail(CH_E_INVALID_CLIENT,
			       "client_assertion_type is none that is known here", 0);
	*ret_way = has_authorization ? CLIENT_AUTH_BASIC
		   : posts           ? CLIENT_AUTH_POST
		   : asserts         ? CLIENT_AUTH_JWT
				     : CLIENT_AUTH_NONE;
	return CH_DONE;
}
