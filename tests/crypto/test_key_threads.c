/* One key of each algorithm, several threads: each with working memory of its own or none,
 * while another thread warms the key. Under ThreadSanitizer this is a test of races; without
 * it, of verdicts that do not depend on company. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/key.h"

enum { THREADS = 4, TURNS = 150 };

static const str message = LIT("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9");

static struct {
	struct public_key *key;
	uint8_t sig[SIGNATURE_MAX];
	size_t n;
	atomic_bool go;
	atomic_size_t wrong;
} shared;

static bool says(struct key_work *w, const uint8_t *sig, enum ch_code want)
{
	return ch_code_of(public_key_verify(shared.key, w, signed_text_of(bytes_of_str(message)),
					    (bytes){ sig, shared.n })) == want;
}

/* even threads go the stock way */
static void *verify_often(void *even)
{
	AUTO(key_work_done) struct key_work *w = NULL;
	uint8_t changed[SIGNATURE_MAX];
	mem_copy(changed, shared.sig, shared.n);
	if (!even && failed(key_work_new(&w)))
		atomic_fetch_add(&shared.wrong, 1);
	while (!atomic_load(&shared.go))
		(void)sched_yield();
	for (size_t i = 0; i < TURNS; i++) {
		changed[i % shared.n] ^= 1;
		if (!says(w, shared.sig, CH_OK) || !says(w, changed, CH_E_MISMATCH))
			atomic_fetch_add(&shared.wrong, 1);
		changed[i % shared.n] ^= 1;
	}
	return NULL;
}

static void make(enum alg a)
{
	AUTO(private_key_done) struct private_key *k = NULL;
	struct key_parts parts;
	assert_false(failed(private_key_generate(a, &k)));
	assert_false(failed(private_key_public(k, &parts)));
	assert_false(failed(private_key_sign(k, bytes_of_str(message), shared.sig, &shared.n)));
	assert_false(failed(public_key_new(&parts, &shared.key)));
}

static void threads_share_a_key(void **state)
{
	(void)state;
	for (int a = 0; a < ALG_COUNT; a++) {
		pthread_t threads[THREADS];
		make((enum alg)a);
		atomic_store(&shared.go, false);
		for (size_t i = 0; i < THREADS; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, verify_often,
							i % 2 ? NULL : &shared),
					 0);
		atomic_store(&shared.go, true);
		assert_false(failed(public_key_warm(shared.key)));
		assert_int_equal(public_key_is_warm(shared.key), a == ALG_ES256);
		for (size_t i = 0; i < THREADS; i++)
			assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(atomic_load(&shared.wrong), 0);
		public_key_done(&shared.key);
	}
}

static int init(void **state)
{
	(void)state;
	return failed(crypto_init(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_share_a_key),
	};
	return cmocka_run_group_tests(tests, init, NULL);
}
