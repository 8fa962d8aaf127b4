/* Sightings: which verdict goes where, what is in it, and what happens when nothing can be
 * written. pwrite and fdatasync are wrapped and fail where a test says. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "chain/cursor.h"
#include "crypto/hash.h"
#include "sightings.h"
#include "wire/sighting.h"

static const uint64_t second = 1000000000;
static const str token = { "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl", 48 };

static bool disk_full, sync_fails;
static unsigned syncs;
static char folder[64];
static uint8_t room[CHAIN_ROOM_MAX];
static struct sightings *s;
static struct address client;
static str location;
static struct sighting_repeats last_repeats; /* that read_back saw … */
static size_t n_repeats;                     /* … and how many such records */

ssize_t __real_pwrite64(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at)
{
	errno = ENOSPC;
	return disk_full ? -1 : __real_pwrite64(fd, p, n, at);
}

int __wrap_fdatasync(int fd)
{
	syncs++;
	errno = EIO;
	return sync_fails ? -1 : __real_fdatasync(fd);
}

static int begin(void **state)
{
	(void)state;
	disk_full = sync_fails = false;
	log_min_level((enum log_level)(LOG_ALARM + 1)); /* the tests provoke alarms */
	(void)snprintf(folder, sizeof(folder), "/tmp/sightings-XXXXXX");
	(void)address_of(LIT("192.0.2.7"), &client);
	location = LIT("imap");
	return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	return failed(dir_remove(AT_FDCWD, folder)) ? -1 : 0;
}

static enum ch_code open_with(struct sightings_limits limits)
{
	uint64_t cut = 0;
	return ch_code_of(sightings_open(folder, &limits, &s, &cut));
}

static bool note_one(enum token_code code, uint32_t number, int64_t now_ms)
{
	char text[64];
	struct token_verdict v = { .code = code,
				   .issuer = LIT("https://login.example/home"),
				   .realm = LIT("home"),
				   .kid = LIT("k1") };
	v.identity[5] = 55;
	mem_copy(v.identity + 8, &number, sizeof(number));
	(void)snprintf(text, sizeof(text), "%u%s", number, token.p);
	return sightings_note(s, &v, number > 0 ? str_from_c(text) : token, &client, location,
			      now_ms);
}

static bool note_code(enum token_code code)
{
	return note_one(code, 0, clock_unix_ms());
}

/* Of a token that no other note was of. */
static bool note_new(enum token_code code)
{
	static uint32_t number;
	return note_one(code, ++number, clock_unix_ms());
}

/* The verdicts that the records of a chain tell of; the last into *ret_last. */
static size_t read_back(enum sighting_chain which, struct sighting *ret_last, uint64_t *ret_lost)
{
	struct chain_cursor k;
	struct chain_record r;
	struct path path;
	bool got = true;
	size_t n = 0;
	n_repeats = 0;
	assert_false(failed(path_join(&path, str_from_c(folder), str_from_c(sighting_folder[which]),
				      (str){ 0 })));
	assert_false(
		failed(cursor_open(&k,
				   &(struct chain_ref){ AT_FDCWD, path.p, sighting_purpose[which],
							room, sizeof(room) },
				   CHAIN_OLDEST)));
	for (;;) {
		assert_false(failed(cursor_next(&k, &r, &got)));
		if (!got)
			break;
		if (r.type == SIGHTING_VERDICT) {
			assert_false(failed(sighting_read(r.payload, ret_last)));
			n++;
		} else if (r.type == SIGHTING_REPEATS) {
			assert_false(
				failed(sighting_repeats_read(r.payload, &last_repeats, ret_last)));
			n += last_repeats.more;
			n_repeats++;
		} else {
			struct rd rd = rd_of(r.payload);
			assert_int_equal(r.type, SIGHTING_LOST);
			*ret_lost += rd_u64(&rd);
		}
	}
	cursor_close(&k);
	return n;
}

