/* One judgement under way: what its steps share, and how a step refuses. */
#pragma once
#include "base/arena.h"
#include "jws.h"
#include "policy_internal.h"
#include "token/verify.h"

/* The claims that a judge looks at. */
enum claim_at {
	AT_ISS,
	AT_AUD,
	AT_EXP,
	AT_IAT,
	AT_NBF,
	AT_SUB,
	AT_JTI,
	AT_CLIENT_ID,
	AT_SCOPE,
	AT_USERNAME,
	AT_CNF,
	AT_AZP,
	AT_GRANT_ID,
	AT_COUNT
};

struct judge {
	const struct policy *policy;
	str token;
	int64_t now;
	struct token_scratch *scratch;
	struct arena arena;
	struct jws jws;
	const struct json_node *claim[AT_COUNT]; /* NULL: absent */
	const struct issuer *issuer;
	const struct issuer_key *key;
	struct token_verdict *v;
};

/* Finds the claims of the parsed payload. */
void claims_find(struct judge *j);
/* The claims of a token whose signature is good, against its issuer's terms: fills
 * audience, texts, times and binding of the verdict. */
const struct refusal *claims_judge(struct judge *j);
