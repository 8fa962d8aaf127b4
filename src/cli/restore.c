/* `chancery restore`: an authority out of a backup. The file is believed in nothing before all of
 * it was verified; the folder appears whole, by a rename, or not at all. Keys are new: none was
 * in the backup. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "audit.h"
#include "backup.h"
#include "base/file.h"
#include "base/secret.h"
#include "chain/cursor.h"
#include "commands.h"
#include "create.h"
#include "merkle/note.h"
#include "options.h"
#include "refresh_key.h"
#include "say.h"
#include "store/store.h"
#include "wire/audit.h"

static const char usage[] =
	"usage: chancery restore [--passphrase-file F] [--refresh-key F] FILE DIR\n"
	"       chancery restore --verify FILE\n"
	"\n"
	"Makes an authority in DIR, which must be empty or not there, out of what `chancery "
	"backup`\n"
	"wrote: users, clients, grants, what was revoked, the audit. Each realm gets a new key,\n"
	"which signs at once; tokens of before are refused from then on. All of FILE is verified\n"
	"first; a broken-off restore leaves no DIR.\n"
	"\n"
	"  --verify             only say whether FILE is whole, and what is in it\n"
	"  --passphrase-file F  unlocks the new keys. Without it: the file that chancery.yaml\n"
	"                       names, if it is an absolute path; else a random one is made in "
	"DIR\n"
	"  --refresh-key F      the refresh.key that you kept apart: refresh tokens go on, those\n"
	"                       too that were revoked since the backup. Without it everybody\n"
	"                       signs in again\n";

static struct archive_file files[ARCHIVE_FILES_MAX];

struct restore {
	const char *file, *target, *passphrase, *refresh_key;
	bool verify;
	struct archive archive;
	struct path parent, name; /* of DIR */
	struct path part;         /* its name until it is whole */
	int parent_fd;
};

static ch_err map_file(const char *file, bytes *ret)
{
	struct stat st = { 0 };
	AUTO(fd_close) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0)
		return ch_fail(CH_E_IO, "cannot open the file", errno);
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return ch_fail(CH_E_SYNTAX, "this is no backup", 0);
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return ch_fail(CH_E_IO, "cannot read the file", errno);
	*ret = (bytes){ p, (size_t)st.st_size };
	return CH_DONE;
}

static int verify(struct restore *r)
{
	bytes all = { 0 };
	r->archive.files = files;
	ch_err e = map_file(r->file, &all);
	if (!failed(e))
		e = archive_read(all, &r->archive);
	if (!failed(e))
		return EXIT_YES;
	int status = say_trouble("nothing was restored from", str_from_c(r->file), e);
	return ch_code_of(e) == CH_E_IO ? status : EXIT_NO;
}

static const struct archive_file *file_of(const struct restore *r, str name)
{
	for (size_t i = 0; i < r->archive.n; i++)
		if (str_eq((str){ files[i].name, files[i].name_n }, name))
			return &files[i];
	return NULL;
}

/* --- what is made of it --- */

static ch_err config_of(const struct restore *r, struct authority *a)
{
	static char why_room[CONFIG_WHY_MAX];
	struct wr why = wr_of(why_room, sizeof(why_room));
	const struct archive_file *f = file_of(r, LIT("chancery.yaml"));
	if (!f)
		return ch_fail(CH_E_MISSING, "there is no chancery.yaml in it", 0);
	ch_err e = config_parse(LIT("chancery.yaml"), f->content, &why, &a->config, &a->text);
	if (failed(e))
		say("configuration", wr_text(&why));
	return e;
}

