/* kill -9 of the program at random moments under load: what signers were told of is in the log, the
 * next ledger goes on from the last head, and all of it is whole; two ledgers are impossible. A
 * full disk: nothing is told to be durable, and it heals by itself. */
#include "kit.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rand.h"

static const char *program;
static uint64_t rounds = 12;

static int open_kit(void **state)
{
	struct kit *k = calloc(1, sizeof(*k));
	kit_open(k, kit_fast_folder());
	k->program = program;
	k->config.segment_bytes = 64 * 1024;
	*state = k;
	return 0;
}

static int close_kit(void **state)
{
	struct kit *k = *state;
	(void)umount2(k->log, MNT_DETACH); /* one that failed may have left it */
	kit_close(k);
	free(*state);
	return 0;
}

/* Appends with two batches under way, as a signer does, and signs heads, until somebody kills it. */
struct load {
	int signer, reader;
	uint64_t seq, sent, told, answered;
	size_t sizes[8];
	bool waits; /* for a head */
};

static void take_answers(struct load *l)
{
	uint8_t room[LEDGER_APPENDED_SIZE + 1];
	struct ledger_appended a;
	bytes message;
	while (!failed(channel_recv(l->signer, room, sizeof(room), &message, NULL))) {
		assert_false(failed(ledger_appended_read(message, &a)));
		assert_int_equal(a.code, CH_OK);
		assert_int_equal(a.seq, l->answered + 1);
		assert_int_equal(a.first_index, l->told);
		l->told += l->sizes[a.seq % 8];
		l->answered++;
	}
}

static void send_more(struct load *l)
{
	static uint8_t room[LEDGER_APPEND_MAX];
	while (l->seq - l->answered < 2) {
		struct wr w = wr_of(room, sizeof(room));
		uint8_t byte = 0;
		rand_fill(&byte, 1);
		size_t n = byte % 32u + 1;
		ledger_append_begin(&w, l->seq + 1);
		for (size_t i = 0; i < n; i++) {
			uint8_t entry[LOG_ENTRY_MAX];
			const struct ledger_item item = { .entry = kit_entry(l->sent + i, entry),
							  .client_id = LIT("mail") };
			assert_true(ledger_append_add(&w, &item));
		}
		if (failed(channel_send(l->signer, wr_bytes(&w), NULL)))
			return;
		l->seq++;
		l->sizes[l->seq % 8] = n;
		l->sent += n;
	}
}

static void run_for(struct kit *k, struct load *l, uint64_t ms)
{
	uint64_t until = clock_mono_ns() + ms * 1000000;
	while (clock_mono_ns() < until) {
		struct pollfd p = { .fd = l->signer, .events = POLLIN };
		take_answers(l);
		send_more(l);
		kit_sign(k, 0, 1);
		(void)poll(&p, 1, 1);
	}
}

static void killed(void **state)
{
	struct kit *k = *state;
	uint64_t had = 0;
	for (uint64_t round = 0; round < rounds; round++) {
		uint16_t random = 0;
		rand_fill(&random, sizeof(random));
		kit_must_start(k);
		struct load l = { .signer = kit_attach(k, "main"), .reader = kit_connect(k) };
		/* what there is now: all that was told of, and maybe what was on its way */
		struct head h = kit_ask(k, l.reader, true);
		assert_true(h.size >= had);
		l.sent = l.told = h.size;
		run_for(k, &l, random % 60);
		(void)kill(k->pid, SIGKILL);
		take_answers(&l);
		kit_reap(k);
		had = l.told;
		(void)close(l.signer);
		(void)close(l.reader);
	}
	kit_must_start(k);
	int reader = kit_connect(k);
	assert_true(kit_ask(k, reader, true).size >= had);
	assert_int_equal(kit_stop(k), 0);
	(void)close(reader);
	kit_check_log(k);
	assert_int_equal(kit_damaged(k), 0);
	print_message("%llu kills, %llu entries\n", (unsigned long long)rounds,
		      (unsigned long long)had);
}

static void only_one(void **state)
{
	struct kit *k = *state;
	kit_must_start(k);
	struct kit other = *k;
	(void)snprintf(other.socket, sizeof(other.socket), "%.100s/t", k->folder);
	assert_int_equal(kit_start(&other), CH_E_BUSY);
	assert_int_equal(ch_code_of(kit_repair(k)), CH_E_BUSY);
	int signer = kit_attach(k, "main");
	assert_int_equal(kit_append(signer, 1, 0, 1), 0);
	assert_int_equal(kit_stop(k), 0);
	(void)close(signer);
}

