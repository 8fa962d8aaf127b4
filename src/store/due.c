/* Revocations that are due: from the transaction that made them to their realm's chain. What
 * they say is none of the store's. */
#include "base/cleanup.h"
#include "store_internal.h"

ch_err store_due_add(struct store *s, str realm, bytes record)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_DUE_ADD, &q));
	if (record.n == 0 || record.n > STORE_DUE_MAX)
		return ch_fail(CH_E_FULL, "a revocation is too long to be stored", record.n);
	bind_str(q, 1, realm);
	bind_blob(q, 2, record);
	return statement_run(q);
}

static ch_err due_read(sqlite3_stmt *q, struct store_due *ret_d)
{
	const uint8_t *p = sqlite3_column_blob(q, 2);
	int n = sqlite3_column_bytes(q, 2);
	if (n <= 0 || n > STORE_DUE_MAX || !p)
		return ch_fail(CH_E_STORE, "the store holds a revocation that is none", n);
	TRY(column_str(q, 1, NULL, &ret_d->realm));
	ret_d->id = sqlite3_column_int64(q, 0);
	ret_d->record = (bytes){ p, (size_t)n };
	return CH_DONE;
}

ch_err store_due_list(struct store *s, ch_err (*each)(void *ctx, const struct store_due *d),
		      void *ctx)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_DUE_LIST, &q));
	struct store_due d;
	for (int rc = sqlite3_step(q); rc != SQLITE_DONE; rc = sqlite3_step(q)) {
		if (rc != SQLITE_ROW)
			return store_fail(rc);
		TRY(due_read(q, &d));
		TRY(each(ctx, &d));
	}
	return CH_DONE;
}

/* The engine leaves no page alone that was touched, though nothing of it differs at the end. */
static ch_err touch(struct store *s)
{
	static const uint8_t nothing[1];
	TRY(store_due_add(s, (str){ 0 }, BYTES_OF(nothing)));
	return store_due_remove(s, sqlite3_last_insert_rowid(s->db));
}

ch_err store_probe(struct store *s)
{
	TRY(store_begin(s));
	ch_err e = touch(s);
	ch_err end = store_end(s, !failed(e));
	return failed(e) ? e : end;
}

ch_err store_due_remove(struct store *s, int64_t id)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_DUE_REMOVE, &q));
	(void)sqlite3_bind_int64(q, 1, id);
	return statement_run(q);
}
