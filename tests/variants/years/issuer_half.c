/* The issuer's part: the key set, by the released jwks.c. What answers HTTP is not here. */
#include "issuer.h"
#include "years.h"

static struct issuer issuer = { .config = { .jwks_max_age_s = WALK_MAX_AGE_S } };
static const struct issuer_realm config = { .name = { "home", 4 } };
static struct realm realm = { .config = &config, .issuer = &issuer };

void issuer_take(bytes message)
{
	struct sign_key keys[SIGN_BATCH_MAX];
	struct rd r;
	size_t n = 0;
	ch_err e = sign_batch_open(message, SIGN_KEYS, &r, &n);
	for (size_t i = 0; i < n && !failed(e); i++)
		e = sign_read_key(&r, &keys[i]);
	if (!failed(e))
		jwks_read(&realm, keys, n);
}

ch_err issuer_set(str *ret_set)
{
	jwks_refresh(&realm);
	if (realm.jwks_n == 0)
		return ch_fail(CH_E_BUSY, "no key set is given out", 0);
	*ret_set = (str){ realm.jwks, realm.jwks_n };
	return CH_DONE;
}

/* What jwks.c calls of the rest of the issuer. */
struct wr reply_room(struct http_req *r, size_t cap)
{
	(void)r;
	(void)cap;
	return wr_of(NULL, 0);
}

void reply_error(struct http_req *r, const struct realm *m, ch_err e)
{
	(void)r;
	(void)m;
	(void)e;
}

void metadata_write(struct wr *w, const struct issuer_realm *r, unsigned algs)
{
	(void)w;
	(void)r;
	(void)algs;
}

bool etag_matches(str if_none_match, str etag)
{
	(void)if_none_match;
	(void)etag;
	return false;
}
