/* Grants: what a person has let a client do, and what its tokens hang on. A row a grant,
 * none a token: rotation counts `seq` up, so every refresh token that was ever given is
 * known without being kept. */
#include "base/cleanup.h"
#include "store_internal.h"

static ch_err grant_purge(struct store *s, int64_t now)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_GRANT_PURGE, &q));
	(void)sqlite3_bind_int64(q, 1, now);
	return statement_run(q);
}

ch_err store_grant_add(struct store *s, const struct store_grant *g)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_GRANT_ADD, &q));
	TRY(grant_purge(s, g->created));
	bind_str(q, 1, g->id);
	bind_str(q, 2, g->realm);
	bind_str(q, 3, g->client_id);
	bind_str(q, 4, g->sub);
	bind_str(q, 5, g->scope);
	bind_str(q, 6, g->audience);
	(void)sqlite3_bind_int64(q, 7, g->auth_time);
	(void)sqlite3_bind_int64(q, 8, g->created);
	(void)sqlite3_bind_int64(q, 9, g->expires);
	bind_blob(q, 10, BYTES_OF(g->salt));
	(void)sqlite3_bind_int64(q, 11, g->seq);
	(void)sqlite3_bind_int64(q, 12, g->rotated);
	(void)sqlite3_bind_int(q, 13, g->revoked);
	bind_str(q, 14, g->dpop);
	bind_str(q, 15, g->sid);
	return statement_run(q);
}

static ch_err grant_read(sqlite3_stmt *q, struct arena *a_or_null, struct store_grant *ret_g)
{
	struct store_grant g = { 0 };
	bytes salt = { 0 };
	TRY(column_str(q, 0, a_or_null, &g.id));
	TRY(column_str(q, 1, a_or_null, &g.realm));
	TRY(column_str(q, 2, a_or_null, &g.client_id));
	TRY(column_str(q, 3, a_or_null, &g.sub));
	TRY(column_str(q, 4, a_or_null, &g.scope));
	TRY(column_str(q, 5, a_or_null, &g.audience));
	g.auth_time = sqlite3_column_int64(q, 6);
	g.created = sqlite3_column_int64(q, 7);
	g.expires = sqlite3_column_int64(q, 8);
	TRY(column_blob(q, 9, NULL, &salt));
	g.seq = sqlite3_column_int64(q, 10);
	g.rotated = sqlite3_column_int64(q, 11);
	g.revoked = sqlite3_column_int(q, 12) != 0;
	if (salt.n != sizeof(g.salt) || g.seq < 0)
		return ch_fail(CH_E_STORE, "the store holds a grant that is none", salt.n);
	mem_copy(g.salt, salt.p, salt.n);
	TRY(column_str(q, 13, a_or_null, &g.dpop));
	TRY(column_str(q, 14, a_or_null, &g.sid));
	*ret_g = g;
	return CH_DONE;
}

ch_err store_grant_get(struct store *s, str realm, str id, struct arena *a,
		       struct store_grant *ret_g)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_GRANT_GET, &q));
	bind_str(q, 1, realm);
	bind_str(q, 2, id);
	TRY(statement_row(q));
	return grant_read(q, a, ret_g);
}

ch_err store_grant_rotate(struct store *s, const struct store_grant *g, int64_t now,
			  int64_t expires)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_GRANT_ROTATE, &q));
	bind_str(q, 1, g->realm);
	bind_str(q, 2, g->id);
	(void)sqlite3_bind_int64(q, 3, g->seq);
	(void)sqlite3_bind_int64(q, 4, now);
	(void)sqlite3_bind_int64(q, 5, expires);
	TRY(statement_run(q));
	if (sqlite3_changes(s->db) == 0)
		return ch_fail(CH_E_NOT_FOUND, "somebody else has rotated or revoked the grant",
			       g->seq);
	return CH_DONE;
}

ch_err store_grant_revoke(struct store *s, str realm, str id)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_GRANT_REVOKE, &q));
	bind_str(q, 1, realm);
	bind_str(q, 2, id);
	return statement_run(q);
}

ch_err store_grant_list(struct store *s, str realm, str sub, int64_t now,
			ch_err (*each)(void *ctx, const struct store_grant *g), void *ctx)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_GRANT_LIST, &q));
	struct store_grant g;
	bind_str(q, 1, sub);
	bind_str(q, 2, realm);
	(void)sqlite3_bind_int64(q, 3, now);
	for (int rc = sqlite3_step(q); rc != SQLITE_DONE; rc = sqlite3_step(q)) {
		if (rc != SQLITE_ROW)
			return store_fail(rc);
		TRY(grant_read(q, NULL, &g));
		TRY(each(ctx, &g));
	}
	return CH_DONE;
}
