/* Sessions in the store: found by their hash, ended one by one or all, bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "store/store.h"

static char folder[64];
static uint8_t memory[16384];
static struct arena arena;

static str dir(void)
{
	return str_from_c(folder);
}

static int fresh(void **state)
{
	static const char template[] = "/tmp/test-store-XXXXXX";
	(void)state;
	mem_copy(folder, template, sizeof(template));
	if (!mkdtemp(folder))
		return -1;
	arena_init(&arena, memory, sizeof(memory));
	return failed(store_create(dir(), (uid_t)-1, (gid_t)-1)) ? -1 : 0;
}

static int gone(void **state)
{
	static const char *const names[] = { "chancery.db", "chancery.db-wal", "chancery.db-shm" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct path p;
		if (!failed(path_join(&p, dir(), str_from_c(names[i]), (str){ 0 })))
			(void)unlink(p.p);
	}
	return rmdir(folder);
}

static struct store *opened(void)
{
	struct store *s = NULL;
	assert_false(failed(store_open(dir(), &s)));
	return s;
}

static struct store_user user(void)
{
	return (struct store_user){
		.realm = LIT("home"),
		.username = LIT("Alice@Home.test"),
		.password_hash = LIT("$argon2id$x"),
		.name = LIT("Alice"),
		.email = LIT("alice@home.test"),
	};
}

static struct store_session session(uint8_t n, str sub, int64_t seen)
{
	static char sids[256][STORE_SID_SIZE];
	for (size_t i = 0; i < STORE_SID_SIZE; i++)
		sids[n][i] = (char)('a' + (i ? n / 26 : n % 26));
	return (struct store_session){ .hash = { n, 1 },
				       .realm = LIT("home"),
				       .sub = sub,
				       .sid = { sids[n], STORE_SID_SIZE },
				       .auth_time = 100,
				       .amr = LIT("pwd"),
				       .agent = LIT("Firefox, Linux"),
				       .created = 100,
				       .seen = seen,
				       .expires = seen + 50 };
}

static ch_err count_session(void *ctx, const struct store_session *n)
{
	assert_int_equal(n->sid.n, STORE_SID_SIZE);
	(*(int *)ctx)++;
	return CH_DONE;
}

static int sessions_of(struct store *s, str sub, int64_t now)
{
	int n = 0;
	assert_false(failed(store_session_list(s, sub, now, count_session, &n)));
	return n;
}

static void sessions(void **state)
{
	(void)state;
	AUTO(store_done) struct store *s = opened();
	struct store_user u = user();
	struct store_session got = { 0 };
	char sub[STORE_SUB_SIZE];
	const str id = { sub, sizeof(sub) };
	assert_false(failed(store_user_add(s, &u, sub)));
	struct store_session a = session(1, id, 200), b = session(2, id, 210);
	struct store_session nobodys = session(3, LIT("nobody"), 200);
	assert_int_equal(ch_code_of(store_session_add(s, &nobodys)), CH_E_NOT_FOUND);
	assert_false(failed(store_session_add(s, &a)));
	assert_false(failed(store_session_add(s, &b)));
	assert_false(failed(store_session_get(s, LIT("home"), a.hash, &arena, &got)));
	assert_true(str_eq(got.sid, a.sid) && str_eq(got.sub, id) && str_eq(got.amr, a.amr));
	assert_true(str_eq(got.agent, a.agent) && got.auth_time == 100 && got.seen == 200);
	assert_int_equal(ch_code_of(store_session_get(s, LIT("corp"), a.hash, &arena, &got)),
			 CH_E_NOT_FOUND);
	assert_false(failed(store_session_seen(s, a.hash, 240, 290)));
	assert_false(failed(store_session_get(s, LIT("home"), a.hash, &arena, &got)));
	assert_true(got.seen == 240 && got.expires == 290);
	assert_int_equal(sessions_of(s, id, 220), 2);
	assert_int_equal(sessions_of(s, id, 260), 1);
	/* of another person it is not there */
	assert_int_equal(ch_code_of(store_session_end(s, LIT("nobody"), a.sid)), CH_E_NOT_FOUND);
	assert_false(failed(store_session_end(s, id, a.sid)));
	assert_int_equal(ch_code_of(store_session_end(s, id, a.sid)), CH_E_NOT_FOUND);
	assert_false(failed(store_session_add(s, &a)));
	assert_false(failed(store_session_end_others(s, id, b.sid)));
	assert_int_equal(sessions_of(s, id, 220), 1);
	assert_false(failed(store_session_add(s, &a)));
	assert_false(failed(store_user_end(s, id)));
	assert_int_equal(sessions_of(s, id, 220), 0);
	assert_false(failed(store_session_add(s, &a)));
	assert_false(failed(store_user_remove(s, LIT("home"), id)));
	assert_int_equal(sessions_of(s, id, 220), 0);
}

static void sessions_are_bounded(void **state)
{
	(void)state;
	AUTO(store_done) struct store *s = opened();
	struct store_user u = user();
	struct store_session got = { 0 };
	char sub[STORE_SUB_SIZE];
	const str id = { sub, sizeof(sub) };
	assert_false(failed(store_user_add(s, &u, sub)));
	for (uint8_t i = 0; i < STORE_SESSIONS_MAX + 8; i++) {
		struct store_session n = session(i, id, 200 + i);
		assert_false(failed(store_session_add(s, &n)));
	}
	assert_int_equal(sessions_of(s, id, 0), STORE_SESSIONS_MAX);
	/* the oldest went */
	struct store_session first = session(0, id, 200), last = session(39, id, 239);
	assert_int_equal(ch_code_of(store_session_get(s, LIT("home"), first.hash, &arena, &got)),
			 CH_E_NOT_FOUND);
	assert_false(failed(store_session_get(s, LIT("home"), last.hash, &arena, &got)));
	/* past ones go by the way */
	struct store_session later = session(50, id, 1000);
	later.created = 1000;
	for (uint8_t i = 0; i < 6; i++) {
		later = session((uint8_t)(50 + i), id, 1000);
		later.created = 1000;
		assert_false(failed(store_session_add(s, &later)));
	}
	assert_int_equal(sessions_of(s, id, 0), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sessions, fresh, gone),
		cmocka_unit_test_setup_teardown(sessions_are_bounded, fresh, gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
