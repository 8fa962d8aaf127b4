/* The store on SQLite: open, create, kept statements. It trusts the folder's
 * permissions, not the file's content: what it reads is checked for version and size.
 * Each commit is on the disk before it returns (WAL, synchronous=FULL), for a code that
 * was taken must stay taken. It never logs, and never builds SQL from data. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"
#include "codec/json.h"
#include "store_internal.h"

enum { BUSY_TIMEOUT_MS = 2000 };

#define CLIENT_COLUMNS                                                                       \
	"realm, id, secret_hash, auth_method, grant_types, redirect_uris, scopes, audience," \
	" audiences, username, disabled, jwks, name, home, logout_uris, consent, dpop, par"
#define CLIENT_VALUES                                                              \
	"(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, " \
	"?17, ?18)"
#define USER_COLUMNS "realm, sub, username, password_hash, mailbox, name, email, disabled"
#define CODE_COLUMNS                                                                    \
	"hash, realm, client_id, redirect_uri, challenge, sub, scope, audience, nonce," \
	" auth_time, expires, sid, dpop"
#define GRANT_COLUMNS                                                                     \
	"id, realm, client_id, sub, scope, audience, auth_time, created, expires, salt, " \
	"seq, rotated, revoked, dpop, sid"
#define SESSION_COLUMNS "hash, realm, sub, sid, auth_time, amr, agent, created, seen, expires"
#define DEVICE_COLUMNS                                                              \
	"hash, user_code, realm, client_id, scope, audience, expires, state, sub, " \
	"auth_time, grant_id"

static const char *const queries[Q_COUNT] = {
	[Q_DATA_VERSION] = "PRAGMA data_version",
	[Q_CLIENT_ADD] = "INSERT INTO clients(" CLIENT_COLUMNS ")"
			 " VALUES " CLIENT_VALUES,
	[Q_CLIENT_SET] = "UPDATE clients SET (" CLIENT_COLUMNS ")"
			 " = " CLIENT_VALUES " WHERE realm = ?1 AND id = ?2",
	[Q_CLIENT_REMOVE] = "DELETE FROM clients WHERE realm = ?1 AND id = ?2",
	[Q_CLIENT_GET] = "SELECT " CLIENT_COLUMNS " FROM clients WHERE realm = ?1 AND id = ?2",
	[Q_CLIENT_LIST] = "SELECT " CLIENT_COLUMNS " FROM clients"
			  " WHERE ?1 = '' OR realm = ?1 ORDER BY realm, id",
	[Q_USER_ADD] = "INSERT INTO users(" USER_COLUMNS
		       ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[Q_USER_SET] = "UPDATE users SET (" USER_COLUMNS ")"
		       " = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) WHERE realm = ?1 AND sub = ?2",
	[Q_USER_REMOVE] = "DELETE FROM users WHERE realm = ?1 AND sub = ?2",
	[Q_USER_BY_NAME] = "SELECT " USER_COLUMNS " FROM users WHERE realm = ?1 AND username = ?2",
	[Q_USER_BY_SUB] = "SELECT " USER_COLUMNS " FROM users WHERE realm = ?1 AND sub = ?2",
	[Q_USER_LIST] = "SELECT " USER_COLUMNS " FROM users"
			" WHERE ?1 = '' OR realm = ?1 ORDER BY realm, username",
	[Q_CODE_ADD] = "INSERT INTO codes(" CODE_COLUMNS ")"
		       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
	[Q_CODE_GET] = "SELECT " CODE_COLUMNS ", grant_id, spent FROM codes"
		       " WHERE hash = ?1 AND realm = ?2",
	/* one statement: the engine's write lock decides who has it */
	[Q_CODE_SPEND] = "UPDATE codes SET spent = 1, grant_id = ?2 WHERE hash = ?1 AND spent = 0",
	[Q_CODE_PURGE] = "DELETE FROM codes WHERE expires <= ?1",
	[Q_CODE_END] = "DELETE FROM codes WHERE sub = ?1",
	[Q_GRANT_ADD] = "INSERT INTO grants(" GRANT_COLUMNS ")"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
			" ?15)",
	[Q_GRANT_GET] = "SELECT " GRANT_COLUMNS " FROM grants WHERE realm = ?1 AND id = ?2",
	[Q_GRANT_LIST] = "SELECT " GRANT_COLUMNS " FROM grants WHERE sub = ?1 AND realm = ?2"
			 " AND revoked = 0 AND expires > ?3 ORDER BY created",
	[Q_CONSENT_SET] = "INSERT INTO consents(sub, realm, client_id, scope, since)"
			  " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (sub, client_id)"
			  " DO UPDATE SET scope = ?4",
	[Q_CONSENT_GET] = "SELECT sub, realm, client_id, scope, since FROM consents"
			  " WHERE sub = ?1 AND client_id = ?2",
	[Q_CONSENT_REMOVE] = "DELETE FROM consents WHERE sub = ?1 AND client_id = ?2",
	[Q_CONSENT_LIST] = "SELECT sub, realm, client_id, scope, since FROM consents"
			   " WHERE sub = ?1 ORDER BY client_id",
	[Q_GRANT_ROTATE] = "UPDATE grants SET seq = seq + 1, rotated = ?4, expires = ?5"
			   " WHERE realm = ?1 AND id = ?2 AND seq = ?3 AND revoked = 0",
	[Q_GRANT_REVOKE] = "UPDATE grants SET revoked = 1"
			   " WHERE realm = ?1 AND id = ?2 AND revoked = 0",
	[Q_GRANT_END] = "UPDATE grants SET revoked = 1 WHERE sub = ?1 AND revoked = 0",
	/* a few for each that is added: they cannot heap up, and no login waits for many */
	[Q_GRANT_PURGE] = "DELETE FROM grants WHERE id IN"
			  " (SELECT id FROM grants WHERE expires <= ?1 LIMIT 8)",
	[Q_SESSION_ADD] = "INSERT INTO sessions(" SESSION_COLUMNS
			  ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[Q_SESSION_GET] = "SELECT " SESSION_COLUMNS " FROM sessions WHERE hash = ?1 AND realm = ?2",
	[Q_SESSION_SEEN] = "UPDATE sessions SET seen = ?2, expires = ?3 WHERE hash = ?1",
	[Q_SESSION_END] = "DELETE FROM sessions WHERE sub = ?1 AND sid = ?2",
	[Q_SESSION_END_OTHERS] = "DELETE FROM sessions WHERE sub = ?1 AND sid <> ?2",
	[Q_SESSION_LIST] = "SELECT " SESSION_COLUMNS " FROM sessions"
			   " WHERE sub = ?1 AND expires > ?2 ORDER BY seen DESC, sid",
	/* whoever signs in without end pushes his own oldest out */
	[Q_SESSION_TRIM] = "DELETE FROM sessions WHERE hash IN"
			   " (SELECT hash FROM sessions WHERE sub = ?1"
			   " ORDER BY seen DESC, created DESC LIMIT 8 OFFSET ?2)",
	[Q_SESSION_PURGE] = "DELETE FROM sessions WHERE hash IN"
			    " (SELECT hash FROM sessions WHERE expires <= ?1 LIMIT 8)",
	[Q_DEVICE_ADD] = "INSERT INTO devices"
			 "(hash, user_code, realm, client_id, scope, audience, expires)"
			 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[Q_DEVICE_COUNT] = "SELECT (SELECT count(*) FROM devices WHERE realm = ?1"
			   " AND client_id = ?2), (SELECT count(*) FROM devices)",
	[Q_DEVICE_GET] = "SELECT " DEVICE_COLUMNS " FROM devices WHERE hash = ?1 AND realm = ?2",
	[Q_DEVICE_BY_CODE] = "SELECT " DEVICE_COLUMNS " FROM devices"
			     " WHERE realm = ?1 AND user_code = ?2",
	[Q_DEVICE_DECIDE] = "UPDATE devices SET state = ?3, sub = ?4, auth_time = ?5, scope = ?6"
			    " WHERE hash = ?1 AND realm = ?2 AND state = 0 AND expires > ?7",
	[Q_DEVICE_SPEND] = "UPDATE devices SET state = 3, grant_id = ?2"
			   " WHERE hash = ?1 AND state = 1",
	/* who asks a little late is told that it is late */
	[Q_DEVICE_PURGE] = "DELETE FROM devices WHERE expires <= ?1 - 60",
	[Q_DEVICE_END] = "DELETE FROM devices WHERE sub = ?1",
	[Q_GRANT_END_CLIENT] = "UPDATE grants SET revoked = 1"
			       " WHERE realm = ?1 AND client_id = ?2 AND revoked = 0",
	[Q_DUE_ADD] = "INSERT INTO revocations_due(realm, record) VALUES (?1, ?2)",
	[Q_DUE_LIST] = "SELECT id, realm, record FROM revocations_due ORDER BY id LIMIT 64",
	[Q_DUE_REMOVE] = "DELETE FROM revocations_due WHERE id = ?1",
};

