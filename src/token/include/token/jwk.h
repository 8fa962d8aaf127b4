/* JSON Web Keys (RFC 7517, 7518, 8037): public ones only. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"
#include "codec/json.h"
#include "crypto/key.h"

enum { JWK_TEXT_MAX = 1024, JWKS_TEXT_MAX = 64 * 1024, THUMBPRINT_SIZE = 32 };

/* {"kty":…,"use":"sig","alg":…,"kid":…,…} */
ch_err jwk_write(struct wr *w, const struct key_parts *k, str kid);
/* The same with `logged_from`, see jwk_logged_from; 0: without. */
ch_err jwk_write_logged(struct wr *w, const struct key_parts *k, str kid, int64_t logged_from_s);
/* The required members alone, in lexical order (RFC 7638 section 3.2): E_RANGE, E_FULL. */
ch_err jwk_write_bare(struct wr *w, const struct key_parts *k);
/* RFC 7638: SHA-256 of that. */
ch_err jwk_thumbprint(const struct key_parts *k, uint8_t ret_hash[static THUMBPRINT_SIZE]);
/* One key of a set. E_UNSUPPORTED: use other than sig, key_ops without verify, an alg
 * that is not here, or a key that says it is revoked. E_MISMATCH: private members, alg contradicting kty or crv.
 * E_MISSING: kty, alg, kid or a number. E_RANGE, E_SYNTAX: a number of a wrong size or
 * form. ret_kid points into the text. */
ch_err jwk_read(const struct json_node *jwk, struct key_parts *ret_k, str *ret_kid);
/* When the key is valid by its own word: nbf and exp, whole seconds since 1970 (registered
 * for JWK by OpenID Federation 1.0). 0 and INT64_MAX where it says nothing. E_SYNTAX: no
 * such number. E_RANGE: it ends before it begins. */
ch_err jwk_period(const struct json_node *jwk, int64_t *ret_from_s, int64_t *ret_until_s);
/* Since when each token of it is in its issuer's log, by its own word: `logged_from`, whole seconds
 * since 1970, of a key that was in use elsewhere before. 0: from its first. E_SYNTAX. */
ch_err jwk_logged_from(const struct json_node *jwk, int64_t *ret_from_s);
/* The key in the header of a proof (RFC 9449 section 4.2), for the algorithm that the
 * header states. It needs no kid and no alg, but E_MISMATCH if it states another alg. Else
 * as jwk_read. */
ch_err jwk_read_for(const struct json_node *jwk, enum alg alg, struct key_parts *ret_k);
