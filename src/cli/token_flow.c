/* The OAuth client: discovery, client credentials, code with PKCE (RFC 6749, 7636, 8252,
 * 9207). It trusts the issuer named on the command line and nobody else: metadata must
 * be that issuer's own, and an answer must be for the question that was asked. */
#include "token_flow.h"

#include "base/rand.h"
#include "base/rw.h"
#include "codec/base64url.h"
#include "codec/form.h"
#include "codec/url.h"
#include "crypto/hash.h"
#include "say.h"
#include "token_assertion.h"
#include "token_proof.h"

enum { URL_ROOM = 8192, FORM_ROOM = 8192 };

static struct wr room(struct flow *f, size_t n)
{
	void *p = arena_alloc(&f->arena, n);
	return wr_of(p, p ? n : 0);
}

void flow_say(const char *text, str untrusted)
{
	char shown[200];
	struct wr w = wr_of(shown, sizeof(shown));
	for (size_t i = 0; i < untrusted.n && w.n < sizeof(shown); i++)
		if (untrusted.p[i] >= ' ' && untrusted.p[i] <= '~')
			wr_char(&w, untrusted.p[i]);
	say(text, wr_text(&w));
}

static int ask(struct flow *f, const struct fetch_request *q, struct fetch_answer *ret_a)
{
	ch_err e = fetch_run(f->fetch, q, &f->arena, ret_a);
	return failed(e) ? say_trouble("cannot ask", q->url, e) : EXIT_YES;
}

bool flow_json(struct flow *f, bytes body)
{
	size_t n = 0;
	return !failed(json_parse(body, (struct json_limits){ 8, FLOW_NODES }, f->nodes,
				  COUNT_OF(f->nodes), &n)) &&
	       f->nodes[0].type == JSON_OBJECT;
}

str flow_member(struct flow *f, str name)
{
	const struct json_node *n = json_member(f->nodes, name);
	str text = { 0 };
	if (!n || failed(json_to_str(n, &f->arena, &text)))
		return (str){ 0 };
	return text;
}

bool flow_safe(str url)
{
	struct url u;
	return !failed(url_parse(url, &u)) &&
	       (str_eq(u.scheme, LIT("https")) || url_is_loopback(&u));
}

static str par_wanted(struct flow *f)
{
	const struct json_node *n =
		json_member(f->nodes, LIT("require_pushed_authorization_requests"));
	if (!n || n->type != JSON_TRUE)
		return (str){ 0 };
	return flow_member(f, LIT("pushed_authorization_request_endpoint"));
}

int flow_discover(struct flow *f)
{
	struct fetch_answer a = { 0 };
	struct wr url = room(f, URL_ROOM);
	wr_str(&url, f->issuer);
	wr_lit(&url, "/.well-known/openid-configuration");
	if (!flow_safe(f->issuer)) {
		say("an issuer is an https URL, or http on this machine", f->issuer);
		return EXIT_USAGE;
	}
	int r = ask(f, &(struct fetch_request){ .url = wr_text(&url) }, &a);
	if (r != EXIT_YES)
		return r;
	if (a.status != 200 || !flow_json(f, a.body)) {
		say("there is no issuer's metadata at", wr_text(&url));
		return EXIT_TROUBLE;
	}
	if (!str_eq(flow_member(f, LIT("issuer")), f->issuer)) {
		say("the metadata there are of another issuer; name it as they do, not as",
		    f->issuer);
		return EXIT_TROUBLE;
	}
	f->authorization_endpoint = flow_member(f, LIT("authorization_endpoint"));
	f->token_endpoint = flow_member(f, LIT("token_endpoint"));
	f->device_endpoint = flow_member(f, LIT("device_authorization_endpoint"));
	f->par_endpoint = par_wanted(f);
	if (flow_safe(f->token_endpoint) && flow_safe(f->authorization_endpoint) &&
	    (!f->par_endpoint.p || flow_safe(f->par_endpoint)))
		return EXIT_YES;
	say("this issuer issues no tokens", f->issuer);
	return EXIT_NO;
}

