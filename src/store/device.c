/* Devices that wait for a person (RFC 8628): stored by the hash of their code, decided once,
 * spent once. A spent one stays until it expires, so that its second use is seen. How many
 * may wait is bounded, for each app and in all: strangers can ask on a public app's behalf. */
#include <assert.h>

#include "base/cleanup.h"
#include "store_internal.h"

static ch_err device_purge(struct store *s, int64_t now)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_DEVICE_PURGE, &q));
	(void)sqlite3_bind_int64(q, 1, now);
	return statement_run(q);
}

static ch_err device_count(struct store *s, const struct store_device *d)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_DEVICE_COUNT, &q));
	bind_str(q, 1, d->realm);
	bind_str(q, 2, d->client_id);
	TRY(statement_row(q));
	if (sqlite3_column_int64(q, 0) >= STORE_DEVICES_OF_CLIENT)
		return ch_fail(CH_E_BUSY, "too many devices of this client wait for a person",
			       STORE_DEVICES_OF_CLIENT);
	if (sqlite3_column_int64(q, 1) >= STORE_DEVICES_MAX)
		return ch_fail(CH_E_BUSY, "too many devices wait for a person", STORE_DEVICES_MAX);
	return CH_DONE;
}

static ch_err device_insert(struct store *s, const struct store_device *d)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_DEVICE_ADD, &q));
	bind_blob(q, 1, BYTES_OF(d->hash));
	bind_str(q, 2, d->user_code);
	bind_str(q, 3, d->realm);
	bind_str(q, 4, d->client_id);
	bind_str(q, 5, d->scope);
	bind_str(q, 6, d->audience);
	(void)sqlite3_bind_int64(q, 7, d->expires);
	return statement_run(q);
}

static ch_err device_put(struct store *s, const struct store_device *d, int64_t now)
{
	TRY(device_purge(s, now));
	TRY(device_count(s, d));
	return device_insert(s, d);
}

ch_err store_device_add(struct store *s, const struct store_device *d, int64_t now)
{
	TRY(store_begin(s));
	ch_err e = device_put(s, d, now);
	ch_err end = store_end(s, !failed(e));
	return failed(e) ? e : end;
}

static ch_err device_read(sqlite3_stmt *q, struct arena *a, struct store_device *ret_d)
{
	struct store_device d = { 0 };
	bytes hash = { 0 };
	int state = sqlite3_column_int(q, 7);
	TRY(column_blob(q, 0, NULL, &hash));
	if (hash.n != sizeof(d.hash) || state < 0 || state >= DEVICE_STATE_COUNT)
		return ch_fail(CH_E_STORE, "the store holds a device that is none", hash.n);
	mem_copy(d.hash, hash.p, hash.n);
	TRY(column_str(q, 1, a, &d.user_code));
	TRY(column_str(q, 2, a, &d.realm));
	TRY(column_str(q, 3, a, &d.client_id));
	TRY(column_str(q, 4, a, &d.scope));
	TRY(column_str(q, 5, a, &d.audience));
	d.expires = sqlite3_column_int64(q, 6);
	d.state = (enum store_device_state)state;
	TRY(column_str(q, 8, a, &d.sub));
	d.auth_time = sqlite3_column_int64(q, 9);
	TRY(column_str(q, 10, a, &d.grant_id));
	*ret_d = d;
	return CH_DONE;
}

ch_err store_device_get(struct store *s, str realm, const uint8_t hash[static STORE_HASH_SIZE],
			struct arena *a, struct store_device *ret_d)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_DEVICE_GET, &q));
	bind_blob(q, 1, (bytes){ hash, STORE_HASH_SIZE });
	bind_str(q, 2, realm);
	TRY(statement_row(q));
	return device_read(q, a, ret_d);
}

ch_err store_device_by_code(struct store *s, str realm, str user_code, struct arena *a,
			    struct store_device *ret_d)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_DEVICE_BY_CODE, &q));
	bind_str(q, 1, realm);
	bind_str(q, 2, user_code);
	TRY(statement_row(q));
	return device_read(q, a, ret_d);
}

ch_err store_device_decide(struct store *s, const struct store_device *d, int64_t now)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_DEVICE_DECIDE, &q));
	assert(d->state == DEVICE_ALLOWED || d->state == DEVICE_DENIED);
	bind_blob(q, 1, BYTES_OF(d->hash));
	bind_str(q, 2, d->realm);
	(void)sqlite3_bind_int(q, 3, d->state);
	bind_str(q, 4, d->sub);
	(void)sqlite3_bind_int64(q, 5, d->auth_time);
	bind_str(q, 6, d->scope);
	(void)sqlite3_bind_int64(q, 7, now);
	return statement_change(s, q);
}

ch_err store_device_spend(struct store *s, const uint8_t hash[static STORE_HASH_SIZE], str grant_id)
{
	AUTO(statement_done) sqlite3_stmt *q = NULL;
	TRY(store_query(s, Q_DEVICE_SPEND, &q));
	bind_blob(q, 1, (bytes){ hash, STORE_HASH_SIZE });
	bind_str(q, 2, grant_id);
	return statement_change(s, q);
}
