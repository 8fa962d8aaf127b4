/* Key sets from URLs, through the fetcher: this process has no network, and names a URL by
 * its number only. When to ask and what to believe meanwhile is jwks/source.h's; what comes
 * back is a stranger's text until a policy was made of it. */

#include "base/clock.h"
#include "base/log.h"
#include "jwks/source.h"
#include "keys.h"

enum { WHY_MAX = 512, SOON = 4 /* a quarter of its time is left */ };

struct candidate {
	struct keys *keys;
	size_t at;
	struct wr *why;
	bool adopted;
};

static int64_t now_s(void)
{
	return (int64_t)(clock_mono_ns() / 1000000000);
}

static const struct gate_issuer *issuer_of(const struct keys *k, size_t at)
{
	return &k->config->issuers[at];
}

static ch_err check(void *ctx, bytes jwks)
{
	struct candidate *c = ctx;
	if (keys_has(c->keys, c->at, jwks))
		return CH_DONE;
	TRY(keys_adopt(c->keys, c->at, jwks, c->why));
	c->adopted = true;
	return CH_DONE;
}

static void log_taken(const struct keys *k, size_t at)
{
	const struct gate_issuer *g = issuer_of(k, at);
	size_t n = keys_count((bytes){ k->files[at].text, k->files[at].n });
	if (n == 0)
		LOG(LOG_ERROR, "issuer has no keys: its tokens are refused",
		    log_str("realm", g->realm), log_str("issuer", g->issuer),
		    log_str("url", g->jwks_uri));
	else
		LOG(LOG_INFO, "keys taken", log_str("realm", g->realm),
		    log_str("issuer", g->issuer), log_str("url", g->jwks_uri), log_u64("keys", n));
}

/* Once, until it goes well again. */
static void log_missed(struct keys *k, size_t at, ch_err e, const struct wr *why)
{
	const struct gate_issuer *g = issuer_of(k, at);
	struct key_url *u = &k->urls[at];
	if (u->missing)
		return;
	u->missing = true;
	LOG(LOG_ERROR, "cannot fetch an issuer's keys; what was good stays, and it is tried again",
	    log_str("realm", g->realm), log_str("url", g->jwks_uri),
	    why->n > 0 ? log_str("why", wr_text(why)) : (struct log_field){ 0 }, log_err(e));
}

static void log_again(struct keys *k, size_t at)
{
	struct key_url *u = &k->urls[at];
	if (u->missing)
		LOG(LOG_INFO, "an issuer's keys are fetched again",
		    log_str("realm", issuer_of(k, at)->realm),
		    log_str("url", issuer_of(k, at)->jwks_uri));
	u->missing = u->old = false;
}

static void missed(struct keys *k, size_t at, ch_err e)
{
	struct wr none = { 0 };
	source_missed(k->urls[at].source, now_s());
	log_missed(k, at, e, &none);
}

/* What the source has now goes into the policy, if another is there. */
static bool follow(struct keys *k, size_t at)
{
	uint8_t room[WHY_MAX];
	struct wr why = wr_of(room, sizeof(room));
	bytes live = source_jwks(k->urls[at].source, now_s());
	if (live.n == 0)
		live = keys_empty_set();
	if (keys_has(k, at, live))
		return false;
	ch_err e = keys_adopt(k, at, live, &why);
	if (failed(e))
		LOG(LOG_ERROR, "keys that were good are refused",
		    log_str("realm", issuer_of(k, at)->realm), log_str("why", wr_text(&why)),
		    log_err(e));
	return !failed(e);
}

static bool take(struct keys *k, size_t at, const struct fetch_told *t)
{
	uint8_t room[WHY_MAX];
	struct wr why = wr_of(room, sizeof(room));
	struct candidate c = { .keys = k, .at = at, .why = &why };
	const struct source_answer a = {
		.status = t->status, .body = t->body, .etag = t->etag, .max_age_s = t->max_age_s
	};
	bool changed = false;
	bool had = keys_count((bytes){ k->files[at].text, k->files[at].n }) > 0;
	if (t->code != CH_OK) {
		missed(k, at, ch_err_from_wire(t->code, t->detail));
		return false;
	}
	ch_err e = source_take(k->urls[at].source, &a, now_s(), check, &c, &changed);
	if (failed(e)) {
		log_missed(k, at, e, &why);
		return false;
	}
	/* unchanged, but given up before: it is live again */
	bool adopted = follow(k, at) || c.adopted;
	log_again(k, at);
	if (adopted || (!had && changed))
		log_taken(k, at);
	return adopted;
}

static void lose(struct keys *k, ch_err e)
{
	k->fetcher = -1;
	LOG(LOG_ERROR,
	    "the fetcher is gone: key sets are believed until they are too old; restart the gate",
	    log_err(e));
}

static struct key_url *url_of(struct keys *k, const struct fetch_told *t, size_t *ret_at)
{
	for (size_t i = 0; i < k->config->n_issuers; i++) {
		struct key_url *u = &k->urls[i];
		if (!u->source || u->number != t->url || u->req != t->req)
			continue;
		*ret_at = i;
		return u;
	}
	return NULL;
}

/* Of what was sent: true, and it is somebody else's. */
static ch_err take_posted(const struct keys *k, bytes message, bool *ret_was)
{
	struct fetch_posted p = { 0 };
	*ret_was = fetch_kind_of(message) == FETCH_POSTED;
	if (!*ret_was)
		return CH_DONE;
	TRY(fetch_read_posted(message, &p));
	if (k->posted)
		k->posted(k->posted_ctx, &p);
	return CH_DONE;
}

