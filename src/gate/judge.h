/* One judgement for every way of asking: the token by the policy, then the rules of the
 * place, then the proof that its holder is who it was given to, then the evidence. */
#pragma once
#include "base/address.h"
#include "logs.h"
#include "token/confirm.h"
#include "wire/roles.h"

struct gate;

struct asked {
	const struct gate_location *place; /* NULL: a mail server asks, its rules are others */
	str location;                      /* for log and sightings: of the policy, or a literal */
	str token;
	struct token_proofs shown;
	str method, url; /* of the request that is to be let through; of a place only */
	struct address client;
	enum log_turn turn; /* has it waited for its issuer's log? */
};

/* What the asker is told. The reason is for the log alone. */
enum told {
	TOLD_PASS,
	TOLD_NO_TOKEN, /* none was shown */
	TOLD_BAD_REQUEST,
	TOLD_BAD_TOKEN,
	TOLD_EXPIRED,
	TOLD_BAD_PROOF,
	TOLD_NONCE,     /* the proof needs a fresh nonce */
	TOLD_SCOPE,     /* good, but without a scope that the place asks for */
	TOLD_FORBIDDEN, /* good, but not for this place */
	TOLD_LIMITED,   /* too much junk from there: not judged */
	TOLD_TROUBLE,   /* cannot be judged, or not be recorded */
	TOLD_UNKNOWN,   /* nobody can say now whether it was revoked, or issued */
	TOLD_WAIT,      /* nothing yet: judge_wait, and judge again when it is served anew */
	TOLD_COUNT
};

/* Sets *ret_v, whose texts live until the next call. Only TOLD_PASS lets anybody in, and
 * nothing is TOLD_PASS that was not recorded. */
enum told judge(struct gate *g, const struct asked *a, struct token_verdict *ret_v);

/* After TOLD_WAIT: suspends the request, to be served again by `serve` with another turn. False:
 * it may not wait; judge again with LOG_IN_VAIN. */
bool judge_wait(struct gate *g, struct http_req *r, http_serve *serve);

/* A request that has no token to judge: logged, with a code and a reason that are literals. */
void judge_unread(struct gate *g, const struct asked *a, str code, str why);
