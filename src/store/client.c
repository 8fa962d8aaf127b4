/* Clients in the store. A confidential one has the hash of a random secret; the secret
 * itself is never stored. */
#include "base/cleanup.h"
#include "base/path.h"
#include "store_internal.h"

static ch_err client_check(const struct store_client *c)
{
	const str texts[] = { c->auth_method, c->audience, c->username, c->name, c->consent };
	const str lists[] = { c->grant_types, c->redirect_uris, c->scopes,
			      c->audiences,   c->logout_uris,   c->home };
	if (!name_ok(c->realm, STORE_NAME_MAX))
		return ch_fail(CH_E_SYNTAX, "a realm's name is letters, digits, . _ -", c->realm.n);
	if (!name_ok(c->id, STORE_NAME_MAX))
		return ch_fail(CH_E_SYNTAX, "a client's id is letters, digits, . _ -", c->id.n);
	if (c->secret_hash.n != 0 && c->secret_hash.n != STORE_HASH_SIZE)
		return ch_fail(CH_E_RANGE, "a secret's hash has another size", c->secret_hash.n);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		TRY(store_text_check(texts[i], STORE_NAME_MAX));
	for (size_t i = 0; i < COUNT_OF(lists); i++)
		TRY(store_text_check(lists[i], STORE_LIST_MAX));
	return store_text_check(c->jwks, STORE_JWKS_MAX);
}

static void client_bind(sqlite3_stmt *q, const struct store_client *c)
{
	bind_str(q, 1, c->realm);
	bind_str(q, 2, c->id);
	bind_blob(q, 3, c->secret_hash);
	bind_str(q, 4, c->auth_method);
	bind_str(q, 5, c->grant_types);
	bind_str(q, 6, c->redirect_uris);
	bind_str(q, 7, c->scopes);
	bind_str(q, 8, c->audience);
	bind_str(q, 9, c->audiences);
	bind_str(q, 10, c->username);
	(void)sqlite3_bind_int(q, 11, c->disabled);
	bind_str(q, 12, c->jwks);
	bind_str(q, 13, c->name);
	bind_str(q, 14, c->home);
	bind_str(q, 15, c->logout_uris);
	bind_str(q, 16, c->consent);
	(void)sqlite3_bind_int(q, 17, c->dpop);
	(void)sqlite3_bind_int(q, 18, c->par);
}

ch_err store_client_add(struct store *s, const struct store_client *c)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_CLIENT_ADD, &q));
	TRY(client_check(c));
	client_bind(q, c);
	return statement_run(q);
}

ch_err store_client_set(struct store *s, const struct store_client *c)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_CLIENT_SET, &q));
	TRY(client_check(c));
	client_bind(q, c);
	return statement_change(s, q);
}

ch_err store_client_remove(struct store *s, str realm, str id)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_CLIENT_REMOVE, &q));
	bind_str(q, 1, realm);
	bind_str(q, 2, id);
	return statement_change(s, q);
}

ch_err store_client_end(struct store *s, str realm, str id)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_GRANT_END_CLIENT, &q));
	bind_str(q, 1, realm);
	bind_str(q, 2, id);
	return statement_run(q);
}

static ch_err client_read(sqlite3_stmt *q, struct arena *a_or_null, struct store_client *ret_c)
{
	struct store_client c = { 0 };
	TRY(column_str(q, 0, a_or_null, &c.realm));
	TRY(column_str(q, 1, a_or_null, &c.id));
	TRY(column_blob(q, 2, a_or_null, &c.secret_hash));
	TRY(column_str(q, 3, a_or_null, &c.auth_method));
	TRY(column_str(q, 4, a_or_null, &c.grant_types));
	TRY(column_str(q, 5, a_or_null, &c.redirect_uris));
	TRY(column_str(q, 6, a_or_null, &c.scopes));
	TRY(column_str(q, 7, a_or_null, &c.audience));
	TRY(column_str(q, 8, a_or_null, &c.audiences));
	TRY(column_str(q, 9, a_or_null, &c.username));
	c.disabled = sqlite3_column_int(q, 10) != 0;
	TRY(column_str(q, 11, a_or_null, &c.jwks));
	TRY(column_str(q, 12, a_or_null, &c.name));
	TRY(column_str(q, 13, a_or_null, &c.home));
	TRY(column_str(q, 14, a_or_null, &c.logout_uris));
	TRY(column_str(q, 15, a_or_null, &c.consent));
	c.dpop = sqlite3_column_int(q, 16) != 0;
	c.par = sqlite3_column_int(q, 17) != 0;
	*ret_c = c;
	return CH_DONE;
}

ch_err store_client_get(struct store *s, str realm, str id, struct arena *a,
			struct store_client *ret_c)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_CLIENT_GET, &q));
	bind_str(q, 1, realm);
	bind_str(q, 2, id);
	TRY(statement_row(q));
	return client_read(q, a, ret_c);
}

ch_err store_client_list(struct store *s, str realm,
			 ch_err (*each)(void *ctx, const struct store_client *c), void *ctx)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_CLIENT_LIST, &q));
	struct store_client c;
	bind_str(q, 1, realm);
	for (int rc = sqlite3_step(q); rc != SQLITE_DONE; rc = sqlite3_step(q)) {
		if (rc != SQLITE_ROW)
			return store_fail(rc);
		TRY(client_read(q, NULL, &c));
		TRY(each(ctx, &c));
	}
	return CH_DONE;
}
