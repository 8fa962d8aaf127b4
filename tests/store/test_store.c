/* The store: what goes in comes out, names are unique, a code is spent once however
 * many ask, damage is named. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
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

static struct store_client client(const char *realm)
{
	static const uint8_t hash[STORE_HASH_SIZE] = { 7, 0, 9 };
	return (struct store_client){
		.realm = str_from_c(realm),
		.id = LIT("bench"),
		.secret_hash = BYTES_OF(hash),
		.auth_method = LIT("client_secret_basic"),
		.grant_types = LIT("client_credentials"),
		.redirect_uris = LIT("http://127.0.0.1/callback"),
		.scopes = LIT("openid mail.read"),
		.audience = LIT("mail"),
		.audiences = LIT("mail api"),
		.username = LIT("alice@home.test"),
		.jwks = LIT("{\"keys\":[]}"),
		.dpop = true,
	};
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

static void clients(void **state)
{
	(void)state;
	AUTO(store_done) struct store *s = opened();
	struct store_client c = client("home"), got = { 0 };
	assert_false(failed(store_client_add(s, &c)));
	assert_int_equal(ch_code_of(store_client_add(s, &c)), CH_E_EXISTS);
	assert_false(failed(store_client_get(s, LIT("home"), LIT("bench"), &arena, &got)));
	assert_true(str_eq(got.scopes, c.scopes));
	assert_true(bytes_eq(got.secret_hash, c.secret_hash));
	assert_true(str_eq(got.username, c.username));
	assert_true(str_eq(got.audiences, c.audiences));
	assert_true(str_eq(got.jwks, c.jwks));
	assert_true(!got.disabled && got.dpop && !got.par);
	assert_int_equal(ch_code_of(store_client_get(s, LIT("corp"), LIT("bench"), &arena, &got)),
			 CH_E_NOT_FOUND);
	c.id = LIT("a b");
	assert_int_equal(ch_code_of(store_client_add(s, &c)), CH_E_SYNTAX);
	c.id = LIT("x");
	c.redirect_uris = LIT("http://a/\nhttp://b/");
	assert_int_equal(ch_code_of(store_client_add(s, &c)), CH_E_SYNTAX);
	static char large[STORE_JWKS_MAX + 1];
	memset(large, 'x', sizeof(large));
	c = client("home");
	c.id = LIT("x");
	c.jwks = (str){ large, sizeof(large) };
	assert_int_equal(ch_code_of(store_client_add(s, &c)), CH_E_FULL);
	c.jwks.n--;
	assert_false(failed(store_client_add(s, &c)));
	assert_false(failed(store_client_get(s, LIT("home"), LIT("x"), &arena, &got)));
	assert_int_equal(got.jwks.n, STORE_JWKS_MAX);
}

static ch_err count_client(void *ctx, const struct store_client *c)
{
	assert_true(c->id.n > 0);
	(*(int *)ctx)++;
	return CH_DONE;
}

static void listing(void **state)
{
	(void)state;
	AUTO(store_done) struct store *s = opened();
	struct store_client a = client("home"), b = client("corp");
	int n = 0;
	assert_false(failed(store_client_add(s, &a)));
	assert_false(failed(store_client_add(s, &b)));
	assert_false(failed(store_client_list(s, (str){ 0 }, count_client, &n)));
	assert_int_equal(n, 2);
	assert_false(failed(store_client_list(s, LIT("corp"), count_client, &n)));
	assert_int_equal(n, 3);
}

static void users(void **state)
{
	(void)state;
	AUTO(store_done) struct store *s = opened();
	struct store_user u = user(), got = { 0 };
	char sub[STORE_SUB_SIZE];
	str id = { sub, sizeof(sub) };
	assert_false(failed(store_user_add(s, &u, sub)));
	assert_false(
		failed(store_user_by_name(s, LIT("home"), LIT("ALICE@home.test"), &arena, &got)));
	assert_true(str_eq(got.username, LIT("alice@home.test")));
	assert_true(str_eq(got.mailbox, LIT("alice@home.test")));
	assert_true(str_eq(got.sub, id));
	u.username = LIT("alice@home.TEST");
	assert_int_equal(ch_code_of(store_user_add(s, &u, sub)), CH_E_EXISTS);
	u.realm = LIT("corp");
	u.mailbox = LIT("shared@corp.test");
	assert_false(failed(store_user_add(s, &u, sub)));
	assert_false(failed(store_user_by_sub(s, LIT("corp"), id, &arena, &got)));
	assert_true(str_eq(got.mailbox, LIT("shared@corp.test")));
	assert_int_equal(ch_code_of(store_user_by_sub(s, LIT("home"), id, &arena, &got)),
			 CH_E_NOT_FOUND);
	u.username = LIT("");
	assert_int_equal(ch_code_of(store_user_add(s, &u, sub)), CH_E_SYNTAX);
	u.username = LIT("bob@home.test");
	u.name = LIT("B\xff");
	assert_int_equal(ch_code_of(store_user_add(s, &u, sub)), CH_E_SYNTAX);
}

static struct store_code seeded_code(struct store *s, char sub[static STORE_SUB_SIZE])
{
	struct store_client c = client("home");
	struct store_user u = user();
	assert_false(failed(store_client_add(s, &c)));
	assert_false(failed(store_user_add(s, &u, sub)));
	return (struct store_code){
		.hash = { 1, 2, 3 },
		.realm = LIT("home"),
		.client_id = LIT("bench"),
		.redirect_uri = LIT("http://127.0.0.1:5/callback"),
		.challenge = LIT("abc"),
		.sub = { sub, STORE_SUB_SIZE },
		.scope = LIT("openid"),
		.audience = LIT("mail"),
		.nonce = LIT("n"),
		.auth_time = 1000,
		.expires = 1060,
		.dpop = LIT("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
	};
}

static enum ch_code code_get(struct store *s, const char *realm, const struct store_code *c,
			     struct store_code *ret_c)
{
	return ch_code_of(store_code_get(s, str_from_c(realm), c->hash, &arena, ret_c));
}

static void code_once(void **state)
{
	(void)state;
	AUTO(store_done) struct store *s = opened();
	char sub[STORE_SUB_SIZE];
	struct store_code c = seeded_code(s, sub), got = { 0 };
	assert_false(failed(store_code_add(s, &c, 1000)));
	assert_int_equal(code_get(s, "corp", &c, &got), CH_E_NOT_FOUND);
	assert_int_equal(code_get(s, "home", &c, &got), CH_OK);
	assert_true(str_eq(got.redirect_uri, c.redirect_uri));
	assert_true(str_eq(got.sub, c.sub));
	assert_true(got.auth_time == 1000 && got.expires == 1060 && !got.spent);
	assert_true(got.grant_id.n == 0 && str_eq(got.dpop, c.dpop));
	assert_false(failed(store_code_spend(s, c.hash, LIT("g"))));
	assert_int_equal(ch_code_of(store_code_spend(s, c.hash, LIT("other"))), CH_E_NOT_FOUND);
	assert_int_equal(code_get(s, "home", &c, &got), CH_OK);
	assert_true(got.spent && str_eq(got.grant_id, LIT("g")));
}

static void code_is_purged(void **state)
{
	(void)state;
	AUTO(store_done) struct store *s = opened();
	char sub[STORE_SUB_SIZE];
	struct store_code c = seeded_code(s, sub), got = { 0 };
	assert_false(failed(store_code_add(s, &c, 1000)));
	c.hash[0] = 98;
	assert_false(failed(store_code_add(s, &c, 1059)));
	c.hash[0] = 1;
	assert_int_equal(code_get(s, "home", &c, &got), CH_OK);
	c.hash[0] = 99;
	assert_false(failed(store_code_add(s, &c, 2000)));
	c.hash[0] = 1;
	assert_int_equal(code_get(s, "home", &c, &got), CH_E_NOT_FOUND);
	c.sub = LIT("nobody");
	c.hash[0] = 50;
	assert_int_equal(ch_code_of(store_code_add(s, &c, 1000)), CH_E_NOT_FOUND);
}

static void clients_change(void **state)
{
	(void)state;
	AUTO(store_done) struct store *s = opened();
	struct store_client c = client("home"), got = { 0 };
	assert_int_equal(ch_code_of(store_client_set(s, &c)), CH_E_NOT_FOUND);
	assert_int_equal(ch_code_of(store_client_remove(s, c.realm, c.id)), CH_E_NOT_FOUND);
	assert_false(failed(store_client_add(s, &c)));
	c.scopes = LIT("openid");
	c.secret_hash = (bytes){ 0 };
	c.disabled = true;
	assert_false(failed(store_client_set(s, &c)));
	assert_false(failed(store_client_get(s, c.realm, c.id, &arena, &got)));
	assert_true(str_eq(got.scopes, LIT("openid")));
	assert_true(got.disabled);
	assert_int_equal(got.secret_hash.n, 0);
	assert_true(str_eq(got.redirect_uris, c.redirect_uris));
	c.scopes = LIT("a\nb");
	assert_int_equal(ch_code_of(store_client_set(s, &c)), CH_E_SYNTAX);
	assert_int_equal(ch_code_of(store_client_remove(s, LIT("corp"), c.id)), CH_E_NOT_FOUND);
	assert_false(failed(store_client_remove(s, c.realm, c.id)));
	assert_int_equal(ch_code_of(store_client_get(s, c.realm, c.id, &arena, &got)),
			 CH_E_NOT_FOUND);
}

static void users_change(void **state)
{
	(void)state;
	AUTO(store_done) struct store *s = opened();
	struct store_user u = user(), got = { 0 }, bob = user();
	char sub[STORE_SUB_SIZE], other[STORE_SUB_SIZE];
	bob.username = LIT("bob@home.test");
	assert_false(failed(store_user_add(s, &u, sub)));
	assert_false(failed(store_user_add(s, &bob, other)));
	u.sub = (str){ sub, sizeof(sub) };
	u.username = LIT("ALICIA@home.test");
	u.mailbox = LIT("shared@home.test");
	u.disabled = true;
	assert_false(failed(store_user_set(s, &u)));
	assert_false(failed(store_user_by_sub(s, u.realm, u.sub, &arena, &got)));
	assert_true(str_eq(got.username, LIT("alicia@home.test")));
	assert_true(str_eq(got.mailbox, u.mailbox));
	assert_true(got.disabled);
	u.username = LIT("Bob@home.test");
	assert_int_equal(ch_code_of(store_user_set(s, &u)), CH_E_EXISTS);
	u.realm = LIT("corp");
	assert_int_equal(ch_code_of(store_user_set(s, &u)), CH_E_NOT_FOUND);
	assert_int_equal(ch_code_of(store_user_remove(s, u.realm, u.sub)), CH_E_NOT_FOUND);
	assert_false(failed(store_user_remove(s, LIT("home"), u.sub)));
	assert_int_equal(ch_code_of(store_user_by_sub(s, LIT("home"), u.sub, &arena, &got)),
			 CH_E_NOT_FOUND);
	assert_int_equal(ch_code_of(store_user_remove(s, LIT("home"), u.sub)), CH_E_NOT_FOUND);
}

/* One who comes from elsewhere keeps the sub that tokens have. */
static void users_with_a_sub(void **state)
{
	(void)state;
	AUTO(store_done) struct store *s = opened();
	struct store_user u = user(), got = { 0 };
	char sub[STORE_SUB_SIZE];
	u.sub = LIT("00112233445566778899aabbccddeeff");
	assert_false(failed(store_user_add(s, &u, sub)));
	assert_memory_equal(sub, u.sub.p, sizeof(sub));
	assert_false(failed(store_user_by_sub(s, u.realm, u.sub, &arena, &got)));
	u.username = LIT("bob@home.test");
	assert_int_equal(ch_code_of(store_user_add(s, &u, sub)), CH_E_EXISTS);
	u.sub = LIT("short");
	assert_int_equal(ch_code_of(store_user_add(s, &u, sub)), CH_E_SYNTAX);
	u.sub = LIT("00112233445566778899aabbccddee f");
	assert_int_equal(ch_code_of(store_user_add(s, &u, sub)), CH_E_SYNTAX);
}

