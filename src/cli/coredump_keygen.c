/* `chancery coredump keygen`: the pair of keys that dumps are sealed to. The private half goes
 * from secret memory into a file of its owner's alone; it is never printed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "commands.h"
#include "coredump.h"
#include "crypto/key.h"
#include "dumpstore/sealed.h"
#include "options.h"
#include "say.h"

static const char usage[] =
	"usage: chancery coredump keygen --public FILE --private FILE [--force]\n"
	"\n"
	"Makes a pair of keys. Dumps are sealed to the public half, and only the private half\n"
	"opens them: make them where dumps are looked into, and bring the public half alone to "
	"the\n"
	"hosts that crash. Replaces no file unless --force is given; dumps that are sealed to a\n"
	"key whose private half is gone stay closed for ever.\n";

struct wish {
	const char *public_file, *private_file;
	bool force;
};

static bool is_there(const char *path)
{
	struct stat st = { 0 };
	return lstat(path, &st) == 0;
}

/* Beside the file, then in its place: never half written, never readable by others. */
static ch_err private_write(const struct wish *w, const struct secret *text)
{
	struct path temp;
	struct wr out = wr_of(temp.p, sizeof(temp.p) - 1);
	wr_str(&out, str_from_c(w->private_file));
	wr_lit(&out, ".new");
	TRY(wr_done(&out));
	temp.p[out.n] = 0;
	AUTO(fd_close) int fd =
		open(temp.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot create the file", errno);
	ch_err e = secret_write(text, fd);
	if (!failed(e) && fsync(fd) != 0)
		e = ch_fail(CH_E_IO, "cannot sync the file", errno);
	if (!failed(e) && renameat2(AT_FDCWD, temp.p, AT_FDCWD, w->private_file,
				    w->force ? 0 : RENAME_NOREPLACE) != 0)
		e = ch_fail(CH_E_IO, "cannot rename the file into place", errno);
	if (failed(e))
		(void)unlink(temp.p);
	return e;
}

static ch_err public_write(const struct wish *w, const struct dump_public_key *key)
{
	char text[DUMP_KEY_TEXT_MAX];
	struct wr out = wr_of(text, sizeof(text));
	wr_lit(&out, "# Crash dumps are sealed to this key.\n");
	dump_public_key_write(&out, key);
	TRY(wr_done(&out));
	return w->force ? file_replace(AT_FDCWD, w->public_file, wr_bytes(&out), 0644)
			: file_create(AT_FDCWD, w->public_file, wr_bytes(&out), 0644);
}

static int make(const struct wish *w)
{
	AUTO(secret_done) struct secret *key = NULL;
	AUTO(secret_done) struct secret *text = NULL;
	struct dump_public_key public_key;
	ch_err e = crypto_init(NULL);
	if (!failed(e))
		e = dump_key_new(&public_key, &key);
	if (!failed(e))
		e = dump_private_key_write(key, &text);
	if (failed(e))
		return say_trouble("coredump keygen: cannot make keys", (str){ 0 }, e);
	e = private_write(w, text);
	if (failed(e))
		return say_trouble("coredump keygen: cannot write", str_from_c(w->private_file), e);
	e = public_write(w, &public_key);
	if (!failed(e))
		return EXIT_YES;
	/* a private half alone would only be taken for one that is in use */
	if (!w->force)
		(void)unlink(w->private_file);
	return say_trouble("coredump keygen: cannot write", str_from_c(w->public_file), e);
}

int coredump_keygen(int argc, char **argv)
{
	struct wish w = { 0 };
	const struct option_spec options[] = {
		{ .name = "--public", .value = &w.public_file },
		{ .name = "--private", .value = &w.private_file },
		{ .name = "--force", .flag = &w.force },
	};
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_read(argc, argv, 1, options, COUNT_OF(options)))
		return command_usage(usage, false);
	if (!w.public_file || !w.private_file)
		return command_wrong(usage, "coredump keygen: name both files");
	if (strcmp(w.public_file, w.private_file) == 0)
		return command_wrong(usage, "coredump keygen: name two files");
	const char *const files[] = { w.public_file, w.private_file };
	for (size_t i = 0; i < COUNT_OF(files) && !w.force; i++)
		if (is_there(files[i])) {
			say("coredump keygen: is there already; --force replaces it",
			    str_from_c(files[i]));
			return EXIT_NO;
		}
	return make(&w);
}