/* To whom a file belongs, and who may read it. Others than these have no place in a backup. */
static ch_err rights_of(const struct authority *a, str name, uid_t *ret_owner, mode_t *ret_mode)
{
	str left = name, top = str_cut(&left, '/'), second = str_cut(&left, '/');
	*ret_owner = (uid_t)-1;
	*ret_mode = 0600;
	if (str_eq(name, LIT("chancery.yaml"))) {
		*ret_mode = 0644;
		return CH_DONE;
	}
	if (str_eq(top, str_from_c(audit_folder)) && !left.p)
		return CH_DONE;
	if (str_eq(top, LIT(FORMER_LOGS)) && str_ends(second, LIT(".vkey")) && !left.p) {
		*ret_mode = 0644;
		return CH_DONE;
	}
	if (reported_name_ok(name)) {
		*ret_owner = authority_uid(a, UID_COLLECTOR);
		return CH_DONE;
	}
	for (size_t g = 0; g < a->config.n_groups; g++) {
		const struct config_group *group = &a->config.groups[g];
		bool ours = str_eq(top, LIT("store")) && str_eq(second, group->name) &&
			    str_eq(left, LIT("chancery.db"));
		*ret_mode = ours ? 0640 : 0644;
		for (size_t i = 0; i < group->n_realms; i++)
			ours = ours || (str_eq(top, LIT("revocations")) &&
					str_eq(second, group->realms[i]));
		*ret_owner = authority_uid(a, (enum role_uid)(UID_ISSUER + g));
		if (ours)
			return CH_DONE;
	}
	return ch_fail(CH_E_MISMATCH, "a file in it has no place in its own chancery.yaml", 0);
}

/* Folders on the way to a file that is the collector's, each its own. */
static ch_err make_way(const struct authority *a, str name, uid_t owner)
{
	for (size_t i = 0; i < name.n; i++) {
		struct path path;
		if (name.p[i] != '/')
			continue;
		TRY(path_of(&path, str_sub(name, 0, i)));
		if (mkdirat(a->fd, path.p, 0700) != 0 && errno != EEXIST)
			return ch_fail(CH_E_IO, "cannot make a folder", errno);
		if (owner != (uid_t)-1 &&
		    fchownat(a->fd, path.p, owner, (gid_t)owner, AT_SYMLINK_NOFOLLOW) != 0)
			return ch_fail(CH_E_IO, "cannot give a folder to its role", errno);
	}
	return CH_DONE;
}

/* The log of the backup is a former one from now on: known by the id of its key. */
static ch_err put_log_key(const struct authority *a, bytes vkey)
{
	struct note_key key;
	uint8_t id[sizeof(uint32_t)], name[32];
	struct wr i = wr_of(id, sizeof(id)), w = wr_of(name, sizeof(name));
	struct path path;
	TRY(vkey_read(str_trim(str_of_bytes(vkey), LIT("\n")), &key));
	wr_u32(&i, key.id);
	wr_hex(&w, BYTES_OF(id));
	wr_lit(&w, ".vkey");
	TRY(path_join(&path, LIT(FORMER_LOGS), wr_text(&w), (str){ 0 }));
	TRY(dir_make(a->fd, FORMER_LOGS, 0755));
	return file_replace(a->fd, path.p, vkey, 0644);
}

static ch_err put_file(const struct authority *a, const struct archive_file *f)
{
	str name = { f->name, f->name_n };
	struct path path;
	uid_t owner = (uid_t)-1;
	mode_t mode = 0;
	if (str_eq(name, LIT("log.vkey")))
		return put_log_key(a, f->content);
	TRY(rights_of(a, name, &owner, &mode));
	if (reported_name_ok(name))
		TRY(make_way(a, name, owner));
	if (str_starts(name, LIT(FORMER_LOGS "/")))
		TRY(dir_make(a->fd, FORMER_LOGS, 0755));
	TRY(path_of(&path, name));
	if (unlinkat(a->fd, path.p, 0) != 0 && errno != ENOENT)
		return ch_fail(CH_E_IO, "cannot make room for a file", errno);
	TRY(file_create(a->fd, path.p, f->content, mode));
	if (fchmodat(a->fd, path.p, mode, 0) != 0 ||
	    (owner != (uid_t)-1 &&
	     fchownat(a->fd, path.p, owner, (gid_t)owner, AT_SYMLINK_NOFOLLOW) != 0))
		return ch_fail(CH_E_IO, "cannot give a file to its role", errno);
	return CH_DONE;
}

/* A store of a later version, or damaged before it was backed up, shows here. Nobody else can
 * reach the folder yet. */
