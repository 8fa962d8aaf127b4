/* Stores of other versions: an earlier one is brought here with all that it holds, a later one
 * and another program's file are left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "store/store.h"

static char folder[64];
static struct path file;
static uint8_t memory[16384];
static struct arena arena;

static int fresh(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/test-schema-XXXXXX");
	arena_init(&arena, memory, sizeof(memory));
	return !mkdtemp(folder) ||
	       failed(path_join(&file, str_from_c(folder), LIT("chancery.db"), (str){ 0 }));
}

static int gone(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		char name[sizeof(file.p) + 8];
		(void)snprintf(name, sizeof(name), "%s%s", file.p, ends[i]);
		(void)unlink(name);
	}
	return rmdir(folder);
}

static void run(const char *sql)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(file.p, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int64_t number(const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *q = NULL;
	assert_int_equal(sqlite3_open(file.p, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(q, 0);
	(void)sqlite3_finalize(q);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return n;
}

/* As version 1 made it. */
static const char first[] =
	"PRAGMA journal_mode=WAL;"
	"CREATE TABLE schema(only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL)"
	" STRICT;"
	"INSERT INTO schema VALUES (1, 1);"
	"CREATE TABLE clients(realm TEXT NOT NULL, id TEXT NOT NULL, secret_hash BLOB NOT NULL,"
	" auth_method TEXT NOT NULL, grant_types TEXT NOT NULL, redirect_uris TEXT NOT NULL,"
	" scopes TEXT NOT NULL, audience TEXT NOT NULL, audiences TEXT NOT NULL,"
	" username TEXT NOT NULL, disabled INTEGER NOT NULL, PRIMARY KEY (realm, id))"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE users(sub TEXT PRIMARY KEY, realm TEXT NOT NULL, username TEXT NOT NULL,"
	" password_hash TEXT NOT NULL, mailbox TEXT NOT NULL, name TEXT NOT NULL,"
	" email TEXT NOT NULL, disabled INTEGER NOT NULL, UNIQUE (realm, username))"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE codes(hash BLOB PRIMARY KEY, realm TEXT NOT NULL, client_id TEXT NOT NULL,"
	" redirect_uri TEXT NOT NULL, challenge TEXT NOT NULL,"
	" sub TEXT NOT NULL REFERENCES users(sub) ON DELETE CASCADE,"
	" scope TEXT NOT NULL, audience TEXT NOT NULL, nonce TEXT NOT NULL,"
	" auth_time INTEGER NOT NULL, expires INTEGER NOT NULL,"
	" FOREIGN KEY (realm, client_id) REFERENCES clients(realm, id) ON DELETE CASCADE)"
	" STRICT, WITHOUT ROWID;"
	"CREATE INDEX codes_expires ON codes(expires);"
	"INSERT INTO clients VALUES ('home', 'demo', x'', 'none', 'authorization_code',"
	" 'http://127.0.0.1/cb', 'openid', 'mail', '', '', 0);"
	"INSERT INTO users VALUES ('01234567890123456789012345678901', 'home', 'alice', 'h',"
	" 'alice@home.test', 'Alice', '', 0);"
	"INSERT INTO codes VALUES (zeroblob(32), 'home', 'demo', 'http://127.0.0.1/cb', 'c',"
	" '01234567890123456789012345678901', 'openid', 'mail', '', 1000, 1060);";

static void from_the_first(void **state)
{
	AUTO(store_done) struct store *s = NULL;
	struct store_client c = { 0 };
	struct store_user u = { 0 };
	struct store_code code = { 0 };
	const uint8_t hash[STORE_HASH_SIZE] = { 0 };
	(void)state;
	run(first);
	assert_false(failed(store_open(str_from_c(folder), &s)));
	assert_false(failed(store_client_get(s, LIT("home"), LIT("demo"), &arena, &c)));
	assert_true(str_eq(c.redirect_uris, LIT("http://127.0.0.1/cb")));
	assert_int_equal(c.jwks.n, 0);
	assert_false(failed(store_user_by_name(s, LIT("home"), LIT("alice"), &arena, &u)));
	assert_true(str_eq(u.mailbox, LIT("alice@home.test")));
	assert_false(failed(store_code_get(s, LIT("home"), hash, &arena, &code)));
	assert_true(!code.spent && code.grant_id.n == 0 && code.dpop.n == 0);
	assert_true(!c.dpop && !c.par);
}

/* The same tables as in a new one. */
static void ends_as_a_new_one(void **state)
{
	static const char tables[] = "SELECT count(*) FROM sqlite_schema";
	struct store *s = NULL;
	(void)state;
	assert_false(failed(store_create(str_from_c(folder), (uid_t)-1, (gid_t)-1)));
	int64_t n = number(tables), version = number("SELECT version FROM schema");
	assert_true(version >= 1);
	assert_int_equal(gone(state), 0);
	assert_int_equal(fresh(state), 0);
	run(first);
	assert_false(failed(store_open(str_from_c(folder), &s)));
	store_free(s);
	assert_int_equal(number(tables), n);
	assert_int_equal(number("SELECT version FROM schema"), version);
}

static void of_a_later_version(void **state)
{
	struct store *s = NULL;
	(void)state;
	run(first);
	run("UPDATE schema SET version = 10000");
	ch_err e = store_open(str_from_c(folder), &s);
	assert_int_equal(ch_code_of(e), CH_E_MISMATCH);
	assert_int_equal(e.detail, 10000);
	assert_int_equal(ch_code_of(store_create(str_from_c(folder), (uid_t)-1, (gid_t)-1)),
			 CH_E_MISMATCH);
	assert_int_equal(number("SELECT version FROM schema"), 10000);
}

static void of_another_program(void **state)
{
	struct store *s = NULL;
	(void)state;
	run("CREATE TABLE songs(title TEXT)");
	assert_int_equal(ch_code_of(store_open(str_from_c(folder), &s)), CH_E_STORE);
	assert_int_equal(number("SELECT count(*) FROM sqlite_schema"), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, gone)

int main(void)
{
	const struct CMUnitTest tests[] = { T(from_the_first), T(ends_as_a_new_one),
					    T(of_a_later_version), T(of_another_program) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
