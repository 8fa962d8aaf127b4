/* What doctor looks at in an authority's folder. Follows no link. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "audit.h"
#include "base/clock.h"
#include "base/file.h"
#include "chain/cursor.h"
#include "doctor.h"
#include "keeper.h"
#include "log_begin.h"
#include "logstore/logstore.h"
#include "merkle/checkpoint.h"
#include "plan_of.h"
#include "say.h"
#include "stores.h"
#include "wire/audit.h"

enum {
	HEAD_OLD_S = 60,
	COSIGNED_OLD_S = 60,
	ROOM_LEAST = 32 * 1024 * 1024,
	ROOM_LITTLE = 512 * 1024 * 1024
};

void mode_of(struct doctor *d, const char *path, uid_t owner, mode_t forbidden)
{
	struct stat st = { 0 };
	str name = str_from_c(path);
	if (fstatat(d->a.fd, path, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		finding(d, FINDING_PROBLEM, "is missing", name,
			"bring it back from a backup; `chancery realm add` makes folders of "
			"realms");
		return;
	}
	if (st.st_mode & forbidden & 07777)
		finding(d, FINDING_PROBLEM, "others may read or write it", name,
			"chmod go-rwx it; think of what was in it as known to them");
	if (owner != (uid_t)-1 && st.st_uid != owner)
		finding(d, FINDING_PROBLEM, "belongs to another user than its role", name,
			"chown it: store/GROUP and revocations/REALM to the issuer's uid (uid_base "
			"+ 5"
			" and on, in the order of groups), all else to root");
}

void check_files(struct doctor *d)
{
	static const struct {
		const char *path;
		mode_t forbidden;
	} roots[] = { { ".", 0022 },           { "chancery.yaml", 0022 }, { "keys", 0077 },
		      { "keys/kdf", 0077 },    { "refresh.key", 0077 },   { "audit", 0077 },
		      { "revocations", 0022 }, { "jwks", 0022 } };
	uid_t self = geteuid();
	for (size_t i = 0; i < COUNT_OF(roots); i++)
		mode_of(d, roots[i].path, self, roots[i].forbidden);
	for (size_t g = 0; g < d->a.config.n_groups; g++) {
		const struct config_group *group = &d->a.config.groups[g];
		uid_t owner = authority_uid(&d->a, (enum role_uid)(UID_ISSUER + g));
		struct path path;
		if (!failed(path_join(&path, LIT("store"), group->name, (str){ 0 })))
			mode_of(d, path.p, owner, 0027);
		if (!failed(path_join(&path, LIT("store"), group->name, LIT("chancery.db"))))
			mode_of(d, path.p, owner, 0027);
		for (size_t i = 0; i < group->n_realms; i++)
			if (!failed(path_join(&path, LIT("revocations"), group->realms[i],
					      (str){ 0 })))
				mode_of(d, path.p, owner, 0022);
	}
}

void check_passphrase(struct doctor *d)
{
	AUTO(fd_close) int fd = -1;
	struct stat st = { 0 };
	str name = d->a.config.passphrase_file;
	if (failed(keeper_open_passphrase(&d->a, &fd))) {
		finding(d, FINDING_WARNING, "cannot be opened", name,
			"fine if `serve --passphrase-file` or --ask-passphrase brings it; else "
			"name it"
			" in chancery.yaml");
		return;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0077))
		finding(d, FINDING_PROBLEM, "others may read it", name,
			"chmod 600 it; if others could, make new keys under another passphrase");
	if (S_ISREG(st.st_mode) && st.st_size < 9)
		finding(d, FINDING_PROBLEM, "is empty or too short", name,
			"bring it back from where you keep it");
}

void check_keys(struct doctor *d)
{
	for (size_t i = 0; i < d->a.config.n_realms; i++) {
		const struct config_realm *m = &d->a.config.realms[i];
		size_t n = 0;
		ch_err e = authority_count_keys(&d->a, m->name, &n);
		if (failed(e))
			finding(d, FINDING_PROBLEM, "its folder of keys cannot be read", m->name,
				"`chancery realm add` makes it");
		else if (n == 0 && m->issues)
			finding(d, FINDING_PROBLEM, "the realm has no key", m->name,
				"`chancery key add --realm NAME` makes one, which signs at once");
	}
}

static int check_one(struct store *s, str group, void *ctx)
{
	struct doctor *d = ctx;
	if (failed(store_check(s)))
		finding(d, FINDING_PROBLEM, "the store is damaged", group,
			"stop the authority, keep the file as it is, and restore a backup");
	return EXIT_YES;
}

void check_stores(struct doctor *d)
{
	if (stores_each(&d->a, check_one, d) != EXIT_YES)
		finding(d, FINDING_PROBLEM, "a store cannot be opened", str_from_c("see above"),
			"mend what was said, or restore a backup");
}

void check_audit(struct doctor *d)
{
	static uint8_t room[CHAIN_ROOM_MAX];
	const struct chain_ref ref = { d->a.fd, audit_folder, AUDIT_PURPOSE, room, sizeof(room) };
	struct chain_report r = { 0 };
	ch_err e = chain_verify(&ref, NULL, &r);
	if (ch_code_of(e) == CH_E_NOT_FOUND && r.segments == 0)
		finding(d, FINDING_WARNING, "nothing was ever recorded", (str){ 0 },
			"fine for an authority of before; else somebody removed DIR/audit");
	else if (failed(e))
		finding(d, FINDING_PROBLEM, "the audit is damaged", (str){ 0 },
			"`chancery audit verify` says where; move DIR/audit away and keep it");
}

/* Its name, keys and head; `chancery log check` reads the rest. */
void check_log(struct doctor *d)
{
	static struct log_facts facts;
	static struct log_head head;
	static uint8_t note[LOGSTORE_NOTE_MAX];
	size_t n = 0;
	if (faccessat(d->a.fd, "log.vkey", F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
		finding(d, FINDING_WARNING, "there is no log of tokens yet", (str){ 0 },
			"the next start makes it, or `chancery log begin`");
		return;
	}
	ch_err e = log_facts_read(&d->a, &facts);
	mem_wipe(facts.journal_key, sizeof(facts.journal_key));
	if (failed(e)) {
		finding(d, FINDING_PROBLEM, e.site->what, LIT("log.vkey, keys/log, journal.key"),
			"bring them back from a copy, or restore a backup, which begins another "
			"log");
		return;
	}
	mode_of(d, "log", authority_uid(&d->a, UID_LEDGER), 0022);
	mode_of(d, "keys/journal.key", geteuid(), 0077);
	e = file_read(d->a.fd, "log/checkpoint", note, sizeof(note), &n);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return;
	if (!failed(e))
		e = log_head_open((str){ (const char *)note, n }, &facts.key, &head);
	if (failed(e))
		finding(d, FINDING_PROBLEM, "its head is damaged, or another log's",
			LIT("log/checkpoint"), "`chancery log check` says more");
	else if (d->runs && clock_unix_s() - head.time_s > HEAD_OLD_S)
		finding(d, FINDING_PROBLEM, "its head is old, though the authority runs",
			LIT("log/checkpoint"), "see what the ledger logs; gates refuse new tokens");
}

/* Of the newest head that witnesses cosigned, where an operator has them asked. */
void check_witnesses(struct doctor *d)
{
	static struct log_facts facts;
	static struct log_head head;
	static uint8_t note[2 * LOGSTORE_NOTE_MAX];
	size_t n = 0;
	if (faccessat(d->a.fd, "log/cosigned", F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	ch_err e = log_facts_read(&d->a, &facts);
	mem_wipe(facts.journal_key, sizeof(facts.journal_key));
	if (!failed(e))
		e = file_read(d->a.fd, "log/cosigned/checkpoint", note, sizeof(note), &n);
	if (!failed(e))
		e = log_head_open((str){ (const char *)note, n }, &facts.key, &head);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		finding(d, FINDING_WARNING, "no head was ever cosigned by witnesses",
			LIT("log/cosigned"),
			"is chancery-cosign up? It logs which witness refuses");
	else if (failed(e))
		finding(d, FINDING_PROBLEM, "what witnesses cosigned is damaged, or another log's",
			LIT("log/cosigned/checkpoint"),
			"remove it after a restore; chancery-cosign writes the next one");
	else if (head.note.n < 3)
		finding(d, FINDING_PROBLEM, "the cosigned head has no witness's line",
			LIT("log/cosigned/checkpoint"), "remove it; look at who wrote it");
	else if (d->runs && clock_unix_s() - head.time_s > COSIGNED_OLD_S)
		finding(d, FINDING_WARNING, "witnesses lag behind by more than a minute",
			LIT("log/cosigned/checkpoint"),
			"is chancery-cosign up? Gates that ask for witnesses take no new token "
			"when it is older than their witness_stale_s");
}

static void room_of(struct doctor *d, const char *path, const char *without)
{
	struct statvfs v = { 0 };
	AUTO(fd_close) int fd = openat(d->a.fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstatvfs(fd, &v) != 0)
		return;
	uint64_t left = (uint64_t)v.f_bavail * v.f_frsize;
	str where = str_eq(str_from_c(path), LIT(".")) ? str_from_c(d->a.dir.p) : str_from_c(path);
	if (left < ROOM_LEAST || v.f_favail < 64)
		finding(d, FINDING_PROBLEM, "hardly any room is left on its disk", where, without);
	else if (left < ROOM_LITTLE)
		finding(d, FINDING_WARNING, "less than 512 MiB are left on its disk", where,
			"make room before it is needed");
}

/* The log, and what gates report, may have disks of their own. */
void check_room(struct doctor *d)
{
	static const struct {
		const char *path, *without;
	} places[] = {
		{ "log", "make room: without it no token is issued (503). `chancery log prune` "
			 "erases what expired long ago" },
		{ "collector", "make room, or lower collector.total_mb: gates keep what they "
			       "cannot send, for a time" },
		{ "alarms", "make room: the evidence of an alarm cannot be kept" },
	};
	struct stat whole = { 0 }, st = { 0 };
	room_of(d, ".", "make room: without it nobody signs in, and no token is issued");
	if (fstat(d->a.fd, &whole) != 0)
		return;
	for (size_t i = 0; i < COUNT_OF(places); i++)
		if (fstatat(d->a.fd, places[i].path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_dev != whole.st_dev)
			room_of(d, places[i].path, places[i].without);
}

void check_uids(struct doctor *d)
{
	if (geteuid() != 0)
		finding(d, FINDING_WARNING, "not run as root", (str){ 0 },
			"a production authority is started as root, so that uids part its roles; "
			"look"
			" as root, too");
	else if (serving_check(&d->a) != EXIT_YES)
		finding(d, FINDING_PROBLEM, "the roles cannot have their uids or reach DIR",
			(str){ 0 }, "see above: change uid_base, or make the folders o+x");
}
