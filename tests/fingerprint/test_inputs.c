/* Secrets out of PEM, JWK and lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/key.h"
#include "fingerprint/inputs.h"

/* openssl ecparam -name prime256v1 -genkey -noout, and genpkey -algorithm ed25519 */
#define EC_PEM                                                               \
	"-----BEGIN EC PRIVATE KEY-----\n"                                   \
	"MHcCAQEEIIolqHU9Vs38B+r0SorEHKiW/ZeeNerKoR1csu+CpgIGoAoGCCqGSM49\n" \
	"AwEHoUQDQgAE1cZgvD4d78l5iXVZ6BliELQz8lxznyqKstDuWXqvXfFmx0Qgmqe2\n" \
	"Ph6Gj695X9GfIHvEx+RckPEHqcQYzyaalQ==\n"                             \
	"-----END EC PRIVATE KEY-----\n"
#define ED_PEM                                                               \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MC4CAQAwBQYDK2VwBCIEILuVQiQt3EKcreYcqxfZNrCowbxIwtD2UBODpQG3+jql\n" \
	"-----END PRIVATE KEY-----\n"

struct given {
	struct input_taker taker;
	size_t n, line, fail_at;
	size_t sizes[16];
	enum registered_kind kinds[16];
	uint8_t last[64];
};

static ch_err take(struct input_taker *t, const struct input_secret *s)
{
	struct given *g = (struct given *)t;
	if (g->n == g->fail_at)
		return ch_fail(CH_E_FULL, "enough", g->n);
	assert_true(g->n < COUNT_OF(g->sizes));
	g->sizes[g->n] = secret_size(s->is);
	g->kinds[g->n++] = s->kind;
	g->line = s->line;
	bytes b = secret_peek(s->is);
	mem_copy(g->last, b.p, b.n < sizeof(g->last) ? b.n : sizeof(g->last));
	return CH_DONE;
}

static enum ch_code read_text(const char *text, struct given *g, enum input_kind *ret_kind)
{
	AUTO(secret_done) struct secret *s = NULL;
	*g = (struct given){ .taker = { take }, .fail_at = g->fail_at };
	assert_false(failed(secret_copy(secret_bytes_of(bytes_of_str(str_from_c(text))), &s)));
	return ch_code_of(input_read(s, &g->taker, ret_kind));
}

static int start(void **state)
{
	(void)state;
	return failed(crypto_init(NULL));
}

static void pem(void **state)
{
	(void)state;
	struct given g = { .fail_at = SIZE_MAX };
	enum input_kind kind = INPUT_LINES;
	assert_int_equal(read_text("a certificate\n" EC_PEM "\n" ED_PEM, &g, &kind), CH_OK);
	assert_int_equal(kind, INPUT_PEM);
	/* the scalar; seed, scalar, prefix */
	assert_int_equal(g.n, 4);
	static const enum registered_kind kinds[] = { REGISTERED_NUMBER, REGISTERED_BYTES,
						      REGISTERED_NUMBER, REGISTERED_BYTES };
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(g.sizes[i], 32);
		assert_int_equal(g.kinds[i], kinds[i]);
	}
	assert_int_equal(read_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"
				   "-----END ENCRYPTED PRIVATE KEY-----\n",
				   &g, &kind),
			 CH_E_UNSUPPORTED);
	assert_int_equal(read_text(EC_PEM "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"
					  "-----END OPENSSH PRIVATE KEY-----\n",
				   &g, &kind),
			 CH_E_UNSUPPORTED);
	assert_int_equal(read_text("PRIVATE KEY-----", &g, &kind), CH_E_MISSING);
	g.fail_at = 1;
	assert_int_equal(read_text(ED_PEM, &g, &kind), CH_E_FULL);
}

static void jwk(void **state)
{
	(void)state;
	static const char ec[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"d\":\"AQIDBAUGBwgJCgsMDQ4PEBE"
				 "SExQVFhcYGRobHB0eHyA\"}";
	static const char set[] =
		" \n{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\",\"d\":"
		"\"AQIDBAUGBwgJ"
		"CgsMDQ4PEBESExQVFhcYGRobHB0eHyA\"},{\"kty\":\"oct\",\"k\":\"AQIDBAUGBwgJCgsMDQ4PEA"
		"\"},{\"kty\":\"EC\",\"x\":\"AA\"}]}";
	struct given g = { .fail_at = SIZE_MAX };
	enum input_kind kind = INPUT_LINES;
	assert_int_equal(read_text(ec, &g, &kind), CH_OK);
	assert_int_equal(kind, INPUT_JWK);
	assert_true(g.n == 1 && g.sizes[0] == 32 && g.kinds[0] == REGISTERED_NUMBER);
	for (size_t i = 0; i < 32; i++)
		assert_int_equal(g.last[i], i + 1);
	assert_int_equal(read_text(set, &g, &kind), CH_OK);
	assert_true(g.n == 4 && g.sizes[3] == 16 && g.kinds[3] == REGISTERED_BYTES);
	assert_int_equal(g.line, 2);
	static const struct {
		const char *text;
		enum ch_code code;
	} bad[] = {
		{ "{\"kty\":\"EC\",\"x\":\"AA\"}", CH_E_MISSING },
		{ "{\"a\":1}", CH_E_SYNTAX },
		{ "{", CH_E_TRUNCATED },
		{ "{\"kty\":\"oct\",\"k\":\"A+A\"}", CH_E_SYNTAX },
		{ "{\"kty\":\"oct\",\"k\":\"\"}", CH_E_RANGE },
		{ "{\"kty\":\"oct\",\"k\":7}", CH_E_SYNTAX },
		{ "{\"kty\":7,\"k\":\"AAAA\"}", CH_OK },
		{ "{\"kty\":\"RSA\",\"d\":\"AQ\",\"oth\":[]}", CH_E_UNSUPPORTED },
		{ "{\"keys\":7}", CH_E_MISSING },
		{ "{\"keys\":[7]}", CH_E_SYNTAX },
		{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"AQID\"}", CH_E_RANGE },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(read_text(bad[i].text, &g, &kind), bad[i].code);
}

static void lines(void **state)
{
	(void)state;
	struct given g = { .fail_at = SIZE_MAX };
	enum input_kind kind = INPUT_PEM;
	assert_int_equal(read_text("first line\r\n\n# second \n\r\nlast", &g, &kind), CH_OK);
	assert_int_equal(kind, INPUT_LINES);
	assert_int_equal(g.n, 3);
	assert_true(g.sizes[0] == 10 && g.sizes[1] == 9 && g.sizes[2] == 4);
	assert_int_equal(g.line, 5);
	assert_memory_equal(g.last, "last", 4);
	assert_int_equal(read_text("\n\r\n", &g, &kind), CH_E_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pem),
		cmocka_unit_test(jwk),
		cmocka_unit_test(lines),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
