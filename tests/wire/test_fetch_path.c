/* What of a log a gate may ask its fetcher for: heads and tiles by their canonical names, and
 * nothing that leads anywhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/fetch.h"

static bool passes(const char *path)
{
	uint8_t room[512];
	struct wr w = wr_of(room, sizeof(room));
	struct fetch_ask a = { .req = 1, .path = str_from_c(path) }, back = { 0 };
	fetch_write_ask(&w, &a);
	assert_false(failed(wr_done(&w)));
	bool good = !failed(fetch_read_ask(wr_bytes(&w), &back));
	assert_true(!good || str_eq(back.path, a.path));
	return good;
}

static void test_paths(void **unused)
{
	(void)unused;
	static const char *const good[] = { "",
					    "checkpoint",
					    "cosigned/checkpoint",
					    "now",
					    "tile/0/000",
					    "tile/0/x001/234",
					    "tile/63/x001/x234/067",
					    "tile/entries/000.p/1",
					    "tile/entries/x123/456.p/255" };
	static const char *const bad[] = { "/",
					   "checkpoint/",
					   "checkpoint?x",
					   "Checkpoint",
					   "now/now",
					   "tile",
					   "tile/",
					   "tile/0",
					   "tile/0/",
					   "tile/0/1",
					   "tile/0/0000",
					   "tile/000/000",
					   "tile/-1/000",
					   "tile/0/x001",
					   "tile/0/x001/",
					   "tile/0/001/234",
					   "tile/0/x01/234",
					   "tile/0/x001/x234",
					   "tile/0/000.p",
					   "tile/0/000.p/",
					   "tile/0/000.p/1234",
					   "tile/0/000.p/1/2",
					   "tile/0/000.p/x",
					   "tile/0/000/1",
					   "tile/0/../000",
					   "tile/../entries/000",
					   "tile/entries/../000",
					   "../checkpoint",
					   "tile/0/000#",
					   "tile/0/00%30",
					   "http://x/",
					   "revocations" };
	for (size_t i = 0; i < COUNT_OF(good); i++)
		if (!passes(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (passes(bad[i]))
			fail_msg("passed: %s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_paths) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
