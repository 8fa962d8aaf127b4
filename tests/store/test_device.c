/* Devices that wait: decided once, spent once, bounded, purged; and random sequences of all of
 * that against a plain model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "store/store.h"

static char folder[64];
static struct path file;
static uint8_t memory[16384];
static struct arena arena;
static struct store *s;
static char sub[STORE_SUB_SIZE];

static int fresh(void **state)
{
	const struct store_client c = { .realm = LIT("home"),
					.id = LIT("tv"),
					.auth_method = LIT("none"),
					.grant_types = LIT("device_code"),
					.scopes = LIT("openid"),
					.audience = LIT("mail") };
	struct store_client other = c;
	const struct store_user u = { .realm = LIT("home"), .username = LIT("alice") };
	(void)state;
	other.id = LIT("other");
	(void)snprintf(folder, sizeof(folder), "/tmp/test-device-XXXXXX");
	arena_init(&arena, memory, sizeof(memory));
	return !mkdtemp(folder) ||
	       failed(path_join(&file, str_from_c(folder), LIT("chancery.db"), (str){ 0 })) ||
	       failed(store_create(str_from_c(folder), (uid_t)-1, (gid_t)-1)) ||
	       failed(store_open(str_from_c(folder), &s)) || failed(store_client_add(s, &c)) ||
	       failed(store_client_add(s, &other)) || failed(store_user_add(s, &u, sub));
}

static int gone(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	(void)state;
	store_free(s);
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		char name[sizeof(file.p) + 8];
		(void)snprintf(name, sizeof(name), "%s%s", file.p, ends[i]);
		(void)unlink(name);
	}
	return rmdir(folder);
}

static struct store_device device(uint8_t n, const char *user_code)
{
	return (struct store_device){ .hash = { n },
				      .user_code = str_from_c(user_code),
				      .realm = LIT("home"),
				      .client_id = LIT("tv"),
				      .scope = LIT("openid mail.read"),
				      .audience = LIT("mail"),
				      .expires = 1600 };
}

static enum ch_code get(const struct store_device *d, struct store_device *ret_d)
{
	arena_reset(&arena);
	return ch_code_of(store_device_get(s, d->realm, d->hash, &arena, ret_d));
}

static enum ch_code decide(struct store_device d, enum store_device_state state, int64_t now)
{
	d.state = state;
	d.sub = (str){ sub, sizeof(sub) };
	d.auth_time = 1500;
	return ch_code_of(store_device_decide(s, &d, now));
}

static void once(void **state)
{
	struct store_device d = device(1, "WDJBMJHT"), got = { 0 };
	(void)state;
	assert_false(failed(store_device_add(s, &d, 1000)));
	assert_int_equal(get(&d, &got), CH_OK);
	assert_true(got.state == DEVICE_WAITS && got.sub.n == 0 && got.expires == 1600);
	assert_true(str_eq(got.scope, d.scope) && str_eq(got.user_code, d.user_code));
	assert_int_equal(
		ch_code_of(store_device_by_code(s, LIT("home"), LIT("WDJBMJHT"), &arena, &got)),
		CH_OK);
	assert_memory_equal(got.hash, d.hash, sizeof(d.hash));
	/* another realm has no such code, and nothing is spent before an answer */
	assert_int_equal(
		ch_code_of(store_device_by_code(s, LIT("corp"), LIT("WDJBMJHT"), &arena, &got)),
		CH_E_NOT_FOUND);
	assert_int_equal(ch_code_of(store_device_spend(s, d.hash, LIT("g"))), CH_E_NOT_FOUND);
	d.scope = LIT("openid");
	assert_int_equal(decide(d, DEVICE_ALLOWED, 1100), CH_OK);
	assert_int_equal(decide(d, DEVICE_DENIED, 1100), CH_E_NOT_FOUND);
	assert_int_equal(get(&d, &got), CH_OK);
	assert_true(got.state == DEVICE_ALLOWED && str_eq(got.sub, (str){ sub, sizeof(sub) }));
	assert_true(got.auth_time == 1500 && str_eq(got.scope, LIT("openid")));
	assert_int_equal(ch_code_of(store_device_spend(s, d.hash, LIT("g"))), CH_OK);
	assert_int_equal(ch_code_of(store_device_spend(s, d.hash, LIT("h"))), CH_E_NOT_FOUND);
	assert_int_equal(get(&d, &got), CH_OK);
	assert_true(got.state == DEVICE_SPENT && str_eq(got.grant_id, LIT("g")));
}

static void denied_and_late(void **state)
{
	struct store_device d = device(1, "WDJBMJHT"), late = device(2, "WDJBMJHX"), got = { 0 };
	(void)state;
	assert_false(failed(store_device_add(s, &d, 1000)));
	assert_false(failed(store_device_add(s, &late, 1000)));
	assert_int_equal(decide(d, DEVICE_DENIED, 1100), CH_OK);
	assert_int_equal(ch_code_of(store_device_spend(s, d.hash, LIT("g"))), CH_E_NOT_FOUND);
	assert_int_equal(decide(late, DEVICE_ALLOWED, 1600), CH_E_NOT_FOUND);
	/* it is there a minute longer, to be told that it is late */
	struct store_device next = device(3, "BBBBBBBB");
	next.expires = 9999;
	assert_false(failed(store_device_add(s, &next, 1659)));
	assert_int_equal(get(&late, &got), CH_OK);
	next = device(4, "CCCCCCCC");
	assert_false(failed(store_device_add(s, &next, 1660)));
	assert_int_equal(get(&late, &got), CH_E_NOT_FOUND);
}

