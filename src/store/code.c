/* Authorization codes: stored by their hash, spent once (RFC 6749 section 4.1.2). A spent
 * one stays until it expires, so that its second use is seen, with the grant that the
 * first one made. */
#include "base/cleanup.h"
#include "store_internal.h"

static ch_err code_purge(struct store *s, int64_t now)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_CODE_PURGE, &q));
	(void)sqlite3_bind_int64(q, 1, now);
	return statement_run(q);
}

ch_err store_code_add(struct store *s, const struct store_code *c, int64_t now)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_CODE_ADD, &q));
	TRY(code_purge(s, now));
	bind_blob(q, 1, BYTES_OF(c->hash));
	bind_str(q, 2, c->realm);
	bind_str(q, 3, c->client_id);
	bind_str(q, 4, c->redirect_uri);
	bind_str(q, 5, c->challenge);
	bind_str(q, 6, c->sub);
	bind_str(q, 7, c->scope);
	bind_str(q, 8, c->audience);
	bind_str(q, 9, c->nonce);
	(void)sqlite3_bind_int64(q, 10, c->auth_time);
	(void)sqlite3_bind_int64(q, 11, c->expires);
	bind_str(q, 12, c->sid);
	bind_str(q, 13, c->dpop);
	return statement_run(q);
}

static ch_err code_read(sqlite3_stmt *q, struct arena *a, struct store_code *ret_c)
{
	struct store_code c = { 0 };
	bytes hash = { 0 };
	TRY(column_blob(q, 0, NULL, &hash));
	if (hash.n == sizeof(c.hash))
		mem_copy(c.hash, hash.p, hash.n);
	TRY(column_str(q, 1, a, &c.realm));
	TRY(column_str(q, 2, a, &c.client_id));
	TRY(column_str(q, 3, a, &c.redirect_uri));
	TRY(column_str(q, 4, a, &c.challenge));
	TRY(column_str(q, 5, a, &c.sub));
	TRY(column_str(q, 6, a, &c.scope));
	TRY(column_str(q, 7, a, &c.audience));
	TRY(column_str(q, 8, a, &c.nonce));
	c.auth_time = sqlite3_column_int64(q, 9);
	c.expires = sqlite3_column_int64(q, 10);
	TRY(column_str(q, 11, a, &c.sid));
	TRY(column_str(q, 12, a, &c.dpop));
	TRY(column_str(q, 13, a, &c.grant_id));
	c.spent = sqlite3_column_int(q, 14) != 0;
	*ret_c = c;
	return CH_DONE;
}

ch_err store_code_get(struct store *s, str realm, const uint8_t hash[static STORE_HASH_SIZE],
		      struct arena *a, struct store_code *ret_c)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_CODE_GET, &q));
	bind_blob(q, 1, (bytes){ hash, STORE_HASH_SIZE });
	bind_str(q, 2, realm);
	TRY(statement_row(q));
	return code_read(q, a, ret_c);
}

ch_err store_code_spend(struct store *s, const uint8_t hash[static STORE_HASH_SIZE], str grant_id)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_CODE_SPEND, &q));
	bind_blob(q, 1, (bytes){ hash, STORE_HASH_SIZE });
	bind_str(q, 2, grant_id);
	TRY(statement_run(q));
	if (sqlite3_changes(s->db) == 0)
		return ch_fail(CH_E_NOT_FOUND, "the code is spent, or there is none", 0);
	return CH_DONE;
}
