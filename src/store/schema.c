/* The tables of a store, and how those of an older version become them: one step after the
 * other, in one transaction, when the store is opened. A step is bounded: it adds tables,
 * indexes of new ones, and columns with a default, and rewrites no row. A store of a later
 * version is not touched. */
#include "store_internal.h"

/* What leads to version i + 1. A step that was released does not change. */
static const char *const steps[] = {
	"CREATE TABLE clients("
	"  realm TEXT NOT NULL, id TEXT NOT NULL, secret_hash BLOB NOT NULL,"
	"  auth_method TEXT NOT NULL, grant_types TEXT NOT NULL, redirect_uris TEXT NOT NULL,"
	"  scopes TEXT NOT NULL, audience TEXT NOT NULL, audiences TEXT NOT NULL,"
	"  username TEXT NOT NULL, disabled INTEGER NOT NULL,"
	"  PRIMARY KEY (realm, id)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE users("
	"  sub TEXT PRIMARY KEY, realm TEXT NOT NULL, username TEXT NOT NULL,"
	"  password_hash TEXT NOT NULL, mailbox TEXT NOT NULL, name TEXT NOT NULL,"
	"  email TEXT NOT NULL, disabled INTEGER NOT NULL,"
	"  UNIQUE (realm, username)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE codes("
	"  hash BLOB PRIMARY KEY, realm TEXT NOT NULL, client_id TEXT NOT NULL,"
	"  redirect_uri TEXT NOT NULL, challenge TEXT NOT NULL,"
	"  sub TEXT NOT NULL REFERENCES users(sub) ON DELETE CASCADE,"
	"  scope TEXT NOT NULL, audience TEXT NOT NULL, nonce TEXT NOT NULL,"
	"  auth_time INTEGER NOT NULL, expires INTEGER NOT NULL,"
	"  FOREIGN KEY (realm, client_id) REFERENCES clients(realm, id) ON DELETE CASCADE)"
	"  STRICT, WITHOUT ROWID;"
	"CREATE INDEX codes_expires ON codes(expires);",
	"ALTER TABLE clients ADD COLUMN jwks TEXT NOT NULL DEFAULT '';",
	"CREATE TABLE grants("
	"  id TEXT PRIMARY KEY, realm TEXT NOT NULL, client_id TEXT NOT NULL,"
	"  sub TEXT NOT NULL REFERENCES users(sub) ON DELETE CASCADE,"
	"  scope TEXT NOT NULL, audience TEXT NOT NULL, auth_time INTEGER NOT NULL,"
	"  created INTEGER NOT NULL, expires INTEGER NOT NULL, salt BLOB NOT NULL,"
	"  seq INTEGER NOT NULL, rotated INTEGER NOT NULL, revoked INTEGER NOT NULL,"
	"  dpop TEXT NOT NULL DEFAULT '',"
	"  FOREIGN KEY (realm, client_id) REFERENCES clients(realm, id) ON DELETE CASCADE)"
	"  STRICT, WITHOUT ROWID;"
	"CREATE INDEX grants_expires ON grants(expires);"
	"CREATE INDEX grants_sub ON grants(sub);"
	"CREATE INDEX grants_client ON grants(realm, client_id);"
	"ALTER TABLE codes ADD COLUMN grant_id TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE codes ADD COLUMN spent INTEGER NOT NULL DEFAULT 0;",
	"CREATE TABLE sessions("
	"  hash BLOB PRIMARY KEY, realm TEXT NOT NULL,"
	"  sub TEXT NOT NULL REFERENCES users(sub) ON DELETE CASCADE,"
	"  sid TEXT NOT NULL UNIQUE, auth_time INTEGER NOT NULL, amr TEXT NOT NULL,"
	"  agent TEXT NOT NULL, created INTEGER NOT NULL, seen INTEGER NOT NULL,"
	"  expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX sessions_sub ON sessions(sub);"
	"CREATE INDEX sessions_expires ON sessions(expires);"
	"CREATE TABLE consents("
	"  sub TEXT NOT NULL REFERENCES users(sub) ON DELETE CASCADE,"
	"  realm TEXT NOT NULL, client_id TEXT NOT NULL, scope TEXT NOT NULL,"
	"  since INTEGER NOT NULL, PRIMARY KEY (sub, client_id),"
	"  FOREIGN KEY (realm, client_id) REFERENCES clients(realm, id) ON DELETE CASCADE)"
	"  STRICT, WITHOUT ROWID;"
	"CREATE INDEX consents_client ON consents(realm, client_id);"
	"ALTER TABLE clients ADD COLUMN name TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE clients ADD COLUMN home TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE clients ADD COLUMN logout_uris TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE clients ADD COLUMN consent TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE codes ADD COLUMN sid TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE grants ADD COLUMN sid TEXT NOT NULL DEFAULT '';",
	"CREATE TABLE devices("
	"  hash BLOB PRIMARY KEY, user_code TEXT NOT NULL, realm TEXT NOT NULL,"
	"  client_id TEXT NOT NULL, scope TEXT NOT NULL, audience TEXT NOT NULL,"
	"  expires INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0,"
	"  sub TEXT REFERENCES users(sub) ON DELETE CASCADE,"
	"  auth_time INTEGER NOT NULL DEFAULT 0, grant_id TEXT NOT NULL DEFAULT '',"
	"  UNIQUE (realm, user_code),"
	"  FOREIGN KEY (realm, client_id) REFERENCES clients(realm, id) ON DELETE CASCADE)"
	"  STRICT, WITHOUT ROWID;"
	"CREATE INDEX devices_expires ON devices(expires);"
	"CREATE INDEX devices_client ON devices(realm, client_id);"
	"CREATE INDEX devices_sub ON devices(sub);",
	("CREATE TABLE revocations_due("
	 "  id INTEGER PRIMARY KEY, realm TEXT NOT NULL, record BLOB NOT NULL) STRICT;"),
	("ALTER TABLE clients ADD COLUMN dpop INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE clients ADD COLUMN par INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE codes ADD COLUMN dpop TEXT NOT NULL DEFAULT '';"),
};
enum { VERSION = COUNT_OF(steps) };