int flow_refused(struct flow *f, const struct fetch_answer *a)
{
	bool json = flow_json(f, a->body);
	str error = json ? flow_member(f, LIT("error")) : (str){ 0 };
	if (error.n > 0)
		flow_say("refused", error);
	if (error.n > 0 && flow_member(f, LIT("error_description")).n > 0)
		flow_say("refused", flow_member(f, LIT("error_description")));
	if (error.n == 0)
		say("the issuer answers what it should not", f->issuer);
	return error.n > 0 && a->status < 500 ? EXIT_NO : EXIT_TROUBLE;
}

/* What is signed for a request is good once: each one gets its own. */
static ch_err post_once(struct flow *f, str endpoint, struct wr *form, struct fetch_answer *ret_a)
{
	struct wr user = room(f, 1024), password = room(f, 1024);
	struct fetch_request q = { .url = endpoint };
	if (f->secret.hidden.p) {
		/* RFC 6749 section 2.3.1: form-encoded first */
		url_write_encoded(&user, f->client);
		url_write_encoded(&password, str_of_bytes(f->secret.hidden));
		q.user = wr_text(&user);
		q.password = secret_bytes_of(wr_bytes(&password));
	} else if (!f->key) {
		form_write(form, LIT("client_id"), f->client);
	}
	if (f->resource.p)
		form_write(form, LIT("resource"), f->resource);
	if (f->key)
		TRY(assertion_write(f, form));
	wr_char(form, 0);
	TRY(wr_done(form));
	TRY(wr_done(&user));
	TRY(wr_done(&password));
	q.form = str_sub(wr_text(form), 0, form->n - 1);
	if (f->proof_key && str_eq(endpoint, f->token_endpoint)) {
		struct wr proof = room(f, PROOF_MAX);
		TRY(proof_write(f, endpoint, &proof));
		q.dpop = wr_text(&proof);
	}
	return fetch_run(f->fetch, &q, &f->arena, ret_a);
}

ch_err flow_post(struct flow *f, str endpoint, const struct wr *form, struct fetch_answer *ret_a)
{
	struct wr first = *form, second = *form;
	TRY(post_once(f, endpoint, &first, ret_a));
	return proof_nonce_wanted(f, ret_a) ? post_once(f, endpoint, &second, ret_a) : CH_DONE;
}

static int token_post(struct flow *f, struct wr *form, str *ret_body)
{
	struct fetch_answer a = { 0 };
	ch_err e = flow_post(f, f->token_endpoint, form, &a);
	if (failed(e))
		return say_trouble("cannot ask", f->token_endpoint, e);
	if (a.status != 200)
		return flow_refused(f, &a);
	*ret_body = str_of_bytes(a.body);
	return EXIT_YES;
}

int flow_client(struct flow *f, str *ret_body)
{
	struct wr form = room(f, FORM_ROOM);
	form_write(&form, LIT("grant_type"), LIT("client_credentials"));
	if (f->scope.p)
		form_write(&form, LIT("scope"), f->scope);
	return token_post(f, &form, ret_body);
}

int flow_access_token(struct flow *f, str body, str *ret_token)
{
	str token = flow_json(f, bytes_of_str(body)) ? flow_member(f, LIT("access_token"))
						     : (str){ 0 };
	if (token.n > 0) {
		*ret_token = token;
		return EXIT_YES;
	}
	say("the token endpoint gave no token", f->token_endpoint);
	return EXIT_TROUBLE;
}

static str random_text(struct flow *f)
{
	uint8_t random[32];
	struct wr w = room(f, 64);
	rand_fill(random, sizeof(random));
	base64url_write(&w, BYTES_OF(random));
	return wr_text(&w);
}