ch_err store_fail(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ch_fail(CH_E_BUSY, "another process keeps the store locked", rc);
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return ch_fail(CH_E_STORE, "the store's file is damaged: restore it from a backup",
			       rc);
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return ch_fail(CH_E_STORE,
			       "the store cannot be written: look at its folder's owner", rc);
	case SQLITE_FULL:
		return ch_fail(CH_E_NO_ROOM, "the store's disk is full: make room on it", rc);
	case SQLITE_CONSTRAINT:
		if (rc == SQLITE_CONSTRAINT_FOREIGNKEY)
			return ch_fail(CH_E_NOT_FOUND, "the store has no such user or client", rc);
		return ch_fail(CH_E_EXISTS, "the store has it already", rc);
	default:
		return ch_fail(CH_E_STORE, "the store's engine failed", rc);
	}
}

/* What the engine reports as a fault of the disk, or as a file that cannot be opened, may be a
 * want of room, too: the system's own number tells. */
static ch_err db_fail(sqlite3 *db, int rc)
{
	const int primary = rc & 0xff;
	const int error = sqlite3_system_errno(db);
	const bool no_room = error == ENOSPC || error == EDQUOT;
	return store_fail((primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) && no_room
				  ? SQLITE_FULL
				  : rc);
}

void statement_done(sqlite3_stmt **q)
{
	if (!*q)
		return;
	(void)sqlite3_reset(*q);
	(void)sqlite3_clear_bindings(*q);
}

