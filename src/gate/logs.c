/* What the logs say of a token, and keeping them up to date. Trusts a log for what its key signed and
 * its entries hash to. Must never say "absent" but by a head that was made after the question, of a
 * tree that was verified, for a time that the set covers. */
#include "logs.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

enum { RETRY_MS = 500, LIMIT_RETRY_S = 30, SETTLE_S = 8, BUNDLES_A_TURN = 16, BUSY_MS = 20 };
#define MS UINT64_C(1000000)

/* --- heads --- */

void logs_missed(struct log_source *s, ch_err e)
{
	s->retry_ns = clock_mono_ns() + RETRY_MS * MS;
	if (!s->missing)
		LOG(LOG_ERROR, "a log cannot be followed now; it is tried again",
		    log_str("log", s->of->name),
		    log_str("from", s->of->uri.n > 0 ? s->of->uri : s->of->folder), log_err(e));
	s->missing = true;
}

/* Heads come, and what is below them cannot be read: that is no news each second. */
static void heard(struct log_source *s)
{
	s->vain = false;
	if (s->unread)
		return;
	if (s->missing)
		LOG(LOG_INFO, "a log is followed again", log_str("log", s->of->name));
	s->missing = false;
}

bool logs_take_note(struct log_source *s, bytes note)
{
	uint64_t size = 0, heads = s->tail.newest.size;
	int64_t time_s = s->tail.newest.time_s;
	if (s->n_note > 0 && bytes_eq(note, (bytes){ s->note, s->n_note }))
		return true;
	ch_err e = note.n <= sizeof(s->note) ? tail_head(&s->tail, str_of_bytes(note), &size)
					     : ch_fail(CH_E_LIMIT, "a head is too long", note.n);
	if (failed(e)) {
		if (!s->tail.broken)
			logs_missed(s, e);
		return false;
	}
	mem_copy(s->note, note.p, note.n);
	s->n_note = note.n;
	s->note_size = size;
	if (s->tail.newest.size == heads && s->tail.newest.time_s == time_s && s->heads > 0)
		return true;
	s->heads++;
	heard(s);
	return true;
}

void logs_take_cosigned(struct log_source *s, bytes note)
{
	if (note.n > sizeof(s->cosigned) || bytes_eq(note, (bytes){ s->cosigned, s->n_cosigned }))
		return;
	ch_err e = tail_cosigned(&s->tail, str_of_bytes(note));
	if (failed(e) && !s->tail.broken)
		logs_missed(s, e);
	if (failed(e))
		return;
	mem_copy(s->cosigned, note.p, note.n);
	s->n_cosigned = note.n;
}

/* --- computing --- */

static void log_first(struct log_source *s)
{
	if (s->first)
		return;
	s->first = true;
	LOG(LOG_INFO, "a log is followed", log_str("log", s->of->name),
	    log_u64("size", s->tail.believed.size), log_u64("live", live_count(s->live)),
	    log_u64("ms", (clock_mono_ns() - s->opened_ns) / MS));
}

void logs_compute(struct logs *l, struct log_source *s, uint64_t now_ns)
{
	(void)l;
	s->more = false;
	s->wants_tile = false;
	if (s->tail.broken || now_ns < s->retry_ns)
		return;
	struct tile_source *tiles = s->of->uri.n > 0 ? &s->tiles : &s->store.tiles;
	ch_err e = tail_run(&s->tail, tiles, clock_unix_s(), BUNDLES_A_TURN);
	s->more = ch_code_of(e) == CH_E_BUSY && !s->wants_tile;
	if (failed(e) && ch_code_of(e) != CH_E_BUSY && !s->tail.broken) {
		logs_url_forget(s);
		s->unread = true;
		logs_missed(s, e);
		if (ch_code_of(e) == CH_E_LIMIT)
			s->retry_ns = now_ns + LIMIT_RETRY_S * 1000 * MS;
	}
	if (!failed(e) && s->unread) {
		s->unread = false;
		heard(s);
	}
	if (!failed(e) && s->tail.started)
		log_first(s);
}

/* --- catching up --- */

void logs_ask(struct logs *l, struct log_source *s, uint64_t now_ns)
{
	if (s->in_flight || s->tail.broken || now_ns < s->ask_ns)
		return;
	s->heads_before = s->heads;
	s->known_at = s->tail.newest;
	bool sent = s->of->uri.n > 0 ? logs_url_ask(l, s, now_ns) : logs_local_ask(l, s);
	if (!sent)
		return;
	s->asked++;
	s->in_flight = true;
	s->answered = false;
	s->asked_ns = now_ns;
	l->counts.catch_ups++;
}

