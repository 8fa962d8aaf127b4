/* An issuer's keys, found by its name: metadata (OpenID Connect Discovery 1.0 section 4, RFC
 * 8414 section 3), then the set that they name. Metadata are believed only if they are of
 * exactly this issuer, and a set elsewhere only if the user says so: whoever can write one
 * page on the issuer's host must not be able to send us to his own. */
#include "verify_fetch.h"

#include "base/cleanup.h"
#include "codec/json.h"
#include "codec/url.h"
#include "fetch/fetch.h"
#include "jwks/source.h"
#include "say.h"

enum { SET_MAX = 64 * 1024, TIMEOUT_S = 20, MEMBERS = 2048, DEPTH = 10, STATUS_OK = 200 };

struct search {
	const struct fetch_wish *wish;
	struct arena *a;
	struct fetch *client;
	str issuer;
};

static ch_err get(const struct search *s, str url, bytes *ret_body)
{
	struct fetch_answer answer = { 0 };
	const struct fetch_request q = { .url = url,
					 .timeout_s = TIMEOUT_S,
					 .max = SET_MAX,
					 .pinned = true,
					 .ca_file = str_from_c(s->wish->ca_file) };
	TRY(fetch_run(s->client, &q, s->a, &answer));
	if (answer.status != STATUS_OK)
		return ch_fail(CH_E_NOT_FOUND, "the server answers with another status than 200",
			       answer.status);
	*ret_body = answer.body;
	return CH_DONE;
}

/* Where metadata may be: behind the issuer (OpenID), or between its host and path (RFC 8414). */
static ch_err metadata_url(const struct search *s, bool openid, str *ret_url)
{
	struct url u;
	str issuer = str_ends(s->issuer, LIT("/")) ? str_sub(s->issuer, 0, s->issuer.n - 1)
						   : s->issuer;
	TRY(url_parse(issuer, &u));
	size_t cap = issuer.n + 64;
	struct wr w = wr_of(arena_alloc(s->a, cap), cap);
	if (!w.p)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", cap);
	wr_str(&w, str_sub(issuer, 0, issuer.n - (openid ? 0 : u.path.n)));
	wr_str(&w, openid ? LIT("/.well-known/openid-configuration")
			  : LIT("/.well-known/oauth-authorization-server"));
	wr_str(&w, openid ? LIT("") : u.path);
	*ret_url = wr_text(&w);
	return wr_done(&w);
}

static ch_err member(const struct search *s, const struct json_node *root, str name, str *ret_text)
{
	const struct json_node *m = json_member(root, name);
	if (!m)
		return ch_fail(CH_E_MISSING, "the metadata lack issuer or jwks_uri", 0);
	return json_to_str(m, s->a, ret_text);
}

static bool same_origin(str a, str b)
{
	struct url u, v;
	if (failed(url_parse(a, &u)) || failed(url_parse(b, &v)))
		return false;
	str usual = str_eq(u.scheme, LIT("https")) ? LIT("443") : LIT("80");
	return str_eq(u.scheme, v.scheme) && str_eq_nocase(u.host, v.host) &&
	       str_eq(u.port.p ? u.port : usual, v.port.p ? v.port : usual);
}

/* What the metadata say of where the keys are, if they may. */
static ch_err metadata_read(const struct search *s, bytes text, str *ret_uri)
{
	static struct json_node nodes[MEMBERS + 1];
	size_t n = 0;
	str issuer = { 0 }, uri = { 0 };
	TRY(json_parse(text, (struct json_limits){ DEPTH, MEMBERS }, nodes, COUNT_OF(nodes), &n));
	TRY(member(s, nodes, LIT("issuer"), &issuer));
	TRY(member(s, nodes, LIT("jwks_uri"), &uri));
	if (!str_eq(issuer, s->issuer)) {
		say("verify: the metadata there are of another issuer", issuer);
		return ch_fail(CH_E_MISMATCH, "the metadata are of another issuer", 0);
	}
	TRY(source_url_check(uri));
	if (!same_origin(uri, s->issuer)) {
		say("verify: the issuer's keys are on another host; if you trust it, name it by "
		    "--jwks-uri",
		    uri);
		return ch_fail(CH_E_DENIED, "the keys are on another host than the issuer", 0);
	}
	*ret_uri = uri;
	return CH_DONE;
}

/* Only that there are no metadata at the first place leads to the second. */
static ch_err discover(const struct search *s, str *ret_uri, str *ret_at)
{
	bytes text = { 0 };
	TRY(metadata_url(s, true, ret_at));
	ch_err e = get(s, *ret_at, &text);
	if (ch_code_of(e) == CH_E_NOT_FOUND) {
		TRY(metadata_url(s, false, ret_at));
		e = get(s, *ret_at, &text);
	}
	TRY(e);
	return metadata_read(s, text, ret_uri);
}

/* say_trouble, with the status if there was one */
static int trouble(const char *what, str url, ch_err e)
{
	char room[32];
	struct wr status = wr_of(room, sizeof(room));
	wr_dec(&status, e.detail);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		say("verify: the status of the answer is", wr_text(&status));
	return say_trouble(what, url, e);
}

int fetch_keys(const struct fetch_wish *w, str issuer, struct arena *a, bytes *ret_jwks,
	       str *ret_from)
{
	AUTO(fetch_done) struct fetch *client = NULL;
	str uri = str_from_c(w->jwks_uri), at = issuer;
	ch_err e = fetch_new(&client);
	const struct search s = { w, a, client, issuer };
	if (!failed(e) && uri.n == 0)
		e = discover(&s, &uri, &at);
	if (failed(e))
		return trouble("verify: cannot find the issuer's keys by its metadata", at, e);
	e = source_url_check(uri);
	if (!failed(e))
		e = get(&s, uri, ret_jwks);
	if (failed(e))
		return trouble("verify: cannot fetch the issuer's keys", uri, e);
	*ret_from = uri;
	return EXIT_YES;
}
