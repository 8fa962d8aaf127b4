/* Memory: each allocation of the loaders fails once, ours and libcrypto's, and an answer
 * comes out; verifying makes none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "host.h"

enum { ALLOCATIONS_MAX = 5000 };

static long count;        /* of allocations since it was set to 0 */
static long ours;         /* of these, those that are not libcrypto's */
static long failing = -1; /* the one that fails; -1: none */

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);

static bool fails(void)
{
	return count++ == failing;
}

void *__wrap_calloc(size_t n, size_t size)
{
	ours++;
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_malloc(size_t n)
{
	ours++;
	return fails() ? NULL : __real_malloc(n);
}

static void *take(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : __real_malloc(n);
}

static void *resize(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : realloc(p, n);
}

static void drop(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static ch_err make(struct ch_verifier **ret_v)
{
	struct ch_issuer issuers[ISSUERS];
	for (size_t i = 0; i < ISSUERS; i++)
		issuers[i] = issuer_of(&parties()[i]);
	return ch_verifier_new(issuers, ISSUERS, NULL, 0, ret_v);
}

static bool is_memory(ch_err e)
{
	return ch_code_of(e) == CH_E_NOMEM || ch_code_of(e) == CH_E_CRYPTO;
}

/* Each allocation in turn; leaks are for AddressSanitizer to find. */
static void test_a_loader_without_memory(void **state)
{
	(void)state;
	struct ch_verifier *v = NULL;
	assert_false(ch_failed(make(&v))); /* libcrypto has made its tables now */
	ch_verifier_unref(v);
	v = NULL;
	for (failing = 0; !v && failing < ALLOCATIONS_MAX; failing++) {
		count = 0;
		ch_err e = make(&v);
		assert_int_equal(v != NULL, !ch_failed(e));
		/* some failures libcrypto says in other words: a key that is none */
		assert_true(v || count > failing);
	}
	assert_true(failing > ISSUERS && failing < ALLOCATIONS_MAX);
	failing = -1;
	ch_verifier_unref(v);
}

static void test_a_scratch_without_memory(void **state)
{
	(void)state;
	static union ch_scratch s;
	struct ch_verified out;
	struct ch_verifier *v = verifier_of_all();
	ch_text token = good_token();
	for (failing = 0;; failing++) {
		count = 0;
		ch_err e = ch_scratch_init(&s);
		if (!ch_failed(e))
			break;
		assert_true(is_memory(e));
		assert_int_equal(ch_verify(v, &s, token, now, NULL, &out), CH_MISUSED);
	}
	assert_true(failing > 0 && failing < ALLOCATIONS_MAX);
	failing = -1;
	assert_int_equal(ch_verify(v, &s, token, now, NULL, &out), CH_ACCEPTED);
	ch_scratch_done(&s);
	ch_verifier_unref(v);
}

/* A table that could not be built leaves a key that works; the next try may succeed. */
static void test_tables_without_memory(void **state)
{
	(void)state;
	static union ch_scratch s;
	struct ch_verified out;
	struct ch_verifier *v = verifier_of_all();
	ch_text token = good_token();
	static const long some[] = { 0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89 };
	assert_false(ch_failed(ch_scratch_init(&s)));
	for (size_t i = 0; i < COUNT_OF(some); i++) {
		failing = some[i];
		count = 0;
		ch_err e = ch_verifier_warm(v);
		failing = -1;
		assert_true(!ch_failed(e) || is_memory(e) || ch_code_of(e) == CH_E_UNSUPPORTED);
		assert_int_equal(ch_verify(v, &s, token, now, NULL, &out), CH_ACCEPTED);
	}
	assert_false(ch_failed(ch_verifier_warm(v)));
	assert_int_equal(ch_verify(v, &s, token, now, NULL, &out), CH_ACCEPTED);
	ch_scratch_done(&s);
	ch_verifier_unref(v);
}

/* Nothing of ours; of libcrypto's, nothing for Ed25519 and what the cache knows. */
static void test_verifying_allocates_nothing(void **state)
{
	static char out[ISSUERS][TEXT_MAX];
	static uint8_t store[64 * 1024];
	struct ch_verified v;
	assert_int_equal(host_begin(state), 0);
	assert_false(ch_failed(ch_verifier_warm(verifier)));
	assert_false(ch_failed(ch_cache_use(&scratch, store, sizeof(store), 16, 1024)));
	ch_text tokens[ISSUERS];
	for (size_t i = 0; i < ISSUERS; i++)
		tokens[i] = token_of(out[i], &parties()[i]);
	for (size_t i = 0; i < 2 * (size_t)ISSUERS; i++) {
		enum alg alg = parties()[i % ISSUERS].alg;
		count = ours = 0;
		assert_int_equal(ch_verify(verifier, &scratch, tokens[i % ISSUERS], now, NULL, &v),
				 CH_ACCEPTED);
		assert_int_equal(ours, 0);
		assert_true(count == 0 || (i < ISSUERS && alg != ALG_EDDSA));
	}
	assert_int_equal(ch_cache_counts(&scratch).hits, ISSUERS);
	(void)host_end(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_loader_without_memory),
		cmocka_unit_test(test_a_scratch_without_memory),
		cmocka_unit_test(test_tables_without_memory),
		cmocka_unit_test(test_verifying_allocates_nothing),
	};
	if (CRYPTO_set_mem_functions(take, resize, drop) != 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