/* Without a ledger to ask: the first new head may have been begun before the question, the second
 * one was begun when the first was there. */
static bool seen_two(const struct log_source *s)
{
	return s->of->uri.n == 0 && s->socket < 0 && s->heads >= s->heads_before + 2;
}

static void watch_flight(struct log_source *s, uint64_t now_ns)
{
	if (!s->in_flight)
		return;
	if (!s->answered && seen_two(s)) {
		s->answered = true;
		s->answer_size = s->tail.newest.size;
	}
	if (s->answered && s->tail.started && s->tail.believed.size >= s->answer_size) {
		s->known = s->asked;
		s->in_flight = false;
	} else if (now_ns - s->asked_ns > LOGS_WAIT_MS * MS) {
		s->in_flight = false;
		s->vain = true;
	}
}

/* --- what is said of a token --- */

static bool fresh(const struct log_source *s, int64_t now_s)
{
	int64_t age = now_s - s->tail.believed.time_s;
	return age <= (int64_t)s->of->stale_s && age >= -(int64_t)s->of->skew_s;
}

static bool witnessed(const struct log_source *s, int64_t now_s)
{
	if (s->of->quorum == 0)
		return true;
	int64_t at = tail_witnessed_s(&s->tail, s->of->quorum);
	return at != INT64_MIN && now_s - at <= (int64_t)s->of->witness_stale_s;
}

bool logs_usable(const struct log_source *s, int64_t now_s)
{
	return s->tail.started && !s->tail.broken && fresh(s, now_s) && witnessed(s, now_s);
}

static size_t issuer_at(const struct logs *l, str issuer)
{
	size_t i = 0;
	while (i < l->config->n_issuers && !str_eq(l->config->issuers[i].issuer, issuer))
		i++;
	return i;
}

/* By the later of two clocks: neither alone keeps what is over. What was issued just before must not
 * look forged, though: it is believed until its life and the skews are over, and then it has
 * expired by any clock that we go by. */
static bool is_legacy(const struct logs *l, const struct log_source *s, size_t issuer,
		      const struct token_verdict *v, int64_t now_s)
{
	const struct gate_issuer *g = &l->config->issuers[issuer];
	int64_t latest = s->tail.latest_s > now_s ? s->tail.latest_s : now_s;
	int64_t skew_s = (int64_t)g->skew_s + (int64_t)s->of->skew_s;
	return v->iat < v->logged_from && latest <= v->logged_from + (int64_t)g->max_ttl_s + skew_s;
}

enum log_say logs_look(struct logs *l, const struct token_verdict *v, int64_t now_s,
		       enum log_turn turn)
{
	size_t issuer = issuer_at(l, v->issuer);
	struct log_source *s = issuer < l->config->n_issuers ? l->of_issuer[issuer] : NULL;
	if (!s)
		return LOG_KNOWN;
	if (s->tail.broken)
		return LOG_LOST;
	const struct live_print p = live_print_of(s->live, v->identity, v->exp);
	if (s->tail.started && live_has(s->live, &p))
		return LOG_KNOWN;
	if (!logs_usable(s, now_s) || turn == LOG_IN_VAIN)
		return LOG_UNSURE;
	if (is_legacy(l, s, issuer, v, now_s)) {
		l->counts.legacy++;
		return LOG_LEGACY;
	}
	if (!tail_covers(&s->tail, v->exp))
		return LOG_UNSURE;
	if (turn == LOG_CAUGHT_UP)
		return LOG_ABSENT;
	l->missed = s;
	return s->vain ? LOG_UNSURE : LOG_WAIT;
}

/* --- who waits --- */

static enum log_turn turns[] = { LOG_FIRST, LOG_CAUGHT_UP, LOG_IN_VAIN };

enum log_turn logs_turn_of(const struct http_req *r)
{
	const enum log_turn *turn = r->state;
	return turn ? *turn : LOG_FIRST;
}

bool logs_wait(struct logs *l, struct http_req *r, http_serve *serve, void *ctx)
{
	uint64_t now = clock_mono_ns();
	struct log_source *s = l->missed;
	if (l->n_waiters == LOGS_WAITERS_MAX)
		return false;
	l->counts.waited++;
	l->waiters[l->n_waiters++] = (struct log_waiter){
		r, serve, ctx, s, s->asked + 1, now + LOGS_WAIT_MS * MS,
	};
	http_suspend(r);
	logs_ask(l, s, now);
	return true;
}

