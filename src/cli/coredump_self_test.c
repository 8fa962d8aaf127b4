/* The test that decides whether a handler stays installed: a child with a planted secret
 * crashes for real, and the stored file must open to a core without it. The child is made
 * before the test's private key is, so that it is not in the crash. */
#include "coredump_self_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rand.h"
#include "commands.h"
#include "coredump.h"
#include "dumpstore/sealed.h"
#include "dumpstore/store.h"
#include "fingerprint/forms.h"
#include "options.h"
#include "say.h"

enum { PLANTED = 32, WAIT_TRIES = 3000, TRY_MS = 10, PLAIN_MAX = 256 << 20 };
#define STORE "self-test-store"

static const char usage[] =
	"usage: chancery coredump self-test [--state DIR]\n"
	"\n"
	"Crashes a process that holds a secret, through the kernel as any program would, and\n"
	"says whether the stored dump is sealed, whole, and without the secret in any form. The\n"
	"dump goes to a folder and a key of this test, which are gone when it ends.\n"
	"\n"
	"Exit status: 0 all is well, 1 it is not or no handler is installed, 3 trouble.\n";

static uint8_t planted[PLANTED];

/* The secret as programs have it: bytes on heap and stack, text, and in a vector register. */
_Noreturn static void crash(int go)
{
	const struct rlimit any = { RLIM_INFINITY, RLIM_INFINITY };
	char text[2 * PLANTED + 1];
	volatile uint8_t local[PLANTED];
	uint8_t byte = 0;
	struct wr w = wr_of(text, sizeof(text));
	wr_hex(&w, BYTES_OF(planted));
	mem_copy((void *)(uintptr_t)local, planted, sizeof(planted));
	(void)setrlimit(RLIMIT_CORE, &any);
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	(void)signal(SIGSEGV, SIG_DFL);
	if (read(go, &byte, 1) != 1)
		_exit(3);
	(void)raise(SIGSEGV);
	_exit(local[0]);
}

static void killed(pid_t *pid)
{
	if (*pid <= 0)
		return;
	(void)kill(*pid, SIGKILL);
	(void)waitpid(*pid, NULL, 0);
}

struct trial {
	const struct handler *h;
	pid_t child;
	int go;
	struct dump_public_key public_key;
	struct secret *private_key;
	struct path store_path;
	int store;
};

static void trial_done(struct trial *t)
{
	killed(&t->child);
	fd_close(&t->go);
	fd_close(&t->store);
	secret_done(&t->private_key);
	(void)unlinkat(t->h->dir, DUMP_FILE_SELF_TEST, 0);
	(void)dir_remove(t->h->dir, STORE);
}

static ch_err make_child(struct trial *t)
{
	int go[2] = { -1, -1 };
	rand_fill(planted, sizeof(planted));
	if (pipe2(go, O_CLOEXEC) != 0)
		return ch_fail(CH_E_IO, "cannot make a pipe", errno);
	t->child = fork();
	if (t->child < 0)
		return ch_fail(CH_E_IO, "cannot fork", errno);
	if (t->child == 0) {
		(void)close(go[1]);
		crash(go[0]);
	}
	fd_close(&go[0]);
	t->go = go[1];
	return CH_DONE;
}

/* What the handler reads of us. */
static ch_err tell_handler(struct trial *t)
{
	uint8_t room[1024];
	struct wr w = wr_of(room, sizeof(room));
	struct dump_self_test said = { .pid = (uint32_t)t->child };
	TRY(dump_key_new(&t->public_key, &t->private_key));
	TRY(dir_remove(t->h->dir, STORE));
	TRY(dir_make(t->h->dir, STORE, 0700));
	TRY(handler_path(t->h, LIT(STORE), &t->store_path));
	TRY(dumpstore_open(t->store_path.p, &t->store));
	mem_copy(said.public_key, t->public_key.p, sizeof(said.public_key));
	said.store = str_from_c(t->store_path.p);
	dump_self_test_write(&w, &said);
	TRY(wr_done(&w));
	return handler_write(t->h, DUMP_FILE_SELF_TEST, wr_bytes(&w));
}

static ch_err let_it_crash(struct trial *t)
{
	int status = 0;
	if (write(t->go, "x", 1) != 1)
		return ch_fail(CH_E_IO, "cannot start the crash", errno);
	while (waitpid(t->child, &status, 0) < 0)
		if (errno != EINTR)
			return ch_fail(CH_E_IO, "cannot wait for the crash", errno);
	t->child = 0;
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV)
		return ch_fail(CH_E_INTERNAL, "the test's process did not crash", (uint64_t)status);
	return CH_DONE;
}

struct finder {
	struct entry_taker taker;
	struct dump_id id;
	bool found, has_dump;
};

static ch_err take_entry(struct entry_taker *t, const struct dump_entry *e)
{
	struct finder *f = (struct finder *)t;
	f->id = e->id;
	f->found = true;
	f->has_dump = e->has_dump;
	return CH_DONE;
}

