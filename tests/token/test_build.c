/* What is written for signing: the exact text, and that the judge takes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/base64url.h"
#include "fixture.h"
#include "token/build.h"

static const struct token_header header = { ALG_ES256, LIT("at+jwt"), LIT("home-1") };

static const struct claim claims[] = {
	{ LIT("sub"), CLAIM_TEXT, LIT("ali\"ce"), 0 },
	{ LIT("aud"), CLAIM_TEXT, LIT("mail"), 0 },
	{ LIT("client_id"), CLAIM_TEXT, LIT("demo"), 0 },
	{ LIT("auth_time"), CLAIM_INT, { NULL, 0 }, -5 },
	{ LIT("email_verified"), CLAIM_BOOL, { NULL, 0 }, 1 },
	{ LIT("amr"), CLAIM_TEXTS, LIT("pwd  otp"), 0 },
	{ LIT("cnf"), CLAIM_JKT, LIT("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"), 0 },
};

static ch_err write(struct wr *w, const struct claim *c, size_t n)
{
	const struct token_stamp stamp = { LIT("https://id.test/home"), now, now + 60, LIT("j") };
	return token_write_input(w, &header, &stamp, c, n);
}

static void the_text_is_exact(void **state)
{
	char text[1024], plain[1024];
	(void)state;
	struct wr w = wr_of(text, sizeof(text)), d = wr_of(plain, sizeof(plain));
	assert_false(failed(write(&w, claims, COUNT_OF(claims))));
	str rest = wr_text(&w);
	assert_false(failed(base64url_read(str_cut(&rest, '.'), &d)));
	assert_true(str_eq(wr_text(&d),
			   LIT("{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"home-1\"}")));
	d.n = 0;
	assert_false(failed(base64url_read(rest, &d)));
	assert_true(
		str_eq(wr_text(&d), LIT("{\"iss\":\"https://id.test/home\",\"iat\":1700000000,"
					"\"exp\":1700000060,\"jti\":\"j\",\"sub\":\"ali\\\"ce\","
					"\"aud\":\"mail\",\"client_id\":\"demo\",\"auth_time\":-5,"
					"\"email_verified\":true,\"amr\":[\"pwd\",\"otp\"],"
					"\"cnf\":{\"jkt\":"
					"\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}}")));
}

static void the_judge_takes_it(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	char text[1024];
	uint8_t sig[SIGNATURE_MAX];
	size_t n = 0;
	struct token_verdict v;
	(void)state;
	struct wr w = wr_of(text, sizeof(text));
	assert_false(failed(write(&w, claims, COUNT_OF(claims))));
	assert_false(failed(private_key_sign(parties()[0].key, wr_bytes(&w), sig, &n)));
	token_write_signature(&w, (bytes){ sig, n });
	assert_int_equal(judged(p, wr_text(&w), &v), TOKEN_accepted);
	assert_true(v.bound && str_eq(v.sub, LIT("ali\"ce")));
}

static void a_claim_is_written_once(void **state)
{
	char text[1024];
	struct claim twice[] = { claims[0], claims[1], claims[0] };
	struct claim own = { LIT("exp"), CLAIM_INT, { NULL, 0 }, 1 };
	struct claim broken = { LIT("x"), CLAIM_TEXT, LIT("\xff"), 0 };
	(void)state;
	struct wr w = wr_of(text, sizeof(text));
	assert_int_equal(ch_code_of(write(&w, twice, 3)), CH_E_DUPLICATE);
	assert_int_equal(ch_code_of(write(&w, &own, 1)), CH_E_DUPLICATE);
	assert_int_equal(ch_code_of(write(&w, &broken, 1)), CH_E_SYNTAX);
	assert_int_equal(w.n, 0);
}

static void too_small_is_full(void **state)
{
	char text[1024];
	static char long_text[TOKEN_MAX];
	(void)state;
	struct wr w = wr_of(text, sizeof(text));
	assert_false(failed(write(&w, claims, COUNT_OF(claims))));
	for (size_t cap = 0; cap < w.n; cap++) {
		struct wr small = wr_of(text, cap);
		assert_int_equal(ch_code_of(write(&small, claims, COUNT_OF(claims))), CH_E_FULL);
	}
	memset(long_text, 'x', sizeof(long_text));
	struct claim big = { LIT("x"), CLAIM_TEXT, { long_text, sizeof(long_text) }, 0 };
	w = wr_of(text, sizeof(text));
	assert_int_equal(ch_code_of(write(&w, &big, 1)), CH_E_FULL);
	struct token_header long_kid = { ALG_ES256, LIT("JWT"), { long_text, 2000 } };
	struct token_stamp stamp = { LIT("i"), 0, 1, LIT("j") };
	assert_int_equal(ch_code_of(token_write_input(&w, &long_kid, &stamp, NULL, 0)), CH_E_FULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_text_is_exact),
		cmocka_unit_test(the_judge_takes_it),
		cmocka_unit_test(a_claim_is_written_once),
		cmocka_unit_test(too_small_is_full),
	};
	assert_false(failed(crypto_init(NULL)));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
