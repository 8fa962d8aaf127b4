/* One verifier and one store of used proofs, shared by threads that each have a scratch of
 * their own, while the tables of its keys are built. Under ThreadSanitizer this is the proof
 * that sharing needs no lock; without it, that the answers are right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "host.h"

enum { THREADS = 4, ROUNDS = 40, PROOFS = 8, CACHE = 32 * 1024 };

static struct {
	struct ch_verifier *verifier;
	struct ch_replay *replay;
	ch_text tokens[ISSUERS]; /* one of each kind of key */
	ch_text bound;
	ch_text proofs[PROOFS];
	atomic_int taken[PROOFS]; /* how many threads got this proof through */
	atomic_int wrong;
} shared;

struct worker {
	pthread_t thread;
	size_t number;
	struct ch_verifier *own; /* a reference of its own, to give back */
	union ch_scratch *scratch;
	uint8_t cache[CACHE];
};

static void judge_all(struct worker *w)
{
	struct ch_verified v;
	for (size_t i = 0; i < ISSUERS; i++) {
		size_t at = (i + w->number) % ISSUERS;
		ch_text t = shared.tokens[at];
		enum ch_reason r = ch_verify(w->own, w->scratch, t, now, NULL, &v);
		if (r != CH_ACCEPTED || !ch_text_is(v.realm, parties()[at].realm))
			shared.wrong++;
		t.n -= 2;
		if (ch_verify(w->own, w->scratch, t, now, NULL, &v) == CH_ACCEPTED)
			shared.wrong++;
	}
}

static void show_proofs(struct worker *w)
{
	struct ch_options o = CH_OPTIONS_INIT;
	struct ch_request r = CH_REQUEST_INIT;
	struct ch_verified v;
	r.dpop_scheme = true;
	r.method = ch_text_of("GET");
	r.url = ch_text_of("https://rs.test/inbox");
	r.replay = shared.replay;
	o.request = &r;
	for (size_t i = 0; i < PROOFS; i++) {
		size_t at = (i + w->number) % PROOFS;
		r.dpop = shared.proofs[at];
		enum ch_reason got = ch_verify(w->own, w->scratch, shared.bound, now, &o, &v);
		if (got == CH_ACCEPTED)
			shared.taken[at]++;
		else if (got != CH_PROOF_REPLAYED)
			shared.wrong++;
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;
	if (ch_failed(ch_scratch_init(w->scratch)))
		return NULL;
	/* half of them have a cache, which must not change an answer */
	if (w->number % 2 && ch_failed(ch_cache_use(w->scratch, w->cache, CACHE, 8, 1024)))
		shared.wrong++;
	for (size_t i = 0; i < ROUNDS; i++)
		judge_all(w);
	show_proofs(w);
	ch_scratch_done(w->scratch);
	ch_verifier_unref(w->own);
	return NULL;
}

static void tokens_make(void)
{
	static char out[ISSUERS + 1 + PROOFS][TEXT_MAX];
	for (size_t i = 0; i < ISSUERS; i++)
		shared.tokens[i] = token_of(out[i], &parties()[i]);
	shared.bound = bound_token(out[ISSUERS], true, false);
	for (size_t i = 0; i < PROOFS; i++) {
		char jti[2] = { (char)('a' + i), 0 };
		shared.proofs[i] =
			proof_for(out[ISSUERS + 1 + i], &parties()[0], shared.bound, jti, NULL);
	}
}

static void test_one_verifier_many_threads(void **state)
{
	(void)state;
	static uint8_t store[64 * 1024];
	static union ch_scratch scratches[THREADS];
	static struct worker workers[THREADS];
	tokens_make();
	shared.verifier = verifier_of_all();
	assert_false(ch_failed(ch_replay_init(store, sizeof(store), 100, 0, &shared.replay)));
	for (size_t i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .number = i,
					      .own = ch_verifier_ref(shared.verifier),
					      .scratch = &scratches[i] };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	assert_false(ch_failed(ch_verifier_warm(shared.verifier)));
	/* the threads' references keep it */
	ch_verifier_unref(shared.verifier);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
	assert_int_equal(shared.wrong, 0);
	for (size_t i = 0; i < PROOFS; i++)
		assert_int_equal(shared.taken[i], 1);
}

static void *warm(void *arg)
{
	ch_err e = ch_verifier_warm(arg);
	return ch_failed(e) && ch_code_of(e) != CH_E_BUSY ? arg : NULL;
}

static void test_two_threads_warm(void **state)
{
	(void)state;
	struct ch_verifier *v = verifier_of_all();
	pthread_t threads[2];
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, warm, v), 0);
	for (size_t i = 0; i < 2; i++) {
		void *failed = v;
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	ch_verifier_unref(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_verifier_many_threads),
		cmocka_unit_test(test_two_threads_warm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