/* Without what a POST as this client has anyway. */
static ch_err request_write(struct flow *f, struct wr *w)
{
	uint8_t hash[SHA256_SIZE];
	char challenge[64];
	struct wr c = wr_of(challenge, sizeof(challenge));
	sha256(bytes_of_str(f->verifier), hash);
	base64url_write(&c, BYTES_OF(hash));
	form_write(w, LIT("response_type"), LIT("code"));
	form_write(w, LIT("redirect_uri"), f->redirect_uri);
	form_write(w, LIT("state"), f->state);
	form_write(w, LIT("nonce"), f->nonce);
	form_write(w, LIT("code_challenge"), wr_text(&c));
	form_write(w, LIT("code_challenge_method"), LIT("S256"));
	if (f->scope.p)
		form_write(w, LIT("scope"), f->scope);
	return proof_jkt_write(f, w);
}

static ch_err push(struct flow *f, str *ret_uri)
{
	struct wr form = room(f, FORM_ROOM);
	struct fetch_answer a = { 0 };
	TRY(request_write(f, &form));
	TRY(flow_post(f, f->par_endpoint, &form, &a));
	if (a.status != 201)
		(void)flow_refused(f, &a);
	if (a.status != 201)
		return ch_fail(CH_E_DENIED, "the issuer does not take the request", a.status);
	str uri = flow_json(f, a.body) ? flow_member(f, LIT("request_uri")) : (str){ 0 };
	if (uri.n == 0)
		return ch_fail(CH_E_SYNTAX, "the issuer names no request_uri", 0);
	*ret_uri = uri;
	return CH_DONE;
}

ch_err flow_authorize_url(struct flow *f, str *ret_url)
{
	struct wr w = room(f, URL_ROOM);
	str uri = { 0 };
	if (f->par_endpoint.p)
		TRY(push(f, &uri));
	wr_str(&w, f->authorization_endpoint);
	wr_char(&w, '?');
	form_write(&w, LIT("client_id"), f->client);
	if (uri.p)
		form_write(&w, LIT("request_uri"), uri);
	else
		TRY(request_write(f, &w));
	if (!uri.p && f->resource.p)
		form_write(&w, LIT("resource"), f->resource);
	*ret_url = wr_text(&w);
	return wr_done(&w);
}

int flow_callback(struct flow *f, str query, str *ret_code)
{
	struct form q = { .n = 0 };
	if (failed(form_parse(query, &f->arena, &q)) ||
	    !secret_eq(secret_bytes_of(bytes_of_str(form_get(&q, LIT("state")))),
		       secret_bytes_of(bytes_of_str(f->state)))) {
		say("the answer is not for this login (state)", (str){ 0 });
		return EXIT_NO;
	}
	if (!str_eq(form_get(&q, LIT("iss")), f->issuer)) {
		say("the answer is another issuer's (iss)", (str){ 0 });
		return EXIT_NO;
	}
	str code = form_get(&q, LIT("code"));
	if (!code.p) {
		flow_say("refused", form_get(&q, LIT("error")));
		flow_say("refused", form_get(&q, LIT("error_description")));
		return EXIT_NO;
	}
	*ret_code = code;
	return EXIT_YES;
}

int flow_login(struct flow *f, str *ret_body)
{
	str query = { 0 }, code = { 0 };
	struct wr form = room(f, FORM_ROOM);
	f->verifier = random_text(f);
	f->state = random_text(f);
	f->nonce = random_text(f);
	int r = f->user.p ? flow_form(f, &query) : flow_browser(f, &query);
	if (r == EXIT_YES)
		r = flow_callback(f, query, &code);
	if (r != EXIT_YES)
		return r;
	form_write(&form, LIT("grant_type"), LIT("authorization_code"));
	form_write(&form, LIT("code"), code);
	form_write(&form, LIT("redirect_uri"), f->redirect_uri);
	form_write(&form, LIT("code_verifier"), f->verifier);
	return token_post(f, &form, ret_body);
}
