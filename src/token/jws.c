/* Taking a token apart. All of it is a stranger's text until the signature is known
 * good; must never follow what the header says about where a key is to be found. */
#include "jws.h"

#include "codec/base64url.h"

static const struct json_limits limits = { .depth = TOKEN_DEPTH_MAX, .members = TOKEN_MEMBERS_MAX };

/* Members that would change how the token is checked, name a key from outside, or
 * belong to encryption and nesting (RFC 7515 section 4.1, RFC 7516 section 4.1, RFC
 * 7518 section 4, RFC 7519 sections 5.2 and 5.3, RFC 7797). x5* goes by prefix. */
static const str never[] = {
	{ "crit", 4 }, { "b64", 3 }, { "jku", 3 }, { "jwk", 3 }, { "zip", 3 }, { "cty", 3 },
	{ "enc", 3 },  { "epk", 3 }, { "apu", 3 }, { "apv", 3 }, { "iv", 2 },  { "tag", 3 },
	{ "p2s", 3 },  { "p2c", 3 }, { "iss", 3 }, { "sub", 3 }, { "aud", 3 },
};

static bool part_read(str part, struct wr *w, bytes *ret_bytes)
{
	size_t before = w->n;
	if (!part.n || failed(base64url_read(part, w)))
		return false;
	*ret_bytes = (bytes){ w->p + before, w->n - before };
	return true;
}

enum token_code jws_split(str token, uint8_t text[static TOKEN_MAX], struct jws *ret_jws)
{
	struct wr w = wr_of(text, TOKEN_MAX);
	struct jws jws = { .input = { NULL, 0 } };
	if (token.n > TOKEN_MAX)
		return TOKEN_too_large;
	str rest = token;
	str header = str_cut(&rest, '.');
	str payload = str_cut(&rest, '.');
	/* a dot that is left is outside the alphabet of the third part */
	if (!part_read(header, &w, &jws.header) || !part_read(payload, &w, &jws.payload) ||
	    !part_read(rest, &w, &jws.sig))
		return TOKEN_malformed;
	jws.input = (str){ token.p, header.n + 1 + payload.n };
	*ret_jws = jws;
	return TOKEN_accepted;
}

enum token_code jws_json(bytes text, struct json_node nodes[static TOKEN_MEMBERS_MAX + 1])
{
	size_t count = 0;
	ch_err e = json_parse(text, limits, nodes, TOKEN_MEMBERS_MAX + 1, &count);
	if (ch_code_of(e) == CH_E_LIMIT)
		return TOKEN_too_large;
	return failed(e) || nodes[0].type != JSON_OBJECT ? TOKEN_malformed : TOKEN_accepted;
}

static bool is_never(str name)
{
	for (size_t i = 0; i < COUNT_OF(never); i++)
		if (str_eq(name, never[i]))
			return true;
	return str_starts(name, LIT("x5"));
}

static bool text_read(const struct json_node *header, str name, struct arena *a, str *ret_text)
{
	const struct json_node *m = json_member(header, name);
	return !m || !failed(json_to_str(m, a, ret_text));
}

enum token_code jws_header(const struct json_node *header, struct arena *a, struct jws *jws)
{
	for (const struct json_node *m = json_first(header); m; m = json_next(header, m))
		if (is_never(m->name))
			return TOKEN_bad_header;
	if (!text_read(header, LIT("alg"), a, &jws->alg) ||
	    !text_read(header, LIT("typ"), a, &jws->typ) ||
	    !text_read(header, LIT("kid"), a, &jws->kid))
		return TOKEN_bad_header;
	return TOKEN_accepted;
}
