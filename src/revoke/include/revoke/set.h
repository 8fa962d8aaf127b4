/* What of a realm is revoked, in bounded memory: each revocation is a fingerprint of 128 bits
 * under keys of this process and two times. What can matter no more, since every token that
 * it speaks of has expired, is forgotten.
 *
 * A client or a user is revoked *until a time*: tokens with iat at or before it are refused,
 * later ones are not, so that who is let in again gets new ones (a token of the very same second
 * is refused, too). A grant, a token and a key are revoked for good. */
#pragma once
#include "revoke/record.h"

struct revoked;

enum {
	REVOKED_TTL_MAX_S = 24 * 3600, /* no token lives longer (CONFIG_TTL_MAX_S) */
	REVOKED_SLACK_S = 3600,        /* a clock may be set back so far */
	REVOKED_MAX = 1 << 20,
};

/* Bytes for so many revocations at a time; 0: none or over REVOKED_MAX. */
size_t revoked_size(size_t most);
/* Takes storage (zeroed, n bytes, aligned to 64); pages that no revocation needs are not touched. */
ch_err revoked_init(void *storage, size_t n, size_t most, struct revoked **ret_s);
/* Has every token that it speaks of expired? */
bool revocation_is_past(const struct revocation *r, int64_t now_s);
/* Fine when it is there already. E_LIMIT: there is no room, and none of them is past. */
ch_err revoked_add(struct revoked *s, const struct revocation *r, int64_t now_s);
size_t revoked_count(const struct revoked *s);
void revoked_clear(struct revoked *s);

/* What a token says of itself; an empty text is nothing. */
struct revoked_query {
	const uint8_t *identity; /* REVOKE_TOKEN_ID bytes; NULL: not known */
	str grant_id, client_id, sub, kid;
	int64_t iat;
};
/* The first of its parts that is revoked, or 0. */
enum revoke_kind revoked_find(const struct revoked *s, const struct revoked_query *q);
