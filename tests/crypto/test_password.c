/* Argon2id hashes: those of the reference implementation check, absurd ones are
 * refused before anything is computed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "crypto/key.h"
#include "crypto/password.h"

static enum ch_code check(str hash, str password)
{
	return ch_code_of(password_check(hash, secret_bytes_of(bytes_of_str(password))));
}

/* printf PASSWORD | argon2 SALT -id -t T -k M -p P -l 32 -e */
static void reference_hashes(void **state)
{
	(void)state;
	const struct {
		str password, hash;
	} rows[] = {
		{ LIT("password"), LIT("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$"
				       "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc") },
		{ LIT("password"), LIT("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"
				       "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4") },
		{ LIT("password"), LIT("$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$"
				       "bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc") },
		{ LIT("differentpassword"), LIT("$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHQ$"
						"BHYR5OelZr0XyDKCYshQkMXD5j5Vw4twnGN59jVaqPE") },
		{ LIT("password"), LIT("$argon2id$v=19$m=256,t=10,p=1$ZGlmZnNhbHQ$"
				       "upWgzSQT0SDIOC9HHKCa5dTEE1Pn0OUGRB5IpE7xkwY") },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(check(rows[i].hash, rows[i].password), CH_OK);
		assert_int_equal(check(rows[i].hash, LIT("Password")), CH_E_MISMATCH);
		assert_int_equal(check(rows[i].hash, LIT("")), CH_E_MISMATCH);
	}
}

static void there_and_back(void **state)
{
	(void)state;
	uint8_t a[PASSWORD_HASH_MAX], b[PASSWORD_HASH_MAX], few[16];
	struct wr wa = wr_of(a, sizeof(a)), wb = wr_of(b, sizeof(b)), wc = wr_of(few, sizeof(few));
	struct secret_bytes p = secret_bytes_of(bytes_of_str(LIT("correct horse")));
	assert_false(failed(password_hash(p, &wa)));
	assert_false(failed(password_hash(p, &wb)));
	assert_false(str_eq(wr_text(&wa), wr_text(&wb))); /* another salt */
	assert_true(str_starts(wr_text(&wa), LIT("$argon2id$v=19$m=19456,t=2,p=1$")));
	assert_int_equal(check(wr_text(&wa), LIT("correct horse")), CH_OK);
	assert_int_equal(check(wr_text(&wa), LIT("correct horse ")), CH_E_MISMATCH);
	assert_int_equal(ch_code_of(password_hash(p, &wc)), CH_E_FULL);
}

static void long_passwords(void **state)
{
	(void)state;
	char text[PASSWORD_MAX + 1];
	uint8_t out[PASSWORD_HASH_MAX];
	struct wr w = wr_of(out, sizeof(out));
	memset(text, 'x', sizeof(text));
	str fits = { text, PASSWORD_MAX }, too_long = { text, sizeof(text) };
	assert_int_equal(ch_code_of(password_hash(secret_bytes_of(bytes_of_str(too_long)), &w)),
			 CH_E_RANGE);
	assert_false(failed(password_hash(secret_bytes_of(bytes_of_str(fits)), &w)));
	assert_int_equal(check(wr_text(&w), fits), CH_OK);
	assert_int_equal(check(wr_text(&w), too_long), CH_E_MISMATCH);
}

#define TAIL "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"

static void absurd_parameters_cost_nothing(void **state)
{
	(void)state;
	const str rows[] = {
		LIT("$argon2id$v=19$m=65537,t=2,p=1" TAIL),
		LIT("$argon2id$v=19$m=4294967295,t=2,p=1" TAIL),
		LIT("$argon2id$v=19$m=65536,t=11,p=1" TAIL),
		LIT("$argon2id$v=19$m=65536,t=4294967295,p=1" TAIL),
		LIT("$argon2id$v=19$m=65536,t=2,p=17" TAIL),
		LIT("$argon2id$v=19$m=65536,t=0,p=1" TAIL),
		LIT("$argon2id$v=19$m=0,t=2,p=1" TAIL),
		LIT("$argon2id$v=19$m=65536,t=2,p=0" TAIL),
	};
	uint64_t before = clock_mono_ns();
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(check(rows[i], LIT("password")), CH_E_RANGE);
	assert_true(clock_mono_ns() - before < 5000000);
}

static void alike(void **state)
{
	(void)state;
	uint8_t made[PASSWORD_HASH_MAX];
	struct wr w = wr_of(made, sizeof(made));
	const str rows[] = {
		LIT(""),
		LIT("$argon2id$v=19$m=19456,t=2,p=1"),
		LIT("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRzb21lc2FsdA" TAIL),
		LIT("$argon2id$v=19$m=19456,t=3,p=1$c29tZXNhbHRzb21lc2FsdA" TAIL),
		LIT("$argon2id$v=19$m=19456,t=2,p=2$c29tZXNhbHRzb21lc2FsdA" TAIL),
		LIT("$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA" TAIL),
		LIT("$argon2id$v=19$m=19456,t=2,p=1" TAIL), /* a shorter salt */
	};
	assert_false(failed(password_hash(secret_bytes_of(bytes_of_str(LIT("x"))), &w)));
	assert_false(failed(password_hash_alike(wr_text(&w))));
	for (size_t i = 0; i < w.n; i++)
		assert_true(failed(password_hash_alike(str_sub(wr_text(&w), 0, i))));
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(ch_code_of(password_hash_alike(rows[i])), CH_E_MISMATCH);
}

static void what_is_no_hash(void **state)
{
	(void)state;
	const str rows[] = {
		LIT(""),
		LIT("$"),
		LIT("password"),
		LIT("$argon2i$v=19$m=65536,t=2,p=1" TAIL),
		LIT("$argon2d$v=19$m=65536,t=2,p=1" TAIL),
		LIT("$argon2id$v=16$m=65536,t=2,p=1" TAIL),
		LIT("$argon2id$m=65536,t=2,p=1" TAIL),
		LIT("$argon2id$v=19$t=2,m=65536,p=1" TAIL),
		LIT("$argon2id$v=19$m=65536,t=2,p=1,x=1" TAIL),
		LIT("$argon2id$v=19$m=+65536,t=2,p=1" TAIL),
		LIT("$argon2id$v=19$m=065536,t=2,p=1" TAIL),
		LIT("$argon2id$v=19$m=99999999999999999999,t=2,p=1" TAIL),
		LIT("$argon2id$v=19$m=256,t=2,p=1"),
		LIT("$argon2id$v=19$m=256,t=2,p=1$"),
		LIT("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ"),
		LIT("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"),
		LIT("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$!!!!"),
		LIT("$argon2id$v=19$m=256,t=2,p=1" TAIL "="),
		LIT("$argon2id$v=19$m=256,t=2,p=1" TAIL "\0"),
		LIT("$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"),
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(check(rows[i], LIT("password")), CH_E_SYNTAX);
}

static void no_prefix_passes(void **state)
{
	(void)state;
	str hash = LIT("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"
		       "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4");
	assert_int_equal(check(hash, LIT("password")), CH_OK);
	for (size_t n = 0; n < hash.n; n++)
		assert_true(check(str_sub(hash, 0, n), LIT("password")) != CH_OK);
}

static int init(void **state)
{
	(void)state;
	return failed(crypto_init(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_hashes),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(long_passwords),
		cmocka_unit_test(absurd_parameters_cost_nothing),
		cmocka_unit_test(alike),
		cmocka_unit_test(what_is_no_hash),
		cmocka_unit_test(no_prefix_passes),
	};
	return cmocka_run_group_tests(tests, init, NULL);
}