static void test_where_and_what(void **state)
{
	struct sighting one;
	uint64_t lost = 0;
	uint8_t identity[32] = { 0 };
	(void)state;
	assert_int_equal(open_with((struct sightings_limits){ 0 }), CH_OK);
	assert_true(note_code(TOKEN_bad_signature));
	assert_true(note_code(TOKEN_malformed));
	assert_true(note_code(TOKEN_expired));
	assert_true(note_code(TOKEN_bad_mailbox));
	assert_true(note_code(TOKEN_accepted));
	sightings_flush(s, clock_unix_ms(), second);
	assert_int_equal(sightings_counts(s).noted, 5);
	assert_int_equal(sightings_counts(s).written, 5);
	assert_int_equal(read_back(SIGHTINGS_SIGNED, &one, &lost), 3);
	assert_int_equal(one.code, TOKEN_accepted);
	assert_int_equal(one.identity[5], 55); /* as the verdict has it */
	assert_true(str_eq(one.kid, LIT("k1")) && str_eq(one.realm, LIT("home")) &&
		    str_eq(one.issuer, LIT("https://login.example/home")) &&
		    str_eq(one.location, LIT("imap")));
	assert_int_equal(one.client.family, 4);
	assert_int_equal(one.client.ip[3], 7);
	assert_int_equal(read_back(SIGHTINGS_UNSIGNED, &one, &lost), 2);
	assert_int_equal(one.code, TOKEN_malformed);
	sha256((bytes){ (const uint8_t *)token.p, 36 }, identity); /* up to the last dot */
	assert_memory_equal(one.identity, identity, sizeof(identity));
	assert_int_equal(lost, 0);
	sightings_close(s);
}

static void test_identity(void **state)
{
	uint8_t a[32], b[32];
	(void)state;
	sighting_identity(LIT("head.body.sig"), a);
	sighting_identity(LIT("head.body.other"), b);
	assert_memory_equal(a, b, sizeof(a));
	sha256(bytes_of_str(LIT("head.body")), b);
	assert_memory_equal(a, b, sizeof(a));
	sighting_identity(LIT("nodots"), a);
	sha256(bytes_of_str(LIT("nodots")), b);
	assert_memory_equal(a, b, sizeof(a));
	sighting_identity((str){ 0 }, a);
	sha256((bytes){ 0 }, b);
	assert_memory_equal(a, b, sizeof(a));
}

/* Each code is on one side, and the ones before the signature check are on that side. */
static void test_sides(void **state)
{
	static const enum token_code before[] = {
		TOKEN_malformed,   TOKEN_too_large,     TOKEN_bad_header,  TOKEN_bad_alg,
		TOKEN_bad_typ,     TOKEN_bad_issuer,    TOKEN_unknown_key, TOKEN_key_not_valid,
		TOKEN_foreign_key, TOKEN_bad_signature,
	};
	size_t n = 0;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(before); i++)
		assert_false(sighting_signed(before[i]));
	for (unsigned c = 0; c < TOKEN_CODE_COUNT; c++)
		n += !sighting_signed((enum token_code)c);
	/* a new code must be put on one side here and in sightings.c */
	assert_int_equal(n, COUNT_OF(before));
}

static void test_closed_when_full(void **state)
{
	struct sighting one;
	uint64_t lost = 0, now = second;
	(void)state;
	assert_int_equal(open_with((struct sightings_limits){ 0 }), CH_OK);
	disk_full = true;
	assert_true(note_code(TOKEN_accepted));
	sightings_flush(s, clock_unix_ms(), now);
	assert_false(sightings_ok(s));
	assert_int_equal(sightings_error(s).detail, ENOSPC);
	assert_int_equal(sightings_counts(s).failed_writes, 1);
	disk_full = false;
	sightings_flush(s, clock_unix_ms(), now + 1); /* too soon to try again */
	assert_false(sightings_ok(s));
	sightings_flush(s, clock_unix_ms(), now + second);
	assert_true(sightings_ok(s));
	assert_int_equal(read_back(SIGHTINGS_SIGNED, &one, &lost),
			 1); /* what was answered is there */
	assert_int_equal(sightings_counts(s).lost, 0);
	sightings_close(s);
}

