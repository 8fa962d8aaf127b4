/* Loading a policy with memory refused at every single place, ours and libcrypto's: an
 * error, nothing leaked, nothing handed out; and the same again with memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "fixture.h"

enum { NEVER = SIZE_MAX, PLACES_MAX = 3000 };

static size_t calls, live, ours, fail_at = NEVER;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void __real_free(void *p);
void __wrap_free(void *p);

static bool refused(void)
{
	return calls++ == fail_at;
}

void *__wrap_calloc(size_t n, size_t size)
{
	ours++;
	void *p = refused() ? NULL : __real_calloc(n, size);
	live += p != NULL;
	return p;
}

void __wrap_free(void *p)
{
	live -= p != NULL;
	__real_free(p);
}

static void *take(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	void *p = n == 0 || refused() ? NULL : malloc(n);
	live += p != NULL;
	return p;
}

static void drop(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	live -= p != NULL;
	__real_free(p);
}

static void *resize(void *p, size_t n, const char *file, int line)
{
	if (!p)
		return take(n, file, line);
	if (n == 0) {
		drop(p, file, line);
		return NULL;
	}
	return refused() ? NULL : realloc(p, n);
}

static struct policy_issuer in[ISSUERS];
static str audiences[ISSUERS];

static void all_issuers(void)
{
	for (size_t i = 0; i < ISSUERS; i++) {
		struct party *p = &parties()[i];
		audiences[i] = str_from_c(p->audience);
		in[i] = (struct policy_issuer){
			.issuer = str_from_c(p->issuer),
			.realm = str_from_c(p->realm),
			.typ = str_from_c(p->typ),
			.audiences = &audiences[i],
			.n_audiences = 1,
			.jwks = bytes_of_str((str){ p->jwks, p->jwks_n }),
			.max_ttl_s = 3600,
		};
	}
}

/* True when it was loaded. */
static bool load(size_t n, size_t at)
{
	struct policy *p = NULL;
	char why[256];
	struct wr w = wr_of(why, sizeof(why));
	calls = 0;
	fail_at = at;
	ch_err e = policy_new(in, n, &w, &p);
	fail_at = NEVER;
	assert_int_equal(failed(e), p == NULL);
	policy_free(p);
	return !failed(e);
}

static void refused_at_every_place(void **state)
{
	(void)state;
	all_issuers();
	for (size_t n = 1; n <= ISSUERS; n++) {
		/* what libcrypto keeps from its first use on */
		assert_true(load(n, NEVER));
		assert_true(load(n, NEVER));
		size_t places = calls, before = live, failures = 0;
		assert_true(places > 2 && places < PLACES_MAX);
		for (size_t at = 0; at < places; at++) {
			failures += !load(n, at);
			assert_int_equal(live, before);
		}
		/* some of libcrypto's own it can do without; ours never */
		assert_true(failures >= 2 + n);
		assert_true(load(n, NEVER));
		assert_int_equal(live, before);
	}
}

/* The policy's own memory: the block and the parser's nodes, and no more with more keys. */
static void ours_are_two(void **state)
{
	(void)state;
	for (size_t n = 1; n <= ISSUERS; n++) {
		ours = 0;
		assert_true(load(n, NEVER));
		assert_int_equal(ours, 2);
		for (size_t at = 0; at < 2; at++) {
			struct policy *p = NULL;
			calls = 0;
			fail_at = at;
			ch_err e = policy_new(in, n, NULL, &p);
			fail_at = NEVER;
			assert_int_equal(ch_code_of(e), CH_E_NOMEM);
			assert_null(p);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_at_every_place),
		cmocka_unit_test(ours_are_two),
	};
	if (CRYPTO_set_mem_functions(take, resize, drop) != 1 || failed(crypto_init(NULL)))
		return 1;
	(void)parties();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
