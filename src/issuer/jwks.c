/* The realm's public keys, as its newest signer says them: the set that verifiers
 * fetch, and the algorithms that the metadata may name. */
#include "base/log.h"
#include "codec/json.h"
#include "issuer.h"

enum { KEY_SIGNING = 1 };

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

void jwks_read(struct realm *r, const struct sign_key *keys, size_t n)
{
	struct wr w = wr_of(r->jwks, sizeof(r->jwks));
	struct json_out o = json_out_of(&w);
	unsigned algs = 0;
	json_begin(&o, (str){ 0 }, '{');
	json_begin(&o, LIT("keys"), '[');
	for (size_t i = 0; i < n; i++) {
		json_put_raw(&o, (str){ 0 }, str_of_bytes(keys[i].jwk));
		if (keys[i].state == KEY_SIGNING && keys[i].alg < ALG_COUNT)
			algs |= 1U << keys[i].alg;
	}
	json_finish(&o, ']');
	json_finish(&o, '}');
	if (w.full) {
		/* half a set would be an outage for whoever fetches it */
		LOG(LOG_ERROR, "the realm's keys do not fit; the set stays as it was",
		    log_str("realm", r->config->name));
		return;
	}
	r->jwks_n = w.n;
	r->n_keys = n;
	r->algs = algs;
	r->has_key = algs != 0;
	r->knows_keys = true;
	policy_done(&r->policy);
	etag_make(r);
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
	const struct realm *m = ctx;
	str copy = { 0 }, etag = { 0 };
	if (!m->knows_keys) {
		reply_error(r, m, ch_fail(CH_E_BUSY, "the signer is not here yet", 0));
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
	const struct realm *m = ctx;
	struct wr w = reply_room(r, 8192);
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
