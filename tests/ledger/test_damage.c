/* A bit flipped anywhere in a log's folder: the ledger refuses to start, or goes on so that nobody
 * sees a second, different log; what it cannot see at the start, the check of all sees; and the
 * repair makes again what can be made. */
#include "kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { BATCH = 20 };

static struct kit kit;
static size_t entries = 600;
/* for long runs: how many bytes lie between two that are tried, or bits, if the check alone is */
static size_t every, bits;

/* Full tiles, open ones, several segments of the journal and their index files. */
static int open_log(void **state)
{
	*state = &kit;
	kit_open(&kit, kit_fast_folder());
	kit.is_quiet = true;
	kit.config.segment_bytes = 32 * 1024;
	kit.boot.id[0] = 1;
	kit_must_start(&kit);
	int signer = kit_attach(&kit, "main"), reader = kit_connect(&kit);
	uint64_t seq = 0;
	for (uint64_t at = 0; at < entries; at += BATCH) {
		kit_append(signer, ++seq, at, BATCH);
		if (at % 200 == 0)
			(void)kit_ask(&kit, reader, true);
	}
	assert_int_equal(kit_ask(&kit, reader, true).size, entries);
	assert_int_equal(kit_stop(&kit), 0);
	(void)close(signer);
	(void)close(reader);
	kit_check_log(&kit);
	kit_save(&kit, "good");
	return 0;
}

static int close_log(void **state)
{
	kit_close(*state);
	return 0;
}

static void flip_bit(const char *file, size_t at, unsigned bit)
{
	char path[512];
	uint8_t byte = 0;
	(void)snprintf(path, sizeof(path), "%.200s/%.250s", kit.log, file);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= (uint8_t)(1 << bit);
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
	(void)close(fd);
}

static void flip(const char *file, size_t at)
{
	flip_bit(file, at, at % 8);
}

static bool is_in(const char *file, const char *folder)
{
	return strncmp(file, folder, strlen(folder)) == 0;
}

struct outcome {
	size_t tried, refused, went_on, mended, beyond;
	struct head before;
};

/* It went on: with the same tree, and one entry more. */
static void goes_on(struct outcome *o, const char *file, size_t at)
{
	int signer = kit_attach(&kit, "main"), reader = kit_connect(&kit);
	uint64_t index = kit_append(signer, 1, entries, 1);
	struct head h = kit_ask(&kit, reader, true);
	/* the end of the journal alone, of which no later frame says that it was durable, may be
	 * taken for torn; and then the published head is beyond it, which is refused */
	if (index != entries || h.size != entries + 1)
		fail_msg("%s at %zu: went on at %llu", file, at, (unsigned long long)index);
	assert_int_equal(kit_stop(&kit), 0);
	(void)close(signer);
	(void)close(reader);
	o->went_on++;
}

/* Which copies of it are still damaged is for the check to say. */
static void try_one(struct outcome *o, const char *file, size_t at)
{
	struct head last = kit.signed_last;
	o->tried++;
	flip(file, at);
	uint64_t found = kit_damaged(&kit);
	if (found == 0)
		fail_msg("%s at %zu: the check sees nothing", file, at);
	enum ch_code code = kit_start(&kit);
	if (code == CH_OK) {
		goes_on(o, file, at);
	} else {
		assert_int_equal(code, CH_E_MISMATCH);
		o->refused++;
	}
	kit.signed_last = last;
	kit_restore(&kit, "good");
	flip(file, at);
	ch_err e = kit_repair(&kit);
	if (failed(e)) {
		assert_int_equal(ch_code_of(e), CH_E_MISMATCH);
		if (!is_in(file, "journal/"))
			fail_msg("%s at %zu: not mended: %s", file, at, e.site->what);
		o->beyond++;
	} else {
		kit_must_start(&kit);
		goes_on(o, file, at);
		assert_int_equal(kit_damaged(&kit), 0);
		o->mended++;
	}
	kit.signed_last = last;
	kit_restore(&kit, "good");
}

enum { FILES_MAX = 128 };
struct listed {
	size_t n;
	struct {
		char name[128];
		size_t size;
	} files[FILES_MAX];
};

static void list(void *ctx, const char *file, size_t size)
{
	struct listed *l = ctx;
	assert_true(l->n < FILES_MAX && size > 0);
	(void)snprintf(l->files[l->n].name, sizeof(l->files[l->n].name), "%.120s", file);
	l->files[l->n++].size = size;
}

static void try_file(struct outcome *o, const char *file, size_t size)
{
	/* a prime, so that all fields of all records are met */
	size_t step = every ? every : size > 1000 ? 4999 : 53;
	for (size_t at = step / 3 % size; at < size; at += step)
		try_one(o, file, at);
}

static void any_bit(void **state)
{
	struct outcome o = { .before = kit_published(*state) };
	assert_int_equal(kit_damaged(&kit), 0);
	static struct listed l;
	kit_files(&kit, list, &l);
	for (size_t i = 0; i < l.n; i++) {
		print_message("file %zu of %zu\n", i + 1, l.n);
		try_file(&o, l.files[i].name, l.files[i].size);
	}
	print_message("%zu flips: %zu refused at the start, %zu mended, %zu beyond repair\n",
		      o.tried, o.refused, o.mended, o.beyond);
	assert_true(o.tried > 30 && o.refused > 0 && o.mended > 0);
	kit_check_log(&kit);
}

static void try_bit(const char *file, size_t at)
{
	flip_bit(file, at / 8, at % 8);
	if (kit_damaged(&kit) == 0)
		fail_msg("%s at %zu: the check sees nothing", file, at / 8);
	flip_bit(file, at / 8, at % 8);
}

/* Nothing is started on it: the check alone, which reads every file whole. */
static void every_bit(void **state)
{
	static struct listed l;
	size_t tried = 0, total = 0;
	(void)state;
	kit_files(&kit, list, &l);
	for (size_t i = 0; i < l.n; i++)
		total += l.files[i].size * 8 / bits;
	for (size_t i = 0; i < l.n; i++)
		for (size_t at = 0; at < l.files[i].size * 8; at += bits) {
			try_bit(l.files[i].name, at);
			if (++tried % 1000 == 0)
				print_message("%zu of %zu flips\n", tried, total);
		}
	assert_int_equal(kit_damaged(&kit), 0);
	print_message("%zu flips in %zu files, each found\n", tried, l.n);
}

/* [--every BYTES | --bits STEP ENTRIES] */
int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[1] : "";
	every = strcmp(how, "--every") == 0 ? (size_t)atoi(argv[2]) : 0;
	if (argc > 3 && strcmp(how, "--bits") == 0) {
		bits = (size_t)atoi(argv[2]);
		entries = (size_t)atoi(argv[3]);
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bits ? every_bit : any_bit, open_log, close_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
