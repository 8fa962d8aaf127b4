/* Constructor and destructor of a source; what it may be asked to follow. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "codec/url.h"
#include "source_internal.h"

static const struct source_limits defaults = {
	.fresh_min_s = 60,
	.fresh_max_s = 3600,
	.fresh_default_s = 300,
	.stale_s = 86400,
	.cooldown_s = 30,
	.retry_min_s = 5,
	.retry_max_s = 300,
	.timeout_s = 10,
};

static void or_default(int64_t *v, int64_t otherwise)
{
	if (*v == 0)
		*v = otherwise;
}

static int64_t between(int64_t v, int64_t low, int64_t high)
{
	int64_t most = v < high ? v : high;
	return most > low ? most : low;
}

static bool in_range(int64_t v)
{
	return v >= 1 && v <= SOURCE_SECONDS_MAX;
}

ch_err source_limits_check(const struct source_limits *limits, struct source_limits *ret_limits)
{
	struct source_limits l = *limits;
	/* one of a pair that is given draws the other with it */
	or_default(&l.fresh_min_s, l.fresh_max_s && l.fresh_max_s < defaults.fresh_min_s
					   ? l.fresh_max_s
					   : defaults.fresh_min_s);
	or_default(&l.fresh_max_s,
		   between(defaults.fresh_max_s, l.fresh_min_s, SOURCE_SECONDS_MAX));
	or_default(&l.fresh_default_s,
		   between(defaults.fresh_default_s, l.fresh_min_s, l.fresh_max_s));
	or_default(&l.stale_s, defaults.stale_s);
	or_default(&l.cooldown_s, defaults.cooldown_s);
	or_default(&l.retry_min_s, l.retry_max_s && l.retry_max_s < defaults.retry_min_s
					   ? l.retry_max_s
					   : defaults.retry_min_s);
	or_default(&l.retry_max_s,
		   between(defaults.retry_max_s, l.retry_min_s, SOURCE_SECONDS_MAX));
	or_default(&l.timeout_s, defaults.timeout_s);
	if (!in_range(l.fresh_min_s) || !in_range(l.fresh_max_s) || !in_range(l.stale_s) ||
	    !in_range(l.cooldown_s) || !in_range(l.retry_min_s) || !in_range(l.retry_max_s) ||
	    !in_range(l.timeout_s))
		return ch_fail(CH_E_RANGE, "a limit on key sets is no time", 0);
	if (l.fresh_min_s > l.fresh_max_s || l.fresh_default_s < l.fresh_min_s ||
	    l.fresh_default_s > l.fresh_max_s)
		return ch_fail(CH_E_RANGE, "how long a key set is fresh: lowest over highest",
			       (uint64_t)l.fresh_min_s);
	if (l.retry_min_s > l.retry_max_s)
		return ch_fail(CH_E_RANGE, "pause after a failure: lowest over highest",
			       (uint64_t)l.retry_min_s);
	if (l.stale_s <= l.fresh_max_s + l.timeout_s)
		return ch_fail(CH_E_RANGE, "a key set would be given up before it is fetched again",
			       (uint64_t)l.stale_s);
	*ret_limits = l;
	return CH_DONE;
}

ch_err source_url_check(str url)
{
	struct url u;
	if (url.n > SOURCE_URL_MAX)
		return ch_fail(CH_E_LIMIT, "the URL of a key set is too long", SOURCE_URL_MAX);
	TRY(url_parse(url, &u));
	if (!str_eq(u.scheme, LIT("https")) && !url_is_loopback(&u))
		return ch_fail(CH_E_DENIED, "a key set comes over https, or from loopback", 0);
	return CH_DONE;
}

void source_free(struct source *s)
{
	free(s);
}

void source_done(struct source **s)
{
	source_free(*s);
	*s = NULL;
}

ch_err source_new(str url, const struct source_limits *limits, struct source **ret_s)
{
	struct source_limits l;
	TRY(source_url_check(url));
	TRY(source_limits_check(limits, &l));
	AUTO(source_done) struct source *s = calloc(1, sizeof(*s));
	if (!s)
		return ch_fail(CH_E_NOMEM, "no memory for a key set", sizeof(*s));
	s->limits = l;
	mem_copy(s->url, url.p, url.n);
	s->url_n = url.n;
	s->now_s = INT64_MIN;
	s->due_s = INT64_MIN;
	s->cool_s = INT64_MIN;
	*ret_s = TAKE(s);
	return CH_DONE;
}
