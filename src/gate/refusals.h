/* The log line of a refusal: one class is a code at a place. The first of a class is logged
 * at once, then at most so many a minute, and who is left out is counted and said. Codes
 * that mean a breach (bad_mailbox, foreign_key, not_logged, log_broken) are ALARM lines, limited alike but apart.
 *
 *   … warn chancery-gate "token refused" code="expired" why="expired" location="imap" …
 *   … warn chancery-gate "tokens refused" code="expired" location="imap" more=1412 in_s=60
 *
 * Never the token. Values that a stranger chose are quoted and escaped by base/log.h. */
#pragma once
#include "base/address.h"
#include "base/log.h"
#include "token/verify.h"

enum { REFUSAL_CLASSES = 128, REFUSALS_A_MINUTE = 6 };

struct refusal_class {
	str code, location; /* code.n == 0: free */
	enum log_level level;
	uint32_t logged;     /* in this minute */
	uint64_t suppressed; /* in this minute */
	uint64_t begun_ns;   /* of the minute */
};

struct refusals {
	uint32_t per_minute;
	uint64_t suppressed; /* in all, for the metrics */
	size_t n;
	struct refusal_class classes[REFUSAL_CLASSES];
	struct refusal_class others; /* what found no room of its own */
};

/* per_minute 0: REFUSALS_A_MINUTE. */
void refusals_init(struct refusals *r, uint32_t per_minute);

struct refusal {
	const struct token_verdict *verdict; /* or NULL … */
	str code;                            /* … then these two, literals: "junk_limited" … */
	str why;
	str location;                 /* of the policy: lives as long as the refusals do */
	const struct address *client; /* or NULL */
	str username;                 /* only of a token whose signature is good; else empty */
};
/* Logs it, or counts it. */
void refusals_note(struct refusals *r, const struct refusal *f, uint64_t now_ns);
/* Once a second or so, and with all at the end: says what the minutes that are over left out. */
void refusals_tick(struct refusals *r, uint64_t now_ns);
void refusals_finish(struct refusals *r, uint64_t now_ns);