size_t logs_waiting(const struct logs *l)
{
	return l->n_waiters;
}

/* Being served again, a request waits no second time: nobody is added meanwhile. */
static void serve_waiters(struct logs *l, uint64_t now_ns)
{
	size_t left = 0, n = l->n_waiters;
	for (size_t i = 0; i < n; i++) {
		struct log_waiter w = l->waiters[i];
		bool known = w.source->known >= w.need;
		bool over = w.source->tail.broken || now_ns >= w.until_ns;
		if (!known && !over) {
			l->waiters[left++] = w;
			continue;
		}
		l->counts.in_vain += !known;
		w.r->state = &turns[known ? LOG_CAUGHT_UP : LOG_IN_VAIN];
		w.serve(w.r, w.ctx);
	}
	l->n_waiters = left;
}

static void ask_for_waiters(struct logs *l, uint64_t now_ns)
{
	for (size_t i = 0; i < l->n_waiters; i++)
		if (l->waiters[i].source->known < l->waiters[i].need)
			logs_ask(l, l->waiters[i].source, now_ns);
}

/* --- a turn --- */

static void log_unusable(const struct log_source *s, int64_t now_s)
{
	int64_t age_s = now_s - s->tail.believed.time_s;
	if (fresh(s, now_s))
		LOG(LOG_ALARM,
		    "witnesses of a log are too late: tokens that are not known are refused until "
		    "they are not",
		    log_str("log", s->of->name));
	else
		LOG(LOG_ALARM,
		    "a log's newest head is too old, or from the future: tokens that are not known "
		    "are refused. Look at the ledger, and at the clocks",
		    log_str("log", s->of->name), log_i64("head_age_s", age_s));
}

static void watch_state(struct log_source *s, int64_t now_s)
{
	if (s->tail.broken && !s->broken) {
		s->broken = true;
		LOG(LOG_ALARM,
		    "a log is not what it was: all tokens of its issuers are refused. Find out "
		    "why, "
		    "then reload the gate",
		    log_str("log", s->of->name), log_u64("size", s->tail.believed.size),
		    log_u64("shown", s->tail.newest.size));
	}
	if (!s->first || s->tail.broken)
		return;
	bool usable = logs_usable(s, now_s);
	if (usable && s->stale)
		LOG(LOG_INFO, "a log is up to date again", log_str("log", s->of->name));
	if (!usable && !s->stale && s->tail.started)
		log_unusable(s, now_s);
	s->stale = !usable && (s->stale || s->tail.started);
}

static void drain(int fd)
{
	uint8_t room[4096];
	while (fd >= 0 && read(fd, room, sizeof(room)) > 0)
		;
}

void logs_turn(struct logs *l, bool woken)
{
	uint64_t now = clock_mono_ns();
	int64_t now_s = clock_unix_s();
	if (woken)
		drain(l->wake);
	ask_for_waiters(l, now);
	for (size_t i = 0; i < l->n; i++) {
		struct log_source *s = &l->sources[i];
		if (s->of->uri.n > 0)
			logs_url_turn(l, s, now);
		else
			logs_local_turn(l, s, woken, now);
		watch_flight(s, now);
		watch_state(s, now_s);
	}
	serve_waiters(l, now);
}

int logs_wait_ms(const struct logs *l)
{
	int most = l->n_waiters > 0 ? BUSY_MS : INT32_MAX;
	for (size_t i = 0; i < l->n; i++)
		if (l->sources[i].more || l->sources[i].looked_ns == 0)
			most = 0;
	return most;
}

void logs_told(struct logs *l, const struct fetch_told *t)
{
	uint64_t now = clock_mono_ns();
	for (size_t i = 0; i < l->n; i++)
		if (l->sources[i].of->uri.n > 0 && logs_url_told(&l->sources[i], t, now))
			logs_url_turn(l, &l->sources[i], now);
}

bool logs_settled(const struct logs *l)
{
	uint64_t now = clock_mono_ns();
	for (size_t i = 0; i < l->n; i++) {
		const struct log_source *s = &l->sources[i];
		if (!s->tail.started && !s->tail.broken &&
		    now - s->opened_ns < SETTLE_S * 1000 * MS)
			return false;
	}
	return true;
}

bool logs_followed(const struct logs *l, size_t issuer)
{
	return l->of_issuer[issuer] != NULL;
}

bool logs_issuer_ok(const struct logs *l, size_t issuer, int64_t now_s)
{
	return !l->of_issuer[issuer] || logs_usable(l->of_issuer[issuer], now_s);
}