static void twice_and_nobody(void **state)
{
	struct store_device d = device(1, "WDJBMJHT"), got = { 0 };
	(void)state;
	assert_false(failed(store_device_add(s, &d, 1000)));
	struct store_device same_code = device(2, "WDJBMJHT"), no_client = device(3, "WDJBMJHX");
	assert_int_equal(ch_code_of(store_device_add(s, &same_code, 1000)), CH_E_EXISTS);
	no_client.client_id = LIT("nobody");
	assert_int_equal(ch_code_of(store_device_add(s, &no_client, 1000)), CH_E_NOT_FOUND);
	/* who shuts a person out ends what the person has just allowed */
	assert_int_equal(decide(d, DEVICE_ALLOWED, 1100), CH_OK);
	assert_false(failed(store_user_end(s, (str){ sub, sizeof(sub) })));
	assert_int_equal(get(&d, &got), CH_E_NOT_FOUND);
}

static ch_err add_numbered(uint32_t n, str client)
{
	char code[16];
	struct store_device d = device(0, "");
	for (size_t i = 0; i < 4; i++)
		d.hash[i] = (uint8_t)(n >> (8 * i));
	(void)snprintf(code, sizeof(code), "%08u", n);
	d.user_code = str_from_c(code);
	d.client_id = client;
	return store_device_add(s, &d, 1000);
}

/* One client's do not keep another client's out. */
static void bounded(void **state)
{
	sqlite3 *db = NULL;
	char sql[512];
	(void)state;
	(void)snprintf(
		sql, sizeof(sql),
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
		"INSERT INTO devices(hash, user_code, realm, client_id, scope, audience,"
		" expires) SELECT randomblob(32), 'x' || i, 'home', 'tv', '', 'mail', 1600"
		" FROM n",
		STORE_DEVICES_OF_CLIENT - 1);
	assert_int_equal(sqlite3_open(file.p, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_false(failed(add_numbered(1, LIT("tv"))));
	assert_int_equal(ch_code_of(add_numbered(2, LIT("tv"))), CH_E_BUSY);
	assert_false(failed(add_numbered(3, LIT("other"))));
	/* when they are past, there is room again */
	struct store_device d = device(9, "WDJBMJHT");
	assert_false(failed(store_device_add(s, &d, 1660)));
}

/* Six devices, random acts at a clock that goes on; the model is a few lines of C. */
static void like_a_model(void **state)
{
	struct {
		enum store_device_state state;
		bool there;
		int64_t expires;
	} model[6] = { 0 };
	static const char *const codes[] = { "BBBBBBBB", "CCCCCCCC", "DDDDDDDD",
					     "FFFFFFFF", "GGGGGGGG", "HHHHHHHH" };
	int64_t now = 1000;
	(void)state;
	srandom(20261123);
	for (int i = 0; i < 3000; i++) {
		size_t k = (size_t)random() % COUNT_OF(model);
		struct store_device d = device((uint8_t)k, codes[k]), got = { 0 };
		bool may = model[k].there && model[k].state == DEVICE_WAITS &&
			   model[k].expires > now;
		now += random() % 8;
		may = may && model[k].expires > now;
		enum store_device_state said = random() % 2 ? DEVICE_ALLOWED : DEVICE_DENIED;
		switch (random() % 4) {
		case 0:
			d.expires = now + 200;
			may = !model[k].there || model[k].expires <= now - 60;
			assert_int_equal(ch_code_of(store_device_add(s, &d, now)),
					 may ? CH_OK : CH_E_EXISTS);
			if (!may)
				break;
			for (size_t j = 0; j < COUNT_OF(model); j++)
				model[j].there = model[j].there && model[j].expires > now - 60;
			model[k].state = DEVICE_WAITS;
			model[k].expires = d.expires;
			model[k].there = true;
			break;
		case 1:
			assert_int_equal(decide(d, said, now), may ? CH_OK : CH_E_NOT_FOUND);
			model[k].state = may ? said : model[k].state;
			break;
		case 2:
			may = model[k].there && model[k].state == DEVICE_ALLOWED;
			assert_int_equal(ch_code_of(store_device_spend(s, d.hash, LIT("g"))),
					 may ? CH_OK : CH_E_NOT_FOUND);
			model[k].state = may ? DEVICE_SPENT : model[k].state;
			break;
		default:
			assert_int_equal(get(&d, &got), model[k].there ? CH_OK : CH_E_NOT_FOUND);
			if (model[k].there)
				assert_int_equal(got.state, model[k].state);
		}
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, gone)

int main(void)
{
	const struct CMUnitTest tests[] = { T(once), T(denied_and_late), T(twice_and_nobody),
					    T(bounded), T(like_a_model) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
