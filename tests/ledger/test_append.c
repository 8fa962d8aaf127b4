/* What signers and readers of heads get from a ledger that runs. */
#include "kit.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

/* --- another user of the host, who may open the socket --- */

enum { NOBODY = 65534, FLOOD = 160, QUESTIONS = 64 };

/* How many of the connections are let be. */
static uint8_t flood(const struct kit *k, int (*fds)[FLOOD])
{
	uint8_t taken = 0;
	for (size_t i = 0; i < FLOOD; i++)
		(*fds)[i] = kit_connect(k);
	for (size_t i = 0; i < FLOOD; i++) {
		struct pollfd p = { .fd = (*fds)[i], .events = 0 };
		/* the ledger turns to them in order: the last one tells of all before */
		(void)poll(&p, 1, i + 1 == FLOOD ? 60000 : 0);
	}
	for (size_t i = 0; i < FLOOD; i++) {
		struct pollfd p = { .fd = (*fds)[i], .events = 0 };
		taken = (uint8_t)(taken + (poll(&p, 1, 0) == 0));
	}
	for (size_t i = 0; i < FLOOD * QUESTIONS; i++) {
		uint8_t room[LEDGER_LOG_ASK_SIZE];
		struct wr w = wr_of(room, sizeof(room));
		log_ask_write(&w, &(struct log_ask){ .req = (uint32_t)i + 1, .is_fresh = true });
		(void)channel_send((*fds)[i % FLOOD], wr_bytes(&w), NULL);
	}
	return taken;
}

static void as_nobody(const struct kit *k, int told)
{
	static int fds[FLOOD];
	uint8_t taken = 0;
	(void)signal(SIGPIPE, SIG_IGN);
	if (setuid(NOBODY) == 0)
		taken = flood(k, &fds);
	if (write(told, &taken, 1) == 1)
		(void)pause(); /* until it is killed */
	_exit(1);
}

/* It may ask, and asks all it can; whoever else comes has a place and an answer. */
static void nobody_takes_all_places(void **state)
{
	struct kit *k = *state;
	int told[2];
	uint8_t taken = 0;
	if (geteuid() != 0)
		skip();
	kit_must_start(k);
	int before = kit_connect(k);
	assert_int_equal(kit_ask(k, before, true).size, 0);
	assert_int_equal(chmod(k->folder, 0711), 0);
	assert_int_equal(chmod(k->socket, 0666), 0);
	assert_int_equal(pipe(told), 0);
	pid_t pid = fork();
	if (pid == 0)
		as_nobody(k, told[1]);
	assert_int_equal(read(told[0], &taken, 1), 1);
	assert_int_equal(taken, PEERS_OF_USER);
	int after = kit_connect(k), signer = kit_attach(k, "main");
	for (uint64_t i = 0; i < 20; i++) {
		assert_int_equal(kit_append(signer, i + 1, i, 1), i);
		assert_int_equal(kit_ask(k, i % 2 ? before : after, true).size, i + 1);
	}
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(kit_stop(k), 0);
	const int all[] = { before, after, signer, told[0], told[1] };
	for (size_t i = 0; i < COUNT_OF(all); i++)
		(void)close(all[i]);
}

/* Each is answered in its turn, however many one asks at once. */
static void all_questions_are_answered(void **state)
{
	static uint8_t room[LEDGER_LOG_HEAD_MAX];
	struct kit *k = *state;
	kit_must_start(k);
	int reader = kit_connect(k);
	for (uint32_t i = 1; i <= QUESTIONS; i++) {
		struct wr w = wr_of(room, sizeof(room));
		log_ask_write(&w, &(struct log_ask){ .req = i, .is_fresh = true });
		assert_false(failed(channel_send(reader, wr_bytes(&w), NULL)));
	}
	for (uint32_t i = 1; i <= QUESTIONS; i++) {
		struct log_answer a = { 0 };
		bytes message = { 0 };
		while (failed(channel_wait(reader, POLLIN, 1)))
			kit_sign(k, 5, 1);
		assert_false(failed(channel_recv(reader, room, sizeof(room), &message, NULL)));
		assert_false(failed(log_answer_read(message, &a)));
		assert_int_equal(a.req, i);
		assert_int_equal(a.code, CH_OK);
	}
	(void)close(reader);
	assert_int_equal(kit_stop(k), 0);
}

int main(int argc, char **argv)
{
	program = argc > 1 ? argv[1] : NULL;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_by_one, open_kit, close_kit),
		cmocka_unit_test_setup_teardown(nobody_takes_all_places, open_kit, close_kit),
		cmocka_unit_test_setup_teardown(all_questions_are_answered, open_kit, close_kit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