/* The process is let go before its dump is whole. */
static ch_err wait_for_dump(struct trial *t, int *ret_file)
{
	struct finder f = { .taker = { take_entry } };
	for (int i = 0; i < WAIT_TRIES && !f.found; i++) {
		(void)nanosleep(&(struct timespec){ .tv_nsec = TRY_MS * 1000000 }, NULL);
		TRY(dumpstore_list(t->store, &f.taker));
	}
	if (!f.found)
		return ch_fail(CH_E_BUSY, "no dump of the test's crash came", WAIT_TRIES * TRY_MS);
	if (!f.has_dump)
		return ch_fail(CH_E_MISMATCH,
			       "the test's crash was not kept; see the handler's log", 0);
	return dumpstore_open_dump(t->store, &f.id, ret_file);
}

static ch_err put_fill(int fd, const struct sealed_piece *p)
{
	uint8_t block[4096];
	memset(block, p->with, sizeof(block));
	for (uint64_t left = p->n; left > 0;) {
		size_t n = left < sizeof(block) ? (size_t)left : sizeof(block);
		TRY(fd_write_all(fd, (bytes){ block, n }));
		left -= n;
	}
	return CH_DONE;
}

/* The core as whoever has the key would get it, in memory alone. */
static ch_err open_dump(struct trial *t, int file, int plain)
{
	AUTO(sealed_reader_done) struct sealed_reader *r = NULL;
	struct sealed_piece p = { 0 };
	uint64_t total = 0;
	TRY(sealed_reader_new(file, t->private_key, &r));
	ch_err e = sealed_next(r, &p);
	for (; !failed(e); e = sealed_next(r, &p)) {
		total += p.is_fill ? p.n : p.data.n;
		if (total > PLAIN_MAX)
			return ch_fail(CH_E_LIMIT, "the test's dump is too large", PLAIN_MAX);
		if (p.is_fill)
			TRY(put_fill(plain, &p));
		else
			TRY(fd_write_all(plain, p.data));
	}
	return ch_code_of(e) == CH_E_NOT_FOUND ? CH_DONE : e;
}

struct searcher {
	struct form_taker taker;
	bytes in;
};

static ch_err search(struct form_taker *t, const struct form *f)
{
	const struct searcher *s = (const struct searcher *)t;
	if (memmem(s->in.p, s->in.n, f->is.p, f->is.n))
		return ch_fail(CH_E_DENIED, "the planted secret is in the dump", f->is.n);
	return CH_DONE;
}

/* Every form of the secret, in a whole file. */
static ch_err search_file(int fd, bool must_be_core)
{
	off_t n = lseek(fd, 0, SEEK_END);
	if (n < 4)
		return ch_fail(CH_E_MISMATCH, "the test's dump is empty", 0);
	void *p = mmap(NULL, (size_t)n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return ch_fail(CH_E_IO, "cannot look into the test's dump", errno);
	struct searcher s = { .taker = { search }, .in = { p, (size_t)n } };
	bool is_core = memcmp(p, "\177ELF", 4) == 0;
	ch_err e = forms_of(BYTES_OF(planted), true, &s.taker);
	(void)munmap(p, (size_t)n);
	if (!failed(e) && is_core != must_be_core)
		e = must_be_core ? ch_fail(CH_E_MISMATCH, "what was stored is no core", 0)
				 : ch_fail(CH_E_DENIED, "what was stored is not sealed", 0);
	return e;
}

static ch_err judge(struct trial *t)
{
	AUTO(fd_close) int file = -1, plain = -1;
	TRY(wait_for_dump(t, &file));
	TRY(search_file(file, false));
	if (lseek(file, 0, SEEK_SET) != 0)
		return ch_fail(CH_E_IO, "cannot rewind the test's dump", errno);
	plain = memfd_create("self-test", MFD_CLOEXEC);
	if (plain < 0)
		return ch_fail(CH_E_IO, "cannot make a memfd", errno);
	TRY(open_dump(t, file, plain));
	return search_file(plain, true);
}

ch_err handler_self_test(const struct handler *h)
{
	AUTO(trial_done) struct trial t = { .h = h, .go = -1, .store = -1 };
	TRY(make_child(&t));
	TRY(tell_handler(&t));
	TRY(let_it_crash(&t));
	return judge(&t);
}

int coredump_self_test(int argc, char **argv)
{
	const char *state = NULL;
	const struct option_spec specs[] = { { "--state", &state, NULL, NULL } };
	AUTO(handler_done) struct handler h;
	handler_init(&h);
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_read(argc, argv, 1, specs, COUNT_OF(specs)))
		return command_usage(usage, false);
	ch_err e = handler_open(state, &h);
	if (failed(e))
		return say_trouble("coredump self-test: cannot read", str_from_c(h.state.p), e);
	if (!h.installed) {
		say("coredump self-test: no handler is installed", str_from_c(h.state.p));
		return EXIT_NO;
	}
	e = handler_self_test(&h);
	if (!failed(e)) {
		(void)puts("the dump is sealed, whole, and without the secret");
		return EXIT_YES;
	}
	(void)say_trouble("coredump self-test: failed", (str){ NULL, 0 }, e);
	return ch_code_of(e) == CH_E_IO ? EXIT_TROUBLE : EXIT_NO;
}