static void what_hangs_on_them_goes_too(void **state)
{
	(void)state;
	AUTO(store_done) struct store *s = opened();
	char sub[STORE_SUB_SIZE];
	struct store_code c = seeded_code(s, sub), got = { 0 };
	struct store_client other = client("home");
	other.id = LIT("other");
	assert_false(failed(store_client_add(s, &other)));
	assert_false(failed(store_code_add(s, &c, 1000)));
	assert_false(failed(store_user_end(s, c.sub)));
	assert_int_equal(code_get(s, "home", &c, &got), CH_E_NOT_FOUND);
	assert_false(failed(store_code_add(s, &c, 1000)));
	assert_false(failed(store_client_remove(s, c.realm, c.client_id)));
	assert_int_equal(code_get(s, "home", &c, &got), CH_E_NOT_FOUND);
	c.client_id = LIT("other");
	assert_false(failed(store_code_add(s, &c, 1000)));
	assert_false(failed(store_user_remove(s, c.realm, c.sub)));
	assert_int_equal(code_get(s, "home", &c, &got), CH_E_NOT_FOUND);
}

static void several_as_one(void **state)
{
	(void)state;
	AUTO(store_done) struct store *s = opened();
	AUTO(store_done) struct store *elsewhere = opened();
	struct store_client a = client("home"), b = client("corp"), got = { 0 };
	assert_false(failed(store_begin(s)));
	assert_false(failed(store_client_add(s, &a)));
	assert_int_equal(ch_code_of(store_client_get(elsewhere, a.realm, a.id, &arena, &got)),
			 CH_E_NOT_FOUND);
	assert_false(failed(store_end(s, false)));
	assert_int_equal(ch_code_of(store_client_get(s, a.realm, a.id, &arena, &got)),
			 CH_E_NOT_FOUND);
	assert_false(failed(store_begin(s)));
	assert_false(failed(store_client_add(s, &a)));
	assert_int_equal(ch_code_of(store_client_add(s, &a)), CH_E_EXISTS);
	assert_false(failed(store_client_add(s, &b)));
	assert_false(failed(store_end(s, true)));
	assert_false(failed(store_client_get(elsewhere, b.realm, b.id, &arena, &got)));
}

