/* How a step of a judgement says no: a pointer to constants, NULL when all is well, so
 * that nothing of the token can get into a reason. */
#pragma once
#include "token/codes.h"

struct refusal {
	enum token_code code;
	str where, what; /* as in struct token_verdict */
};

struct token_verdict;
/* Puts it into the verdict. */
void token_refuse(struct token_verdict *v, const struct refusal *r);

#define REFUSAL_ROW(code_, where_, what_)                      \
	{                                                      \
		TOKEN_##code_, { where_, sizeof(where_) - 1 }, \
		{                                              \
			what_, sizeof(what_) - 1               \
		}                                              \
	}

/* A step's answer. */
#define REFUSAL(code_, where_, what_)                                                     \
	({                                                                                \
		static const struct refusal refusal_ = REFUSAL_ROW(code_, where_, what_); \
		&refusal_;                                                                \
	})
