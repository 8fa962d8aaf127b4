/* One revocation: a record of a realm's chain (src/chain/FORMAT.md, purpose "revocations"),
 * whose type says what is revoked. src/revoke/FORMAT.md draws it, and says what each means. */
#pragma once
#include "base/err.h"
#include "base/rw.h"

enum revoke_kind {
	REVOKE_TOKEN = 1, /* one token, by the SHA-256 of its signing input */
	REVOKE_GRANT,     /* all that a person once let a client do */
	REVOKE_CLIENT,    /* what the client got until then */
	REVOKE_USER,      /* what was given in the person's name until then */
	REVOKE_KEY,       /* all that this key ever signed, by its kid */
	REVOKE_KIND_COUNT
};

/* For people and evidence; nothing is decided by it. */
enum revoke_why {
	REVOKE_BY_ADMIN = 1,
	REVOKE_BY_CLIENT, /* RFC 7009 */
	REVOKE_BY_USER,
	REVOKE_REUSED, /* a code or refresh token was shown twice */
	REVOKE_DISABLED,
	REVOKE_REMOVED,
	REVOKE_RESET, /* a new password or secret */
	REVOKE_COMPROMISED,
	REVOKE_WHY_COUNT
};

enum {
	REVOKE_SUBJECT_MAX = 128,
	REVOKE_NAME_MAX = 128,
	REVOKE_TOKEN_ID = 32,
	REVOKE_PAYLOAD_MAX = 8 + 1 + 2 + REVOKE_SUBJECT_MAX + 2 + REVOKE_NAME_MAX,
	REVOKE_DUE_MAX = 2 + REVOKE_PAYLOAD_MAX,
};

extern const str revoke_purpose; /* of the chain */

struct revocation {
	enum revoke_kind kind;
	enum revoke_why why;
	/* of a token: its exp, after which it may be forgotten; else when it was revoked.
	 * Seconds since 1970 */
	int64_t when_s;
	bytes subject; /* REVOKE_TOKEN_ID bytes, or an id: 1 to REVOKE_SUBJECT_MAX clean bytes */
	str name;      /* whose mailbox's sessions are to be ended; may be empty */
};

/* "token", "grant" …; "admin", "reused" … Constant; empty for none of them. */
str revoke_kind_name(enum revoke_kind kind);
str revoke_why_name(enum revoke_why why);

/* The payload, at most REVOKE_PAYLOAD_MAX bytes; its type is r->kind. w turns full when it
 * does not fit or r is none that may be written. */
void revocation_write(struct wr *w, const struct revocation *r);
/* E_SYNTAX, E_UNSUPPORTED (a type of a later version), E_TRUNCATED, E_TRAILING. Slices of
 * payload. */
ch_err revocation_read(uint16_t type, bytes payload, struct revocation *ret_r);

/* Type and payload as one: what waits in a store until it is in the chain. */
void revocation_due_write(struct wr *w, const struct revocation *r);
ch_err revocation_due_read(bytes b, struct revocation *ret_r);