/* SQLITE_STATIC holds because statement_done() comes before the caller's text dies. A
 * failed bind leaves NULL, which each column refuses. */
void bind_str(sqlite3_stmt *q, int i, str s)
{
	(void)sqlite3_bind_text64(q, i, s.p ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8);
}

void bind_blob(sqlite3_stmt *q, int i, bytes b)
{
	(void)sqlite3_bind_blob64(q, i, b.p ? (const void *)b.p : "", b.n, SQLITE_STATIC);
}

ch_err statement_row(sqlite3_stmt *q)
{
	int rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		return CH_DONE;
	return rc == SQLITE_DONE ? ch_fail(CH_E_NOT_FOUND, "the store has no such row", 0)
				 : db_fail(sqlite3_db_handle(q), rc);
}

ch_err statement_run(sqlite3_stmt *q)
{
	int rc = 0;
	do
		rc = sqlite3_step(q);
	while (rc == SQLITE_ROW);
	return rc == SQLITE_DONE ? CH_DONE : db_fail(sqlite3_db_handle(q), rc);
}

ch_err statement_change(struct store *s, sqlite3_stmt *q)
{
	TRY(statement_run(q));
	if (sqlite3_changes(s->db) == 0)
		return ch_fail(CH_E_NOT_FOUND, "the store has no such row", 0);
	return CH_DONE;
}

ch_err column_str(sqlite3_stmt *q, int i, struct arena *a_or_null, str *ret_s)
{
	const char *p = (const char *)sqlite3_column_text(q, i);
	int n = sqlite3_column_bytes(q, i);
	if (n < 0 || n > STORE_JWKS_MAX || (n > 0 && !p))
		return ch_fail(CH_E_STORE, "the store holds a text that is too long", n);
	str s = { p, (size_t)n };
	if (a_or_null)
		return arena_str(a_or_null, s, ret_s);
	*ret_s = s;
	return CH_DONE;
}

ch_err column_blob(sqlite3_stmt *q, int i, struct arena *a_or_null, bytes *ret_b)
{
	const char *p = sqlite3_column_blob(q, i);
	int n = sqlite3_column_bytes(q, i);
	str s = { p, n > 0 ? (size_t)n : 0 };
	if (s.n != 0 && s.n != STORE_HASH_SIZE)
		return ch_fail(CH_E_STORE, "the store holds a hash of another size", n);
	if (a_or_null)
		TRY(arena_str(a_or_null, s, &s));
	*ret_b = bytes_of_str(s);
	return CH_DONE;
}

ch_err store_text_check(str s, size_t max)
{
	if (s.n > max)
		return ch_fail(CH_E_FULL, "a text is too long to be stored", max);
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return ch_fail(CH_E_SYNTAX, "a text holds a control character", i);
	/* what is not UTF-8 stands in no form and in no token */
	if (!utf8_ok(s))
		return ch_fail(CH_E_SYNTAX, "a text is not UTF-8", s.n);
	return CH_DONE;
}

