/* The realm's public keys, as its newest signer says them: the set that verifiers
 * fetch, and the algorithms that the metadata may name. Which keys are in it follows from
 * their times and the clock, as it does in the signer. It is never given out empty. */
#include "base/clock.h"
#include "base/log.h"
#include "codec/json.h"
#include "issuer.h"

static void etag_make(struct realm *r)
{
	uint8_t hash[SHA256_SIZE];
	struct wr w = wr_of(r->etag_text, sizeof(r->etag_text));
	sha256((bytes){ (const uint8_t *)r->jwks, r->jwks_n }, hash);
	wr_char(&w, '"');
	wr_hex(&w, (bytes){ hash, 16 });
	wr_char(&w, '"');
	r->etag = wr_text(&w);
}

/* Those that are staged, sign, or signed what is still good. */
static bool in_set(const struct realm_key *k, int64_t now_s)
{
	return key_state_at(&k->times, now_s) != KEY_RETIRED;
}

static void times_of(const struct realm *r, struct key_times *times)
{
	for (size_t i = 0; i < r->n_keys; i++)
		times[i] = r->keys[i].times;
}

static void set_write(struct wr *w, struct realm *r, int64_t now_s)
{
	struct json_out o = json_out_of(w);
	bool some = false;
	r->algs = 0;
	json_begin(&o, (str){ 0 }, '{');
	json_begin(&o, LIT("keys"), '[');
	for (size_t i = 0; i < r->n_keys; i++) {
		const struct realm_key *k = &r->keys[i];
		if (!in_set(k, now_s))
			continue;
		some = true;
		json_put_raw(&o, (str){ 0 }, k->jwk);
		if (key_state_at(&k->times, now_s) != KEY_VERIFY_ONLY && k->alg < ALG_COUNT)
			r->algs |= 1U << k->alg;
	}
	json_finish(&o, ']');
	json_finish(&o, '}');
	if (!some)
		w->n = 0;
}

static void signer_say(const struct realm *r, size_t signer)
{
	if (signer < r->n_keys)
		LOG(LOG_INFO, "this key signs now", log_str("realm", r->config->name),
		    log_str("kid", r->keys[signer].kid));
	else
		LOG(LOG_ALARM,
		    "no key of the realm may sign now: no token is given. `chancery key "
		    "list` says why, docs/KEYS.md what to do",
		    log_str("realm", r->config->name));
}

void jwks_refresh(struct realm *r)
{
	struct key_times times[SIGN_BATCH_MAX];
	int64_t now_s = clock_unix_s();
	if (!r->knows_keys || (now_s >= r->from_s && (r->until_s == 0 || now_s < r->until_s)))
		return;
	/* fits: jwks_read has seen to that */
	struct wr w = wr_of(r->jwks, sizeof(r->jwks));
	times_of(r, times);
	set_write(&w, r, now_s);
	size_t signer = key_signer(times, r->n_keys, now_s);
	r->from_s = now_s;
	r->until_s = key_next_change_s(times, r->n_keys, now_s);
	r->jwks_n = w.n;
	r->has_key = signer < r->n_keys;
	policy_done(&r->policy);
	etag_make(r);
	if (r->n_keys > 0)
		signer_say(r, signer);
}

static bool fits(const struct sign_key *keys, size_t n)
{
	size_t size = sizeof("{\"keys\":[]}");
	for (size_t i = 0; i < n; i++)
		size += keys[i].kid.n + keys[i].jwk.n + 1;
	return n <= SIGN_BATCH_MAX && size <= JWKS_MAX;
}

void jwks_read(struct realm *r, const struct sign_key *keys, size_t n)
{
	struct wr w = wr_of(r->key_texts, sizeof(r->key_texts));
	if (!fits(keys, n)) {
		/* half a set would be an outage for whoever fetches it */
		LOG(LOG_ERROR, "the realm's keys do not fit; the set stays as it was",
		    log_str("realm", r->config->name));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct sign_key *k = &keys[i];
		const char *at = (const char *)w.p + w.n;
		wr_str(&w, k->kid);
		wr_put(&w, k->jwk);
		r->keys[i] = (struct realm_key){
			.alg = k->alg,
			.kid = { at, k->kid.n },
			.jwk = { at + k->kid.n, k->jwk.n },
			.times = { .not_before_s = k->not_before_s,
				   .not_after_s = k->not_after_s,
				   .max_ttl_s = k->max_ttl_s },
		};
	}
	r->n_keys = n;
	r->knows_keys = true;
	r->from_s = INT64_MAX;
	jwks_refresh(r);
}

static void reply_cached(struct http_req *r, const struct realm *m, str body, str etag, str type)
{
	struct wr age = reply_room(r, 48);
	wr_lit(&age, "public, max-age=");
	wr_dec(&age, m->issuer->config.jwks_max_age_s);
	const struct http_out fields[] = {
		{ LIT("Cache-Control"), wr_text(&age) },
		{ LIT("Access-Control-Allow-Origin"), LIT("*") },
		{ LIT("X-Content-Type-Options"), LIT("nosniff") },
		{ LIT("ETag"), etag },
	};
	bool same = etag.n > 0 && etag_matches(http_field(r, "If-None-Match"), etag);
	http_answer(r, &(struct http_answer){ .status = same ? 304 : 200,
					      .type = same ? (str){ 0 } : type,
					      .body = same ? (bytes){ 0 } : bytes_of_str(body),
					      .fields = fields,
					      .n_fields = COUNT_OF(fields) - (etag.n == 0) });
}

void serve_jwks(struct http_req *r, void *ctx)
{
	struct realm *m = ctx;
	str copy = { 0 }, etag = { 0 };
	jwks_refresh(m);
	if (!m->knows_keys) {
		reply_error(r, m, ch_fail(CH_E_BUSY, "the signer is not here yet", 0));
		return;
	}
	/* who gets no answer keeps what he has; an empty set he would believe */
	if (m->jwks_n == 0) {
		reply_error(r, m, ch_fail(CH_E_BUSY, "the realm has no key at this time", 0));
		return;
	}
	/* a new generation may write the set while this answer goes out */
	ch_err e = arena_str(&r->arena, (str){ m->jwks, m->jwks_n }, &copy);
	if (!failed(e))
		e = arena_str(&r->arena, m->etag, &etag);
	if (failed(e))
		reply_error(r, m, e);
	else
		reply_cached(r, m, copy, etag, LIT("application/jwk-set+json"));
}

void serve_metadata(struct http_req *r, void *ctx)
{
	struct realm *m = ctx;
	struct wr w = reply_room(r, 8192);
	jwks_refresh(m);
	if (!m->knows_keys) {
		reply_error(r, m, ch_fail(CH_E_BUSY, "the signer is not here yet", 0));
		return;
	}
	metadata_write(&w, m->config, m->algs);
	ch_err e = wr_done(&w);
	if (failed(e))
		reply_error(r, m, e);
	else
		reply_cached(r, m, wr_text(&w), (str){ 0 }, LIT("application/json"));
}
