/* A follower beside a writer: records as they come, the pulse, and every way in which a chain can
 * turn out not to be the one that was followed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "revoke/beat.h"
#include "revoke/follow.h"

enum { NOW_MS = 1000000 };

static char folder[64];
static struct chain chain;
static uint8_t room[CHAIN_ROOM_MIN];
static struct follow follow;
static uint64_t seen, beats;
static int beat_fd;

static void writer_begin(void)
{
	struct chain_opened report;
	const struct chain_config config = {
		.ref = { AT_FDCWD, folder, revoke_purpose, room, sizeof(room) }, .mode = 0644
	};
	assert_false(failed(chain_open(&chain, &config, NOW_MS, &report)));
}

static int begin(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/follow-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	follow = (struct follow){ .open = false };
	seen = 0;
	writer_begin();
	return failed(beat_open(AT_FDCWD, folder, &beat_fd)) ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	follow_done(&follow);
	chain_close(&chain);
	fd_close(&beat_fd);
	return failed(dir_remove(AT_FDCWD, folder)) ? -1 : 0;
}

static void revoke_some(size_t n)
{
	uint8_t payload[REVOKE_PAYLOAD_MAX];
	for (size_t i = 0; i < n; i++) {
		struct wr w = wr_of(payload, sizeof(payload));
		revocation_write(&w, &(struct revocation){ .kind = REVOKE_USER,
							   .why = REVOKE_BY_ADMIN,
							   .when_s = 7,
							   .subject = bytes_of_str(LIT("s")) });
		assert_false(failed(chain_add(&chain, REVOKE_USER, NOW_MS, wr_bytes(&w))));
		assert_false(failed(chain_write(&chain, NOW_MS, CHAIN_NOW)));
	}
}

static void beat(struct chain_head head)
{
	struct revoke_beat b = { .count = ++beats, .head = head };
	mem_copy(b.chain, chain.id, sizeof(b.chain));
	assert_false(failed(beat_write(beat_fd, &b)));
}

static ch_err count(void *ctx, const struct chain_record *c, const struct revocation *r)
{
	(void)ctx;
	assert_true(c->seq == seen && r->kind == REVOKE_USER);
	seen++;
	return CH_DONE;
}

static enum ch_code look(bool *ret_alive)
{
	return ch_code_of(follow_look(&follow, AT_FDCWD, folder, count, NULL, ret_alive));
}

static void records_and_pulse(void **state)
{
	bool alive = true;
	(void)state;
	revoke_some(3);
	/* all that is there, but nobody has been heard */
	assert_int_equal(look(&alive), CH_OK);
	assert_true(seen == 3 && !alive);
	beat(chain_head(&chain));
	assert_int_equal(look(&alive), CH_OK);
	assert_false(alive); /* years old */
	assert_int_equal(look(&alive), CH_OK);
	assert_false(alive);
	beat(chain_head(&chain));
	assert_int_equal(look(&alive), CH_OK);
	assert_true(alive);
	assert_int_equal(look(&alive), CH_OK);
	assert_false(alive);
	revoke_some(2);
	beat(chain_head(&chain));
	assert_int_equal(look(&alive), CH_OK);
	assert_true(alive && seen == 5);
}

/* A pulse that speaks of more than can be read is no sign of life. */
static void less_than_the_pulse_says(void **state)
{
	bool alive = false;
	struct chain_head more;
	(void)state;
	revoke_some(1);
	beat(chain_head(&chain));
	assert_int_equal(look(&alive), CH_OK);
	more = chain_head(&chain);
	more.seq += 2;
	for (size_t i = 0; i < 3; i++) {
		beat(more);
		assert_int_equal(look(&alive), CH_OK);
		assert_false(alive);
	}
}

static void another_hash(void **state)
{
	bool alive = false;
	struct chain_head other;
	(void)state;
	revoke_some(1);
	other = chain_head(&chain);
	other.hash[0] ^= 1;
	beat(other);
	assert_int_equal(look(&alive), CH_E_MISMATCH);
}

static void truncate_last(long by)
{
	char name[128];
	(void)snprintf(name, sizeof(name), "%s/00000000000000000000.chain", folder);
	int fd = open(name, O_RDWR | O_CLOEXEC);
	long size = lseek(fd, 0, SEEK_END);
	assert_int_equal(ftruncate(fd, size - by), 0);
	(void)close(fd);
}

/* Cut behind the follower, with or without something else in its place. */
static void cut_and_forked(void **state)
{
	bool alive = false;
	(void)state;
	revoke_some(3);
	beat(chain_head(&chain));
	assert_int_equal(look(&alive), CH_OK);
	assert_int_equal(seen, 3);
	chain_close(&chain);
	truncate_last(10);
	writer_begin(); /* takes the torn end for a crash */
	assert_int_equal(chain_head(&chain).seq, 2);
	beat(chain_head(&chain));
	assert_int_equal(look(&alive), CH_E_MISMATCH);
}

static void damaged(void **state)
{
	bool alive = false;
	char name[128];
	(void)state;
	revoke_some(3);
	(void)snprintf(name, sizeof(name), "%s/00000000000000000000.chain", folder);
	int fd = open(name, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, 144 + 40), 1);
	(void)close(fd);
	assert_int_equal(look(&alive), CH_E_MISMATCH);
	assert_int_equal(seen, 0);
}

/* Another chain in its place: by its pulse, even before a record of it is met. */
static void replaced(void **state)
{
	bool alive = false;
	char name[128];
	(void)state;
	revoke_some(2);
	beat(chain_head(&chain));
	assert_int_equal(look(&alive), CH_OK);
	chain_close(&chain);
	(void)snprintf(name, sizeof(name), "%s/00000000000000000000.chain", folder);
	assert_int_equal(unlink(name), 0);
	writer_begin();
	beat(chain_head(&chain));
	assert_int_equal(look(&alive), CH_E_MISMATCH);
}

static void none_yet(void **state)
{
	bool alive = true;
	static struct follow f;
	(void)state;
	assert_int_equal(
		ch_code_of(follow_look(&f, AT_FDCWD, "/tmp/no-such-folder", count, NULL, &alive)),
		CH_E_NOT_FOUND);
	assert_false(alive);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = { T(records_and_pulse), T(less_than_the_pulse_says),
					    T(another_hash),      T(cut_and_forked),
					    T(damaged),           T(replaced),
					    T(none_yet) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
