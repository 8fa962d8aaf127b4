/* Inside the store: the connection, its kept statements, binding and reading. */
#pragma once
#include <sqlite3.h>

#include "store/store.h"

enum store_query {
	Q_DATA_VERSION,
	Q_CLIENT_ADD,
	Q_CLIENT_SET,
	Q_CLIENT_REMOVE,
	Q_CLIENT_GET,
	Q_CLIENT_LIST,
	Q_USER_ADD,
	Q_USER_SET,
	Q_USER_REMOVE,
	Q_USER_BY_NAME,
	Q_USER_BY_SUB,
	Q_USER_LIST,
	Q_CODE_ADD,
	Q_CODE_GET,
	Q_CODE_SPEND,
	Q_CODE_PURGE,
	Q_CODE_END,
	Q_GRANT_ADD,
	Q_GRANT_GET,
	Q_GRANT_ROTATE,
	Q_GRANT_REVOKE,
	Q_GRANT_END,
	Q_GRANT_PURGE,
	Q_GRANT_LIST,
	Q_CONSENT_SET,
	Q_CONSENT_GET,
	Q_CONSENT_REMOVE,
	Q_CONSENT_LIST,
	Q_SESSION_ADD,
	Q_SESSION_GET,
	Q_SESSION_SEEN,
	Q_SESSION_END,
	Q_SESSION_END_OTHERS,
	Q_SESSION_LIST,
	Q_SESSION_TRIM,
	Q_SESSION_PURGE,
	Q_DEVICE_ADD,
	Q_DEVICE_COUNT,
	Q_DEVICE_GET,
	Q_DEVICE_BY_CODE,
	Q_DEVICE_DECIDE,
	Q_DEVICE_SPEND,
	Q_DEVICE_PURGE,
	Q_DEVICE_END,
	Q_GRANT_END_CLIENT,
	Q_DUE_ADD,
	Q_DUE_LIST,
	Q_DUE_REMOVE,
	Q_COUNT
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *q[Q_COUNT];
};

/* Opens the file, sets the connection up, tries all that it may be asked; s is zeroed. */
ch_err store_setup(struct store *s, str folder);
/* The statement of a question, which the store keeps; statement_done() when it is answered. */
ch_err store_query(struct store *s, enum store_query query, sqlite3_stmt **ret_q);
/* An engine's result code as an error that says what to do. */
ch_err store_fail(int rc);
/* Statements without data. */
ch_err db_exec(sqlite3 *db, const char *sql);
/* schema.c: the tables of a new store; or of one that is there, brought to this version.
 * E_MISMATCH when it is of a later one; after an error it is as it was. */
ch_err schema_create(sqlite3 *db);
ch_err schema_update(sqlite3 *db);
/* For AUTO(): makes a statement ready for its next use, forgets what it was given. */
void statement_done(sqlite3_stmt **q);
/* i counts from 1, as the engine does. An empty text is stored as ''. */
void bind_str(sqlite3_stmt *q, int i, str s);
void bind_blob(sqlite3_stmt *q, int i, bytes b);
/* One row: E_NOT_FOUND when there is none. */
ch_err statement_row(sqlite3_stmt *q);
/* Runs it to its end. E_EXISTS when a row is there already. */
ch_err statement_run(sqlite3_stmt *q);
/* The same for one that changes a row: E_NOT_FOUND when there was none. */
ch_err statement_change(struct store *s, sqlite3_stmt *q);
/* Columns count from 0; with an arena it is a copy, else it lives until the next step. */
ch_err column_str(sqlite3_stmt *q, int i, struct arena *a_or_null, str *ret_s);
ch_err column_blob(sqlite3_stmt *q, int i, struct arena *a_or_null, bytes *ret_b);
/* Text that may be stored: at most max bytes, no control character. */
ch_err store_text_check(str s, size_t max);
