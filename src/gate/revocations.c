/* Following what is revoked. Trusts the chain on this host as far as its hashes go, and the
 * issuer's pages as far as TLS and the policy's URL say whose they are. Must never let silence pass
 * for "nothing is revoked". */
#include "revocations.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"

enum { POLL_MS = 1000, ASK_AGAIN_MS = 200, RETRY_MS = 1000, SETTLE_S = 8, WAIT_S = 5 };
#define MS UINT64_C(1000000)

static struct follow follows[REALMS_MAX];

static uint64_t seconds_ns(uint32_t s)
{
	return s * 1000 * MS;
}

/* --- what happens to a source --- */

static void heard(struct revocation_source *s, uint64_t at_ns)
{
	if (s->missing || s->stale)
		LOG(LOG_INFO, "revocations are heard again", log_str("realm", s->of->realm),
		    log_u64("known", revoked_count(s->set)));
	s->missing = s->stale = false;
	s->fresh_ns = at_ns;
}

static void missed(struct revocation_source *s, ch_err e)
{
	if (!s->missing)
		LOG(LOG_ERROR,
		    "revocations cannot be read; what is known holds until it is too old",
		    log_str("realm", s->of->realm),
		    log_str("from", s->of->revocations.uri.n > 0 ? s->of->revocations.uri
								 : s->of->revocations.folder),
		    log_err(e));
	s->missing = true;
}

static void broken(struct revocation_source *s, ch_err e)
{
	if (!s->broken)
		LOG(LOG_ALARM,
		    "revocations are not what they were: all tokens of the issuer are refused. "
		    "Find "
		    "out why, then reload the gate",
		    log_str("realm", s->of->realm), log_str("issuer", s->of->issuer), log_err(e));
	s->broken = true;
}

static void watch_age(struct revocation_source *s, uint64_t now_ns)
{
	if (s->stale || s->fresh_ns == 0 ||
	    now_ns - s->fresh_ns <= seconds_ns(s->of->revocations.stale_s))
		return;
	s->stale = true;
	LOG(LOG_ALARM,
	    "revocations have not been heard for too long: all tokens of the issuer are refused "
	    "until they are",
	    log_str("realm", s->of->realm), log_str("issuer", s->of->issuer),
	    log_u64("seconds", s->of->revocations.stale_s));
}

/* --- from a folder --- */

static ch_err take(void *ctx, const struct chain_record *c, const struct revocation *r)
{
	struct revocation_source *s = ctx;
	(void)c;
	return revoked_add(s->set, r, clock_unix_s());
}

static void look(const struct revocations *r, struct revocation_source *s, uint64_t now_ns)
{
	struct path folder;
	bool alive = false;
	if (s->broken)
		return;
	ch_err e = path_of(&folder, s->of->revocations.folder);
	if (!failed(e))
		e = follow_look(s->follow, AT_FDCWD, folder.p, take, s, &alive);
	/* the cursor is behind what did not fit, or is of a kind that is not known here */
	enum ch_code code = ch_code_of(e);
	if (code == CH_E_MISMATCH || code == CH_E_LIMIT || code == CH_E_UNSUPPORTED)
		broken(s, e);
	else if (code == CH_E_NOT_FOUND && now_ns - r->opened_ns < seconds_ns(SETTLE_S))
		return; /* the issuer is about to make it */
	else if (failed(e))
		missed(s, e);
	else if (alive)
		heard(s, now_ns);
}

/* --- from a URL --- */

static void ask_later(struct revocation_source *s, uint64_t ms)
{
	s->due_ns = clock_mono_ns() + ms * MS;
}

static void ask(struct revocations *r, struct revocation_source *s, uint64_t now_ns)
{
	uint8_t room[FETCH_QUERY_MAX + FETCH_ETAG_MAX], text[FETCH_QUERY_MAX];
	struct wr w = wr_of(room, sizeof(room)), query = wr_of(text, sizeof(text));
	/* an answer that was lost with a fetcher's worker is not waited for */
	bool lost = s->req && now_ns - s->asked_ns > seconds_ns(2 * REVOKE_WAIT_MAX_S);
	if (s->broken || r->fetcher < 0 || (s->req && !lost) || now_ns < s->due_ns)
		return;
	if (++r->last_req == 0)
		r->last_req = 1;
	s->req = r->last_req;
	s->asked_ns = now_ns;
	revoke_ask_write(&query, &s->ask);
	fetch_write_ask(&w, &(struct fetch_ask){
				    .req = s->req, .url = s->number, .query = wr_text(&query) });
	ch_err e = query.full ? wr_done(&query) : wr_done(&w);
	if (!failed(e))
		e = channel_send(r->fetcher, wr_bytes(&w), NULL);
	if (!failed(e))
		return;
	s->req = 0;
	missed(s, e);
	ask_later(s, RETRY_MS);
}