static ch_err version_read(sqlite3 *db, int64_t *ret_version)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(db, "SELECT version FROM schema", -1, &q, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	int64_t version = rc == SQLITE_ROW ? sqlite3_column_int64(q, 0) : 0;
	(void)sqlite3_finalize(q);
	/* SQLITE_ERROR: there is no such table */
	if (rc != SQLITE_ROW && rc != SQLITE_ERROR)
		return store_fail(rc);
	if (rc == SQLITE_ERROR || version < 0)
		return ch_fail(CH_E_STORE, "the file is no store of ours: a table is missing", rc);
	if (version > VERSION)
		return ch_fail(CH_E_MISMATCH, "the store was made by a later version: run that one",
			       version);
	*ret_version = version;
	return CH_DONE;
}

static ch_err steps_run(sqlite3 *db)
{
	int64_t version = 0;
	/* again, now that nobody else can change it */
	TRY(version_read(db, &version));
	for (size_t i = (size_t)version; i < VERSION; i++)
		TRY(db_exec(db, steps[i]));
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(db, "UPDATE schema SET version = ?1", -1, &q, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(q, 1, VERSION);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	(void)sqlite3_finalize(q);
	return rc == SQLITE_DONE ? CH_DONE : store_fail(rc);
}

static ch_err in_transaction(sqlite3 *db)
{
	TRY(db_exec(db, "BEGIN IMMEDIATE"));
	ch_err e = steps_run(db);
	if (!failed(e))
		e = db_exec(db, "COMMIT");
	if (failed(e))
		(void)db_exec(db, "ROLLBACK");
	return e;
}

ch_err schema_create(sqlite3 *db)
{
	TRY(db_exec(db, "BEGIN IMMEDIATE;"
			"CREATE TABLE IF NOT EXISTS schema("
			"  only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL)"
			"  STRICT;"
			"INSERT OR IGNORE INTO schema VALUES (1, 0);"
			"COMMIT;"));
	return schema_update(db);
}

ch_err schema_update(sqlite3 *db)
{
	int64_t version = 0;
	TRY(version_read(db, &version));
	return version == VERSION ? CH_DONE : in_transaction(db);
}
