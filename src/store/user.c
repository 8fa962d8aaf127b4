/* Users in the store. Usernames are compared without ASCII case: they are kept in
 * lower case, and what is looked up is lowered too. */
#include "base/cleanup.h"
#include "base/path.h"
#include "base/rand.h"
#include "base/rw.h"
#include "store_internal.h"

struct lowered {
	char p[STORE_NAME_MAX];
};

static ch_err lower(str s, struct lowered *storage, str *ret_s)
{
	if (s.n > sizeof(storage->p))
		return ch_fail(CH_E_FULL, "a username is too long", sizeof(storage->p));
	for (size_t i = 0; i < s.n; i++)
		storage->p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 0x20) : s.p[i];
	*ret_s = (str){ storage->p, s.n };
	return CH_DONE;
}

static ch_err user_check(const struct store_user *u)
{
	if (!name_ok(u->realm, STORE_NAME_MAX))
		return ch_fail(CH_E_SYNTAX, "a realm's name is letters, digits, . _ -", u->realm.n);
	if (u->username.n == 0 || str_has(u->username, ' '))
		return ch_fail(CH_E_SYNTAX, "a username is neither empty nor has blanks",
			       u->username.n);
	if (str_has(u->mailbox, ' '))
		return ch_fail(CH_E_SYNTAX, "a mailbox has no blanks", u->mailbox.n);
	TRY(store_text_check(u->username, STORE_NAME_MAX));
	TRY(store_text_check(u->mailbox, STORE_NAME_MAX));
	TRY(store_text_check(u->password_hash, STORE_NAME_MAX));
	TRY(store_text_check(u->name, STORE_NAME_MAX));
	return store_text_check(u->email, STORE_NAME_MAX);
}

static void sub_make(char ret_sub[static STORE_SUB_SIZE])
{
	uint8_t id[STORE_SUB_SIZE / 2];
	struct wr w = wr_of(ret_sub, STORE_SUB_SIZE);
	rand_fill(id, sizeof(id));
	wr_hex(&w, BYTES_OF(id));
}

/* The storage lives until the statement has run. */
static ch_err user_bind(sqlite3_stmt *q, const struct store_user *u, str sub,
			struct lowered *storage)
{
	str username = { 0 };
	TRY(user_check(u));
	TRY(lower(u->username, storage, &username));
	bind_str(q, 1, u->realm);
	bind_str(q, 2, sub);
	bind_str(q, 3, username);
	bind_str(q, 4, u->password_hash);
	bind_str(q, 5, u->mailbox.n ? u->mailbox : username);
	bind_str(q, 6, u->name);
	bind_str(q, 7, u->email);
	(void)sqlite3_bind_int(q, 8, u->disabled);
	return CH_DONE;
}

ch_err store_user_add(struct store *s, const struct store_user *u,
		      char ret_sub[static STORE_SUB_SIZE])
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_USER_ADD, &q));
	struct lowered storage;
	char sub[STORE_SUB_SIZE];
	if (u->sub.n == 0)
		sub_make(sub);
	else if (u->sub.n == sizeof(sub) && name_ok(u->sub, sizeof(sub)))
		mem_copy(sub, u->sub.p, sizeof(sub));
	else
		return ch_fail(CH_E_SYNTAX, "a sub is 32 letters and digits", u->sub.n);
	TRY(user_bind(q, u, (str){ sub, sizeof(sub) }, &storage));
	TRY(statement_run(q));
	mem_copy(ret_sub, sub, sizeof(sub));
	return CH_DONE;
}

ch_err store_user_set(struct store *s, const struct store_user *u)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_USER_SET, &q));
	struct lowered storage;
	TRY(user_bind(q, u, u->sub, &storage));
	return statement_change(s, q);
}

ch_err store_user_end(struct store *s, str sub)
{
	AUTO(statement_done) sqlite3_stmt *codes = NULL;
	AUTO(statement_done) sqlite3_stmt *grants = NULL;
	AUTO(statement_done) sqlite3_stmt *devices = NULL;
	TRY(store_query(s, Q_CODE_END, &codes));
	TRY(store_query(s, Q_GRANT_END, &grants));
	TRY(store_query(s, Q_DEVICE_END, &devices));
	bind_str(codes, 1, sub);
	bind_str(grants, 1, sub);
	bind_str(devices, 1, sub);
	TRY(statement_run(codes));
	TRY(statement_run(devices));
	TRY(statement_run(grants));
	return store_session_end_others(s, sub, (str){ 0 });
}

ch_err store_user_remove(struct store *s, str realm, str sub)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_USER_REMOVE, &q));
	bind_str(q, 1, realm);
	bind_str(q, 2, sub);
	return statement_change(s, q);
}

static ch_err user_read(sqlite3_stmt *q, struct arena *a_or_null, struct store_user *ret_u)
{
	struct store_user u = { 0 };
	TRY(column_str(q, 0, a_or_null, &u.realm));
	TRY(column_str(q, 1, a_or_null, &u.sub));
	TRY(column_str(q, 2, a_or_null, &u.username));
	TRY(column_str(q, 3, a_or_null, &u.password_hash));
	TRY(column_str(q, 4, a_or_null, &u.mailbox));
	TRY(column_str(q, 5, a_or_null, &u.name));
	TRY(column_str(q, 6, a_or_null, &u.email));
	u.disabled = sqlite3_column_int(q, 7) != 0;
	*ret_u = u;
	return CH_DONE;
}

ch_err store_user_by_name(struct store *s, str realm, str username, struct arena *a,
			  struct store_user *ret_u)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_USER_BY_NAME, &q));
	struct lowered storage;
	str lowered = { 0 };
	if (failed(lower(username, &storage, &lowered)))
		return ch_fail(CH_E_NOT_FOUND, "no username is that long", username.n);
	bind_str(q, 1, realm);
	bind_str(q, 2, lowered);
	TRY(statement_row(q));
	return user_read(q, a, ret_u);
}

ch_err store_user_by_sub(struct store *s, str realm, str sub, struct arena *a,
			 struct store_user *ret_u)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_USER_BY_SUB, &q));
	bind_str(q, 1, realm);
	bind_str(q, 2, sub);
	TRY(statement_row(q));
	return user_read(q, a, ret_u);
}

ch_err store_user_list(struct store *s, str realm,
		       ch_err (*each)(void *ctx, const struct store_user *u), void *ctx)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_USER_LIST, &q));
	struct store_user u;
	bind_str(q, 1, realm);
	for (int rc = sqlite3_step(q); rc != SQLITE_DONE; rc = sqlite3_step(q)) {
		if (rc != SQLITE_ROW)
			return store_fail(rc);
		TRY(user_read(q, NULL, &u));
		TRY(each(ctx, &u));
	}
	return CH_DONE;
}
