/* Revocations that are due, and the probe that leaves them alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "store/store.h"

static char folder[64];

static int fresh(void **state)
{
	static const char template[] = "/tmp/test-store-XXXXXX";
	(void)state;
	mem_copy(folder, template, sizeof(template));
	if (!mkdtemp(folder))
		return -1;
	return failed(store_create(str_from_c(folder), (uid_t)-1, (gid_t)-1)) ? -1 : 0;
}

static int gone(void **state)
{
	static const char *const names[] = { "chancery.db", "chancery.db-wal", "chancery.db-shm" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct path p;
		if (!failed(path_join(&p, str_from_c(folder), str_from_c(names[i]), (str){ 0 })))
			(void)unlink(p.p);
	}
	return rmdir(folder);
}

static struct store *opened(void)
{
	struct store *s = NULL;
	assert_false(failed(store_open(str_from_c(folder), &s)));
	return s;
}

struct seen {
	size_t n, bytes;
	int64_t id;
};

static ch_err see(void *ctx, const struct store_due *d)
{
	struct seen *seen = ctx;
	assert_true(str_eq(d->realm, LIT("home")));
	seen->n++;
	seen->bytes += d->record.n;
	seen->id = d->id;
	return CH_DONE;
}

static struct seen look(struct store *s)
{
	struct seen seen = { 0 };
	assert_false(failed(store_due_list(s, see, &seen)));
	return seen;
}

static void due(void **state)
{
	AUTO(store_done) struct store *s = opened();
	static const uint8_t record[STORE_DUE_MAX + 1] = { 1 };
	(void)state;
	assert_int_equal(ch_code_of(store_due_add(s, LIT("home"), (bytes){ record, 0 })),
			 CH_E_FULL);
	assert_int_equal(ch_code_of(store_due_add(s, LIT("home"), BYTES_OF(record))), CH_E_FULL);
	assert_false(failed(store_due_add(s, LIT("home"), (bytes){ record, STORE_DUE_MAX })));
	assert_false(failed(store_due_add(s, LIT("home"), (bytes){ record, 1 })));
	assert_int_equal(look(s).bytes, STORE_DUE_MAX + 1);
	assert_false(failed(store_due_remove(s, look(s).id)));
	assert_int_equal(look(s).bytes, STORE_DUE_MAX);
}

static void a_probe_writes_and_changes_nothing(void **state)
{
	AUTO(store_done) struct store *s = opened(), *other = opened();
	static const uint8_t record[] = { 1, 2, 3 };
	uint64_t before = 0, after = 0;
	(void)state;
	assert_false(failed(store_due_add(s, LIT("home"), BYTES_OF(record))));
	assert_false(failed(store_version(other, &before)));
	assert_false(failed(store_probe(s)));
	assert_false(failed(store_version(other, &after)));
	assert_true(before != after);
	assert_int_equal(look(s).n, 1);
	/* within another transaction it could not tell */
	assert_false(failed(store_begin(s)));
	assert_true(failed(store_probe(s)));
	assert_false(failed(store_end(s, false)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(due, fresh, gone),
		cmocka_unit_test_setup_teardown(a_probe_writes_and_changes_nothing, fresh, gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
