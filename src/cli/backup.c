/* `chancery backup`: what an authority must not lose, in one file, while it serves. No private
 * key, no passphrase and no refresh.key is in it. What is copied belongs to root, to issuers and to
 * the collector, which may be taken over: a store is copied with its owner's rights, no link is
 * followed, and a file must be its role's own. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/openat2.h>

#include "archive/archive.h"
#include "audit.h"
#include "backup.h"
#include "base/clock.h"
#include "base/file.h"
#include "commands.h"
#include "options.h"
#include "say.h"
#include "stores.h"
#include "wire/boot.h"
#include "wire/sighting.h"

static const char usage[] =
	"usage: chancery backup [--no-sightings] [-C DIR] FILE\n"
	"\n"
	"Writes FILE, which must not be there: chancery.yaml, the stores, what was revoked, the\n"
	"audit, what gates reported and the evidence of alarms, as a tar archive with a manifest\n"
	"of hashes. The authority may serve meanwhile. No private key, no passphrase and no\n"
	"refresh.key is in it; password hashes are, and forged tokens that raised an alarm.\n"
	"`chancery restore` makes an authority of it again. Exit status 1: FILE is there, but\n"
	"something was left out, which is said.\n"
	"\n"
	"  --no-sightings  without what gates reported (DIR/collector): it may be large\n"
	"  -C DIR          the authority; without it $CHANCERY_DIR\n";

/* In a store's folder, while it is copied. */
#define COPY_NAME "backup.new"

static struct archive_file files[ARCHIVE_FILES_MAX];

struct backup {
	const struct authority *a;
	struct archive archive;
	bool no_sightings;
	size_t left_out;
};

/* No link on the way there, and nothing above DIR: a part of it may be a role's. */
static int open_beneath(int dir_fd, const char *path, int flags)
{
	struct open_how how = { .flags = (unsigned)(O_RDONLY | O_CLOEXEC | O_NOCTTY | flags),
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
					   RESOLVE_NO_MAGICLINKS };
	return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
}

/* Maps it: its content stays, whoever renames another file over it. owner: whose it must be, if it
 * is not ours; (uid_t)-1: anybody's. */
static ch_err content_of(int dir_fd, const char *path, uid_t owner, bytes *ret)
{
	struct stat st = { 0 };
	AUTO(fd_close) int fd = open_beneath(dir_fd, path, 0);
	if (fd < 0 || fstat(fd, &st) != 0)
		return ch_fail(CH_E_IO, "cannot open a file", errno);
	if (!S_ISREG(st.st_mode))
		return ch_fail(CH_E_DENIED, "this is no file", st.st_mode);
	if (owner != (uid_t)-1 && st.st_uid != owner && st.st_uid != geteuid())
		return ch_fail(CH_E_DENIED, "it belongs to another user than its role", st.st_uid);
	if (st.st_size == 0) {
		*ret = (bytes){ 0 };
		return CH_DONE;
	}
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return ch_fail(CH_E_IO, "cannot read a file", errno);
	*ret = (bytes){ p, (size_t)st.st_size };
	return CH_DONE;
}

static ch_err add_file(struct backup *b, str name, const char *path, uid_t owner)
{
	struct archive_file f = { .name_n = name.n };
	if (!archive_name_ok(name))
		return ch_fail(CH_E_SYNTAX, "its name has no place here", 0);
	if (b->archive.n == ARCHIVE_FILES_MAX)
		return ch_fail(CH_E_LIMIT, "too many files", ARCHIVE_FILES_MAX);
	TRY(content_of(b->a->fd, path, owner, &f.content));
	mem_copy(f.name, name.p, name.n);
	f.size = f.content.n;
	sha256(f.content, f.hash);
	files[b->archive.n++] = f;
	return CH_DONE;
}

/* name: in the archive; path: below DIR. */
static int add(struct backup *b, str name, const char *path)
{
	ch_err e = add_file(b, name, path, (uid_t)-1);
	return failed(e) ? say_trouble("cannot back up", str_from_c(path), e) : EXIT_YES;
}

/* --- chains: segments only grow, and a torn end is cut off by whoever opens the copy --- */

static int add_chain(struct backup *b, str folder)
{
	AUTO(dir_done) DIR *d = NULL;
	struct path path;
	int r = EXIT_YES;
	ch_err e = path_of(&path, folder);
	if (!failed(e))
		e = dir_open(b->a->fd, path.p, &d);
	if (ch_code_of(e) == CH_E_NOT_FOUND || (ch_code_of(e) == CH_E_IO && e.detail == ENOENT))
		return EXIT_YES;
	if (failed(e))
		return say_trouble("cannot back up", folder, e);
	for (struct dirent *entry = readdir(d); entry && r == EXIT_YES; entry = readdir(d)) {
		if (!str_ends(str_from_c(entry->d_name), LIT(".chain")))
			continue;
		e = path_join(&path, folder, str_from_c(entry->d_name), (str){ 0 });
		r = failed(e) ? say_trouble("cannot back up", folder, e)
			      : add(b, str_from_c(path.p), path.p);
	}
	return r;
}

