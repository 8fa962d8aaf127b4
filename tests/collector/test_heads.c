/* What the log's files can still tell: a token whose entry may have been pruned is not absent. And
 * what a head's entries do not give is not believed, nor is it the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "heads.h"
#include "logstore/state.h"
#include "merkle/entry.h"

enum { ENTRIES = 3, T0 = 1700000000, HOUR_S = 3600 };

static char folder[] = "/tmp/chancery-heads-XXXXXX";
static struct heads heads;

static int begin(void **unused)
{
	static uint8_t room[TILE_ROOM_MAX];
	struct wr w = wr_of(room, sizeof(room));
	(void)unused;
	if (!mkdtemp(folder))
		return 1;
	for (int64_t i = 0; i < ENTRIES; i++) {
		struct log_entry e = { .iat_s = T0 + i * HOUR_S,
				       .exp_s = T0 + i * HOUR_S + 600,
				       .hash = { (uint8_t)i },
				       .realm = LIT("home"),
				       .kid = LIT("k"),
				       .typ = LOG_TYP_AT_JWT };
		uint8_t text[LOG_ENTRY_MAX];
		struct wr one = wr_of(text, sizeof(text));
		if (failed(log_entry_write(&one, &e)))
			return 1;
		bundle_put(&w, wr_bytes(&one));
	}
	AUTO(fd_close) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	heads = (struct heads){ .edge.size = ENTRIES };
	known_init(&heads.known);
	return failed(logstore_open(AT_FDCWD, folder, &heads.store)) ||
	       mkdirat(fd, "tile", 0755) != 0 || mkdirat(fd, "tile/entries", 0755) != 0 ||
	       mkdirat(fd, "tile/entries/000.p", 0755) != 0 ||
	       failed(file_create(fd, "tile/entries/000.p/3", wr_bytes(&w), 0644));
}

static int end(void **unused)
{
	(void)unused;
	logstore_close(&heads.store);
	known_done(&heads.known);
	return failed(dir_remove(AT_FDCWD, folder));
}

static bool reach(int64_t iat_s)
{
	bool r = false;
	assert_false(failed(heads_reach(&heads, iat_s, &r)));
	return r;
}

static void a_log_that_is_whole_reaches_back(void **unused)
{
	(void)unused;
	assert_true(reach(T0));
	assert_true(reach(0));
}

static void a_pruned_one_to_its_first_entry(void **unused)
{
	(void)unused;
	assert_false(failed(logminimum_write(heads.store.dir_fd, 1)));
	assert_false(reach(T0));
	/* entries are in order give or take minutes */
	assert_false(reach(T0 + HOUR_S + 299));
	assert_true(reach(T0 + HOUR_S + 300));
	assert_false(failed(logminimum_write(heads.store.dir_fd, ENTRIES)));
	assert_false(reach(T0 + 10 * HOUR_S));
}

/* What is known already need not be read, and files need not be there for it. */
static void what_is_known_is_not_looked_for(void **unused)
{
	const uint8_t there[32] = { 2 }, absent[32] = { 9 };
	bool found = false;
	(void)unused;
	assert_false(failed(logminimum_write(heads.store.dir_fd, 0)));
	assert_false(failed(heads_find(&heads, there, &found)));
	assert_true(found);
	assert_false(failed(heads_find(&heads, absent, &found)));
	assert_false(found);
	for (uint8_t i = 0; i < ENTRIES; i++)
		assert_false(failed(known_add(&heads.known, (const uint8_t[32]){ i })));
	assert_int_equal(unlinkat(heads.store.dir_fd, "tile/entries/000.p/3", 0), 0);
	assert_false(failed(heads_find(&heads, there, &found)));
	assert_true(found);
	assert_false(failed(heads_find(&heads, absent, &found)));
	assert_false(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_that_is_whole_reaches_back),
		cmocka_unit_test(a_pruned_one_to_its_first_entry),
		cmocka_unit_test(what_is_known_is_not_looked_for),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
