/* Sessions of people's browsers. A cookie holds 256 random bits; the store knows their hash.
 * Each sign-in makes new ones, so that nobody can have a person use a session that he knows. */
#include "base/clock.h"
#include "base/rand.h"
#include "codec/base64url.h"
#include "people.h"

enum { COOKIE_BYTES = 32, COOKIE_TEXT = 43, SEEN_STEP_MAX_S = 300, AGENT_MAX = 64 };

static int64_t expiry(const struct issuer_realm *m, int64_t created, int64_t now)
{
	int64_t most = created + m->session_ttl_s, idle = now + m->session_idle_s;
	return most < idle ? most : idle;
}

/* Not at every visit: it is a write. */
static ch_err session_touch(struct realm *m, const struct store_session *n, int64_t now)
{
	int64_t step = m->config->session_idle_s / 8;
	if (step > SEEN_STEP_MAX_S)
		step = SEEN_STEP_MAX_S;
	if (now - n->seen < step)
		return CH_DONE;
	return store_session_seen(m->issuer->store, n->hash, now,
				  expiry(m->config, n->created, now));
}

static bool is_over(const struct issuer_realm *m, const struct store_session *n, int64_t now)
{
	/* by what the realm says now, too */
	return n->expires <= now || n->created + m->session_ttl_s <= now ||
	       n->seen + m->session_idle_s <= now;
}

static ch_err nobody(void)
{
	return ch_fail(CH_E_NOT_FOUND, "nobody is signed in", 0);
}

static str cookie_value(struct http_req *r, const struct realm *m)
{
	char name[COOKIE_NAME_MAX];
	str value = http_cookie(r, cookie_name(m->config, COOKIE_SESSION, name));
	return value.n == COOKIE_TEXT ? value : (str){ 0 };
}

static ch_err row_get(struct realm *m, str value, struct arena *a, struct store_session *ret_n)
{
	uint8_t hash[STORE_HASH_SIZE];
	secret_hash(secret_bytes_of(bytes_of_str(value)), hash);
	return store_session_get(m->issuer->store, m->config->name, hash, a, ret_n);
}

static ch_err row_find(struct http_req *r, struct realm *m, struct store_session *ret_n)
{
	str value = cookie_value(r, m);
	return value.p ? row_get(m, value, &r->arena, ret_n) : nobody();
}

ch_err session_again(struct realm *m, const struct session *s, struct arena *a)
{
	struct store_session n = { 0 };
	return row_get(m, s->cookie, a, &n);
}

ch_err session_find(struct http_req *r, struct realm *m, struct session *ret_s)
{
	struct store_session n = { 0 };
	struct store_user u = { 0 };
	int64_t now = clock_unix_s();
	TRY(row_find(r, m, &n));
	if (is_over(m->config, &n, now))
		return nobody();
	TRY(store_user_by_sub(m->issuer->store, m->config->name, n.sub, &r->arena, &u));
	if (u.disabled)
		return nobody();
	TRY(session_touch(m, &n, now));
	*ret_s = (struct session){
		.sid = n.sid,
		.amr = n.amr,
		.auth_time = n.auth_time,
		.created = n.created,
		.user = u,
		.cookie = cookie_value(r, m),
	};
	return CH_DONE;
}

static str random_text(struct http_req *r, size_t n)
{
	uint8_t random[COOKIE_BYTES];
	struct wr w = reply_room(r, COOKIE_TEXT);
	rand_fill(random, n);
	base64url_write(&w, (bytes){ random, n });
	return wr_text(&w);
}

/* What the browser had before is over, whoever it was of. */
static ch_err former_end(struct http_req *r, struct realm *m)
{
	struct store_session n = { 0 };
	ch_err e = row_find(r, m, &n);
	if (!failed(e))
		e = store_session_end(m->issuer->store, n.sub, n.sid);
	return ch_code_of(e) == CH_E_NOT_FOUND ? CH_DONE : e;
}

ch_err session_begin(struct http_req *r, struct realm *m, const struct store_user *u,
		     struct session *ret_s, str *ret_cookie)
{
	char agent[AGENT_MAX];
	struct wr a = wr_of(agent, sizeof(agent)), cookie = reply_room(r, COOKIE_MAX);
	int64_t now = clock_unix_s();
	str value = random_text(r, COOKIE_BYTES), sid = random_text(r, 16);
	struct store_session n = {
		.realm = m->config->name,
		.sub = u->sub,
		.sid = sid,
		.auth_time = now,
		.amr = LIT("pwd"),
		.created = now,
		.seen = now,
		.expires = expiry(m->config, now, now),
	};
	cookie_write(&cookie, m->config, COOKIE_SESSION, value);
	TRY(wr_done(&cookie));
	agent_write(&a, http_field(r, "User-Agent"));
	n.agent = wr_text(&a);
	secret_hash(secret_bytes_of(bytes_of_str(value)), n.hash);
	TRY(former_end(r, m));
	TRY(store_session_add(m->issuer->store, &n));
	*ret_s = (struct session){ .sid = sid,
				   .amr = n.amr,
				   .auth_time = now,
				   .created = now,
				   .user = *u,
				   .cookie = value };
	*ret_cookie = wr_text(&cookie);
	return CH_DONE;
}

static struct csrf csrf_of(const struct realm *m, const struct session *s, str act)
{
	return (struct csrf){ .realm = m->config->name, .purpose = act, .cookie = s->cookie };
}

str session_csrf(struct http_req *r, const struct realm *m, const struct session *s, str act)
{
	char *room = arena_alloc(&r->arena, CSRF_TOKEN_SIZE);
	struct csrf c = csrf_of(m, s, act);
	if (!room)
		return (str){ 0 };
	csrf_write(m->issuer->csrf_key, &c, clock_unix_s(), room);
	return (str){ room, CSRF_TOKEN_SIZE };
}

bool session_csrf_ok(const struct realm *m, const struct session *s, str act, str token)
{
	struct csrf c = csrf_of(m, s, act);
	return csrf_ok(m->issuer->csrf_key, &c, clock_unix_s(), token);
}
