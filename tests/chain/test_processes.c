/* Two processes and one chain: a writer that is killed again and again, a reader that
 * follows across segments, a reader that retention overtakes. */
#include "kit.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KILLS = 25, FOLLOWED = 3000 };

static void small_open(struct chain *c, uint64_t total)
{
	struct chain_opened o;
	struct chain_config config = kit_config();
	config.limits.segment_bytes = SEGMENT_SMALL;
	config.limits.total_bytes = total;
	if (failed(chain_open(c, &config, NOW_MS, &o)))
		_exit(1);
}

/* Tells how far it is, forever. */
static void write_until_killed(int to)
{
	struct chain c;
	small_open(&c, 0);
	for (unsigned i = 0;; i++) {
		for (unsigned k = 0; k < 1 + i % 5; k++)
			if (failed(chain_add(&c, 1, NOW_MS, bytes_of_str(LIT("x")))))
				_exit(1);
		if (failed(chain_write(&c, NOW_MS, i % 8 ? CHAIN_LATER : CHAIN_NOW)) ||
		    write(to, &c.next_seq, sizeof(c.next_seq)) != sizeof(c.next_seq))
			_exit(1);
	}
}

static void test_kill(void **state)
{
	(void)state;
	uint64_t told = 0;
	for (unsigned i = 0; i < KILLS; i++) {
		int ends[2], status = 0;
		uint64_t before = told;
		struct chain_report report;
		assert_int_equal(pipe(ends), 0);
		pid_t pid = fork();
		if (pid == 0)
			write_until_killed(ends[1]);
		(void)close(ends[1]);
		/* killed after some batches, wherever it is then */
		for (unsigned k = 0; k < 5 + i * 3; k++)
			assert_int_equal(read(ends[0], &told, sizeof(told)), sizeof(told));
		(void)kill(pid, SIGKILL);
		while (read(ends[0], &told, sizeof(told)) == sizeof(told))
			;
		(void)close(ends[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(kit_verify(&report), CH_OK);
		assert_true(told > before && report.next_seq >= told);
	}
}

static void write_some(size_t n)
{
	struct chain c;
	char text[32];
	small_open(&c, 0);
	for (size_t i = 0; i < n; i++) {
		int len = snprintf(text, sizeof(text), "%zu", i);
		if (failed(chain_add(&c, 1, NOW_MS, (bytes){ (uint8_t *)text, (size_t)len })) ||
		    failed(chain_write(&c, NOW_MS, CHAIN_LATER)))
			_exit(1);
		if (i % 50 == 0)
			(void)usleep(1000); /* lets the reader catch up now and then */
	}
	_exit(0);
}

static void wait_for_chain(struct chain_cursor *k)
{
	for (;;) {
		ch_err e = cursor_open(k, &kit_ref, CHAIN_OLDEST);
		if (!failed(e))
			return;
		assert_int_equal(ch_code_of(e), CH_E_NOT_FOUND);
		(void)usleep(1000);
	}
}

static void test_follow(void **state)
{
	struct chain_cursor k;
	struct chain_record r;
	char text[32];
	int status = 0;
	bool got = false;
	(void)state;
	pid_t pid = fork();
	if (pid == 0)
		write_some(FOLLOWED);
	wait_for_chain(&k);
	for (uint64_t seq = 0; seq < FOLLOWED;) {
		assert_int_equal(ch_code_of(cursor_next(&k, &r, &got)), CH_OK);
		if (!got)
			continue;
		int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)seq);
		assert_int_equal(r.seq, seq);
		assert_true(bytes_eq(r.payload, (bytes){ (uint8_t *)text, (size_t)n }));
		seq++;
	}
	assert_true(k.walk.segment > 0);
	cursor_close(&k);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* From a number in the middle, and from one that is still to come. */
static void test_from(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_cursor k;
	struct chain_record r;
	bool got = false;
	(void)state;
	kit_open(&c, &o);
	kit_batch(&c, 10, CHAIN_LATER);
	assert_false(failed(chain_rotate(&c, NOW_MS)));
	kit_batch(&c, 10, CHAIN_LATER);
	for (uint64_t from = 0; from < 20; from++) {
		assert_false(failed(cursor_open(&k, &kit_ref, from)));
		assert_false(failed(cursor_next(&k, &r, &got)));
		assert_true(got);
		assert_int_equal(r.seq, from);
		cursor_close(&k);
	}
	assert_false(failed(cursor_open(&k, &kit_ref, 20)));
	assert_false(failed(cursor_next(&k, &r, &got)));
	assert_false(got);
	kit_batch(&c, 1, CHAIN_LATER);
	assert_false(failed(cursor_next(&k, &r, &got)));
	assert_true(got);
	assert_int_equal(r.seq, 20);
	cursor_close(&k);
	/* one that the chain has not reached: it must have been cut since */
	assert_false(failed(cursor_open(&k, &kit_ref, 22)));
	assert_int_equal(ch_code_of(cursor_next(&k, &r, &got)), CH_E_MISMATCH);
	cursor_close(&k);
	chain_close(&c);
}

/* A writer came back after a crash and wrote other records than those that were read. */
static void test_cut_behind_the_reader(void **state)
{
	static uint8_t text[8192];
	struct chain c;
	struct chain_opened o;
	struct chain_cursor k;
	struct chain_record r;
	bool got = true;
	(void)state;
	kit_open(&c, &o);
	kit_batches(&c, 3, CHAIN_LATER);
	uint64_t end = c.end;
	kit_batches(&c, 2, CHAIN_LATER);
	chain_close(&c);
	assert_false(failed(cursor_open(&k, &kit_ref, 0)));
	while (got)
		assert_false(failed(cursor_next(&k, &r, &got)));
	(void)kit_load(0, text, sizeof(text));
	kit_store(0, text, end);
	assert_int_equal(ch_code_of(cursor_next(&k, &r, &got)), CH_E_MISMATCH);
	kit_open(&c, &o);
	for (int i = 0; i < 4; i++) {
		assert_false(failed(chain_add(&c, 1, 0, bytes_of_str(LIT("otherwise")))));
		assert_false(failed(chain_write(&c, NOW_MS, CHAIN_LATER)));
	}
	chain_close(&c);
	assert_int_equal(ch_code_of(cursor_next(&k, &r, &got)), CH_E_MISMATCH);
	cursor_close(&k);
}

static void test_overtaken(void **state)
{
	struct chain c;
	struct chain_cursor k;
	struct chain_record r;
	bool got = false;
	(void)state;
	small_open(&c, 2 * SEGMENT_SMALL);
	kit_batches(&c, 3, CHAIN_LATER);
	assert_false(failed(cursor_open(&k, &kit_ref, 0)));
	assert_false(failed(cursor_next(&k, &r, &got)));
	kit_batches(&c, 500, CHAIN_LATER);
	ch_err e = CH_DONE;
	size_t n = 1;
	while (!failed(e = cursor_next(&k, &r, &got)) && got)
		n++;
	/* the file that it had open is read to its end, though it is gone */
	assert_int_equal(ch_code_of(e), CH_E_NOT_FOUND);
	assert_true(n > 3 && e.detail > n);
	cursor_close(&k);
	assert_false(failed(cursor_open(&k, &kit_ref, e.detail)));
	assert_false(failed(cursor_next(&k, &r, &got)));
	assert_int_equal(r.seq, e.detail);
	cursor_close(&k);
	chain_close(&c);
}

int main(int argc, char **argv)
{
	kit_ahead = argc > 1 && str_eq(str_from_c(argv[1]), LIT("room")) ? 2048 : 0;
	const struct CMUnitTest tests[] = {
		kit_test(test_kill),      kit_test(test_follow),
		kit_test(test_from),      kit_test(test_cut_behind_the_reader),
		kit_test(test_overtaken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
