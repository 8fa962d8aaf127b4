/* What the tests of src/chain share. */
#include "kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rw.h"

uint8_t kit_room[CHAIN_ROOM_MAX];
uint8_t kit_reader[CHAIN_ROOM_MAX];

uint32_t kit_ahead;

static char folder[64];
const struct chain_ref kit_ref = {
	AT_FDCWD, folder, { "test", 4 }, kit_reader, sizeof(kit_reader)
};

int kit_begin(void **state)
{
	(void)state;
	/* in memory, if there is such a place: these tests sync thousands of times */
	bool fast = access("/dev/shm", W_OK) == 0;
	(void)snprintf(folder, sizeof(folder), "%s/chain-XXXXXX", fast ? "/dev/shm" : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

int kit_end(void **state)
{
	(void)state;
	return failed(dir_remove(AT_FDCWD, folder)) ? -1 : 0;
}

const char *kit_folder(void)
{
	return folder;
}

struct chain_config kit_config(void)
{
	return (struct chain_config){
		.ref = { AT_FDCWD, folder, LIT("test"), kit_room, sizeof(kit_room) },
		.limits = { .ahead_bytes = kit_ahead },
	};
}

void kit_open(struct chain *c, struct chain_opened *report)
{
	struct chain_config config = kit_config();
	assert_int_equal(ch_code_of(chain_open(c, &config, NOW_MS, report)), CH_OK);
}

static str text_of(uint64_t seq, char room[static 32])
{
	int n = snprintf(room, 32, "record %llu", (unsigned long long)seq);
	return (str){ room, (size_t)n };
}

void kit_batch(struct chain *c, size_t n, enum chain_sync sync)
{
	char room[32];
	for (size_t i = 0; i < n; i++) {
		uint64_t seq = c->next_seq + chain_waiting(c);
		str text = text_of(seq, room);
		assert_false(failed(chain_add(c, (uint16_t)(seq % 7), NOW_MS + (int64_t)seq,
					      bytes_of_str(text))));
	}
	assert_false(failed(chain_write(c, NOW_MS, sync)));
}

void kit_batches(struct chain *c, size_t n, enum chain_sync sync)
{
	for (size_t i = 0; i < n; i++)
		kit_batch(c, 1, sync);
}

size_t kit_read_all(void)
{
	struct chain_cursor k;
	struct chain_record r;
	char room[32];
	size_t n = 0;
	bool got = true;
	assert_false(failed(cursor_open(&k, &kit_ref, CHAIN_OLDEST)));
	for (;; n++) {
		assert_false(failed(cursor_next(&k, &r, &got)));
		if (!got)
			break;
		assert_true(str_eq(str_of_bytes(r.payload), text_of(r.seq, room)));
		assert_int_equal(r.type, r.seq % 7);
		assert_int_equal(r.time_ms, NOW_MS + (int64_t)r.seq);
	}
	cursor_close(&k);
	return n;
}

enum ch_code kit_verify(struct chain_report *report)
{
	return ch_code_of(chain_verify(&kit_ref, NULL, report));
}

static void path_to(uint64_t segment, struct path *ret_path)
{
	struct path name;
	segment_name(&name, segment);
	assert_false(
		failed(path_join(ret_path, str_from_c(folder), str_from_c(name.p), (str){ 0 })));
}

size_t kit_load(uint64_t segment, uint8_t *to, size_t cap)
{
	struct path path;
	size_t n = 0;
	path_to(segment, &path);
	assert_false(failed(file_read(AT_FDCWD, path.p, to, cap, &n)));
	return n;
}

void kit_store(uint64_t segment, const uint8_t *p, size_t n)
{
	struct path path;
	path_to(segment, &path);
	AUTO(fd_close) int fd = open(path.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_false(failed(fd_write_all(fd, (bytes){ p, n })));
}

size_t kit_size(uint64_t segment)
{
	struct path path;
	struct stat st;
	path_to(segment, &path);
	assert_int_equal(stat(path.p, &st), 0);
	return (size_t)st.st_size;
}