static struct store_grant seeded_grant(struct store *s, char sub[static STORE_SUB_SIZE])
{
	struct store_code c = seeded_code(s, sub);
	struct store_grant g = { .id = LIT("AAAAAAAAAAAAAAAAAAAAAA"),
				 .realm = c.realm,
				 .client_id = c.client_id,
				 .sub = c.sub,
				 .scope = LIT("openid offline_access"),
				 .audience = LIT("mail"),
				 .auth_time = 990,
				 .created = 1000,
				 .expires = 2000,
				 .salt = { 7, 8 },
				 .seq = 1,
				 .rotated = 1000 };
	assert_false(failed(store_grant_add(s, &g)));
	return g;
}

static struct store_grant grant_of(struct store *s, str id)
{
	struct store_grant g = { 0 };
	assert_false(failed(store_grant_get(s, LIT("home"), id, &arena, &g)));
	return g;
}

static void grants(void **state)
{
	(void)state;
	AUTO(store_done) struct store *s = opened();
	char sub[STORE_SUB_SIZE];
	struct store_grant g = seeded_grant(s, sub);
	struct store_grant got = grant_of(s, g.id);
	assert_true(str_eq(got.client_id, g.client_id) && str_eq(got.sub, g.sub));
	assert_true(str_eq(got.scope, g.scope) && str_eq(got.audience, g.audience));
	assert_memory_equal(got.salt, g.salt, sizeof(g.salt));
	assert_true(got.auth_time == 990 && got.created == 1000 && got.expires == 2000);
	assert_true(got.seq == 1 && got.rotated == 1000 && !got.revoked && got.dpop.n == 0);
	assert_int_equal(ch_code_of(store_grant_add(s, &g)), CH_E_EXISTS);
	assert_int_equal(ch_code_of(store_grant_get(s, LIT("corp"), g.id, &arena, &got)),
			 CH_E_NOT_FOUND);
	assert_false(failed(store_grant_rotate(s, &g, 1100, 2100)));
	assert_int_equal(ch_code_of(store_grant_rotate(s, &g, 1200, 2200)), CH_E_NOT_FOUND);
	assert_false(failed(store_user_end(s, LIT("nobody"))));
	got = grant_of(s, g.id);
	assert_true(!got.revoked);
	assert_true(got.seq == 2 && got.rotated == 1100 && got.expires == 2100);
	assert_false(failed(store_grant_revoke(s, LIT("corp"), g.id)));
	assert_false(grant_of(s, g.id).revoked);
	assert_false(failed(store_grant_revoke(s, LIT("home"), g.id)));
	assert_false(failed(store_grant_revoke(s, LIT("home"), g.id)));
	assert_true(grant_of(s, g.id).revoked);
	assert_int_equal(ch_code_of(store_grant_rotate(s, &got, 1200, 2200)), CH_E_NOT_FOUND);
	g.id = LIT("CAAAAAAAAAAAAAAAAAAAAA");
	assert_false(failed(store_grant_add(s, &g)));
	assert_false(failed(store_user_end(s, g.sub)));
	assert_true(grant_of(s, g.id).revoked);
	g.sub = LIT("nobody");
	g.id = LIT("BAAAAAAAAAAAAAAAAAAAAA");
	assert_int_equal(ch_code_of(store_grant_add(s, &g)), CH_E_NOT_FOUND);
}

