/* Whoever asks, and whatever is stored, one Argon2id of the same parameters is computed. The
 * functions of crypto/password.h are these here: they count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/password.h"
#include "judge.h"

#define PARAMETERS "$argon2id$v=19$m=19456,t=2,p=1$"

static unsigned computed, made;
static bool no_memory;

ch_err password_hash(struct secret_bytes password, struct wr *w)
{
	(void)password;
	made++;
	wr_lit(w, PARAMETERS "nobody");
	return wr_done(w);
}

/* As the real one: what is no hash, or asks for too much, is not computed. */
ch_err password_check(str hash, struct secret_bytes password)
{
	if (!str_starts(hash, LIT("$argon2id$")))
		return ch_fail(CH_E_SYNTAX, "not an Argon2id hash", 0);
	if (!str_starts(hash, LIT(PARAMETERS)))
		return ch_fail(CH_E_RANGE, "the password hash asks for too much", 0);
	if (no_memory)
		return ch_fail(CH_E_NOMEM, "no memory to check a password", 0);
	computed++;
	return secret_eq(password, secret_bytes_of(bytes_of_str(LIT("right")))) &&
			       str_eq(hash, LIT(PARAMETERS "alice"))
		       ? CH_DONE
		       : ch_fail(CH_E_MISMATCH, "wrong password", 0);
}

static uint16_t ask(const char *hash, const char *password)
{
	const struct hash_check c = { .hash = str_from_c(hash),
				      .password =
					      secret_bytes_of(bytes_of_str(str_from_c(password))) };
	unsigned before = computed;
	uint16_t code = judge(&c);
	assert_int_equal(computed - before, no_memory ? 0 : 1);
	return code;
}

static void one_each(void **state)
{
	(void)state;
	assert_false(failed(judge_init()));
	assert_int_equal(made, 1);
	assert_int_equal(ask(PARAMETERS "alice", "right"), CH_OK);
	assert_int_equal(ask(PARAMETERS "alice", "wrong"), CH_E_MISMATCH);
	assert_int_equal(ask(PARAMETERS "alice", ""), CH_E_MISMATCH);
	/* nobody, or somebody without a password */
	assert_int_equal(ask("", "right"), CH_E_MISMATCH);
	assert_int_equal(ask("", ""), CH_E_MISMATCH);
	/* a damaged row costs no less */
	assert_int_equal(ask("$2y$10$other", "right"), CH_E_SYNTAX);
	assert_int_equal(ask("$argon2id$v=19$m=99999999,t=9,p=9$x", "right"), CH_E_RANGE);
	assert_int_equal(made, 1);
	no_memory = true;
	assert_int_equal(ask("", "right"), CH_E_NOMEM);
	assert_int_equal(ask(PARAMETERS "alice", "right"), CH_E_NOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(one_each) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
