/* The authorization request: what it may ask, and where the answer may go. Nothing is
 * sent to a redirect URI before it is found, exactly, among the client's own; until
 * then errors are a page for the person. */
#include "codec/url.h"
#include "rules.h"

static const struct {
	str name;
	size_t at;
} fields[] = {
#define FIELD(name_, member)                                                        \
	{                                                                           \
		{ name_, sizeof(name_) - 1 }, offsetof(struct auth_request, member) \
	}
	FIELD("client_id", client_id),
	FIELD("redirect_uri", redirect_uri),
	FIELD("response_type", response_type),
	FIELD("scope", scope),
	FIELD("state", state),
	FIELD("nonce", nonce),
	FIELD("code_challenge", challenge),
	FIELD("code_challenge_method", method),
	FIELD("resource", resource),
	FIELD("prompt", prompt),
	FIELD("max_age", max_age),
	FIELD("login_hint", login_hint),
	FIELD("id_token_hint", id_token_hint),
	FIELD("ui_locales", ui_locales),
	FIELD("acr_values", acr_values),
	FIELD("dpop_jkt", dpop_jkt),
};
_Static_assert(COUNT_OF(fields) <= AUTH_FIELDS_MAX, "all fields have room");

void auth_request_read(const struct form *f, struct auth_request *ret_q)
{
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		*(str *)((char *)ret_q + fields[i].at) = form_get(f, fields[i].name);
}

size_t auth_request_fields(const struct auth_request *q,
			   struct form_field ret_fields[static AUTH_FIELDS_MAX])
{
	if (q->pushed.p) {
		ret_fields[0] = (struct form_field){ LIT("client_id"), q->client_id };
		ret_fields[1] = (struct form_field){ LIT("request_uri"), q->pushed };
		return 2;
	}
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		ret_fields[i] =
			(struct form_field){ fields[i].name,
					     *(const str *)((const char *)q + fields[i].at) };
	return COUNT_OF(fields);
}

static bool redirect_known(const struct store_client *c, str uri)
{
	str left = c->redirect_uris;
	while (left.n > 0)
		if (url_redirect_matches(list_cut(&left), uri))
			return true;
	return false;
}

ch_err auth_redirect_check(const struct auth_request *q, const struct store_client *c)
{
	if (c->disabled)
		return ch_fail(CH_E_INVALID_CLIENT, "the application is not known here", 0);
	if (!q->redirect_uri.p)
		return ch_fail(CH_E_INVALID_REQUEST, "the request says no redirect_uri", 0);
	if (q->redirect_uri.n > AUTH_URI_MAX || !redirect_known(c, q->redirect_uri))
		return ch_fail(CH_E_INVALID_REQUEST,
			       "the redirect_uri is not registered for this application", 0);
	return CH_DONE;
}

#define FAIL(error_, text) ((struct auth_fail){ LIT(error_), LIT(text) })

static struct auth_fail pkce_fail(const struct auth_request *q)
{
	if (!q->challenge.p)
		return FAIL("invalid_request", "PKCE is required: code_challenge is missing");
	if (!str_eq(q->method, LIT("S256")))
		return FAIL("invalid_request", "code_challenge_method must be S256");
	if (!pkce_challenge_ok(q->challenge))
		return FAIL("invalid_request", "code_challenge is not a SHA-256 in base64url");
	/* it has the same form */
	if (q->dpop_jkt.p && !pkce_challenge_ok(q->dpop_jkt))
		return FAIL("invalid_request", "dpop_jkt is not a SHA-256 in base64url");
	return (struct auth_fail){ 0 };
}

/* Parameters that change the meaning of a request must not be passed over. */
static struct auth_fail extension_fail(const struct form *f)
{
	str mode = form_get(f, LIT("response_mode"));
	if (form_get(f, LIT("request")).p)
		return FAIL("request_not_supported", "request objects are not taken");
	if (form_get(f, LIT("request_uri")).p)
		return FAIL("request_uri_not_supported", "request_uri is not taken");
	if (mode.p && !str_eq(mode, LIT("query")))
		return FAIL("invalid_request", "response_mode must be query");
	return (struct auth_fail){ 0 };
}

static struct auth_fail shape_fail(const struct auth_request *q, const struct store_client *c)
{
	if (!q->response_type.p)
		return FAIL("invalid_request", "response_type is missing");
	if (!str_eq(q->response_type, LIT("code")))
		return FAIL("unsupported_response_type", "response_type must be code");
	if (!list_has(c->grant_types, LIT("authorization_code")))
		return FAIL("unauthorized_client", "the client may not use this grant");
	if (q->state.n > AUTH_STATE_MAX)
		return FAIL("invalid_request", "state is longer than 1024 bytes");
	if (q->nonce.n > AUTH_NONCE_MAX)
		return FAIL("invalid_request", "nonce is longer than 512 bytes");
	if (q->id_token_hint.n > AUTH_HINT_MAX)
		return FAIL("invalid_request", "id_token_hint is longer than 4096 bytes");
	return (struct auth_fail){ 0 };
}

static struct auth_fail fail_of(ch_err e)
{
	return (struct auth_fail){ str_from_c(ch_code_oauth(ch_code_of(e))),
				   str_from_c(ch_code_shown(ch_code_of(e))
						      ? e.site->what
						      : ch_code_text(ch_code_of(e))) };
}

