/* A realm's keys on disk. The keeper alone seals; what is done here is reading headers,
 * naming what is to change, and taking files away. Every step leaves keys/REALM such that
 * the next run goes on from it. */
#include "realm_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "codec/json.h"
#include "keeper.h"
#include "renew.h"

enum { LOCK_TRIES = 600, LOCK_TRY_MS = 100, PAST_MAX = 8192, JWK_MAX = 2048, PAST_MEMBERS = 64 };

ch_err realm_keys_lock(const struct authority *a, int *ret_fd)
{
	AUTO(fd_close) int fd = openat(a->fd, "keys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot open the folder of keys", 0);
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			*ret_fd = TAKE_FD(fd);
			return CH_DONE;
		}
		(void)poll(NULL, 0, LOCK_TRY_MS);
	}
	return ch_fail(CH_E_BUSY, "another command has been changing keys for a minute", 0);
}

/* "keys/REALM/NAME" and an ending */
static ch_err path_in(str realm, str name, const char *ending, struct path *ret_path)
{
	struct wr w = wr_of(ret_path->p, sizeof(ret_path->p) - 1);
	wr_lit(&w, "keys/");
	wr_str(&w, realm);
	wr_char(&w, '/');
	wr_str(&w, name);
	wr_str(&w, str_from_c(ending));
	TRY(wr_done(&w));
	ret_path->p[w.n] = 0;
	return CH_DONE;
}

static ch_err past_path(str realm, str kid, struct path *ret_path)
{
	char name[8 + KEYFILE_NAME_MAX];
	struct wr w = wr_of(name, sizeof(name));
	wr_lit(&w, "past/");
	wr_str(&w, kid);
	TRY(wr_done(&w));
	return path_in(realm, wr_text(&w), ".json", ret_path);
}

ch_err realm_keys_open(const struct authority *a, str realm, str below, DIR **ret_d)
{
	struct path path;
	TRY(path_join(&path, LIT("keys"), realm, below));
	ch_err e = dir_open(a->fd, path.p, ret_d);
	if (failed(e) && e.detail == ENOENT)
		return ch_fail(CH_E_NOT_FOUND, "the realm has no folder of keys", ENOENT);
	return e;
}

static ch_err read_one(struct realm_keys *k, int dir_fd, const char *name)
{
	struct realm_key_file *f = &k->keys[k->n];
	if (k->n >= KEY_SET_MAX)
		return ch_fail(CH_E_LIMIT, "a realm has too many keys", KEY_SET_MAX);
	ch_err e = file_read(dir_fd, name, f->file, sizeof(f->file), &f->n);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return CH_DONE; /* it was taken away just now */
	TRY(e);
	TRY(keyfile_read((bytes){ f->file, f->n }, &f->meta));
	k->times[k->n++] = f->meta.times;
	return CH_DONE;
}

ch_err realm_keys_read(const struct authority *a, const struct config_realm *realm,
		       struct realm_keys *ret_k)
{
	AUTO(dir_done) DIR *d = NULL;
	TRY(realm_keys_open(a, realm->name, (str){ 0 }, &d));
	ret_k->a = a;
	ret_k->realm = realm;
	ret_k->n = 0;
	for (struct dirent *entry = readdir(d); entry; entry = readdir(d))
		if (str_ends(str_from_c(entry->d_name), LIT(".key")))
			TRY(read_one(ret_k, dirfd(d), entry->d_name));
	return CH_DONE;
}

size_t realm_keys_find(const struct realm_keys *k, str kid)
{
	for (size_t i = 0; i < k->n; i++)
		if (str_eq(k->keys[i].meta.kid, kid))
			return i;
	return k->n;
}

static bool is_same(const struct key_times *a, const struct key_times *b)
{
	return a->created_s == b->created_s && a->published_s == b->published_s &&
	       a->not_before_s == b->not_before_s && a->not_after_s == b->not_after_s &&
	       a->limit_s == b->limit_s;
}

ch_err realm_keys_mark(const struct authority *a, str realm)
{
	struct path path;
	TRY(path_in(realm, LIT("changed"), "", &path));
	return file_replace(a->fd, path.p, (bytes){ 0 }, 0600);
}

static bool is_marked(const struct realm_keys *k)
{
	struct path path;
	return !failed(path_in(k->realm->name, LIT("changed"), "", &path)) &&
	       faccessat(k->a->fd, path.p, F_OK, 0) == 0;
}

ch_err realm_keys_save(const struct realm_keys *k, int passphrase_fd,
		       const struct key_times *new_or_null, bool *ret_changed)
{
	struct keeper_key items[KEEPER_KEYS_MAX];
	size_t n = 0;
	if (new_or_null)
		TRY(keeper_new_key(k->realm, new_or_null, &items[n++]));
	for (size_t i = 0; i < k->n && n < KEEPER_KEYS_MAX; i++) {
		const struct realm_key_file *f = &k->keys[i];
		if (!is_same(&k->times[i], &f->meta.times))
			items[n++] = keeper_new_times(k->realm->name, (bytes){ f->file, f->n },
						      &k->times[i]);
	}
	*ret_changed = n > 0;
	if (n == 0)
		return CH_DONE;
	TRY(realm_keys_mark(k->a, k->realm->name));
	TRY(keeper_seal(k->a, passphrase_fd, items, n, NULL));
	return authority_write_jwks(k->a, k->realm->name);
}

