/* Sessions: who is signed in where. The store has the hash of a cookie's value alone, so
 * that nobody who reads it can be somebody else. Rows are bounded: for each person, and
 * past ones are purged by those that come. */
#include "base/cleanup.h"
#include "store_internal.h"

static ch_err sessions_purge(struct store *s, int64_t now)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_SESSION_PURGE, &q));
	(void)sqlite3_bind_int64(q, 1, now);
	return statement_run(q);
}

static ch_err sessions_trim(struct store *s, str sub)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_SESSION_TRIM, &q));
	bind_str(q, 1, sub);
	(void)sqlite3_bind_int(q, 2, STORE_SESSIONS_MAX);
	return statement_run(q);
}

static ch_err session_insert(struct store *s, const struct store_session *n)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_SESSION_ADD, &q));
	bind_blob(q, 1, BYTES_OF(n->hash));
	bind_str(q, 2, n->realm);
	bind_str(q, 3, n->sub);
	bind_str(q, 4, n->sid);
	(void)sqlite3_bind_int64(q, 5, n->auth_time);
	bind_str(q, 6, n->amr);
	bind_str(q, 7, n->agent);
	(void)sqlite3_bind_int64(q, 8, n->created);
	(void)sqlite3_bind_int64(q, 9, n->seen);
	(void)sqlite3_bind_int64(q, 10, n->expires);
	return statement_run(q);
}

ch_err store_session_add(struct store *s, const struct store_session *n)
{
	TRY(store_text_check(n->agent, STORE_NAME_MAX));
	TRY(sessions_purge(s, n->created));
	TRY(session_insert(s, n));
	return sessions_trim(s, n->sub);
}

static ch_err session_read(sqlite3_stmt *q, struct arena *a_or_null, struct store_session *ret_n)
{
	struct store_session n = { 0 };
	bytes hash = { 0 };
	TRY(column_blob(q, 0, NULL, &hash));
	if (hash.n != sizeof(n.hash))
		return ch_fail(CH_E_STORE, "the store holds a session that is none", hash.n);
	mem_copy(n.hash, hash.p, hash.n);
	TRY(column_str(q, 1, a_or_null, &n.realm));
	TRY(column_str(q, 2, a_or_null, &n.sub));
	TRY(column_str(q, 3, a_or_null, &n.sid));
	n.auth_time = sqlite3_column_int64(q, 4);
	TRY(column_str(q, 5, a_or_null, &n.amr));
	TRY(column_str(q, 6, a_or_null, &n.agent));
	n.created = sqlite3_column_int64(q, 7);
	n.seen = sqlite3_column_int64(q, 8);
	n.expires = sqlite3_column_int64(q, 9);
	*ret_n = n;
	return CH_DONE;
}

ch_err store_session_get(struct store *s, str realm, const uint8_t hash[static STORE_HASH_SIZE],
			 struct arena *a, struct store_session *ret_n)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_SESSION_GET, &q));
	bind_blob(q, 1, (bytes){ hash, STORE_HASH_SIZE });
	bind_str(q, 2, realm);
	TRY(statement_row(q));
	return session_read(q, a, ret_n);
}

ch_err store_session_seen(struct store *s, const uint8_t hash[static STORE_HASH_SIZE], int64_t seen,
			  int64_t expires)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_SESSION_SEEN, &q));
	bind_blob(q, 1, (bytes){ hash, STORE_HASH_SIZE });
	(void)sqlite3_bind_int64(q, 2, seen);
	(void)sqlite3_bind_int64(q, 3, expires);
	return statement_run(q);
}

ch_err store_session_end(struct store *s, str sub, str sid)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_SESSION_END, &q));
	bind_str(q, 1, sub);
	bind_str(q, 2, sid);
	return statement_change(s, q);
}

ch_err store_session_end_others(struct store *s, str sub, str sid)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_SESSION_END_OTHERS, &q));
	bind_str(q, 1, sub);
	bind_str(q, 2, sid);
	return statement_run(q);
}

ch_err store_session_list(struct store *s, str sub, int64_t now,
			  ch_err (*each)(void *ctx, const struct store_session *n), void *ctx)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_SESSION_LIST, &q));
	struct store_session n;
	bind_str(q, 1, sub);
	(void)sqlite3_bind_int64(q, 2, now);
	for (int rc = sqlite3_step(q); rc != SQLITE_DONE; rc = sqlite3_step(q)) {
		if (rc != SQLITE_ROW)
			return store_fail(rc);
		TRY(session_read(q, NULL, &n));
		TRY(each(ctx, &n));
	}
	return CH_DONE;
}