static ch_err take_page(struct revocation_source *s, const struct fetch_told *t)
{
	struct revoke_page p;
	struct revoke_row row;
	if (t->status == 409)
		return ch_fail(CH_E_MISMATCH, "the issuer has another chain than before", 0);
	if (t->status != 200)
		return ch_fail(CH_E_DENIED,
			       "the issuer does not tell: look at client, secret and scope",
			       t->status);
	TRY(revoke_page_read(t->body, &p));
	if (s->ask.known && !mem_eq(p.chain, s->ask.chain, sizeof(p.chain)))
		return ch_fail(CH_E_MISMATCH, "the issuer has another chain than before", 0);
	if (p.next.seq < s->ask.after)
		return ch_fail(CH_E_MISMATCH, "the issuer's chain is shorter than before",
			       p.next.seq);
	if (s->ask.known && p.next.seq == s->ask.after &&
	    !mem_eq(p.next.hash, s->ask.hash, sizeof(p.next.hash)))
		return ch_fail(CH_E_MISMATCH, "the issuer's chain goes on in two ways", p.next.seq);
	while (revoke_page_cut(&p, &row))
		TRY(revoked_add(s->set, &row.r, clock_unix_s()));
	bool all = p.next.seq == p.end;
	/* straight on for more; and not in a storm when the issuer answers at once */
	ask_later(s, p.next.seq > s->ask.after ? 0 : ASK_AGAIN_MS);
	s->ask.after = p.next.seq;
	s->ask.known = true;
	mem_copy(s->ask.chain, p.chain, sizeof(p.chain));
	mem_copy(s->ask.hash, p.next.hash, sizeof(p.next.hash));
	if (all)
		heard(s, s->asked_ns);
	return CH_DONE;
}

void revocations_told(struct revocations *r, const struct fetch_told *t)
{
	for (size_t i = 0; i < r->config->n_issuers; i++) {
		struct revocation_source *s = &r->sources[i];
		if (!s->of || s->follow || s->number != t->url || s->req != t->req)
			continue;
		s->req = 0;
		ask_later(s, RETRY_MS);
		ch_err e = t->code == CH_OK ? take_page(s, t)
					    : ch_err_from_wire(t->code, t->detail);
		enum ch_code code = ch_code_of(e);
		if (t->code == CH_OK && (code == CH_E_MISMATCH || code == CH_E_LIMIT))
			broken(s, e);
		else if (failed(e))
			missed(s, e);
		ask(r, s, clock_mono_ns());
	}
}

/* --- all of them --- */

static void drain(int fd)
{
	uint8_t room[4096];
	while (fd >= 0 && read(fd, room, sizeof(room)) > 0)
		;
}

void revocations_turn(struct revocations *r, bool woken)
{
	uint64_t now = clock_mono_ns();
	bool due = now - r->looked_ns >= POLL_MS * MS;
	if (woken)
		drain(r->wake);
	for (size_t i = 0; i < r->config->n_issuers; i++) {
		struct revocation_source *s = &r->sources[i];
		if (!s->of)
			continue;
		if (s->follow && (woken || due))
			look(r, s, now);
		if (!s->follow)
			ask(r, s, now);
		watch_age(s, now);
	}
	if (woken || due)
		r->looked_ns = now;
}

static ch_err set_make(struct revocation_source *s)
{
	size_t n = revoked_size(REVOKED_MAX);
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);
	if (p == MAP_FAILED)
		return ch_fail(CH_E_NOMEM, "no memory for revocations", n);
	return revoked_init(p, n, REVOKED_MAX, &s->set);
}

/* The folder lives as long as the realm does: it is watched, not the files in it. Without a watch
 * it is still looked at each second. */
static ch_err open_folder(struct revocations *r, struct revocation_source *s)
{
	struct path folder;
	struct stat st;
	TRY(path_of(&folder, s->of->revocations.folder));
	if (stat(folder.p, &st) != 0 || !S_ISDIR(st.st_mode)) {
		LOG(LOG_ERROR, "there is no such folder of revocations",
		    log_str("folder", s->of->revocations.folder));
		return ch_fail(CH_E_NOT_FOUND, "a folder of revocations is not there", errno);
	}
	if (r->wake < 0)
		r->wake = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (r->wake < 0 || inotify_add_watch(r->wake, folder.p, IN_MODIFY | IN_MOVED_TO) < 0)
		LOG(LOG_WARN, "revocations are looked at once a second, and not at once",
		    log_str("folder", s->of->revocations.folder),
		    log_u64("errno", (uint64_t)errno));
	look(r, s, clock_mono_ns());
	return CH_DONE;
}