/* However many are noted, memory is bounded: then there is no more room, and no answer. */
static void test_no_room(void **state)
{
	struct sighting one;
	uint64_t lost = 0;
	size_t n = 0;
	(void)state;
	assert_int_equal(open_with((struct sightings_limits){ 0 }), CH_OK);
	disk_full = true;
	while (note_new(TOKEN_accepted))
		n++;
	assert_in_range(n, 1500, 4096);
	disk_full = false;
	assert_true(note_new(TOKEN_accepted)); /* written early, on demand */
	sightings_close(s);
	assert_int_equal(read_back(SIGHTINGS_SIGNED, &one, &lost), n + 1);
}

static void test_open_when_full(void **state)
{
	struct sighting one;
	uint64_t lost = 0;
	(void)state;
	assert_int_equal(open_with((struct sightings_limits){ .fail_open = true }), CH_OK);
	disk_full = true;
	for (size_t i = 0; i < 5000; i++) {
		assert_true(note_new(TOKEN_accepted));
		sightings_flush(s, clock_unix_ms(), second + i * second);
		assert_true(sightings_ok(s));
	}
	assert_true(sightings_counts(s).lost > 500);
	disk_full = false;
	sightings_flush(s, clock_unix_ms(), 10000 * second);
	size_t n = read_back(SIGHTINGS_SIGNED, &one, &lost);
	assert_int_equal(n + lost, 5000); /* and a record says how many are missing */
	assert_int_equal(lost, sightings_counts(s).lost);
	sightings_close(s);
}

static void test_sync_is_paced(void **state)
{
	(void)state;
	assert_int_equal(open_with((struct sightings_limits){ .sync_ms = 500 }), CH_OK);
	syncs = 0;
	for (unsigned i = 0; i < 100; i++) {
		assert_true(note_new(TOKEN_accepted));
		sightings_flush(s, clock_unix_ms(), second + i * second / 100);
	}
	assert_int_equal(syncs, 1);
	for (unsigned i = 0; i < 100; i++)
		sightings_flush(s, clock_unix_ms(), 2 * second + i * second / 100);
	assert_int_equal(syncs, 2); /* what was written last is synced without another write */
	sightings_close(s);
}

static void test_sync_fails(void **state)
{
	struct sighting one;
	uint64_t lost = 0;
	(void)state;
	assert_int_equal(open_with((struct sightings_limits){ .sync_ms = 1 }), CH_OK);
	assert_true(note_new(TOKEN_accepted));
	sync_fails = true;
	sightings_flush(s, clock_unix_ms(), second);
	sightings_flush(s, clock_unix_ms(), 2 * second);
	assert_false(sightings_ok(s));
	sightings_flush(s, clock_unix_ms(), 3 * second);
	assert_false(sightings_ok(s));
	sync_fails = false;
	sightings_flush(s, clock_unix_ms(), 4 * second); /* opened anew */
	assert_true(sightings_ok(s));
	assert_true(note_new(TOKEN_accepted));
	sightings_close(s);
	assert_int_equal(read_back(SIGHTINGS_SIGNED, &one, &lost), 2);
}

static struct chain other_chain;
static uint8_t other_room[CHAIN_ROOM_MIN];

/* Another gate holds one of the two chains. */
static void hold(void)
{
	struct chain_opened o;
	struct path path;
	const struct chain_config config = { .ref = { AT_FDCWD, path.p,
						      sighting_purpose[SIGHTINGS_SIGNED],
						      other_room, sizeof(other_room) } };
	assert_false(failed(path_join(&path, str_from_c(folder), LIT("signed"), (str){ 0 })));
	assert_false(failed(chain_open(&other_chain, &config, clock_unix_ms(), &o)));
}

static void test_two_gates(void **state)
{
	(void)state;
	hold();
	assert_int_equal(open_with((struct sightings_limits){ 0 }), CH_E_BUSY);
	chain_close(&other_chain);
	assert_int_equal(open_with((struct sightings_limits){ 0 }), CH_OK);
	sightings_close(s);
}

