/* `chancery coredump redact`: a core without its secrets, in a new file. The old one is read by
 * a redactor behind walls, never here; the new one appears whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "commands.h"
#include "coredump.h"
#include "options.h"
#include "redact/level.h"
#include "redaction.h"
#include "say.h"

static const char usage[] =
	"usage: chancery coredump redact [--level triage|strict|full] IN OUT [--force] [--json]\n"
	"                                [--sysroot DIR] [--registry DIR|none]\n"
	"\n"
	"Writes OUT, a core like IN without its secrets, and OUT.json, what was done to it.\n"
	"\n"
	"  --level triage  only what backtraces need (the default)\n"
	"          strict  all but what is found and what looks random\n"
	"          full    all but what is found and verified\n"
	"  --force         replaces OUT\n"
	"  --json          prints the report as JSON\n"
	"  --sysroot DIR   where the program's files are (default /): at triage, which words of a\n"
	"                  stack are return addresses is seen in the code. A file is used only if\n"
	"                  it begins as it did in the process\n"
	"  --registry DIR  the folder of a handler, whose registered secrets go as well. Left "
	"out,\n"
	"                  root takes this host's if it has one; none: no registered secret is\n"
	"                  looked for\n";

struct wish {
	const char *words[2], *level, *sysroot, *registry;
	bool force, json;
	struct redaction r;
};

/* Level names and wishes have the same order. */
static bool wish_of(const char *name, enum dump_wish *ret_wish)
{
	static const enum dump_wish wishes[LEVEL_COUNT] = {
		[LEVEL_TRIAGE] = WISH_TRIAGE,
		[LEVEL_STRICT] = WISH_STRICT,
		[LEVEL_FULL] = WISH_FULL,
	};
	enum level level = LEVEL_TRIAGE;
	if (name && !level_of(str_from_c(name), &level))
		return false;
	*ret_wish = wishes[level];
	return true;
}

/* A new file beside OUT, which nobody else reads. */
static ch_err temporary(struct path *ret_name, const char *out, int *ret_fd)
{
	TRY(path_join(ret_name, (str){ 0 }, str_from_c(out), (str){ 0 }));
	size_t n = str_from_c(ret_name->p).n;
	struct wr w = wr_of(ret_name->p, sizeof(ret_name->p) - 1);
	w.n = n;
	wr_lit(&w, ".XXXXXX");
	TRY(wr_done(&w));
	ret_name->p[w.n] = 0;
	*ret_fd = mkostemp(ret_name->p, O_CLOEXEC);
	return *ret_fd >= 0 ? CH_DONE : ch_fail(CH_E_IO, "cannot make a file beside it", errno);
}

static ch_err sidecar(const char *out, bytes report)
{
	struct path name;
	TRY(path_join(&name, (str){ 0 }, str_from_c(out), (str){ 0 }));
	struct wr w = wr_of(name.p, sizeof(name.p) - 1);
	w.n = str_from_c(name.p).n;
	wr_lit(&w, ".json");
	TRY(wr_done(&w));
	name.p[w.n] = 0;
	return file_replace(AT_FDCWD, name.p, report, 0600);
}

/* RENAME_NOREPLACE: who made OUT meanwhile keeps it. */
static ch_err put_in_place(const char *from, const char *out, bool force)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, out, force ? 0 : RENAME_NOREPLACE) != 0)
		return errno == EEXIST
			       ? ch_fail(CH_E_EXISTS, "is there already; --force replaces it", 0)
			       : ch_fail(CH_E_IO, "cannot be named", errno);
	return CH_DONE;
}

static ch_err redact_to(struct wish *w, struct redaction_result *ret_result)
{
	const char *out = w->words[1];
	struct path name;
	AUTO(fd_close) int fd = -1;
	TRY(temporary(&name, out, &fd));
	w->r.out = fd;
	ch_err e = redaction_run(&w->r, ret_result);
	if (!failed(e) && ret_result->size == 0)
		e = ch_fail(CH_E_UNSUPPORTED, "is no core of an x86-64 Linux program", 0);
	if (!failed(e))
		e = sidecar(out, ret_result->report);
	if (!failed(e))
		e = put_in_place(name.p, out, w->force);
	if (failed(e))
		(void)unlink(name.p);
	return e;
}

static int redact(struct wish *w)
{
	const char *in = w->words[0], *out = w->words[1];
	struct redaction_result result = { 0 };
	struct stat st = { 0 };
	if (!w->force && lstat(out, &st) == 0) {
		say("coredump redact: is there already; --force replaces it", str_from_c(out));
		return EXIT_NO;
	}
	w->r = (struct redaction){ .in = in,
				   .duty = REDACT_FILE,
				   .wish = w->r.wish,
				   .sysroot = w->sysroot ? w->sysroot : "/",
				   .registry = w->registry,
				   .out = -1 };
	ch_err e = redact_to(w, &result);
	if (failed(e))
		return say_trouble("coredump redact: cannot redact", str_from_c(in), e);
	if (!result.whole)
		say("coredump redact: the new core is not whole; the report says why",
		    str_from_c(out));
	if (!w->json)
		return redaction_print(out, &result, false);
	(void)printf("%.*s\n", (int)result.report.n, (const char *)result.report.p);
	return EXIT_YES;
}

int coredump_redact(int argc, char **argv)
{
	struct wish w = { 0 };
	struct word_list words = { w.words, 2, 0 };
	const struct option_spec specs[] = {
		{ "--level", .value = &w.level },       { "--sysroot", .value = &w.sysroot },
		{ "--registry", .value = &w.registry }, { "--force", .flag = &w.force },
		{ "--json", .flag = &w.json },
	};
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_and_words(argc, argv, specs, COUNT_OF(specs), &words))
		return command_usage(usage, false);
	if (words.n != 2)
		return command_wrong(usage,
				     "coredump redact: which core, and what shall the new one "
				     "be called?");
	if (!wish_of(w.level, &w.r.wish))
		return command_wrong(usage, "coredump redact: a level is triage, strict or full");
	return redact(&w);
}
