/* `chancery coredump open`: decrypts a dump for the holder of the private key. The dump may be
 * anybody's making: nothing in it names a file, and it cannot make one larger than allowed. A
 * core that was not whole is removed again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ck.h"
#include "base/file.h"
#include "base/path.h"
#include "commands.h"
#include "coredump.h"
#include "coredump_row.h"
#include "crypto/key.h"
#include "dumpstore/sealed.h"
#include "options.h"
#include "say.h"
#include "when.h"

static const char usage[] =
	"usage: chancery coredump open --key FILE ID|FILE [-o OUT] [--report]\n"
	"                              [--size-max SIZE] [--store DIR]\n"
	"\n"
	"Decrypts a dump. ID is one of the store; a name with a `/` or a `.` in it is a file, and\n"
	"`-` is standard input. Exit status 1: it does not open, and why is said.\n"
	"\n"
	"  --key FILE       the private half; `-` reads it from standard input\n"
	"  -o OUT           a new file for the core, mode 0600, with holes where it is zero.\n"
	"                   Otherwise it goes to standard output, unless that is a terminal:\n"
	"                   believe it only when the exit status is 0\n"
	"  --report         print the report that is sealed with the core, not the core\n"
	"  --size-max SIZE  of the core: 1T unless given\n"
	"  --store DIR      the folder of dumps (" DUMPS_DEFAULT ")\n";

enum { BLOCK = 64 * 1024 };

struct wish {
	const char *key, *dump, *out, *size, *store;
	bool report;
	uint64_t size_max;
};

/* Where the core goes. Holes need a file that is written from its beginning. */
struct sink {
	int fd;
	bool holes;
	uint64_t at, hole, size_max;
};

static ch_err sink_skip(struct sink *s)
{
	if (s->hole > 0 && lseek(s->fd, (off_t)s->hole, SEEK_CUR) < 0)
		return ch_fail(CH_E_IO, "cannot leave a hole in the core", errno);
	s->hole = 0;
	return CH_DONE;
}

static ch_err sink_fill(struct sink *s, uint8_t with, uint64_t n)
{
	static uint8_t block[BLOCK];
	if (with == 0 && s->holes) {
		s->hole += n;
		return CH_DONE;
	}
	TRY(sink_skip(s));
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = with;
	for (uint64_t left = n; left > 0;) {
		size_t now = left < sizeof(block) ? (size_t)left : sizeof(block);
		TRY(fd_write_all(s->fd, (bytes){ block, now }));
		left -= now;
	}
	return CH_DONE;
}

static ch_err sink_take(struct sink *s, const struct sealed_piece *p)
{
	if (p->n > s->size_max - s->at)
		return ch_fail(CH_E_LIMIT, "the core is larger than --size-max", s->size_max);
	s->at += p->n;
	if (p->is_fill)
		return sink_fill(s, p->with, p->n);
	TRY(sink_skip(s));
	return fd_write_all(s->fd, p->data);
}

static ch_err sink_end(struct sink *s)
{
	if (s->hole > 0 && ftruncate(s->fd, (off_t)s->at) != 0)
		return ch_fail(CH_E_IO, "cannot leave a hole at the end of the core", errno);
	return CH_DONE;
}

static ch_err key_open(const char *file, struct secret **ret_key)
{
	AUTO(secret_done) struct secret *text = NULL;
	AUTO(fd_close) int fd = -1;
	struct stat st = { 0 };
	bool from_stdin = str_eq(str_from_c(file), LIT("-"));
	if (!from_stdin) {
		fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0 || fstat(fd, &st) != 0)
			return ch_fail(CH_E_IO, "cannot open the file", errno);
		if (S_ISREG(st.st_mode) && st.st_mode & 077)
			return ch_fail(CH_E_DENIED, "others may read it: chmod 600", st.st_mode);
	}
	TRY(secret_read(from_stdin ? STDIN_FILENO : fd, DUMP_KEY_TEXT_MAX, false, &text));
	return dump_private_key_read(text, ret_key);
}

static ch_err pour(struct sealed_reader *r, const struct wish *w, struct sink *s)
{
	struct sealed_piece p;
	for (;;) {
		TRY(sealed_next(r, &p));
		if (p.is_report)
			break;
		if (!w->report)
			TRY(sink_take(s, &p));
	}
	if (w->report)
		return fd_write_all(s->fd, p.data);
	return sink_end(s);
}

static bool has_holes(int fd)
{
	struct stat st = { 0 };
	int flags = fcntl(fd, F_GETFL);
	return flags >= 0 && !(flags & O_APPEND) && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       lseek(fd, 0, SEEK_CUR) == 0 && st.st_size == 0;
}

