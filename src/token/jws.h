/* The outer form of a token: a JWS in compact serialisation (RFC 7515 section 7.1).
 * Nothing here says whether the token is genuine. */
#pragma once
#include "base/arena.h"
#include "token/verify.h"

struct jws {
	str input;    /* what the signature covers: the first two parts as sent */
	bytes header; /* decoded */
	bytes payload;
	bytes sig;
	str alg, typ, kid; /* of the header; p == NULL when absent */
};

/* Size, three parts, canonical base64url; decodes into text, TOKEN_MAX bytes. */
enum token_code jws_split(str token, uint8_t text[static TOKEN_MAX], struct jws *ret_jws);
/* Strict JSON object within the limits of a token. */
enum token_code jws_json(bytes text, struct json_node nodes[static TOKEN_MEMBERS_MAX + 1]);
/* Refuses members that must never be there, finds alg, typ and kid. */
enum token_code jws_header(const struct json_node *header, struct arena *a, struct jws *jws);
