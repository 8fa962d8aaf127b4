/* A set that is too old is given up, also when a verifier without it cannot be made at once.
 * The clock, the server and the making of verifiers are the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chancery/jwks.h"
#include "fetch/many.h"

/* RFC 8037 appendix A.2 */
static const char set[] =
	"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"EdDSA\",\"kid\":\"a\","
	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";
static const char issuer_name[] = "https://id.test/home";
static uint64_t now_ns = UINT64_C(1000000000000);
static bool answers, no_memory;

uint64_t __wrap_clock_mono_ns(void);
ch_err __wrap_fetches_start(struct fetches *f, size_t slot, const struct fetch_request *q);
bool __wrap_fetches_next(struct fetches *f, size_t *ret_slot, ch_err *ret_e,
			 struct fetch_answer *ret_answer);
ch_err __real_ch_verifier_new(const struct ch_issuer *issuers, size_t n, char *why, size_t why_size,
			      struct ch_verifier **ret_verifier);
ch_err __wrap_ch_verifier_new(const struct ch_issuer *issuers, size_t n, char *why, size_t why_size,
			      struct ch_verifier **ret_verifier);

uint64_t __wrap_clock_mono_ns(void)
{
	return now_ns;
}

ch_err __wrap_fetches_start(struct fetches *f, size_t slot, const struct fetch_request *q)
{
	(void)f;
	(void)slot;
	(void)q;
	return CH_DONE;
}

bool __wrap_fetches_next(struct fetches *f, size_t *ret_slot, ch_err *ret_e,
			 struct fetch_answer *ret_answer)
{
	bool one = answers;
	(void)f;
	if (!one)
		return false;
	answers = false;
	*ret_slot = 0;
	*ret_e = CH_DONE;
	*ret_answer = (struct fetch_answer){ .status = 200,
					     .max_age_s = -1,
					     .body = { (const uint8_t *)set, sizeof(set) - 1 } };
	return true;
}

ch_err __wrap_ch_verifier_new(const struct ch_issuer *issuers, size_t n, char *why, size_t why_size,
			      struct ch_verifier **ret_verifier)
{
	if (no_memory)
		return ch_fail(CH_E_NOMEM, "none", 0);
	return __real_ch_verifier_new(issuers, n, why, why_size, ret_verifier);
}

static size_t keys_of(struct ch_jwks *j)
{
	struct ch_verifier *v = ch_jwks_verifier(j);
	size_t n = ch_verifier_keys(v, issuer_name);
	ch_verifier_unref(v);
	return n;
}

static void too_old_is_closed_sooner_or_later(void **state)
{
	static const char *const audience = "mail";
	struct ch_jwks_issuer i = CH_JWKS_ISSUER_INIT;
	struct ch_jwks *j = NULL;
	(void)state;
	i.issuer.issuer = issuer_name;
	i.issuer.realm = "home";
	i.issuer.audiences = &audience;
	i.issuer.n_audiences = 1;
	i.url = "http://127.0.0.1:1/jwks";
	assert_false(failed(ch_jwks_new(&i, 1, NULL, NULL, 0, &j)));
	assert_false(failed(ch_jwks_run(j)));
	answers = true;
	assert_false(failed(ch_jwks_run(j)));
	assert_int_equal(keys_of(j), 1);
	now_ns += UINT64_C(86401) * 1000000000;
	no_memory = true;
	assert_int_equal(ch_code_of(ch_jwks_run(j)), CH_E_NOMEM);
	no_memory = false;
	assert_false(failed(ch_jwks_run(j)));
	assert_int_equal(keys_of(j), 0);
	ch_jwks_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_old_is_closed_sooner_or_later),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