static int add_chains(struct backup *b)
{
	int r = EXIT_YES;
	struct path path;
	for (size_t i = 0; i < b->a->config.n_realms && r == EXIT_YES; i++) {
		ch_err e = path_join(&path, LIT("revocations"), b->a->config.realms[i].name,
				     (str){ 0 });
		r = failed(e) ? EXIT_TROUBLE : add_chain(b, str_from_c(path.p));
	}
	return r == EXIT_YES ? add_chain(b, str_from_c(audit_folder)) : r;
}

/* --- what gates reported, and alarms: the collector's. That it has made a mess of its folders must
 * not keep the rest from being backed up: what does not go in is counted --- */

static void add_reported(struct backup *b, str path)
{
	struct path at;
	ch_err e = path_of(&at, path);
	if (!failed(e))
		e = add_file(b, path, at.p, authority_uid(b->a, UID_COLLECTOR));
	/* gone meanwhile, as the oldest sightings go */
	if (!failed(e) || e.detail == ENOENT)
		return;
	(void)say_trouble("not in the backup", path, e);
	b->left_out++;
}

static ch_err folder_of(const struct backup *b, const char *path, DIR **ret_d)
{
	AUTO(fd_close) int fd = open_beneath(b->a->fd, path, O_DIRECTORY);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d && errno == ENOENT)
		return ch_fail(CH_E_NOT_FOUND, "there is no such folder", ENOENT);
	if (!d)
		return ch_fail(CH_E_IO, "cannot open a folder", errno);
	(void)TAKE_FD(fd); /* the folder's from now on */
	*ret_d = d;
	return CH_DONE;
}

static void add_sightings(struct backup *b, str gate)
{
	for (size_t i = 0; i < SIGHTINGS_CHAINS; i++) {
		AUTO(dir_done) DIR *d = NULL;
		struct path folder, path;
		if (failed(path_join(&folder, LIT("collector"), gate,
				     str_from_c(sighting_folder[i]))) ||
		    failed(folder_of(b, folder.p, &d)))
			continue;
		for (struct dirent *e = readdir(d); e; e = readdir(d))
			if (str_ends(str_from_c(e->d_name), LIT(".chain")) &&
			    !failed(path_join(&path, str_from_c(folder.p), str_from_c(e->d_name),
					      (str){ 0 })))
				add_reported(b, str_from_c(path.p));
	}
}

static void add_alarm(struct backup *b, str id)
{
	for (size_t i = 0; i < ALARM_FILES; i++) {
		struct path path;
		if (!failed(path_join(&path, LIT("alarms"), id, alarm_files[i])))
			add_reported(b, str_from_c(path.p));
	}
}

static int add_collector(struct backup *b)
{
	static const char *const folders[] = { "alarms", "collector" };
	for (size_t i = 0; i < (b->no_sightings ? 1 : COUNT_OF(folders)); i++) {
		AUTO(dir_done) DIR *d = NULL;
		ch_err e = folder_of(b, folders[i], &d);
		if (ch_code_of(e) == CH_E_NOT_FOUND)
			continue;
		if (failed(e))
			return say_trouble("cannot back up", str_from_c(folders[i]), e);
		for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
			str name = str_from_c(entry->d_name);
			if (i == 0 && alarm_id_ok(name))
				add_alarm(b, name);
			else if (i == 1 && name_ok(name, NAME_MAX_BYTES))
				add_sightings(b, name);
		}
	}
	return EXIT_YES;
}