/* --- what a signer must not do --- */

static void breach(struct kit *k, bytes message)
{
	int signer = kit_attach(k, "main");
	uint8_t room[64];
	bytes answer;
	assert_false(failed(channel_send(signer, message, NULL)));
	assert_false(failed(channel_wait(signer, POLLIN, 60000)));
	assert_int_equal(ch_code_of(channel_recv(signer, room, sizeof(room), &answer, NULL)),
			 CH_E_GONE);
	(void)close(signer);
}

static void breaches(void **state)
{
	struct kit *k = *state;
	static uint8_t room[LEDGER_APPEND_MAX];
	uint8_t entry[LOG_ENTRY_MAX];
	struct ledger_item item = { .entry = kit_entry(1, entry) };
	kit_must_start(k);
	/* a sequence that begins at 2; an entry that is none; a message that is none */
	struct wr w = wr_of(room, sizeof(room));
	ledger_append_begin(&w, 2);
	assert_true(ledger_append_add(&w, &item));
	breach(k, wr_bytes(&w));
	w = wr_of(room, sizeof(room));
	entry[0] = 9;
	ledger_append_begin(&w, 1);
	assert_true(ledger_append_add(&w, &item));
	breach(k, wr_bytes(&w));
	breach(k, (bytes){ (const uint8_t *)"junk", 4 });
	/* nothing of it counts, and others are served */
	int signer = kit_attach(k, "main");
	assert_int_equal(kit_append(signer, 1, 0, 2), 0);
	assert_int_equal(kit_stop(k), 0);
	(void)close(signer);
}

/* --- a full disk --- */

/* A file system of its own, small; needs root. */
static bool make_small(const char *at)
{
	return geteuid() == 0 && mount("tmpfs", at, "tmpfs", 0, "size=1m,mode=755") == 0;
}

static struct ledger_appended try_append(int fd, uint64_t seq, uint64_t from, size_t n)
{
	kit_send(fd, seq, from, n);
	return kit_answer(fd);
}

static size_t fill(const char *path)
{
	static uint8_t junk[64 * 1024];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	size_t n = 0;
	ssize_t r = 0;
	for (size_t step = sizeof(junk); step > 0; step /= 2)
		while ((r = write(fd, junk, step)) > 0)
			n += (size_t)r;
	(void)close(fd);
	return n;
}

static void full(void **state)
{
	struct kit *k = *state;
	char junk[KIT_FOLDER + 16];
	if (!make_small(k->log))
		skip();
	(void)snprintf(junk, sizeof(junk), "%s/junk", k->log);
	kit_must_start(k);
	int signer = kit_attach(k, "main"), reader = kit_connect(k);
	uint64_t seq = 0, at = 0;
	for (; at < 320; at += 32)
		assert_int_equal(kit_append(signer, ++seq, at, 32), at);
	assert_int_equal(kit_ask(k, reader, true).size, at);
	assert_true(fill(junk) > 0);
	/* the page that is there may take a little */
	struct ledger_appended a = { 0 };
	for (size_t i = 0; i < 20 && a.code == CH_OK; i++) {
		a = try_append(signer, ++seq, at, 32);
		at += a.code == CH_OK ? 32 : 0;
	}
	assert_int_equal(a.code, CH_E_NO_ROOM);
	assert_int_equal(try_append(signer, ++seq, at, 32).code, CH_E_NO_ROOM);
	kit_sign(k, 300, 2);
	assert_int_equal(unlink(junk), 0);
	/* at once for entries; heads within the time that they have anyway */
	assert_int_equal(kit_append(signer, ++seq, at, 5), at);
	assert_int_equal(kit_ask(k, reader, true).size, at + 5);
	assert_int_equal(kit_stop(k), 0);
	kit_check_log(k);
	assert_int_equal(kit_damaged(k), 0);
	(void)close(signer);
	(void)close(reader);
	assert_int_equal(umount2(k->log, MNT_DETACH), 0);
}

int main(int argc, char **argv)
{
	program = argc > 1 ? argv[1] : NULL;
	if (argc > 3 && strcmp(argv[2], "--rounds") == 0)
		rounds = (uint64_t)atoi(argv[3]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(killed, open_kit, close_kit),
		cmocka_unit_test_setup_teardown(only_one, open_kit, close_kit),
		cmocka_unit_test_setup_teardown(breaches, open_kit, close_kit),
		cmocka_unit_test_setup_teardown(full, open_kit, close_kit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
