/* What a realm says of itself: only what works. The same document serves OpenID
 * Connect Discovery and RFC 8414. */
#include "codec/json.h"
#include "crypto/alg.h"
#include "rules.h"

static void put_list(struct json_out *o, str name, const str *items, size_t n)
{
	json_begin(o, name, '[');
	for (size_t i = 0; i < n; i++)
		json_put_str(o, (str){ 0 }, items[i]);
	json_finish(o, ']');
}

static void put_url(struct json_out *o, str name, str issuer, str path)
{
	char room[URL_MAX_BYTES + 64];
	struct wr w = wr_of(room, sizeof(room));
	wr_str(&w, issuer);
	wr_str(&w, path);
	json_put_str(o, name, wr_text(&w));
}

static void put_algs(struct json_out *o, str name, unsigned algs)
{
	json_begin(o, name, '[');
	for (size_t i = 0; i < ALG_COUNT; i++)
		if (algs & 1U << i)
			json_put_str(o, (str){ 0 }, alg_name((enum alg)i));
	json_finish(o, ']');
}

static void put_endpoints(struct json_out *o, const struct issuer_realm *realm)
{
	put_url(o, LIT("authorization_endpoint"), realm->issuer, LIT("/authorize"));
	put_url(o, LIT("token_endpoint"), realm->issuer, LIT("/token"));
	put_url(o, LIT("device_authorization_endpoint"), realm->issuer,
		LIT("/device_authorization"));
	put_url(o, LIT("pushed_authorization_request_endpoint"), realm->issuer, LIT("/par"));
	put_url(o, LIT("userinfo_endpoint"), realm->issuer, LIT("/userinfo"));
	put_url(o, LIT("end_session_endpoint"), realm->issuer, LIT("/logout"));
	put_url(o, LIT("introspection_endpoint"), realm->issuer, LIT("/introspect"));
	put_url(o, LIT("revocation_endpoint"), realm->issuer, LIT("/revoke"));
}

static void put_issuing(struct json_out *o, const struct issuer_realm *realm)
{
	const str grants[] = { LIT("authorization_code"), LIT("client_credentials"),
			       LIT("urn:ietf:params:oauth:grant-type:device_code"),
			       LIT("refresh_token") };
	/* where no client can have offline_access, nobody gets a refresh token */
	size_t n_grants = COUNT_OF(grants) - !realm_has_scope(realm, LIT("offline_access"));
	/* the best first */
	const str methods[] = { client_auth_name(CLIENT_AUTH_JWT),
				client_auth_name(CLIENT_AUTH_BASIC),
				client_auth_name(CLIENT_AUTH_POST),
				client_auth_name(CLIENT_AUTH_NONE) };
	const str claims[] = { LIT("iss"),
			       LIT("sub"),
			       LIT("aud"),
			       LIT("exp"),
			       LIT("iat"),
			       LIT("auth_time"),
			       LIT("nonce"),
			       LIT("azp"),
			       LIT("amr"),
			       LIT("acr"),
			       LIT("sid"),
			       LIT("name"),
			       LIT("preferred_username"),
			       LIT("email") };
	const str acr = LIT(ACR_PASSWORD), languages[] = { LIT("en"), LIT("fr") };
	const str prompts[] = { LIT("none"), LIT("login"), LIT("consent"), LIT("select_account") };
	const unsigned all = (1U << ALG_COUNT) - 1;
	const str code = LIT("code"), query = LIT("query"), s256 = LIT("S256"), one = LIT("normal");
	put_endpoints(o, realm);
	json_put_bool(o, LIT("require_pushed_authorization_requests"), realm->par_required);
	put_list(o, LIT("scopes_supported"), realm->scopes, realm->n_scopes);
	put_list(o, LIT("response_types_supported"), &code, 1);
	put_list(o, LIT("response_modes_supported"), &query, 1);
	put_list(o, LIT("grant_types_supported"), grants, n_grants);
	put_list(o, LIT("token_endpoint_auth_methods_supported"), methods, COUNT_OF(methods));
	put_algs(o, LIT("token_endpoint_auth_signing_alg_values_supported"), all);
	/* all but none, which is the last */
	put_list(o, LIT("introspection_endpoint_auth_methods_supported"), methods,
		 COUNT_OF(methods) - 1);
	put_algs(o, LIT("introspection_endpoint_auth_signing_alg_values_supported"), all);
	put_list(o, LIT("revocation_endpoint_auth_methods_supported"), methods, COUNT_OF(methods));
	put_algs(o, LIT("revocation_endpoint_auth_signing_alg_values_supported"), all);
	put_list(o, LIT("code_challenge_methods_supported"), &s256, 1);
	put_algs(o, LIT("dpop_signing_alg_values_supported"), all);
	put_list(o, LIT("claims_supported"), claims, COUNT_OF(claims));
	put_list(o, LIT("claim_types_supported"), &one, 1);
	put_list(o, LIT("acr_values_supported"), &acr, 1);
	put_list(o, LIT("prompt_values_supported"), prompts, COUNT_OF(prompts));
	put_list(o, LIT("ui_locales_supported"), languages, COUNT_OF(languages));
	json_put_bool(o, LIT("claims_parameter_supported"), false);
	json_put_bool(o, LIT("request_parameter_supported"), false);
	json_put_bool(o, LIT("request_uri_parameter_supported"), false);
	json_put_bool(o, LIT("authorization_response_iss_parameter_supported"), true);
}

void metadata_write(struct wr *w, const struct issuer_realm *realm, unsigned algs)
{
	struct json_out o = json_out_of(w);
	const str subject = LIT("public");
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("issuer"), realm->issuer);
	put_url(&o, LIT("jwks_uri"), realm->issuer, LIT("/jwks"));
	put_list(&o, LIT("subject_types_supported"), &subject, 1);
	put_algs(&o, LIT("id_token_signing_alg_values_supported"), algs);
	if (realm->issues)
		put_issuing(&o, realm);
	else /* RFC 8414 section 2 requires the list */
		put_list(&o, LIT("response_types_supported"), NULL, 0);
	json_finish(&o, '}');
}

bool etag_matches(str if_none_match, str etag)
{
	str left = if_none_match;
	while (left.n > 0) {
		str one = str_cut(&left, ',');
		while (one.n > 0 && one.p[0] == ' ')
			one = str_sub(one, 1, one.n);
		while (one.n > 0 && one.p[one.n - 1] == ' ')
			one.n--;
		if (str_starts(one, LIT("W/")))
			one = str_sub(one, 2, one.n);
		if (str_eq(one, etag) || str_eq(one, LIT("*")))
			return true;
	}
	return false;
}