static ch_err db_open(str folder, int flags, sqlite3 **ret_db)
{
	struct path path;
	sqlite3 *db = NULL;
	/* pages of the file are kept as they are read, not twenty at once; when the engine has
	 * started already it keeps what it has */
	(void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
	TRY(path_join(&path, folder, LIT("chancery.db"), (str){ 0 }));
	int rc = sqlite3_open_v2(path.p, &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
				 NULL);
	if (rc != SQLITE_OK) {
		(void)sqlite3_close(db);
		return access(path.p, F_OK) != 0 && !(flags & SQLITE_OPEN_CREATE)
			       ? ch_fail(CH_E_NOT_FOUND, "there is no store: make it first", rc)
			       : store_fail(rc);
	}
	(void)sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	*ret_db = db;
	return CH_DONE;
}

static void db_close(sqlite3 **db)
{
	(void)sqlite3_close(*db);
	*db = NULL;
}

ch_err db_exec(sqlite3 *db, const char *sql)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? CH_DONE : db_fail(db, rc);
}

static ch_err own(int folder_fd, const char *name, uid_t owner, gid_t group, mode_t mode)
{
	if (fchmodat(folder_fd, name, mode, 0) != 0)
		return ch_fail(CH_E_IO, "cannot set the store's mode", errno);
	if (owner != (uid_t)-1 && fchownat(folder_fd, name, owner, group, AT_SYMLINK_NOFOLLOW) != 0)
		return ch_fail(CH_E_IO, "cannot hand the store to its owner", errno);
	return CH_DONE;
}

/* The empty file comes first, with its owner and mode: the engine gives the files that
 * it makes beside it (WAL, shared memory) the same. */
static ch_err file_prepare(struct path folder, uid_t owner, gid_t group)
{
	AUTO(fd_close) int dir = open(folder.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return ch_fail(CH_E_IO, "cannot open the store's folder", errno);
	AUTO(fd_close) int fd =
		openat(dir, "chancery.db", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot make the store's file", errno);
	TRY(own(dir, "chancery.db", owner, group, 0640));
	return own(dir, ".", owner, group, 0750);
}

ch_err store_create(str folder, uid_t owner, gid_t group)
{
	struct path path;
	AUTO(db_close) sqlite3 *db = NULL;
	TRY(path_of(&path, folder));
	TRY(dir_make(AT_FDCWD, path.p, 0750));
	TRY(file_prepare(path, owner, group));
	TRY(db_open(folder, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db));
	TRY(db_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"));
	return schema_create(db);
}

ch_err store_query(struct store *s, enum store_query query, sqlite3_stmt **ret_q)
{
	int rc = SQLITE_OK;
	if (!s->q[query])
		rc = sqlite3_prepare_v3(s->db, queries[query], -1, SQLITE_PREPARE_PERSISTENT,
					&s->q[query], NULL);
	if (rc == SQLITE_ERROR)
		return ch_fail(CH_E_STORE, "the file is no store of ours: a table is missing",
			       query);
	if (rc != SQLITE_OK)
		return db_fail(s->db, rc);
	*ret_q = s->q[query];
	return CH_DONE;
}

/* A store that lacks something is refused when it is opened, not when somebody asks. Nothing is
 * kept: most of the questions are never asked of most stores. */
static ch_err try_all(struct store *s)
{
	for (unsigned i = 0; i < Q_COUNT; i++) {
		sqlite3_stmt *unused = NULL;
		TRY(store_query(s, i, &unused));
		(void)sqlite3_finalize(s->q[i]);
		s->q[i] = NULL;
	}
	return CH_DONE;
}

ch_err store_setup(struct store *s, str folder)
{
	TRY(db_open(folder, SQLITE_OPEN_READWRITE, &s->db));
	TRY(db_exec(s->db,
		    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		    "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
		    /* KiB; the system keeps what is left out, so a page read again costs a copy */
		    "PRAGMA cache_size=-512;"));
	TRY(schema_update(s->db));
	return try_all(s);
}

ch_err store_begin(struct store *s)
{
	return db_exec(s->db, "BEGIN IMMEDIATE");
}

ch_err store_end(struct store *s, bool keep)
{
	ch_err e = keep ? db_exec(s->db, "COMMIT") : CH_DONE;
	/* a commit that failed may leave it open: nothing of it shall stay */
	if (!sqlite3_get_autocommit(s->db))
		(void)db_exec(s->db, "ROLLBACK");
	return e;
}

ch_err store_version(struct store *s, uint64_t *ret_version)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_DATA_VERSION, &q));
	TRY(statement_row(q));
	*ret_version = (uint64_t)sqlite3_column_int64(q, 0);
	return CH_DONE;
}
