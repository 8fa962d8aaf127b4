/* The claims of a token whose signature is good, against its issuer's terms. */
#pragma once
#include "policy_internal.h"
#include "token/verify.h"

/* Fills audience, sub, client_id, scope, username, jti, iat, exp and bound of v. */
enum token_code claims_judge(const struct json_node *payload, const struct issuer *issuer,
			     int64_t now_s, struct arena *a, struct token_verdict *v);