void keys_answers(struct keys *k)
{
	bool adopted = false;
	while (k->fetcher >= 0) {
		bytes message = { 0 };
		struct fetch_told t = { 0 };
		size_t at = 0;
		ch_err e = channel_recv(k->fetcher, k->message, sizeof(k->message), &message, NULL);
		if (ch_code_of(e) == CH_E_BUSY)
			break;
		bool was_posted = false;
		if (!failed(e))
			e = take_posted(k, message, &was_posted);
		if (was_posted && !failed(e))
			continue;
		if (!failed(e))
			e = fetch_read_told(message, &t);
		if (failed(e)) {
			lose(k, e);
			break;
		}
		/* one that nobody waits for any more is passed over */
		struct key_url *u = url_of(k, &t, &at);
		if (!u && k->other)
			k->other(k->other_ctx, &t);
		if (!u)
			continue;
		u->req = 0;
		adopted = take(k, at, &t) || adopted;
	}
	if (adopted)
		key_files_again(k);
}

static uint32_t next_req(struct keys *k)
{
	if (++k->last_req == 0)
		k->last_req = 1;
	return k->last_req;
}

static void ask(struct keys *k, size_t at)
{
	struct key_url *u = &k->urls[at];
	uint8_t room[FETCH_ETAG_MAX + 64];
	struct wr w = wr_of(room, sizeof(room));
	if (!source_due(u->source, now_s()))
		return;
	u->req = next_req(k);
	const struct fetch_ask a = { .req = u->req,
				     .url = u->number,
				     .etag = source_etag(u->source) };
	fetch_write_ask(&w, &a);
	ch_err e = wr_done(&w);
	if (!failed(e))
		e = k->fetcher < 0 ? ch_fail(CH_E_GONE, "there is no fetcher", 0)
				   : channel_send(k->fetcher, wr_bytes(&w), NULL);
	if (failed(e))
		missed(k, at, e);
}

/* Says so before it closes, and when it does. */
static bool watch_age(struct keys *k, size_t at)
{
	struct key_url *u = &k->urls[at];
	const struct gate_issuer *g = issuer_of(k, at);
	int64_t now = now_s(), closes = source_closes_s(u->source);
	int64_t soon = source_limits_of(u->source)->stale_s / SOON;
	/* closed already, but there may have been no memory for a policy without it */
	if (closes == INT64_MAX)
		return k->files[at].taken && follow(k, at);
	if (!u->old && source_misses(u->source) > 0 && now >= closes - soon && now < closes) {
		u->old = true;
		LOG(LOG_ERROR, "an issuer's keys are soon too old: then its tokens are refused",
		    log_str("realm", g->realm), log_str("url", g->jwks_uri),
		    log_i64("seconds_left", closes - now));
	}
	if (now < closes)
		return false;
	(void)source_generation(u->source, now);
	LOG(LOG_ALARM,
	    "issuer is closed: its keys are too old, its tokens are refused until they can be "
	    "fetched",
	    log_str("realm", g->realm), log_str("issuer", g->issuer), log_str("url", g->jwks_uri));
	return follow(k, at);
}

bool key_urls_look(struct keys *k)
{
	bool adopted = false;
	for (size_t i = 0; i < k->config->n_issuers; i++) {
		if (!k->urls[i].source)
			continue;
		ask(k, i);
		adopted = watch_age(k, i) || adopted;
	}
	return adopted;
}

void keys_unknown_kid(struct keys *k, str issuer)
{
	for (size_t i = 0; i < k->config->n_issuers; i++) {
		if (!k->urls[i].source || !str_eq(issuer_of(k, i)->issuer, issuer))
			continue;
		source_kid_unknown(k->urls[i].source, now_s());
		ask(k, i);
	}
}

int64_t keys_age_s(const struct keys *k, size_t at)
{
	const struct source *s = k->urls[at].source;
	int64_t closes = s ? source_closes_s(s) : INT64_MAX;
	return closes == INT64_MAX ? -1 : now_s() - (closes - source_limits_of(s)->stale_s);
}

bool keys_settled(const struct keys *k)
{
	if (clock_mono_ns() - k->opened_ns > (uint64_t)GATE_SETTLE_S * 1000000000)
		return true;
	for (size_t i = 0; i < k->config->n_issuers; i++) {
		const struct source *s = k->urls[i].source;
		if (s && source_misses(s) == 0 && source_closes_s(s) == INT64_MAX)
			return false;
	}
	return true;
}

int keys_fd(const struct keys *k)
{
	return k->fetcher;
}

ch_err key_urls_open(struct keys *k)
{
	const struct gate_fetch *f = &k->config->fetch;
	const struct source_limits limits = {
		.fresh_min_s = f->fresh_min_s,
		.fresh_max_s = f->fresh_max_s,
		.fresh_default_s = f->fresh_default_s,
		.stale_s = f->stale_s,
		.cooldown_s = f->cooldown_s,
		.retry_min_s = f->retry_min_s,
		.retry_max_s = f->retry_max_s,
		.timeout_s = f->timeout_s,
	};
	uint16_t number = 0;
	for (size_t i = 0; i < k->config->n_issuers; i++) {
		str url = issuer_of(k, i)->jwks_uri;
		if (url.n == 0)
			continue;
		TRY(source_new(url, &limits, &k->urls[i].source));
		k->urls[i].number = number++;
	}
	return CH_DONE;
}

void key_urls_done(struct keys *k)
{
	for (size_t i = 0; i < REALMS_MAX; i++)
		source_done(&k->urls[i].source);
}
