/* What memory verifying takes, and that it may be refused at every single place: an error,
 * nothing leaked, the key as it was, and never a yes for a wrong signature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "crypto/key.h"

enum { NEVER = SIZE_MAX, PLACES_MAX = 3000, WARM_ALLOCATIONS_MAX = 12 };

static struct {
	size_t calls, live;
	size_t fail_at; /* the number of the call that fails … */
	bool go_on;     /* … and all after it? */
} heap_state = { .fail_at = NEVER };

static bool refuse(void)
{
	size_t at = heap_state.calls++;
	return heap_state.go_on ? at >= heap_state.fail_at : at == heap_state.fail_at;
}

static void *take(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	void *p = n == 0 || refuse() ? NULL : malloc(n);
	heap_state.live += p != NULL;
	return p;
}

static void drop(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	heap_state.live -= p != NULL;
	free(p);
}

static void *resize(void *p, size_t n, const char *file, int line)
{
	if (!p)
		return take(n, file, line);
	if (n == 0) {
		drop(p, file, line);
		return NULL;
	}
	return refuse() ? NULL : realloc(p, n);
}

static struct pair {
	struct key_parts parts;
	uint8_t sig[SIGNATURE_MAX];
	size_t n;
} pairs[ALG_COUNT];

static const str message = LIT("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9");

static enum ch_code verify(const struct public_key *k, struct key_work *w, const struct pair *p)
{
	return ch_code_of(public_key_verify(k, w, signed_text_of(bytes_of_str(message)),
					    (bytes){ p->sig, p->n }));
}

static struct public_key *key_of(enum alg a)
{
	struct public_key *k = NULL;
	assert_false(failed(public_key_new(&pairs[a].parts, &k)));
	return k;
}

/* One call that may fail; true when it did what it should. */
struct deed {
	bool (*run)(enum alg a, struct public_key *k, struct key_work *w);
	bool warm_before;
};

static bool load(enum alg a, struct public_key *k, struct key_work *w)
{
	struct public_key *mine = NULL;
	(void)k;
	(void)w;
	bool ok = !failed(public_key_new(&pairs[a].parts, &mine));
	assert_int_equal(ok, mine != NULL);
	public_key_free(mine);
	return ok;
}

static bool make_work(enum alg a, struct public_key *k, struct key_work *w)
{
	struct key_work *mine = NULL;
	(void)a;
	(void)k;
	(void)w;
	bool ok = !failed(key_work_new(&mine));
	assert_int_equal(ok, mine != NULL);
	key_work_free(mine);
	return ok;
}

static bool warm(enum alg a, struct public_key *k, struct key_work *w)
{
	(void)w;
	bool ok = !failed(public_key_warm(k));
	assert_int_equal(public_key_is_warm(k), ok && a == ALG_ES256);
	return ok;
}

static bool verify_stock(enum alg a, struct public_key *k, struct key_work *w)
{
	(void)w;
	return verify(k, NULL, &pairs[a]) == CH_OK;
}

static bool verify_with_work(enum alg a, struct public_key *k, struct key_work *w)
{
	return verify(k, w, &pairs[a]) == CH_OK;
}

/* "does what it should" is here to say no */
static bool refuse_wrong(enum alg a, struct public_key *k, struct key_work *w)
{
	struct pair wrong = pairs[a];
	wrong.sig[wrong.n / 2] ^= 1;
	assert_true(verify(k, w, &wrong) != CH_OK);
	assert_true(verify(k, NULL, &wrong) != CH_OK);
	return true;
}

/* The deed with its place-th allocation refused; true when that place was reached. */
static bool one_place(const struct deed *d, enum alg a, size_t place, bool go_on)
{
	struct key_work *w = NULL;
	assert_false(failed(key_work_new(&w)));
	AUTO(public_key_done) struct public_key *k = key_of(a);
	if (d->warm_before) {
		assert_false(failed(public_key_warm(k)));
	}
	heap_state.calls = 0;
	heap_state.fail_at = place;
	heap_state.go_on = go_on;
	bool ok = d->run(a, k, w);
	bool reached = heap_state.calls > place;
	heap_state.fail_at = NEVER;
	assert_true(ok || reached);
	assert_int_equal(verify(k, w, &pairs[a]), CH_OK);
	assert_int_equal(verify(k, NULL, &pairs[a]), CH_OK);
	key_work_free(w);
	return reached;
}

static void every_place(const struct deed *d, enum alg a)
{
	for (int go_on = 0; go_on < 2; go_on++) {
		size_t place = 0, live = 0;
		do {
			/* the queue of errors keeps texts, for a bounded number of errors */
			OPENSSL_thread_stop();
			/* the first times fill caches of libcrypto's own */
			if (place <= 2)
				live = heap_state.live;
			assert_int_equal(heap_state.live, live);
		} while (one_place(d, a, place++, go_on));
		assert_true(place < PLACES_MAX);
	}
}

static void refused_memory_is_an_error(void **state)
{
	(void)state;
	static const struct deed deeds[] = {
		{ load, false },         { make_work, false },    { warm, false },
		{ verify_stock, false }, { refuse_wrong, false },
	};
	for (int a = 0; a < ALG_COUNT; a++)
		for (size_t i = 0; i < COUNT_OF(deeds); i++)
			every_place(&deeds[i], (enum alg)a);
}

static void refused_memory_is_an_error_for_warm_keys(void **state)
{
	(void)state;
	static const struct deed deeds[] = { { verify_with_work, true }, { refuse_wrong, true } };
	for (size_t i = 0; i < COUNT_OF(deeds); i++)
		every_place(&deeds[i], ALG_ES256);
}

/* What is left is libcrypto's: a point that it makes to look at the table. */
static void a_warm_verification_takes_little(void **state)
{
	(void)state;
	struct key_work *w = NULL;
	assert_false(failed(key_work_new(&w)));
	AUTO(public_key_done) struct public_key *k = key_of(ALG_ES256);
	assert_false(failed(public_key_warm(k)));
	assert_int_equal(verify(k, w, &pairs[ALG_ES256]), CH_OK);
	size_t before = heap_state.calls, live = heap_state.live;
	for (int i = 0; i < 10; i++)
		assert_int_equal(verify(k, w, &pairs[ALG_ES256]), CH_OK);
	print_message("%zu allocations of libcrypto's\n", (heap_state.calls - before) / 10);
	assert_true(heap_state.calls - before <= 10 * WARM_ALLOCATIONS_MAX);
	assert_int_equal(heap_state.live, live);
	key_work_free(w);
}

static int init(void **state)
{
	(void)state;
	if (CRYPTO_set_mem_functions(take, resize, drop) != 1 || failed(crypto_init(NULL)))
		return 1;
	for (int a = 0; a < ALG_COUNT; a++) {
		AUTO(private_key_done) struct private_key *k = NULL;
		struct pair *p = &pairs[a];
		if (failed(private_key_generate((enum alg)a, &k)) ||
		    failed(private_key_public(k, &p->parts)) ||
		    failed(private_key_sign(k, bytes_of_str(message), p->sig, &p->n)))
			return 1;
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_warm_verification_takes_little),
		cmocka_unit_test(refused_memory_is_an_error),
		cmocka_unit_test(refused_memory_is_an_error_for_warm_keys),
	};
	return cmocka_run_group_tests(tests, init, NULL);
}