/* One generation takes over from another, which is still at it. */
static void test_take_over(void **state)
{
	struct sighting one;
	uint64_t lost = 0, now = clock_mono_ns();
	(void)state;
	hold();
	assert_int_equal(open_with((struct sightings_limits){ .wait_ms = 60000 }), CH_OK);
	for (unsigned i = 0; i < 50; i++) {
		assert_true(note_new(TOKEN_accepted));
		assert_true(note_new(TOKEN_malformed));
	}
	sightings_flush(s, clock_unix_ms(), now + second);
	assert_true(sightings_ok(s));
	chain_close(&other_chain);
	sightings_flush(s, clock_unix_ms(), now + 2 * second);
	assert_true(sightings_ok(s));
	assert_true(note_new(TOKEN_accepted));
	sightings_close(s);
	assert_int_equal(read_back(SIGHTINGS_SIGNED, &one, &lost), 51);
	assert_int_equal(read_back(SIGHTINGS_UNSIGNED, &one, &lost), 50);
}

static void test_take_over_never(void **state)
{
	uint64_t now = clock_mono_ns();
	(void)state;
	hold();
	assert_int_equal(open_with((struct sightings_limits){ .wait_ms = 1000 }), CH_OK);
	sightings_flush(s, clock_unix_ms(), now + 100 * second); /* nothing to write: no hurry */
	assert_true(sightings_ok(s));
	assert_true(note_code(TOKEN_accepted));
	sightings_flush(s, clock_unix_ms(), now + 100 * second + 500000000);
	assert_true(sightings_ok(s));
	sightings_flush(s, clock_unix_ms(), now + 120 * second);
	assert_false(sightings_ok(s));
	sightings_close(s);
	chain_close(&other_chain);
}

/* Junk cannot push out what was signed: the two are bounded apart. */
static void test_bounds_apart(void **state)
{
	struct sighting one;
	uint64_t lost = 0;
	const struct sightings_limits limits = { .total_bytes = 256 * 1024 };
	(void)state;
	assert_int_equal(open_with(limits), CH_OK);
	assert_true(note_new(TOKEN_accepted));
	for (unsigned i = 0; i < 20000; i++) {
		assert_true(note_new(TOKEN_malformed));
		if (i % 10 == 0)
			sightings_flush(s, clock_unix_ms(), second);
	}
	sightings_flush(s, clock_unix_ms(), second);
	assert_true(sightings_counts(s).bytes <= limits.total_bytes);
	sightings_close(s);
	assert_int_equal(read_back(SIGHTINGS_SIGNED, &one, &lost), 1);
	assert_in_range(read_back(SIGHTINGS_UNSIGNED, &one, &lost), 300, 1000);
}

/* The first at once, what follows in one record when its window is over. */
static void test_repeats(void **state)
{
	const int64_t begin_ms = clock_unix_ms();
	struct sighting one;
	uint64_t lost = 0;
	(void)state;
	assert_int_equal(open_with((struct sightings_limits){ 0 }), CH_OK);
	for (int i = 0; i < 1000; i++) {
		assert_true(note_one(TOKEN_expired, 0, begin_ms + i * 9));
		sightings_flush(s, begin_ms + i * 9, second);
	}
	assert_int_equal(sightings_counts(s).noted, 1000);
	assert_int_equal(sightings_counts(s).written, 1);
	assert_int_equal(read_back(SIGHTINGS_SIGNED, &one, &lost), 1);
	sightings_flush(s, begin_ms + 11000, second);
	assert_int_equal(sightings_counts(s).written, 1000);
	assert_int_equal(read_back(SIGHTINGS_SIGNED, &one, &lost), 1000);
	assert_int_equal(n_repeats, 1);
	assert_int_equal(last_repeats.more, 999);
	assert_int_equal(last_repeats.first_ms, begin_ms + 9);
	assert_int_equal(last_repeats.last_ms, begin_ms + 999 * 9);
	assert_true(one.code == TOKEN_expired && str_eq(one.location, LIT("imap")) &&
		    str_eq(one.kid, LIT("k1")) && one.client.ip[3] == 7);
	/* the next is a first again, and a clock that is set back ends the window */
	for (int i = 0; i < 3; i++)
		assert_true(note_one(TOKEN_expired, 0, begin_ms + 12000));
	sightings_flush(s, begin_ms - 3600000, second);
	assert_int_equal(sightings_counts(s).written, 1003);
	sightings_close(s);
	assert_int_equal(read_back(SIGHTINGS_SIGNED, &one, &lost), 1003);
	assert_int_equal(n_repeats, 2);
	assert_int_equal(last_repeats.more, 2);
	assert_int_equal(lost, 0);
}