static int sink_open(const struct wish *w, struct sink *s)
{
	if (!w->out && isatty(STDOUT_FILENO) && !w->report) {
		say("coredump open: a core is nothing for a terminal; name a file with -o",
		    (str){ 0 });
		return EXIT_USAGE;
	}
	s->fd = STDOUT_FILENO;
	if (w->out)
		s->fd = open(w->out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd < 0 && errno == EEXIST) {
		say("coredump open: is there already", str_from_c(w->out));
		return EXIT_NO;
	}
	if (s->fd < 0)
		return say_trouble("coredump open: cannot write", str_from_c(w->out),
				   ch_fail(CH_E_IO, "cannot create the file", errno));
	s->holes = has_holes(s->fd);
	return EXIT_YES;
}

static int dump_open(const struct wish *w, int *ret_fd)
{
	str name = str_from_c(w->dump);
	struct dump_id id;
	AUTO(fd_close) int dir = -1;
	if (str_eq(name, LIT("-"))) {
		*ret_fd = dup(STDIN_FILENO);
		return *ret_fd >= 0 ? EXIT_YES : EXIT_TROUBLE;
	}
	if (str_has(name, '/') || str_has(name, '.')) {
		*ret_fd = open(w->dump, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (*ret_fd >= 0)
			return EXIT_YES;
		return say_trouble("coredump open: cannot read", name,
				   ch_fail(CH_E_IO, "cannot open the file", errno));
	}
	if (!dumps_open(w->store, false, &dir))
		return EXIT_TROUBLE;
	int status = dumps_find(dir, w->dump, &id);
	if (status != EXIT_YES)
		return status;
	ch_err e = dumpstore_open_dump(dir, &id, ret_fd);
	if (!failed(e))
		return EXIT_YES;
	(void)say_trouble("coredump open:", str_from_c(id.p), e);
	return ch_code_of(e) == CH_E_NOT_FOUND ? EXIT_NO : EXIT_TROUBLE;
}

/* What is wrong with the dump, or is not the caller's, is a no. */
static int status_of(ch_err e)
{
	return ch_code_of(e) == CH_E_IO || ch_code_of(e) == CH_E_NOMEM ? EXIT_TROUBLE : EXIT_NO;
}

static int open_it(const struct wish *w, const struct secret *key, int dump, struct sink *s)
{
	AUTO(sealed_reader_done) struct sealed_reader *r = NULL;
	ch_err e = sealed_reader_new(dump, key, &r);
	int status = EXIT_YES;
	if (!failed(e)) {
		status = sink_open(w, s);
		if (status != EXIT_YES)
			return status;
		e = pour(r, w, s);
	}
	if (!failed(e) && w->out && close(s->fd) != 0)
		e = ch_fail(CH_E_IO, "cannot write", errno);
	if (!failed(e))
		return EXIT_YES;
	if (w->out && s->fd >= 0)
		(void)unlink(w->out);
	(void)say_trouble("coredump open: cannot open", str_from_c(w->dump), e);
	return status_of(e);
}

static int run(const struct wish *w)
{
	AUTO(secret_done) struct secret *key = NULL;
	AUTO(fd_close) int dump = -1;
	struct sink s = { .fd = -1, .size_max = w->size_max };
	ch_err e = crypto_init(NULL);
	if (!failed(e))
		e = key_open(w->key, &key);
	if (failed(e))
		return say_trouble("coredump open: cannot read the key", str_from_c(w->key), e);
	int status = dump_open(w, &dump);
	return status == EXIT_YES ? open_it(w, key, dump, &s) : status;
}

int coredump_open(int argc, char **argv)
{
	struct wish w = { .size_max = UINT64_C(1) << 40 };
	const struct option_spec options[] = {
		{ .name = NULL, .value = &w.dump },
		{ .name = "--key", .value = &w.key },
		{ .name = "-o", .value = &w.out },
		{ .name = "--size-max", .value = &w.size },
		{ .name = "--store", .value = &w.store },
		{ .name = "--report", .flag = &w.report },
	};
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_read(argc, argv, 1, options, COUNT_OF(options)))
		return command_usage(usage, false);
	if (!w.key || !w.dump)
		return command_wrong(usage, "coredump open: name the key and the dump");
	if (str_eq(str_from_c(w.key), LIT("-")) && str_eq(str_from_c(w.dump), LIT("-")))
		return command_wrong(usage,
				     "coredump open: key and dump cannot both be standard input");
	if (w.report && w.out)
		return command_wrong(usage, "coredump open: --report goes to standard output");
	if (w.size && (!size_read(str_from_c(w.size), &w.size_max) || w.size_max > INT64_MAX))
		return command_wrong(usage, "coredump open: --size-max takes a size: 20G");
	return run(&w);
}
