/* What signers and readers of heads get from a ledger that runs. */
#include "kit.h"

#include <stdlib.h>
#include <poll.h>
#include <unistd.h>

#include "base/file.h"

static const char *program;

static int open_kit(void **state)
{
	struct kit *k = calloc(1, sizeof(*k));
	kit_open(k, NULL);
	k->program = program;
	*state = k;
	return 0;
}

static int close_kit(void **state)
{
	kit_close(*state);
	free(*state);
	return 0;
}

static void one_by_one(void **state)
{
	struct kit *k = *state;
	kit_must_start(k);
	int signer = kit_attach(k, "main"), reader = kit_connect(k);
	assert_int_equal(kit_ask(k, reader, true).size, 0);
	uint64_t at = 0;
	for (uint64_t seq = 1; seq <= 40; seq++) {
		size_t n = (size_t)(seq % 32) + 1;
		assert_int_equal(kit_append(signer, seq, at, n), at);
		at += n;
		if (seq % 8 == 0)
			assert_int_equal(kit_ask(k, reader, true).size, at);
	}
	kit_check_log(k);
	assert_int_equal(kit_stop(k), 0);
	assert_int_equal(kit_published(k).size, at);
	kit_check_log(k);
	(void)close(signer);
	(void)close(reader);
}

int main(int argc, char **argv)
{
	program = argc > 1 ? argv[1] : NULL;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_by_one, open_kit, close_kit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
