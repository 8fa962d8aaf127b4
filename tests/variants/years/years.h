/* What the halves of the walk through the years have in common. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum { WALK_SIGN_S = 14 * 86400, WALK_STAGED_S = 3600, WALK_MAX_AGE_S = 300, WALK_TTL_S = 600 };

struct walk {
	int64_t now_s;
	int dir;                            /* of the authority */
	bool is_up;                         /* it runs */
	unsigned keeper_fails, renew_fails; /* one of so many does; 0: none */
	size_t sealed, renewed, failed;     /* how often */
	unsigned next_kid;
};
extern struct walk walk;

/* Numbers that a seed repeats; 0 to n - 1. */
uint32_t walk_random(uint32_t n);

/* seams.c: unsealed by this key. */
struct secret;
const struct secret *walk_kek(void);

/* signer_half.c: a generation of signers with the keys that are on disk; its KEYS message goes
 * to the issuer. And a token of the realm: E_NO_KEY. */
ch_err signer_begin(void);
ch_err signer_sign(str *ret_token);

/* issuer_half.c: the true set, as it is given out now; E_BUSY for a 503. */
void issuer_take(bytes message);
ch_err issuer_set(str *ret_set);

/* years.c: before and after a generation takes over: which keys are in the set. */
void walk_observe(void);