/* Those that are past go, some for each that comes. */
static void grants_are_purged(void **state)
{
	(void)state;
	AUTO(store_done) struct store *s = opened();
	char sub[STORE_SUB_SIZE], id[STORE_GRANT_ID_SIZE];
	struct store_grant g = seeded_grant(s, sub), got = { 0 };
	mem_copy(id, g.id.p, sizeof(id));
	g.id = (str){ id, sizeof(id) };
	for (char i = 'B'; i <= 'J'; i++) {
		id[0] = i;
		assert_false(failed(store_grant_add(s, &g)));
	}
	id[0] = 'K';
	g.created = 2000;
	g.expires = 3000;
	assert_false(failed(store_grant_add(s, &g)));
	id[0] = 'L';
	assert_false(failed(store_grant_add(s, &g)));
	for (char i = 'A'; i <= 'J'; i++) {
		id[0] = i;
		assert_int_equal(ch_code_of(store_grant_get(s, LIT("home"), g.id, &arena, &got)),
				 CH_E_NOT_FOUND);
	}
	id[0] = 'K';
	assert_true(grant_of(s, g.id).expires == 3000);
}

static void all_or_nothing(void **state)
{
	(void)state;
	AUTO(store_done) struct store *s = opened();
	char sub[STORE_SUB_SIZE];
	struct store_grant g = seeded_grant(s, sub);
	assert_false(failed(store_begin(s)));
	assert_false(failed(store_grant_rotate(s, &g, 1100, 2100)));
	assert_false(failed(store_end(s, false)));
	assert_true(grant_of(s, g.id).seq == 1);
	assert_false(failed(store_begin(s)));
	assert_false(failed(store_grant_rotate(s, &g, 1100, 2100)));
	/* one refused statement takes nothing of the others */
	assert_int_equal(ch_code_of(store_grant_add(s, &g)), CH_E_EXISTS);
	assert_false(failed(store_end(s, true)));
	assert_true(grant_of(s, g.id).seq == 2);
}

