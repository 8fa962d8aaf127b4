/* The outer form of a token: a JWS in compact serialisation (RFC 7515 section 7.1).
 * Nothing here says whether the token is genuine. */
#pragma once
#include "base/arena.h"
#include "base/rw.h"
#include "refusal.h"
#include "token/verify.h"

struct jws {
	str input; /* what the signature covers: the first two parts as sent */
	str header64, payload64, sig64;
	bytes header, payload, sig; /* decoded */
	str alg, typ, kid;          /* of the header; p == NULL when absent */
};

/* The parts of a token, in their order. */
enum jws_part { JWS_HEADER, JWS_PAYLOAD, JWS_SIGNATURE, JWS_PART_COUNT };

/* Size and three parts that are not empty; decodes nothing and sets only what is as sent. */
const struct refusal *jws_cut(str token, struct jws *jws);
/* Can the header be an object at all? By its first byte, so that most junk ends here. */
const struct refusal *jws_glance(const struct jws *jws);
/* Canonical base64url; appends the decoded bytes to w. */
const struct refusal *jws_decode(struct jws *jws, enum jws_part part, struct wr *w);
/* jws_json of the decoded header or payload. */
const struct refusal *jws_parse(const struct jws *jws, enum jws_part part,
				struct json_node nodes[static TOKEN_MEMBERS_MAX + 1]);
/* jws_cut, then jws_decode of all parts into text. */
enum token_code jws_split(str token, uint8_t text[static TOKEN_MAX], struct jws *ret_jws);
/* Strict JSON object within the limits of a token. */
enum token_code jws_json(bytes text, struct json_node nodes[static TOKEN_MEMBERS_MAX + 1]);
/* The first member that must never be there, but for this one; NULL: none. */
const struct refusal *jws_never(const struct json_node *header, str but);
/* Refuses members that must never be there, finds alg, typ and kid. */
const struct refusal *jws_header(const struct json_node *header, struct arena *a, struct jws *jws);