/* Another code, token, client or place is another sighting; an IPv6 network is one client. */
static void test_what_is_no_repeat(void **state)
{
	static const struct {
		enum token_code code;
		uint32_t number;
		const char *client, *location;
	} rows[] = {
		{ TOKEN_expired, 1, "192.0.2.7", "imap" },
		{ TOKEN_bad_scope, 1, "192.0.2.7", "imap" },
		{ TOKEN_expired, 2, "192.0.2.7", "imap" },
		{ TOKEN_expired, 1, "192.0.2.8", "imap" },
		{ TOKEN_expired, 1, "192.0.2.7", "ima" },
		{ TOKEN_expired, 1, "2001:db8::1", "imap" },
		{ TOKEN_expired, 1, "2001:db8:0:1::1", "imap" },
	};
	struct sighting one;
	uint64_t lost = 0;
	(void)state;
	assert_int_equal(open_with((struct sightings_limits){ 0 }), CH_OK);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_true(address_of(str_from_c(rows[i].client), &client));
		location = str_from_c(rows[i].location);
		assert_true(note_one(rows[i].code, rows[i].number, clock_unix_ms()));
	}
	assert_int_equal(sightings_counts(s).noted, COUNT_OF(rows));
	sightings_flush(s, clock_unix_ms(), second);
	assert_int_equal(sightings_counts(s).written, COUNT_OF(rows));
	assert_true(address_of(LIT("2001:db8:0:1::2"), &client));
	assert_true(note_one(TOKEN_expired, 1, clock_unix_ms()));
	sightings_close(s);
	assert_int_equal(read_back(SIGHTINGS_SIGNED, &one, &lost), COUNT_OF(rows) + 1);
	assert_int_equal(n_repeats, 1);
	assert_true(address_of(LIT("2001:db8:0:1::"), &client));
	assert_memory_equal(one.client.ip, client.ip, sizeof(client.ip));
}

/* More kinds than the table holds: counts that make way are recorded, every one is there,
 * and no more records are made than there were verdicts. */
static void test_repeats_make_way(void **state)
{
	enum { KINDS = 3000 };
	struct sighting one;
	uint64_t lost = 0;
	size_t most = 0;
	(void)state;
	assert_int_equal(open_with((struct sightings_limits){ 0 }), CH_OK);
	for (uint32_t i = 1; i <= KINDS; i++)
		for (uint32_t k = 0; k < 1 + i % 4; k++, most++)
			assert_true(note_one(TOKEN_accepted, i, clock_unix_ms()));
	sightings_flush(s, clock_unix_ms(), second);
	assert_true(sightings_counts(s).written < most);
	sightings_close(s);
	assert_int_equal(read_back(SIGHTINGS_SIGNED, &one, &lost), most);
	assert_in_range(n_repeats, KINDS / 2, KINDS);
	assert_int_equal(lost, 0);
}

/* What is counted while nothing can be written is there later. */
static void test_repeats_when_full(void **state)
{
	const int64_t begin_ms = clock_unix_ms();
	struct sighting one;
	uint64_t lost = 0;
	(void)state;
	assert_int_equal(open_with((struct sightings_limits){ 0 }), CH_OK);
	assert_true(note_one(TOKEN_accepted, 0, begin_ms));
	sightings_flush(s, begin_ms, second);
	disk_full = true;
	for (int i = 0; i < 100; i++)
		assert_true(note_one(TOKEN_accepted, 0, begin_ms + 1));
	sightings_flush(s, begin_ms + 2, second);
	assert_true(sightings_ok(s)); /* nothing was to be written yet */
	sightings_flush(s, begin_ms + 20000, 2 * second);
	assert_false(sightings_ok(s));
	disk_full = false;
	sightings_flush(s, begin_ms + 30000, 3 * second);
	assert_true(sightings_ok(s));
	assert_int_equal(read_back(SIGHTINGS_SIGNED, &one, &lost), 101);
	assert_int_equal(lost, 0);
	sightings_close(s);
}