/* NOLINTNEXTLINE(readability-function-size): seven or more things make one decision */
struct auth_fail auth_request_check(const struct form *f, const struct auth_request *q,
				    const struct issuer_realm *realm, const struct store_client *c,
				    struct arena *a, str *ret_scope, str *ret_audience)
{
	struct auth_fail fail = shape_fail(q, c);
	if (!fail.error.p && !q->pushed.p && (realm->par_required || c->par))
		fail = FAIL("invalid_request", "this client must push its requests (PAR)");
	if (!fail.error.p)
		fail = extension_fail(f);
	if (!fail.error.p)
		fail = pkce_fail(q);
	if (fail.error.p)
		return fail;
	/* who may not refresh is not told that it might */
	bool refreshes = list_has(c->grant_types, LIT("refresh_token"));
	ch_err e = scope_resolve(realm, c->scopes, q->scope, a, ret_scope);
	if (!failed(e) && !refreshes)
		e = scope_without(*ret_scope, LIT("offline_access"), (str){ 0 }, a, ret_scope);
	if (!failed(e))
		e = audience_resolve(realm, c, q->resource, ret_audience);
	return failed(e) ? fail_of(e) : fail;
}

static const struct {
	str word;
	unsigned bit;
} prompts[] = {
	{ { "none", 4 }, PROMPT_NONE },
	{ { "login", 5 }, PROMPT_LOGIN },
	{ { "consent", 7 }, PROMPT_CONSENT },
	{ { "select_account", 14 }, PROMPT_SELECT },
};

static unsigned prompt_bit(str word)
{
	for (size_t i = 0; i < COUNT_OF(prompts); i++)
		if (str_eq(prompts[i].word, word))
			return prompts[i].bit;
	return 0;
}

struct auth_fail auth_asks_read(const struct auth_request *q, struct auth_asks *ret_asks)
{
	struct auth_asks asks = { .max_age = -1 };
	uint64_t age = 0;
	for (str left = q->prompt; left.n > 0;) {
		unsigned bit = prompt_bit(list_cut(&left));
		if (bit == 0)
			return FAIL("invalid_request", "prompt has a word that is not known here");
		asks.prompt |= bit;
	}
	if (asks.prompt & PROMPT_NONE && asks.prompt != PROMPT_NONE)
		return FAIL("invalid_request", "prompt=none goes with no other word");
	if (q->max_age.p && !str_to_u64(q->max_age, INT32_MAX, &age))
		return FAIL("invalid_request", "max_age is no number of seconds");
	if (q->max_age.p)
		asks.max_age = (int64_t)age;
	*ret_asks = asks;
	return (struct auth_fail){ 0 };
}

/* A page of ours that somebody came from was shown only to who had passed what is before it. */
enum auth_next auth_decide(const struct auth_situation *s)
{
	unsigned prompt = s->asks.prompt;
	bool here = s->typed || s->chose || s->agreed;
	bool stale = s->asks.max_age >= 0 && s->age > s->asks.max_age;
	bool unfit = !s->signed_in || (!here && stale) || s->another;
	bool agree = s->must_agree && !s->agreed;
	bool meet = s->anybody && !here;
	if (prompt & PROMPT_NONE && unfit)
		return AUTH_LOGIN_REQUIRED;
	if (prompt & PROMPT_NONE)
		return agree ? AUTH_CONSENT_REQUIRED : meet ? AUTH_INTERACTION_REQUIRED : AUTH_CODE;
	if (s->another && here)
		return AUTH_LOGIN_REQUIRED;
	if (unfit || (!here && prompt & PROMPT_LOGIN))
		return AUTH_SIGN_IN;
	if (!here && prompt & PROMPT_SELECT)
		return AUTH_CHOOSE;
	if (agree || meet || (prompt & PROMPT_CONSENT && !s->agreed))
		return AUTH_CONSENT;
	return AUTH_CODE;
}

void auth_redirect_write(struct wr *w, const struct auth_request *q, str issuer, str code,
			 const struct auth_fail *fail_or_null)
{
	wr_str(w, q->redirect_uri);
	if (!str_has(q->redirect_uri, '?'))
		wr_char(w, '?');
	if (fail_or_null) {
		form_write(w, LIT("error"), fail_or_null->error);
		form_write(w, LIT("error_description"), fail_or_null->description);
	} else {
		form_write(w, LIT("code"), code);
	}
	if (q->state.p)
		form_write(w, LIT("state"), q->state);
	form_write(w, LIT("iss"), issuer);
}

/* A host that CSP's grammar has no word for (IPv6) is allowed by its scheme alone. */
static bool csp_host_ok(str host)
{
	for (size_t i = 0; i < host.n; i++) {
		char low = (char)(host.p[i] | 0x20);
		if (!(low >= 'a' && low <= 'z') && !(host.p[i] >= '0' && host.p[i] <= '9') &&
		    !str_has(LIT(".-"), host.p[i]))
			return false;
	}
	return host.n > 0;
}

static bool scheme_ok(str scheme)
{
	for (size_t i = 0; i < scheme.n; i++) {
		char low = (char)(scheme.p[i] | 0x20);
		if (!(low >= 'a' && low <= 'z') &&
		    !(i > 0 && scheme.p[i] >= '0' && scheme.p[i] <= '9') &&
		    !(i > 0 && str_has(LIT("+.-"), scheme.p[i])))
			return false;
	}
	return scheme.n > 0;
}

void form_action_write(struct wr *w, str redirect_uri)
{
	struct url u;
	str rest = redirect_uri;
	str scheme = str_cut(&rest, ':');
	if (!rest.p || !scheme_ok(scheme))
		return;
	wr_str(w, scheme);
	wr_char(w, ':');
	if (failed(url_parse(redirect_uri, &u)) || !csp_host_ok(u.host))
		return;
	wr_lit(w, "//");
	wr_str(w, u.host);
	if (!u.port.p)
		return;
	wr_char(w, ':');
	wr_str(w, u.port);
}
