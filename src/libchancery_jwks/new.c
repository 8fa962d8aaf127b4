/* Making and freeing: all that the caller gave is copied, and what it said is checked by the
 * verifier that it will become, before anything is fetched. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "inside.h"

enum { ROOM = 64 * 1024, AUDIENCES_MOST = 8, PERIODS_MOST = 32 };

void ch_jwks_free(struct ch_jwks *j)
{
	if (!j)
		return;
	for (size_t i = 0; i < j->n; i++)
		source_free(j->issuers[i].source);
	fetches_free(j->fetches);
	ch_verifier_unref(j->verifier);
	fd_close(&j->wake);
	fd_close(&j->epoll);
	free(j->room);
	free(j);
}

static void jwks_done(struct ch_jwks **j)
{
	ch_jwks_free(*j);
}

static ch_err copy_text(struct arena *a, const char *from, const char **ret_text)
{
	str s = str_from_c(from), copy = { 0 };
	if (!from) {
		*ret_text = NULL;
		return CH_DONE;
	}
	s.n++; /* with its terminator */
	TRY(arena_str(a, s, &copy));
	*ret_text = copy.p;
	return CH_DONE;
}

static ch_err copy_lists(struct arena *a, struct ch_issuer *to)
{
	if (to->n_audiences > AUDIENCES_MOST || to->n_periods > PERIODS_MOST)
		return ch_fail(CH_E_LIMIT, "an issuer has too many audiences or periods", 0);
	const char **audiences = arena_new(a, const char *, to->n_audiences + 1);
	struct ch_period *periods = arena_new(a, struct ch_period, to->n_periods + 1);
	if (!audiences || !periods)
		return ch_fail(CH_E_LIMIT, "the issuers' texts are too long", a->cap);
	for (size_t i = 0; to->audiences && i < to->n_audiences; i++)
		TRY(copy_text(a, to->audiences[i], &audiences[i]));
	for (size_t i = 0; to->periods && i < to->n_periods; i++) {
		periods[i] = to->periods[i];
		TRY(copy_text(a, to->periods[i].kid, &periods[i].kid));
	}
	to->audiences = to->audiences ? audiences : NULL;
	to->periods = to->periods ? periods : NULL;
	return CH_DONE;
}

static ch_err take_issuer(struct ch_jwks *j, const struct ch_jwks_issuer *from,
			  const struct source_limits *limits)
{
	struct followed *to = &j->issuers[j->n];
	const char *addresses = NULL;
	if (from->size != sizeof(*from) || from->issuer.size != sizeof(from->issuer) ||
	    !from->issuer.issuer || !from->url)
		return ch_fail(CH_E_USAGE, "an issuer is not made by CH_JWKS_ISSUER_INIT", j->n);
	if (from->issuer.jwks || from->issuer.jwks_size)
		return ch_fail(CH_E_USAGE, "an issuer whose keys are fetched has none yet", j->n);
	to->terms = from->issuer;
	TRY(copy_text(&j->texts, from->issuer.issuer, &to->terms.issuer));
	TRY(copy_text(&j->texts, from->issuer.realm, &to->terms.realm));
	TRY(copy_text(&j->texts, from->issuer.typ, &to->terms.typ));
	TRY(copy_lists(&j->texts, &to->terms));
	TRY(copy_text(&j->texts, from->addresses, &addresses));
	to->addresses = str_from_c(addresses);
	TRY(source_new(str_from_c(from->url), limits, &to->source));
	j->n++;
	return CH_DONE;
}

static ch_err watch(int epoll, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) != 0)
		return ch_fail(CH_E_IO, "cannot watch a descriptor", errno);
	return CH_DONE;
}

static ch_err open_all(struct ch_jwks *j)
{
	TRY(fetches_new(j->n, JWKS_TEXT_MAX, &j->fetches));
	j->epoll = epoll_create1(EPOLL_CLOEXEC);
	j->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (j->epoll < 0 || j->wake < 0)
		return ch_fail(CH_E_IO, "cannot make an epoll", errno);
	TRY(watch(j->epoll, j->wake));
	return watch(j->epoll, fetches_fd(j->fetches));
}

static ch_err options_take(struct ch_jwks *j, const struct ch_jwks_options *o,
			   struct source_limits *ret_limits)
{
	const char *ca_file = NULL;
	if (!o)
		return source_limits_check(&(struct source_limits){ 0 }, ret_limits);
	if (o->size != sizeof(*o))
		return ch_fail(CH_E_USAGE, "the options are not made by CH_JWKS_OPTIONS_INIT",
			       o->size);
	TRY(copy_text(&j->texts, o->ca_file, &ca_file));
	j->ca_file = str_from_c(ca_file);
	return source_limits_check(&(struct source_limits){ .fresh_min_s = o->fresh_min_s,
							    .fresh_max_s = o->fresh_max_s,
							    .fresh_default_s = o->fresh_default_s,
							    .stale_s = o->stale_s,
							    .cooldown_s = o->cooldown_s,
							    .retry_min_s = o->retry_min_s,
							    .retry_max_s = o->retry_max_s,
							    .timeout_s = o->timeout_s },
				   ret_limits);
}

static ch_err explain(ch_err e, char *why, size_t why_size)
{
	struct wr w = wr_of(why, why_size);
	if (failed(e) && why_size > 0 && !why[0]) {
		str what = str_from_c(e.site->what);
		wr_str(&w, str_sub(what, 0, why_size - 1));
		wr_char(&w, '\0');
	}
	return e;
}

static ch_err make(struct ch_jwks *j, const struct ch_jwks_issuer *issuers, size_t n,
		   const struct ch_jwks_options *options, char *why, size_t why_size)
{
	struct source_limits limits;
	struct ch_verifier *keyless = NULL;
	j->epoll = j->wake = -1;
	j->room = calloc(1, ROOM);
	if (!j->room)
		return ch_fail(CH_E_NOMEM, "no memory for key sets", ROOM);
	arena_init(&j->texts, j->room, ROOM);
	TRY(options_take(j, options, &limits));
	for (size_t i = 0; i < n; i++)
		TRY(take_issuer(j, &issuers[i], &limits));
	TRY(open_all(j));
	TRY(verifier_with(j, n, (bytes){ 0 }, why, why_size, &keyless));
	publish(j, keyless);
	return CH_DONE;
}

ch_err ch_jwks_new(const struct ch_jwks_issuer *issuers, size_t n,
		   const struct ch_jwks_options *options, char *why, size_t why_size,
		   struct ch_jwks **ret_jwks)
{
	if (why && why_size > 0)
		why[0] = '\0';
	if (!issuers || !ret_jwks || n == 0 || n > FOLLOWED_MAX || (!why && why_size > 0))
		return ch_fail(CH_E_USAGE, "ch_jwks_new takes 1 to 16 issuers", n);
	AUTO(jwks_done) struct ch_jwks *j = calloc(1, sizeof(*j));
	if (!j)
		return ch_fail(CH_E_NOMEM, "no memory for key sets", sizeof(*j));
	TRY(explain(make(j, issuers, n, options, why, why_size), why, why_size));
	*ret_jwks = TAKE(j);
	return CH_DONE;
}
