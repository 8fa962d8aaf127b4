/* Taking a token apart. All of it is a stranger's text until the signature is known
 * good; must never follow what the header says about where a key is to be found. */
#include "jws.h"

#include "codec/base64url.h"

static const struct json_limits limits = { .depth = TOKEN_DEPTH_MAX, .members = TOKEN_MEMBERS_MAX };

/* Members that would change how the token is checked, name a key from outside, or
 * belong to encryption and nesting (RFC 7515 section 4.1, RFC 7516 section 4.1, RFC
 * 7518 section 4, RFC 7519 sections 5.2 and 5.3, RFC 7797). x5* goes by prefix too. */
#define NEVER(name) REFUSAL_ROW(bad_header, "header", name)
static const struct refusal never[] = {
	NEVER("crit"), NEVER("b64"), NEVER("jku"),      NEVER("jwk"), NEVER("zip"), NEVER("cty"),
	NEVER("enc"),  NEVER("epk"), NEVER("apu"),      NEVER("apv"), NEVER("iv"),  NEVER("tag"),
	NEVER("p2s"),  NEVER("p2c"), NEVER("iss"),      NEVER("sub"), NEVER("aud"), NEVER("x5u"),
	NEVER("x5c"),  NEVER("x5t"), NEVER("x5t#S256"),
};

static const struct part {
	struct refusal malformed, too_large;
} parts[JWS_PART_COUNT] = {
	[JWS_HEADER] = { REFUSAL_ROW(malformed, "header", ""),
			 REFUSAL_ROW(too_large, "header", "") },
	[JWS_PAYLOAD] = { REFUSAL_ROW(malformed, "payload", ""),
			  REFUSAL_ROW(too_large, "payload", "") },
	[JWS_SIGNATURE] = { REFUSAL_ROW(malformed, "signature", ""),
			    REFUSAL_ROW(too_large, "signature", "") },
};

const struct refusal *jws_cut(str token, struct jws *jws)
{
	if (token.n > TOKEN_MAX)
		return REFUSAL(too_large, "token", "");
	str rest = token;
	str header = str_cut(&rest, '.');
	str payload = str_cut(&rest, '.');
	if (!header.n || !payload.n || !rest.n || str_has(rest, '.'))
		return REFUSAL(malformed, "token", "");
	jws->input = (str){ token.p, header.n + 1 + payload.n };
	jws->header64 = header;
	jws->payload64 = payload;
	jws->sig64 = rest;
	return NULL;
}

const struct refusal *jws_glance(const struct jws *jws)
{
	uint8_t first[3];
	struct wr w = wr_of(first, sizeof(first));
	if (failed(base64url_read(str_sub(jws->header64, 0, 4), &w)) ||
	    (first[0] != '{' && first[0] > ' '))
		return &parts[JWS_HEADER].malformed;
	return NULL;
}

const struct refusal *jws_decode(struct jws *jws, enum jws_part part, struct wr *w)
{
	const str from[JWS_PART_COUNT] = { jws->header64, jws->payload64, jws->sig64 };
	bytes *const to[JWS_PART_COUNT] = { &jws->header, &jws->payload, &jws->sig };
	size_t before = w->n;
	if (failed(base64url_read(from[part], w)))
		return &parts[part].malformed;
	*to[part] = (bytes){ w->p + before, w->n - before };
	return NULL;
}

enum token_code jws_split(str token, uint8_t text[static TOKEN_MAX], struct jws *ret_jws)
{
	struct wr w = wr_of(text, TOKEN_MAX);
	struct jws jws = { .input = { NULL, 0 } };
	const struct refusal *r = jws_cut(token, &jws);
	for (int part = 0; part < JWS_PART_COUNT && !r; part++)
		r = jws_decode(&jws, (enum jws_part)part, &w);
	if (r)
		return r->code;
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

const struct refusal *jws_parse(const struct jws *jws, enum jws_part part,
				struct json_node nodes[static TOKEN_MEMBERS_MAX + 1])
{
	enum token_code code = jws_json(part == JWS_HEADER ? jws->header : jws->payload, nodes);
	if (code == TOKEN_accepted)
		return NULL;
	return code == TOKEN_too_large ? &parts[part].too_large : &parts[part].malformed;
}

static const struct refusal *never_of(str name)
{
	for (size_t i = 0; i < COUNT_OF(never); i++)
		if (str_eq(name, never[i].what))
			return &never[i];
	return str_starts(name, LIT("x5")) ? REFUSAL(bad_header, "header", "") : NULL;
}

const struct refusal *jws_never(const struct json_node *header, str but)
{
	const struct refusal *r = NULL;
	for (const struct json_node *n = json_first(header); n && !r; n = json_next(header, n))
		r = str_eq(n->name, but) ? NULL : never_of(n->name);
	return r;
}

/* Absent, or a string. */
static bool text_read(const struct json_node *m, struct arena *a, str *ret_text)
{
	return !m || !failed(json_to_str(m, a, ret_text));
}

const struct refusal *jws_header(const struct json_node *header, struct arena *a, struct jws *jws)
{
	enum { ALG, TYP, KID, TEXTS };
	static const struct json_name names[TEXTS] = { JSON_NAME("alg"), JSON_NAME("typ"),
						       JSON_NAME("kid") };
	const struct json_node *m[TEXTS];
	const struct refusal *r = NULL;
	/* most have these three and nothing else */
	if (json_members(header, names, TEXTS, m) < header->count)
		r = jws_never(header, LIT(""));
	if (r)
		return r;
	if (!text_read(m[ALG], a, &jws->alg))
		return REFUSAL(bad_header, "header", "alg");
	if (!text_read(m[TYP], a, &jws->typ))
		return REFUSAL(bad_header, "header", "typ");
	return text_read(m[KID], a, &jws->kid) ? NULL : REFUSAL(bad_header, "header", "kid");
}
