/* An issuer's JWK set over time. It believes the caller's clock, and of an answer only
 * what its check found good; it must never let a failure look like an answer, nor keep
 * keys past the stale limit. */
#include "source_internal.h"

str source_url(const struct source *s)
{
	return (str){ s->url, s->url_n };
}

str source_etag(const struct source *s)
{
	return (str){ s->etag, s->etag_n };
}

const struct source_limits *source_limits_of(const struct source *s)
{
	return &s->limits;
}

/* Time only goes on. */
static int64_t hear(struct source *s, int64_t now_s)
{
	if (now_s > s->now_s)
		s->now_s = now_s;
	return s->now_s;
}

static int64_t gives_up_s(const struct source *s)
{
	return s->started_s + 2 * s->limits.timeout_s;
}

/* retry_min, doubled with each miss, at most retry_max. */
static int64_t pause_s(const struct source *s)
{
	int64_t pause = s->limits.retry_min_s;
	for (unsigned i = 1; i < s->misses && pause < s->limits.retry_max_s; i++)
		pause *= 2;
	return pause < s->limits.retry_max_s ? pause : s->limits.retry_max_s;
}

void source_missed(struct source *s, int64_t now_s)
{
	int64_t now = hear(s, now_s);
	if (!s->under_way)
		return;
	s->under_way = false;
	if (s->misses < UINT32_MAX)
		s->misses++;
	s->due_s = now + pause_s(s);
}

unsigned source_misses(const struct source *s)
{
	return s->misses;
}

bool source_due(struct source *s, int64_t now_s)
{
	int64_t now = hear(s, now_s);
	if (s->under_way && now >= gives_up_s(s))
		source_missed(s, now);
	if (s->under_way || now < s->due_s)
		return false;
	s->under_way = true;
	s->started_s = now;
	return true;
}

int64_t source_next_s(const struct source *s)
{
	return s->under_way ? gives_up_s(s) : s->due_s;
}

void source_kid_unknown(struct source *s, int64_t now_s)
{
	int64_t now = hear(s, now_s);
	if (s->under_way || now < s->cool_s)
		return;
	s->cool_s = now + s->limits.cooldown_s;
	if (s->due_s > now)
		s->due_s = now;
}

static bool is_live(const struct source *s, int64_t now)
{
	return s->has_set && now < s->good_s + s->limits.stale_s;
}

bytes source_jwks(const struct source *s, int64_t now_s)
{
	int64_t now = now_s > s->now_s ? now_s : s->now_s;
	return (bytes){ s->text, is_live(s, now) ? s->n : 0 };
}

int64_t source_closes_s(const struct source *s)
{
	return s->has_set && !s->closed ? s->good_s + s->limits.stale_s : INT64_MAX;
}

uint64_t source_generation(struct source *s, int64_t now_s)
{
	int64_t now = hear(s, now_s);
	if (s->has_set && !s->closed && !is_live(s, now)) {
		s->closed = true;
		s->generation++;
	}
	return s->generation;
}

/* Quotes and what may stand between them; RFC 9110 section 8.8.3. */
static bool etag_ok(str e)
{
	str rest = str_starts(e, LIT("W/")) ? str_sub(e, 2, e.n) : e;
	if (e.n > SOURCE_ETAG_MAX || rest.n < 2 || rest.p[0] != '"' || rest.p[rest.n - 1] != '"')
		return false;
	for (size_t i = 1; i + 1 < rest.n; i++)
		if (rest.p[i] <= ' ' || rest.p[i] > '~' || rest.p[i] == '"')
			return false;
	return true;
}

/* One that is malformed is none: the next fetch then asks for the whole set. */
static void keep_etag(struct source *s, str etag)
{
	s->etag_n = etag_ok(etag) ? etag.n : 0;
	mem_copy(s->etag, etag.p, s->etag_n);
}

static int64_t fresh_s(const struct source *s, int64_t max_age_s)
{
	int64_t age = max_age_s < 0 ? s->limits.fresh_default_s : max_age_s;
	if (age < s->limits.fresh_min_s)
		return s->limits.fresh_min_s;
	return age < s->limits.fresh_max_s ? age : s->limits.fresh_max_s;
}

static ch_err judge(const struct source *s, const struct source_answer *a,
		    ch_err (*check)(void *ctx, bytes jwks), void *ctx)
{
	if (a->status == 304)
		return s->has_set && s->etag_n > 0
			       ? CH_DONE
			       : ch_fail(CH_E_MISMATCH, "\"not modified\", but nothing was asked",
					 a->status);
	if (a->status != 200)
		return ch_fail(CH_E_MISMATCH, "the server answers with another status than 200",
			       a->status);
	if (a->body.n == 0 || a->body.n > sizeof(s->text))
		return ch_fail(CH_E_LIMIT, "a key set is empty or too long", a->body.n);
	return check(ctx, a->body);
}

/* The candidate, judged good, becomes the set. */
static bool keep(struct source *s, const struct source_answer *a)
{
	bytes had = { s->text, s->n };
	bool same = s->has_set && !s->closed && (a->status == 304 || bytes_eq(had, a->body));
	if (a->status == 200) {
		mem_copy(s->text, a->body.p, a->body.n);
		s->n = a->body.n;
		keep_etag(s, a->etag);
	}
	s->has_set = true;
	s->closed = false;
	if (!same)
		s->generation++;
	return !same;
}

ch_err source_take(struct source *s, const struct source_answer *a, int64_t now_s,
		   ch_err (*check)(void *ctx, bytes jwks), void *ctx, bool *ret_changed)
{
	int64_t now = hear(s, now_s);
	if (!s->under_way)
		return ch_fail(CH_E_USAGE, "an answer without a fetch", a->status);
	(void)source_generation(s, now); /* what is past its age is closed before it is renewed */
	ch_err e = judge(s, a, check, ctx);
	if (failed(e)) {
		source_missed(s, now);
		return e;
	}
	*ret_changed = keep(s, a);
	s->under_way = false;
	s->misses = 0;
	s->good_s = s->started_s;
	s->due_s = now + fresh_s(s, a->max_age_s);
	return CH_DONE;
}
