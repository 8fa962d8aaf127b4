/* What a relying party that opens mailboxes asks beyond token_verify, and the answer of
 * RFC 7662. The gate and `chancery verify` share it. */
#pragma once
#include "base/bytes.h"
#include "base/rw.h"
#include "token/verify.h"

/* Which usernames tokens of this issuer may claim. */
struct introspect_issuer {
	str issuer;           /* as in the policy */
	const str *mailboxes; /* patterns, see mailbox.h; none: any username */
	size_t n_mailboxes;
};

struct introspect_rules {
	str scope; /* that a token must have; empty: any */
	const struct introspect_issuer *issuers;
	size_t n_issuers;
};

/* On a verdict of token_verify that is "accepted"; any other stays as it is. In turn: no
 * proof-of-possession binding (a mail protocol cannot show the key: TOKEN_bad_binding), the
 * scope (TOKEN_bad_scope), a username that the issuer may claim (TOKEN_bad_mailbox; also for
 * a token without username and an issuer without rule). With one of these three codes the
 * claims in the verdict are known good. */
void introspect_check(const struct introspect_rules *r, struct token_verdict *v);

enum { INTROSPECT_ANSWER_MAX = 16 * 1024 };
/* {"active":true,…} (RFC 7662 section 2.2) of an accepted token; exactly
 * {"active":false} of any other, and when w has no room for the first. */
void introspect_write(struct wr *w, const struct token_verdict *v);
