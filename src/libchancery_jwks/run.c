/* Driving: what is due is fetched, what has come is tried as a verifier beside the sets of the
 * other issuers, and only a whole one is published. Trusts the host's clock; of an answer
 * nothing that ch_verifier_new has not taken. */
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "inside.h"

enum { ADDRESSES_ROOM = 512, MS = 1000 };

struct candidate {
	struct ch_jwks *j;
	size_t at;
	struct ch_verifier *made;
};

static ch_err check(void *ctx, bytes jwks)
{
	struct candidate *c = ctx;
	const struct followed *f = &c->j->issuers[c->at];
	if (f->live && bytes_eq(source_jwks(f->source, jwks_now_s()), jwks))
		return CH_DONE;
	return verifier_with(c->j, c->at, jwks, NULL, 0, &c->made);
}

/* A set that was given up is confirmed: the verifier does not have it. */
static ch_err revive(struct candidate *c)
{
	struct followed *f = &c->j->issuers[c->at];
	if (f->live || c->made)
		return CH_DONE;
	return verifier_with(c->j, c->at, source_jwks(f->source, jwks_now_s()), NULL, 0, &c->made);
}

static ch_err take(struct ch_jwks *j, size_t at, const struct fetch_answer *a)
{
	struct candidate c = { .j = j, .at = at };
	bool changed = false;
	const struct source_answer answer = {
		.status = a->status, .body = a->body, .etag = a->etag, .max_age_s = a->max_age_s
	};
	TRY(source_take(j->issuers[at].source, &answer, jwks_now_s(), check, &c, &changed));
	TRY(revive(&c));
	if (c.made) {
		j->issuers[at].live = true;
		publish(j, c.made);
	}
	return CH_DONE;
}

static void collect(struct ch_jwks *j)
{
	size_t at = 0;
	ch_err how = CH_DONE;
	struct fetch_answer a = { 0 };
	while (fetches_next(j->fetches, &at, &how, &a)) {
		if (!failed(how))
			how = take(j, at, &a);
		if (failed(how))
			source_missed(j->issuers[at].source, jwks_now_s());
		j->issuers[at].last = how;
	}
}

static ch_err start(struct ch_jwks *j, size_t at)
{
	struct followed *f = &j->issuers[at];
	char room[ADDRESSES_ROOM];
	struct wr w = wr_of(room, sizeof(room));
	if (f->addresses.n == 0)
		TRY(fetch_lookup(source_url(f->source), &w));
	return fetches_start(
		j->fetches, at,
		&(struct fetch_request){
			.url = source_url(f->source),
			.timeout_s = (unsigned)source_limits_of(f->source)->timeout_s,
			.pinned = true,
			.if_none_match = source_etag(f->source),
			.ca_file = j->ca_file,
			.addresses = f->addresses.n > 0 ? f->addresses : wr_text(&w) });
}

static void begin_due(struct ch_jwks *j)
{
	for (size_t i = 0; i < j->n; i++) {
		struct followed *f = &j->issuers[i];
		if (atomic_exchange(&f->asked, false))
			source_kid_unknown(f->source, jwks_now_s());
		if (!source_due(f->source, jwks_now_s()))
			continue;
		ch_err e = start(j, i);
		if (!failed(e))
			continue;
		source_missed(f->source, jwks_now_s());
		f->last = e;
	}
}

/* Without the sets that are too old; that cannot fail but for memory, and is tried again: they
 * count as live until a verifier without them is out. */
static ch_err close_old(struct ch_jwks *j)
{
	bool old[FOLLOWED_MAX] = { false }, any = false;
	for (size_t i = 0; i < j->n; i++) {
		const struct followed *f = &j->issuers[i];
		(void)source_generation(f->source, jwks_now_s());
		old[i] = f->live && source_jwks(f->source, jwks_now_s()).n == 0;
		any = any || old[i];
	}
	struct ch_verifier *v = NULL;
	if (!any)
		return CH_DONE;
	TRY(verifier_with(j, j->n, (bytes){ 0 }, NULL, 0, &v));
	publish(j, v);
	for (size_t i = 0; i < j->n; i++)
		j->issuers[i].live = j->issuers[i].live && !old[i];
	return CH_DONE;
}