/* A process: how many of the codes did it get? */
static int take_all(int start_fd)
{
	struct store *s = NULL;
	uint8_t hash[STORE_HASH_SIZE] = { 0 };
	char go = 0;
	int n = 0;
	if (failed(store_open(dir(), &s)) || read(start_fd, &go, 1) < 0)
		return 99;
	for (uint8_t i = 0; i < 40; i++) {
		arena_reset(&arena);
		hash[0] = i;
		ch_err e = store_code_spend(s, hash, (str){ 0 });
		if (failed(e) && ch_code_of(e) != CH_E_NOT_FOUND)
			return 98;
		n += !failed(e);
	}
	store_free(s);
	return n;
}

static void forty_codes(void)
{
	char sub[STORE_SUB_SIZE];
	AUTO(store_done) struct store *s = opened();
	struct store_code c = seeded_code(s, sub);
	mem_wipe(c.hash, sizeof(c.hash));
	for (uint8_t i = 0; i < 40; i++) {
		c.hash[0] = i;
		assert_false(failed(store_code_add(s, &c, 1000)));
	}
}

static void code_race(void **state)
{
	int start[2], sum = 0, status = 0;
	(void)state;
	forty_codes();
	assert_int_equal(pipe2(start, O_CLOEXEC), 0);
	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			(void)close(start[1]);
			_exit(take_all(start[0]));
		}
	}
	(void)close(start[1]);
	(void)close(start[0]);
	for (int i = 0; i < 4; i++) {
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status));
		assert_true(WEXITSTATUS(status) <= 40);
		sum += WEXITSTATUS(status);
	}
	assert_int_equal(sum, 40);
}

