/* One password against one hash. Whatever the hash is (of somebody, of nobody, or no hash at
 * all), exactly one Argon2id is computed: time must not tell who is known here. */
#include "judge.h"

#include "base/rand.h"
#include "crypto/password.h"

/* What an unknown user's password is compared with: a hash with password_hash's
 * parameters, of a random text that nobody kept. */
static char nobody[PASSWORD_HASH_MAX];
static size_t nobody_n;

ch_err judge_init(void)
{
	SECRET_BUF(random, 32);
	struct wr w = wr_of(nobody, sizeof(nobody));
	rand_fill(random, sizeof(random));
	TRY(password_hash(secret_bytes_of(BYTES_OF(random)), &w));
	nobody_n = w.n;
	return CH_DONE;
}

/* Of these, password_check computes nothing. */
static bool not_computed(enum ch_code code)
{
	return code == CH_E_SYNTAX || code == CH_E_RANGE;
}

uint16_t judge(const struct hash_check *c)
{
	enum ch_code code = CH_E_SYNTAX;
	if (c->hash.n > 0)
		code = ch_code_of(password_check(c->hash, c->password));
	if (!not_computed(code))
		return (uint16_t)code;
	enum ch_code of_nobody = ch_code_of(password_check((str){ nobody, nobody_n }, c->password));
	if (of_nobody == CH_OK || of_nobody == CH_E_MISMATCH)
		return (uint16_t)(c->hash.n > 0 ? code : CH_E_MISMATCH);
	return (uint16_t)of_nobody;
}