static ch_err check_store(const struct authority *a, size_t group)
{
	AUTO(store_done) struct store *s = NULL;
	struct path folder;
	uid_t owner = authority_uid(a, (enum role_uid)(UID_ISSUER + group));
	TRY(authority_store(a, a->config.groups[group].name, &folder));
	TRY(store_open(str_from_c(folder.p), &s));
	TRY(store_check(s));
	TRY(store_forget(s));
	store_done(&s);
	/* what the engine left beside it */
	static const char *const names[] = { "/chancery.db", "/chancery.db-wal",
					     "/chancery.db-shm" };
	for (size_t i = 0; i < COUNT_OF(names) && owner != (uid_t)-1; i++) {
		struct path file = { "" };
		struct wr w = wr_of(file.p, sizeof(file.p) - 1);
		wr_str(&w, str_from_c(folder.p));
		wr_str(&w, str_from_c(names[i]));
		TRY(wr_done(&w));
		file.p[w.n] = 0;
		if (lchown(file.p, owner, (gid_t)owner) != 0 && errno != ENOENT)
			return ch_fail(CH_E_IO, "cannot give a store to its issuer", errno);
	}
	return CH_DONE;
}

static ch_err check_audit(const struct authority *a)
{
	static uint8_t room[CHAIN_ROOM_MAX];
	const struct chain_ref ref = { a->fd, audit_folder, AUDIT_PURPOSE, room, sizeof(room) };
	struct chain_report report;
	ch_err e = chain_verify(&ref, NULL, &report);
	return ch_code_of(e) == CH_E_NOT_FOUND && report.segments == 0 ? CH_DONE : e;
}

/* refresh.key that was kept, or a new one. */
static ch_err put_refresh_key(const struct restore *r, const struct authority *a)
{
	SECRET_BUF(text, 64);
	size_t n = 0;
	if (!r->refresh_key)
		return refresh_key_make(a);
	TRY(file_read(AT_FDCWD, r->refresh_key, text, 64, &n));
	TRY(file_create(a->fd, "refresh.key", (bytes){ text, n }, 0600));
	uint8_t unused[REFRESH_KEY_SIZE];
	ch_err e = refresh_key_of(a, LIT("main"), unused);
	mem_wipe(unused, sizeof(unused));
	return e;
}

static ch_err put_passphrase(const struct restore *r, const struct authority *a, bool *ret_random)
{
	SECRET_BUF(text, 4096);
	size_t n = 0;
	struct path path;
	bool absolute = str_starts(a->config.passphrase_file, LIT("/"));
	*ret_random = !absolute && !r->passphrase;
	TRY(path_of(&path, a->config.passphrase_file));
	if (*ret_random)
		return create_passphrase(a, path.p);
	if (absolute && r->passphrase)
		return ch_fail(CH_E_USAGE,
			       "chancery.yaml names a passphrase file by an absolute path: put the"
			       " passphrase there and leave out --passphrase-file",
			       0);
	if (absolute)
		return CH_DONE;
	TRY(file_read(AT_FDCWD, r->passphrase, text, 4096, &n));
	return file_create(a->fd, path.p, (bytes){ text, n }, 0600);
}

static ch_err make_folder(struct restore *r, struct authority *a)
{
	struct path whole;
	if (mkdirat(r->parent_fd, r->part.p, 0700) != 0)
		return ch_fail(CH_E_IO, "cannot make a folder beside it", errno);
	a->fd = openat(r->parent_fd, r->part.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->fd < 0)
		return ch_fail(CH_E_IO, "cannot open the new folder", errno);
	TRY(path_join(&whole, str_from_c(r->parent.p), str_from_c(r->part.p), (str){ 0 }));
	a->dir = whole;
	return CH_DONE;
}

static ch_err fill(struct restore *r, struct authority *a)
{
	bool random = false;
	TRY(make_folder(r, a));
	TRY(config_of(r, a));
	TRY(authority_make_folders(a));
	TRY(dir_make(a->fd, audit_folder, 0700));
	for (size_t i = 0; i < r->archive.n; i++)
		TRY(put_file(a, &r->archive.files[i]));
	for (size_t g = 0; g < a->config.n_groups; g++)
		TRY(check_store(a, g));
	TRY(check_audit(a));
	TRY(put_refresh_key(r, a));
	TRY(put_passphrase(r, a, &random));
	return create_keys(&(struct creation){ .random_passphrase = random, .anew = true }, a);
}

static ch_err name_it(const struct restore *r, const struct authority *a)
{
	if (fchmod(a->fd, 0711) != 0 || fsync(a->fd) != 0)
		return ch_fail(CH_E_IO, "cannot finish the folder", errno);
	/* over an empty folder, but over no other */
	if (renameat(r->parent_fd, r->part.p, r->parent_fd, r->name.p) != 0)
		return ch_fail(CH_E_IO, "cannot name the folder", errno);
	if (fsync(r->parent_fd) != 0)
		return ch_fail(CH_E_IO, "cannot sync the folder it is in", errno);
	return CH_DONE;
}

