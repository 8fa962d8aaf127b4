/* What is not the released code: the clock; the keeper, here without a process of its own; and
 * the supervisor, which is a call. Keeper and supervisor fail now and then. */
#include <assert.h>

#include "audit.h"
#include "base/file.h"
#include "keeper.h"
#include "key_revoke.h"
#include "keyfile/keyfile.h"
#include "renew.h"
#include "token/jwk.h"
#include "variant.h"
#include "years.h"

VARIANT("years");

struct walk walk = { .dir = -1 };

int64_t __wrap_clock_unix_s(void);
int64_t __wrap_clock_unix_ms(void);
ch_err __wrap_keeper_seal(const struct authority *a, int passphrase_fd,
			  const struct keeper_key *keys, size_t n, struct imported *ret_new);
ch_err __wrap_renew(const struct authority *a, str realm, bool *ret_runs);
int __wrap_key_revoke(const struct authority *a, str realm, str kid);
int __wrap_audit_begin(const struct authority *a, const char *command, str object,
		       struct audit *ret_t);
int __wrap_audit_end(struct audit *t, int status, str detail);
void __wrap_say(const char *text, str subject);
int __wrap_say_trouble(const char *what, str subject, ch_err e);

int64_t __wrap_clock_unix_s(void)
{
	return walk.now_s;
}

int64_t __wrap_clock_unix_ms(void)
{
	return walk.now_s * 1000;
}

uint32_t walk_random(uint32_t n)
{
	static uint64_t x = 88172645463325252U;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return n ? (uint32_t)(x >> 32) % n : 0;
}

const struct secret *walk_kek(void)
{
	static struct secret *kek;
	if (!kek) {
		ch_err e = secret_new(KEK_SIZE, &kek);
		assert(!failed(e));
	}
	return kek;
}

static bool fails(unsigned one_of)
{
	bool yes = one_of > 0 && walk_random(one_of) == 0;
	walk.failed += yes;
	return yes;
}

static ch_err write_in(str kid, const char *ending, bytes content)
{
	char path[128];
	struct wr w = wr_of(path, sizeof(path) - 1);
	wr_lit(&w, "keys/home/");
	wr_str(&w, kid);
	wr_str(&w, str_from_c(ending));
	TRY(wr_done(&w));
	path[w.n] = 0;
	return file_replace(walk.dir, path, content, 0600);
}

static struct key_times times_of(const struct keeper_key *k)
{
	return (struct key_times){ .created_s = k->created_s,
				   .published_s = k->published_s,
				   .not_before_s = k->not_before_s,
				   .not_after_s = k->not_after_s,
				   .limit_s = k->limit_s };
}

static ch_err seal_one(const struct keeper_key *k)
{
	static uint8_t room[KEYFILE_MAX], jwk_room[2048];
	AUTO(private_key_done) struct private_key *key = NULL;
	struct wr w = wr_of(room, sizeof(room)), jwk = wr_of(jwk_room, sizeof(jwk_room));
	char kid_room[16];
	struct wr kid = wr_of(kid_room, sizeof(kid_room));
	struct key_parts parts;
	struct key_meta m = { .alg = (enum alg)k->alg,
			      .realm = LIT("home"),
			      .grant = { .typ = k->typs, .max_ttl_s = k->max_ttl_s } };
	if (k->sealed.n > 0) {
		TRY(keyfile_open(k->sealed, walk_kek(), &m, &key));
	} else {
		wr_char(&kid, 'k');
		wr_dec(&kid, ++walk.next_kid);
		m.kid = wr_text(&kid);
		TRY(private_key_generate(m.alg, &key));
		TRY(private_key_public(key, &parts));
		TRY(jwk_write(&jwk, &parts, m.kid));
	}
	m.times = times_of(k);
	TRY(keyfile_write(&m, key, walk_kek(), &w));
	TRY(write_in(m.kid, ".key", wr_bytes(&w)));
	return k->sealed.n > 0 ? CH_DONE : write_in(m.kid, ".jwk", wr_bytes(&jwk));
}

/* It may stop before any of them, as a keeper that is killed does. */
ch_err __wrap_keeper_seal(const struct authority *a, int passphrase_fd,
			  const struct keeper_key *keys, size_t n, struct imported *ret_new)
{
	(void)a;
	(void)passphrase_fd;
	(void)ret_new;
	for (size_t i = 0; i < n; i++) {
		if (fails(walk.keeper_fails))
			return ch_fail(CH_E_GONE, "the keeper is gone", i);
		TRY(seal_one(&keys[i]));
	}
	walk.sealed += n;
	return CH_DONE;
}

ch_err __wrap_renew(const struct authority *a, str realm, bool *ret_runs)
{
	(void)a;
	(void)realm;
	*ret_runs = walk.is_up;
	if (!walk.is_up)
		return CH_DONE;
	if (fails(walk.renew_fails))
		return ch_fail(CH_E_GONE, "no new signer serves in time", 0);
	walk.renewed++;
	walk_observe();
	TRY(signer_begin());
	walk_observe();
	return CH_DONE;
}

int __wrap_key_revoke(const struct authority *a, str realm, str kid)
{
	(void)a;
	(void)realm;
	(void)kid;
	return 0;
}

int __wrap_audit_begin(const struct authority *a, const char *command, str object,
		       struct audit *ret_t)
{
	(void)command;
	(void)object;
	ret_t->a = a;
	return 0;
}

int __wrap_audit_end(struct audit *t, int status, str detail)
{
	(void)t;
	(void)detail;
	return status;
}

void __wrap_say(const char *text, str subject)
{
	(void)text;
	(void)subject;
}

int __wrap_say_trouble(const char *what, str subject, ch_err e)
{
	(void)what;
	(void)subject;
	(void)e;
	return 3;
}