ch_err realm_keys_take_up(const struct realm_keys *k, bool anyway, bool *ret_asked)
{
	struct path path;
	*ret_asked = false;
	if (!anyway && !is_marked(k))
		return CH_DONE;
	TRY(path_in(k->realm->name, LIT("changed"), "", &path));
	TRY(renew(k->a, k->realm->name, ret_asked));
	(void)unlinkat(k->a->fd, path.p, 0);
	return CH_DONE;
}

static void past_begin(struct json_out *o, const struct past_key *past)
{
	json_begin(o, (str){ 0 }, '{');
	json_put_str(o, LIT("state"), str_from_c(past->state));
	json_put_int(o, LIT("since"), past->since_s);
	if (past->reason.n > 0)
		json_put_str(o, LIT("reason"), past->reason);
}

static ch_err past_write(const struct realm_keys *k, const struct key_meta *m, str jwk,
			 const struct past_key *past)
{
	uint8_t room[PAST_MAX];
	struct path path;
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	past_begin(&o, past);
	json_put_str(&o, LIT("realm"), m->realm);
	json_put_str(&o, LIT("kid"), m->kid);
	json_put_str(&o, LIT("alg"), alg_name(m->alg));
	json_put_int(&o, LIT("created"), m->times.created_s);
	json_put_int(&o, LIT("published"), m->times.published_s);
	json_put_int(&o, LIT("not_before"), m->times.not_before_s);
	json_put_int(&o, LIT("not_after"), key_ends_s(&m->times));
	json_put_int(&o, LIT("max_ttl"), m->grant.max_ttl_s);
	json_put_bool(&o, LIT("imported"), m->imported);
	json_put_raw(&o, LIT("jwk"), jwk);
	json_finish(&o, '}');
	wr_char(&w, '\n');
	TRY(wr_done(&w));
	TRY(past_path(m->realm, m->kid, &path));
	return file_replace(k->a->fd, path.p, wr_bytes(&w), 0644);
}

static ch_err unlink_in(const struct realm_keys *k, str kid, const char *ending)
{
	struct path path;
	TRY(path_in(k->realm->name, kid, ending, &path));
	if (unlinkat(k->a->fd, path.p, 0) != 0 && faccessat(k->a->fd, path.p, F_OK, 0) == 0)
		return ch_fail(CH_E_IO, "cannot remove a key's file", 0);
	return CH_DONE;
}

ch_err realm_keys_remove(struct realm_keys *k, size_t at, const struct past_key *past)
{
	const struct key_meta *m = &k->keys[at].meta;
	uint8_t jwk[JWK_MAX];
	struct path path;
	size_t n = 0;
	TRY(path_in(k->realm->name, LIT("past"), "", &path));
	TRY(dir_make(k->a->fd, path.p, 0700));
	TRY(path_in(k->realm->name, m->kid, ".jwk", &path));
	ch_err e = file_read(k->a->fd, path.p, jwk, sizeof(jwk), &n);
	if (failed(e) && ch_code_of(e) != CH_E_NOT_FOUND)
		return e;
	TRY(past_write(k, m, n ? (str){ (const char *)jwk, n } : LIT("null"), past));
	TRY(realm_keys_mark(k->a, k->realm->name));
	TRY(unlink_in(k, m->kid, ".key"));
	TRY(unlink_in(k, m->kid, ".jwk"));
	k->n--;
	for (size_t i = at; i < k->n; i++) {
		k->times[i] = k->times[i + 1];
		/* its texts point into its own file, which moves with it */
		k->keys[i] = k->keys[i + 1];
		TRY(keyfile_read((bytes){ k->keys[i].file, k->keys[i].n }, &k->keys[i].meta));
	}
	return CH_DONE;
}

ch_err past_key_read(const struct authority *a, str realm, str kid, void *room, size_t cap,
		     size_t *ret_n)
{
	struct path path;
	if (kid.n > KEYFILE_NAME_MAX || str_has(kid, '/') || kid.n == 0 || kid.p[0] == '.')
		return ch_fail(CH_E_NOT_FOUND, "that is no kid", kid.n);
	TRY(past_path(realm, kid, &path));
	return file_read(a->fd, path.p, room, cap, ret_n);
}

/* All but what is said anew. */
static ch_err copy_member(struct json_out *o, const struct json_node *m)
{
	str text = m->text;
	if (str_eq(m->name, LIT("state")) || str_eq(m->name, LIT("since")) ||
	    str_eq(m->name, LIT("reason")))
		return CH_DONE;
	if (m->type == JSON_STRING && m->escaped)
		return ch_fail(CH_E_SYNTAX, "a past key's file was changed", 0);
	if (m->type == JSON_STRING)
		json_put_str(o, m->name, text);
	else
		json_put_raw(o, m->name, text);
	return CH_DONE;
}

ch_err past_key_compromise(const struct authority *a, str realm, str kid,
			   const struct past_key *past)
{
	uint8_t old[PAST_MAX], room[PAST_MAX];
	struct json_node nodes[PAST_MEMBERS + 1];
	struct path path;
	size_t n = 0, count = 0;
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	TRY(past_key_read(a, realm, kid, old, sizeof(old), &n));
	TRY(json_parse((bytes){ old, n }, (struct json_limits){ 3, PAST_MEMBERS }, nodes,
		       COUNT_OF(nodes), &count));
	past_begin(&o, past);
	for (const struct json_node *m = json_first(nodes); m; m = json_next(nodes, m))
		TRY(copy_member(&o, m));
	json_finish(&o, '}');
	wr_char(&w, '\n');
	TRY(wr_done(&w));
	TRY(past_path(realm, kid, &path));
	return file_replace(a->fd, path.p, wr_bytes(&w), 0644);
}