static int restore(struct restore *r)
{
	AUTO(authority_done) struct authority a = { .fd = -1 };
	struct audit t = { 0 };
	ch_err e = dir_remove(r->parent_fd, r->part.p);
	if (!failed(e))
		e = fill(r, &a);
	int status = failed(e) ? say_trouble("nothing was restored to", str_from_c(r->target), e)
			       : audit_begin(&a, "restore", str_from_c(r->file), &t);
	if (status == EXIT_YES)
		status = audit_end(&t, EXIT_YES, (str){ 0 });
	e = status == EXIT_YES ? name_it(r, &a) : CH_DONE;
	if (failed(e))
		status = say_trouble("nothing was restored to", str_from_c(r->target), e);
	if (status != EXIT_YES)
		(void)dir_remove(r->parent_fd, r->part.p);
	return ch_code_of(e) == CH_E_USAGE ? EXIT_USAGE : status;
}

static bool is_empty(int parent, const char *name)
{
	AUTO(dir_done) DIR *d = NULL;
	if (faccessat(parent, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return true;
	if (failed(dir_open(parent, name, &d)))
		return false;
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		if (!str_eq(str_from_c(e->d_name), LIT(".")) &&
		    !str_eq(str_from_c(e->d_name), LIT("..")))
			return false;
	return true;
}

/* DIR as its parent's real path and a name in it. */
static int find_target(struct restore *r)
{
	str t = str_from_c(r->target);
	while (t.n > 1 && t.p[t.n - 1] == '/')
		t.n--;
	struct path parent;
	str folder = str_has(t, '/') ? path_folder(t) : LIT(".");
	str name = str_has(t, '/') ? str_sub(t, folder.n + 1, t.n) : t;
	struct wr w = wr_of(r->part.p, sizeof(r->part.p) - 1);
	wr_str(&w, name);
	wr_lit(&w, ".restoring");
	ch_err e = wr_done(&w);
	r->part.p[w.full ? 0 : w.n] = 0;
	if (!failed(e))
		e = path_of(&parent, folder.n ? folder : LIT("/"));
	char *real = failed(e) ? NULL : realpath(parent.p, NULL);
	if (!failed(e))
		e = real ? path_of(&r->parent, str_from_c(real))
			 : ch_fail(CH_E_IO, "cannot open the folder it is to be in", errno);
	free(real);
	if (!failed(e))
		e = path_of(&r->name, name);
	if (!failed(e))
		e = authority_folder(r->parent.p, &r->parent_fd);
	if (failed(e))
		return say_trouble("cannot restore to", str_from_c(r->target), e);
	if (is_empty(r->parent_fd, r->name.p))
		return EXIT_YES;
	say("this is not empty: a restore replaces nothing; name a new folder", t);
	return EXIT_NO;
}

static int tell(const struct restore *r)
{
	uint8_t room[128];
	struct wr w = wr_of(room, sizeof(room));
	wr_dec(&w, r->archive.n);
	wr_lit(&w, " files");
	(void)printf("%s %.*s\n", r->verify ? "verified" : "restored", (int)w.n, room);
	if (!r->verify)
		say("its keys are new: relying parties fetch them by themselves, or need"
		    " DIR/jwks/REALM.json again",
		    (str){ 0 });
	return EXIT_YES;
}

int cmd_restore(int argc, char **argv)
{
	static struct restore r = { .parent_fd = -1 };
	const char *words[2] = { NULL, NULL };
	struct word_list list = { words, COUNT_OF(words), 0 };
	const struct option_spec options[] = {
		{ .name = "--passphrase-file", .value = &r.passphrase },
		{ .name = "--refresh-key", .value = &r.refresh_key },
		{ .name = "--verify", .flag = &r.verify },
	};
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_and_words(argc, argv, options, COUNT_OF(options), &list))
		return command_usage(usage, false);
	if (list.n != (r.verify ? 1 : 2))
		return command_wrong(usage, r.verify ? "name one file"
						     : "name the file and the new folder");
	r.file = words[0];
	r.target = words[1];
	int status = r.verify ? EXIT_YES : find_target(&r);
	if (status == EXIT_YES)
		status = verify(&r);
	if (status == EXIT_YES && !r.verify)
		status = restore(&r);
	return status == EXIT_YES ? tell(&r) : status;
}
