/* What people have agreed to, a row for each person and client. It is forgotten with either of
 * them. */
#include "base/cleanup.h"
#include "store_internal.h"

ch_err store_consent_set(struct store *s, const struct store_consent *c)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_CONSENT_SET, &q));
	TRY(store_text_check(c->scope, STORE_LIST_MAX));
	bind_str(q, 1, c->sub);
	bind_str(q, 2, c->realm);
	bind_str(q, 3, c->client_id);
	bind_str(q, 4, c->scope);
	(void)sqlite3_bind_int64(q, 5, c->since);
	return statement_run(q);
}

static ch_err consent_read(sqlite3_stmt *q, struct arena *a_or_null, struct store_consent *ret_c)
{
	struct store_consent c = { 0 };
	TRY(column_str(q, 0, a_or_null, &c.sub));
	TRY(column_str(q, 1, a_or_null, &c.realm));
	TRY(column_str(q, 2, a_or_null, &c.client_id));
	TRY(column_str(q, 3, a_or_null, &c.scope));
	c.since = sqlite3_column_int64(q, 4);
	*ret_c = c;
	return CH_DONE;
}

ch_err store_consent_get(struct store *s, str sub, str client_id, struct arena *a,
			 struct store_consent *ret_c)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_CONSENT_GET, &q));
	bind_str(q, 1, sub);
	bind_str(q, 2, client_id);
	TRY(statement_row(q));
	return consent_read(q, a, ret_c);
}

ch_err store_consent_remove(struct store *s, str sub, str client_id)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_CONSENT_REMOVE, &q));
	bind_str(q, 1, sub);
	bind_str(q, 2, client_id);
	return statement_run(q);
}

ch_err store_consent_list(struct store *s, str sub,
			  ch_err (*each)(void *ctx, const struct store_consent *c), void *ctx)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_CONSENT_LIST, &q));
	struct store_consent c;
	bind_str(q, 1, sub);
	for (int rc = sqlite3_step(q); rc != SQLITE_DONE; rc = sqlite3_step(q)) {
		if (rc != SQLITE_ROW)
			return store_fail(rc);
		TRY(consent_read(q, NULL, &c));
		TRY(each(ctx, &c));
	}
	return CH_DONE;
}