/* Given up with fail_open, a record of repeats counts as what it tells of. */
static void test_repeats_lost(void **state)
{
	struct sighting one;
	uint64_t lost = 0, now = second;
	size_t noted = 0;
	(void)state;
	assert_int_equal(open_with((struct sightings_limits){ .fail_open = true }), CH_OK);
	disk_full = true;
	for (uint32_t i = 1; i <= 5000; i++) {
		for (uint32_t k = 0; k < 4; k++, noted++)
			assert_true(note_one(TOKEN_accepted, i, clock_unix_ms()));
		sightings_flush(s, clock_unix_ms(), now += second);
	}
	disk_full = false;
	sightings_flush(s, clock_unix_ms(), now += second);
	assert_true(sightings_counts(s).lost > 1000);
	sightings_close(s);
	assert_int_equal(read_back(SIGHTINGS_SIGNED, &one, &lost) + lost, noted);
	assert_int_equal(lost, sightings_counts(s).lost);
}

/* Counts of one generation while another holds the folder. */
static void test_repeats_take_over(void **state)
{
	struct sighting one;
	uint64_t lost = 0, now = clock_mono_ns();
	(void)state;
	hold();
	assert_int_equal(open_with((struct sightings_limits){ .wait_ms = 60000 }), CH_OK);
	for (uint32_t i = 0; i < 900; i++)
		for (unsigned k = 0; k < 3; k++)
			assert_true(note_one(TOKEN_accepted, i, clock_unix_ms()));
	sightings_flush(s, clock_unix_ms(), now + second);
	chain_close(&other_chain);
	sightings_flush(s, clock_unix_ms(), now + 2 * second);
	assert_true(sightings_ok(s));
	sightings_close(s);
	assert_int_equal(read_back(SIGHTINGS_SIGNED, &one, &lost), 2700);
}

/* One token, again and again, leaves the evidence of before where it is. */
static void test_a_flood_pushes_nothing_out(void **state)
{
	const struct sightings_limits limits = { .total_bytes = 256 * 1024 };
	const int64_t begin_ms = clock_unix_ms();
	struct sighting one;
	uint64_t lost = 0;
	(void)state;
	assert_int_equal(open_with(limits), CH_OK);
	for (unsigned i = 0; i < 50; i++)
		assert_true(note_new(TOKEN_accepted));
	for (int i = 0; i < 200000; i++) {
		assert_true(note_one(TOKEN_expired, 0, begin_ms + i));
		if (i % 10 == 0)
			sightings_flush(s, begin_ms + i, second);
	}
	sightings_close(s);
	assert_int_equal(read_back(SIGHTINGS_SIGNED, &one, &lost), 200050);
	assert_in_range(n_repeats, 15, 21);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_where_and_what, begin, end),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_sides),
		cmocka_unit_test_setup_teardown(test_closed_when_full, begin, end),
		cmocka_unit_test_setup_teardown(test_no_room, begin, end),
		cmocka_unit_test_setup_teardown(test_open_when_full, begin, end),
		cmocka_unit_test_setup_teardown(test_sync_is_paced, begin, end),
		cmocka_unit_test_setup_teardown(test_sync_fails, begin, end),
		cmocka_unit_test_setup_teardown(test_two_gates, begin, end),
		cmocka_unit_test_setup_teardown(test_take_over, begin, end),
		cmocka_unit_test_setup_teardown(test_take_over_never, begin, end),
		cmocka_unit_test_setup_teardown(test_bounds_apart, begin, end),
		cmocka_unit_test_setup_teardown(test_repeats, begin, end),
		cmocka_unit_test_setup_teardown(test_what_is_no_repeat, begin, end),
		cmocka_unit_test_setup_teardown(test_repeats_make_way, begin, end),
		cmocka_unit_test_setup_teardown(test_repeats_when_full, begin, end),
		cmocka_unit_test_setup_teardown(test_repeats_lost, begin, end),
		cmocka_unit_test_setup_teardown(test_repeats_take_over, begin, end),
		cmocka_unit_test_setup_teardown(test_a_flood_pushes_nothing_out, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
