/* The two threads of a ledger beside each other, under load from several signers and readers; run by
 * `make tsan` too. And what they hand over: no entry is forgotten, however they interleave. */
#include "kit.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

enum { SIGNERS = 3, BATCHES = 120, COUNTS = 20000 };

static struct kit kit;

static void under_load(void **state)
{
	struct kit *k = *state;
	int signers[SIGNERS], readers[2];
	uint64_t at = 0;
	k->in_thread = true;
	k->config.segment_bytes = 32 * 1024;
	kit_must_start(k);
	for (size_t i = 0; i < SIGNERS; i++)
		signers[i] = kit_attach(k, "main");
	for (size_t i = 0; i < 2; i++)
		readers[i] = kit_connect(k);
	/* the numbering of kit_check_log needs them in order: one signer after another */
	for (uint64_t seq = 1; seq <= BATCHES; seq++) {
		for (size_t i = 0; i < SIGNERS; i++) {
			size_t n = (size_t)(seq + i) % 32 + 1;
			assert_int_equal(kit_append(signers[i], seq, at, n), at);
			at += n;
		}
		if (seq % 16 == 0)
			assert_int_equal(kit_ask(k, readers[seq % 2], true).size, at);
		if (seq % 50 == 0) {
			/* another generation of the signer of heads */
			int newer = kit_attach(k, "log");
			(void)close(k->heads);
			k->heads = newer;
		}
	}
	assert_int_equal(kit_ask(k, readers[0], true).size, at);
	assert_int_equal(kit_stop(k), 0);
	kit_check_log(k);
	for (size_t i = 0; i < SIGNERS; i++)
		(void)close(signers[i]);
	for (size_t i = 0; i < 2; i++)
		(void)close(readers[i]);
}

static void *publishes(void *arg)
{
	for (uint64_t i = 1; i <= COUNTS; i++)
		handover_publish(arg, i);
	return NULL;
}

/* Whoever goes to sleep having seen all that there was is woken by the next. */
static void nothing_is_forgotten(void **state)
{
	(void)state;
	struct handover h = { .wake = -1, .done = -1 };
	pthread_t other;
	uint64_t seen = 0;
	assert_false(failed(handover_open(&h, 0)));
	assert_int_equal(pthread_create(&other, NULL, publishes, &h), 0);
	while (seen < COUNTS) {
		struct pollfd p = { .fd = h.wake, .events = POLLIN };
		if (handover_may_sleep(&h, seen))
			assert_int_equal(poll(&p, 1, 60000), 1);
		handover_woken(&h);
		seen = atomic_load(&h.durable);
	}
	assert_int_equal(pthread_join(other, NULL), 0);
	handover_close(&h);
}

static int open_kit(void **state)
{
	kit_open(&kit, kit_fast_folder());
	*state = &kit;
	return 0;
}

static int close_kit(void **state)
{
	kit_close(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(under_load, open_kit, close_kit),
		cmocka_unit_test(nothing_is_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
