/* A copy of a store that is in use, and what a copy forgets when it becomes a store again. */
#include "base/cleanup.h"
#include "base/path.h"
#include "store_internal.h"

static void db_done(sqlite3 **db)
{
	(void)sqlite3_close(*db);
}

static void query_done(sqlite3_stmt **q)
{
	(void)sqlite3_finalize(*q);
}

static ch_err check_whole(sqlite3 *db)
{
	AUTO(query_done) sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &q, NULL);
	if (rc != SQLITE_OK)
		return store_fail(rc);
	if (sqlite3_step(q) != SQLITE_ROW)
		return ch_fail(CH_E_STORE, "the store cannot be checked", 0);
	str said = str_from_c((const char *)sqlite3_column_text(q, 0));
	return str_eq(said, LIT("ok")) ? CH_DONE : ch_fail(CH_E_STORE, "the store is damaged", 0);
}

ch_err store_check(struct store *s)
{
	return check_whole(s->db);
}

/* All pages in one step: one reading transaction, which keeps no writer waiting. */
static ch_err copy_pages(sqlite3 *from, sqlite3 *to)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
	if (!b)
		return store_fail(sqlite3_errcode(to));
	int rc = sqlite3_backup_step(b, -1);
	int end = sqlite3_backup_finish(b);
	return rc == SQLITE_DONE && end == SQLITE_OK ? CH_DONE
						     : store_fail(rc == SQLITE_DONE ? end : rc);
}

ch_err store_copy(struct store *s, str path)
{
	AUTO(db_done) sqlite3 *to = NULL;
	struct path file;
	TRY(path_of(&file, path));
	int rc = sqlite3_open_v2(file.p, &to,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW,
				 NULL);
	if (rc != SQLITE_OK)
		return store_fail(rc);
	TRY(copy_pages(s->db, to));
	return check_whole(to);
}

ch_err store_forget(struct store *s)
{
	return db_exec(s->db, "DELETE FROM sessions; DELETE FROM codes; DELETE FROM devices");
}