static ch_err act(struct ch_jwks *j)
{
	uint64_t count = 0;
	(void)!read(j->wake, &count, sizeof(count));
	TRY(fetches_run(j->fetches));
	collect(j);
	TRY(close_old(j));
	begin_due(j);
	return fetches_run(j->fetches);
}

/* A peer that went away must not end the host's program: SIGPIPE is held back in this thread
 * while libcurl writes, and one that came is taken. */
ch_err ch_jwks_run(struct ch_jwks *j)
{
	static const struct timespec at_once = { 0 };
	sigset_t pipe, old, pending;
	if (!j)
		return ch_fail(CH_E_USAGE, "ch_jwks_run without a ch_jwks", 0);
	(void)sigemptyset(&pipe);
	(void)sigaddset(&pipe, SIGPIPE);
	(void)sigemptyset(&pending);
	(void)sigpending(&pending);
	bool had = sigismember(&pending, SIGPIPE) == 1;
	(void)pthread_sigmask(SIG_BLOCK, &pipe, &old);
	ch_err e = act(j);
	if (!had)
		(void)sigtimedwait(&pipe, NULL, &at_once);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return e;
}

int ch_jwks_fd(const struct ch_jwks *j)
{
	return j ? j->epoll : -1;
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int ch_jwks_timeout_ms(const struct ch_jwks *j)
{
	int64_t next = INT64_MAX, now = jwks_now_s();
	if (!j)
		return 0;
	for (size_t i = 0; i < j->n; i++) {
		next = sooner(next, source_next_s(j->issuers[i].source));
		next = sooner(next, source_closes_s(j->issuers[i].source));
	}
	int64_t ms = next <= now ? 0 : sooner(next - now, INT_MAX / MS) * MS;
	int curl = fetches_timeout_ms(j->fetches);
	return curl >= 0 && curl < ms ? curl : (int)ms;
}

static bool all_live(const struct ch_jwks *j)
{
	for (size_t i = 0; i < j->n; i++)
		if (!j->issuers[i].live)
			return false;
	return true;
}

ch_err ch_jwks_wait(struct ch_jwks *j, int ms)
{
	uint64_t until = clock_mono_ns() + (uint64_t)(ms > 0 ? ms : 0) * 1000000;
	for (;;) {
		TRY(ch_jwks_run(j));
		uint64_t now = clock_mono_ns();
		if (all_live(j))
			return CH_DONE;
		if (now >= until)
			return ch_fail(CH_E_BUSY, "an issuer's keys have not come", 0);
		struct pollfd p = { .fd = j->epoll, .events = POLLIN };
		int64_t left = (int64_t)((until - now + 999999) / 1000000);
		(void)poll(&p, 1, (int)sooner(left, ch_jwks_timeout_ms(j)));
	}
}

ch_err ch_jwks_state_of(const struct ch_jwks *j, const char *issuer,
			struct ch_jwks_state *ret_state)
{
	if (!j || !issuer || !ret_state || ret_state->size != sizeof(*ret_state))
		return ch_fail(CH_E_USAGE, "a state is not made by CH_JWKS_STATE_INIT", 0);
	for (size_t i = 0; i < j->n; i++) {
		const struct followed *f = &j->issuers[i];
		if (!str_eq(str_from_c(issuer), str_from_c(f->terms.issuer)))
			continue;
		int64_t now = jwks_now_s(), closes = source_closes_s(f->source);
		int64_t stale = source_limits_of(f->source)->stale_s;
		*ret_state = (struct ch_jwks_state){
			.size = sizeof(*ret_state),
			.has_set = f->live,
			.misses = source_misses(f->source),
			.last = f->last,
			.age_s = f->live ? now - (closes - stale) : -1,
			.closes_in_s = f->live ? closes - now : -1,
		};
		return CH_DONE;
	}
	return ch_fail(CH_E_NOT_FOUND, "no issuer of that name is followed", 0);
}