static uint32_t wait_of(const struct gate_config *c, const struct gate_issuer *g)
{
	uint32_t wait = WAIT_S, quarter = g->revocations.stale_s / 4;
	wait = quarter < wait ? quarter : wait;
	/* the request has a limit of its own */
	if (c->fetch.timeout_s > 0 && c->fetch.timeout_s / 2 < wait)
		wait = c->fetch.timeout_s / 2;
	return wait;
}

ch_err revocations_open(struct revocations *r, const struct gate_config *config, int fetcher)
{
	uint16_t number = 0;
	*r = (struct revocations){ .config = config, .wake = -1, .fetcher = fetcher };
	r->opened_ns = r->looked_ns = clock_mono_ns();
	for (size_t i = 0; i < config->n_issuers; i++)
		if (config->issuers[i].jwks_uri.n > 0)
			number++;
	for (size_t i = 0; i < config->n_issuers; i++) {
		const struct gate_issuer *g = &config->issuers[i];
		struct revocation_source *s = &r->sources[i];
		bool folder = g->revocations.folder.n > 0;
		if (!folder && g->revocations.uri.n == 0) {
			LOG(LOG_WARN,
			    "revocations of this issuer are not followed: a token that was revoked "
			    "is good here until it expires; give it `revocations` in the policy",
			    log_str("realm", g->realm), log_str("issuer", g->issuer));
			continue;
		}
		s->of = g;
		s->follow = folder ? &follows[i] : NULL;
		s->ask.wait_s = wait_of(config, g);
		TRY(set_make(s));
		if (folder)
			TRY(open_folder(r, s));
		else
			s->number = number++;
	}
	return CH_DONE;
}

void revocations_done(struct revocations *r)
{
	for (size_t i = 0; i < REALMS_MAX; i++)
		if (r->sources[i].follow)
			follow_done(r->sources[i].follow);
	fd_close(&r->wake);
}

bool revocations_followed(const struct revocations *r, size_t at)
{
	return r->sources[at].of != NULL;
}

bool revocations_fresh(const struct revocations *r, size_t at, uint64_t now_ns)
{
	const struct revocation_source *s = &r->sources[at];
	return s->of && !s->broken && s->fresh_ns > 0 &&
	       (now_ns <= s->fresh_ns ||
		now_ns - s->fresh_ns <= seconds_ns(s->of->revocations.stale_s));
}

bool revocations_settled(const struct revocations *r)
{
	uint64_t now = clock_mono_ns();
	if (now - r->opened_ns > seconds_ns(SETTLE_S))
		return true;
	for (size_t i = 0; i < r->config->n_issuers; i++) {
		const struct revocation_source *s = &r->sources[i];
		if (s->of && !s->broken && !s->missing && s->fresh_ns == 0)
			return false;
	}
	return true;
}

size_t revocations_count(const struct revocations *r, size_t at)
{
	return r->sources[at].of ? revoked_count(r->sources[at].set) : 0;
}

int64_t revocations_age_s(const struct revocations *r, size_t at, uint64_t now_ns)
{
	uint64_t fresh = r->sources[at].fresh_ns;
	return fresh == 0 || now_ns < fresh ? (fresh ? 0 : -1)
					    : (int64_t)((now_ns - fresh) / (1000 * MS));
}

enum token_code revocations_judge(const struct revocations *r, const struct token_verdict *v,
				  uint64_t now_ns)
{
	for (size_t i = 0; i < r->config->n_issuers; i++) {
		const struct revocation_source *s = &r->sources[i];
		if (!s->of || !str_eq(s->of->issuer, v->issuer))
			continue;
		const struct revoked_query q = { .identity = v->identity,
						 .grant_id = v->grant_id,
						 .client_id = v->client_id,
						 .sub = v->sub,
						 .kid = v->kid,
						 .iat = v->iat };
		/* what is known to be revoked is so, whatever else is not known */
		if (revoked_find(s->set, &q))
			return TOKEN_revoked;
		return revocations_fresh(r, i, now_ns) ? TOKEN_accepted : TOKEN_revocation_unknown;
	}
	return TOKEN_accepted;
}