static void version_changes(void **state)
{
	(void)state;
	AUTO(store_done) struct store *a = opened();
	AUTO(store_done) struct store *b = opened();
	struct store_client c = client("home");
	uint64_t before = 0, same = 0, after = 0;
	assert_false(failed(store_version(a, &before)));
	assert_false(failed(store_version(a, &same)));
	assert_true(before == same);
	assert_false(failed(store_client_add(b, &c)));
	assert_false(failed(store_version(a, &after)));
	assert_true(before != after);
}

static void damage_is_named(void **state)
{
	struct store *s = NULL;
	struct path p;
	uint8_t junk[4096];
	(void)state;
	memset(junk, 'x', sizeof(junk));
	assert_false(failed(path_join(&p, dir(), LIT("chancery.db"), (str){ 0 })));
	int fd = open(p.p, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_false(failed(fd_write_all(fd, BYTES_OF(junk))));
	(void)close(fd);
	ch_err e = store_open(dir(), &s);
	assert_int_equal(ch_code_of(e), CH_E_STORE);
	assert_non_null(strstr(e.site->what, "damaged"));
	assert_int_equal(truncate(p.p, 0), 0);
	assert_int_equal(ch_code_of(store_open(dir(), &s)), CH_E_STORE);
	assert_int_equal(ch_code_of(store_open(LIT("/nonexistent"), &s)), CH_E_NOT_FOUND);
}

static void modes(void **state)
{
	struct path p;
	struct stat st;
	(void)state;
	assert_false(failed(path_join(&p, dir(), LIT("chancery.db"), (str){ 0 })));
	assert_int_equal(stat(p.p, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_false(failed(store_create(dir(), (uid_t)-1, (gid_t)-1)));
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(clients),
		T(listing),
		T(users),
		T(code_once),
		T(code_is_purged),
		T(code_race),
		T(version_changes),
		T(damage_is_named),
		T(modes),
		T(clients_change),
		T(users_change),
		T(users_with_a_sub),
		T(what_hangs_on_them_goes_too),
		T(several_as_one),
		T(grants),
		T(grants_are_purged),
		T(all_or_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
