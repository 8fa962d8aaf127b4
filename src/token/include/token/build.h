/* Building what is signed: header and payload of a JWS (RFC 7515, RFC 9068), so that
 * a signer signs only what it wrote itself. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"
#include "crypto/alg.h"

/* How a claim's value is written. */
enum claim_kind { CLAIM_TEXT, CLAIM_INT, CLAIM_BOOL, CLAIM_TEXTS, CLAIM_JKT };

struct claim {
	str name;
	enum claim_kind kind;
	str text; /* TEXT; TEXTS: separated by a blank, written as an array; JKT: {"jkt":…} */
	int64_t number; /* INT; BOOL 0 or 1 */
};

struct token_header {
	enum alg alg;
	str typ;
	str kid; /* p == NULL: none is named */
};

/* What every token states first, in this order: iss, iat, exp, jti. */
struct token_stamp {
	str iss;
	int64_t iat, exp;
	str jti;
};

/* Appends base64url(header) '.' base64url(payload), the payload with the stamp first and
 * then the claims in order. E_FULL when w has no room; E_DUPLICATE for a claim twice or
 * one of the stamp's, E_SYNTAX for text that is not UTF-8 (detail = index). */
ch_err token_write_input(struct wr *w, const struct token_header *h, const struct token_stamp *s,
			 const struct claim *claims, size_t n);
/* Appends '.' base64url(signature). */
void token_write_signature(struct wr *w, bytes sig);