/* The keys of this log and of those before it: a restore begins another, and evidence is of its own. */
static int add_log_keys(struct backup *b)
{
	AUTO(dir_done) DIR *d = NULL;
	struct path path;
	int r = EXIT_YES;
	if (faccessat(b->a->fd, "log.vkey", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		r = add(b, LIT("log.vkey"), "log.vkey");
	if (r != EXIT_YES || failed(folder_of(b, FORMER_LOGS, &d)))
		return r;
	for (struct dirent *e = readdir(d); e && r == EXIT_YES; e = readdir(d))
		if (str_ends(str_from_c(e->d_name), LIT(".vkey")) &&
		    !failed(path_join(&path, LIT(FORMER_LOGS), str_from_c(e->d_name), (str){ 0 })))
			r = add(b, str_from_c(path.p), path.p);
	return r;
}

/* --- stores --- */

static ch_err copy_path(const struct authority *a, str group, bool whole, struct path *ret)
{
	struct path folder;
	if (!whole)
		return path_join(ret, LIT("store"), group, LIT(COPY_NAME));
	TRY(authority_store(a, group, &folder));
	return path_join(ret, str_from_c(folder.p), LIT(COPY_NAME), (str){ 0 });
}

/* With the rights of the store's owner, here and in the next. */
static int copy_store(struct store *s, str group, void *ctx)
{
	const struct backup *b = ctx;
	struct path path;
	ch_err e = copy_path(b->a, group, true, &path);
	if (!failed(e) && unlink(path.p) != 0 && errno != ENOENT)
		e = ch_fail(CH_E_IO, "cannot remove an earlier copy", errno);
	if (!failed(e))
		e = store_copy(s, str_from_c(path.p));
	return failed(e) ? say_trouble("cannot copy the store of group", group, e) : EXIT_YES;
}

static int remove_copy(struct store *s, str group, void *ctx)
{
	const struct backup *b = ctx;
	struct path path;
	(void)s;
	if (!failed(copy_path(b->a, group, true, &path)))
		(void)unlink(path.p);
	return EXIT_YES;
}

static int add_stores(struct backup *b)
{
	int r = stores_each(b->a, copy_store, b);
	for (size_t i = 0; i < b->a->config.n_groups && r == EXIT_YES; i++) {
		str group = b->a->config.groups[i].name;
		struct path path, name;
		ch_err e = copy_path(b->a, group, false, &path);
		if (!failed(e))
			e = path_join(&name, LIT("store"), group, LIT("chancery.db"));
		r = failed(e) ? say_trouble("cannot back up the store of group", group, e)
			      : add(b, str_from_c(name.p), path.p);
	}
	return r;
}

/* --- the file --- */

static ch_err write_all(int fd, const struct archive *a)
{
	static uint8_t room[ARCHIVE_MANIFEST_MAX + 2 * ARCHIVE_BLOCK];
	static const uint8_t zeros[ARCHIVE_END];
	struct wr w = wr_of(room, sizeof(room));
	archive_manifest(&w, a);
	TRY(wr_done(&w));
	TRY(fd_write_all(fd, wr_bytes(&w)));
	for (size_t i = 0; i < a->n; i++) {
		const struct archive_file *f = &a->files[i];
		w = wr_of(room, sizeof(room));
		archive_header(&w, a, f);
		TRY(wr_done(&w));
		TRY(fd_write_all(fd, wr_bytes(&w)));
		TRY(fd_write_all(fd, f->content));
		TRY(fd_write_all(fd, (bytes){ zeros, archive_padding(f->size) }));
	}
	TRY(fd_write_all(fd, BYTES_OF(zeros)));
	if (fsync(fd) != 0)
		return ch_fail(CH_E_IO, "cannot sync the backup", errno);
	return CH_DONE;
}

/* Under another name until it is whole. */
static ch_err write_file(const struct archive *a, const char *name)
{
	struct path part, folder;
	struct wr w = wr_of(part.p, sizeof(part.p) - 1);
	wr_str(&w, str_from_c(name));
	wr_lit(&w, ".part");
	TRY(wr_done(&w));
	part.p[w.n] = 0;
	TRY(path_of(&folder,
		    str_has(str_from_c(name), '/') ? path_folder(str_from_c(name)) : LIT(".")));
	(void)unlink(part.p);
	AUTO(fd_close)
	int fd = open(part.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot make the file", errno);
	ch_err e = write_all(fd, a);
	/* a link: it must not replace what came there meanwhile */
	if (!failed(e) && link(part.p, name) != 0)
		e = ch_fail(CH_E_IO, "cannot name the file", errno);
	(void)unlink(part.p);
	TRY(e);
	AUTO(fd_close) int dir =
		open(*folder.p ? folder.p : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fsync(dir) != 0)
		return ch_fail(CH_E_IO, "cannot sync the folder", errno);
	return CH_DONE;
}

static int back_up(struct backup *b, const char *file)
{
	int r = add(b, LIT("chancery.yaml"), "chancery.yaml");
	if (r == EXIT_YES)
		r = add_stores(b);
	if (r == EXIT_YES)
		r = add_chains(b);
	if (r == EXIT_YES)
		r = add_log_keys(b);
	if (r == EXIT_YES)
		r = add_collector(b);
	if (r == EXIT_YES) {
		ch_err e = write_file(&b->archive, file);
		r = failed(e) ? say_trouble("cannot write", str_from_c(file), e) : EXIT_YES;
	}
	if (r == EXIT_YES && b->left_out > 0) {
		say("the backup is made, but what was named above is not in it: copy it by hand",
		    str_from_c(file));
		r = EXIT_NO;
	}
	(void)stores_each(b->a, remove_copy, b);
	return r;
}

int cmd_backup(int argc, char **argv)
{
	AUTO(authority_done) struct authority a = { .fd = -1 };
	struct backup b = { .a = &a };
	struct audit t = { 0 };
	const char *dir = NULL, *file = NULL;
	const struct option_spec options[] = {
		{ .name = "-C", .value = &dir },
		{ .name = "--no-sightings", .flag = &b.no_sightings },
		{ .name = NULL, .value = &file },
	};
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_read(argc, argv, 1, options, COUNT_OF(options)))
		return command_usage(usage, false);
	if (!file)
		return command_wrong(usage, "name the file to be made");
	int r = authority_open(dir, &a);
	if (r != EXIT_YES)
		return r;
	if (access(file, F_OK) == 0) {
		say("this is there already; a backup replaces nothing", str_from_c(file));
		return EXIT_NO;
	}
	b.archive = (struct archive){ .created_s = clock_unix_s(),
				      .build = boot_build(),
				      .files = files };
	(void)umask(077);
	r = audit_begin(&a, "backup", str_from_c(file), &t);
	return r == EXIT_YES ? audit_end(&t, back_up(&b, file), (str){ 0 }) : r;
}
