/* Verdicts into two chains. What is noted waits in the chains' rooms until the end of the
 * turn; a write that fails leaves it there. Trusts nobody's text: a sighting holds a hash,
 * what is known good of the policy, and an address. Never the token. */
#include "sightings.h"

#include <fcntl.h>

#include "base/ck.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "chain/chain.h"
#include "crypto/hash.h"
#include "repeats.h"
#include "wire/sighting.h"

enum {
	ROOM = 256 * 1024, /* some 2000 verdicts a turn */
	DAY_MS = 24 * 3600 * 1000,
	RETRY_MS = 200,
	TIDY_MS = 60 * 1000,
	SYNC_MS = 1000,
	MS = 1000000,
	SEGMENTS = 8, /* a chain's bound in segments */
	SPARE_HEAD = 12,
	SWEEP_MS = 1000, /* how often windows that are over are looked for */
};

static const uint64_t total_default = UINT64_C(64) * 1024 * 1024;
static const int64_t keep_default_s = 30 * 24 * 3600;

struct one {
	struct chain chain;
	bool open, dirty;
	uint64_t dirty_ns;
	uint64_t lost;     /* verdicts that a record is still to tell of */
	uint64_t telling;  /* those that a waiting record tells of */
	uint64_t verdicts; /* in the records that wait */
	int64_t swept_ms;
	struct repeats *repeats;
	uint8_t room[ROOM];
	size_t n_spare, spare_at;
	uint8_t spare
		[ROOM]; /* verdicts while the chain is not open: u16 size, u16 type, i64 time, … */
};

struct sightings {
	struct sightings_limits limits;
	struct path folder;
	struct sightings_counts counts;
	ch_err why; /* the last failure, until a write works */
	uint64_t retry_ns, tidy_ns;
	uint64_t waiting_ns; /* since then another gate keeps us from the folder */
	struct one ones[SIGHTINGS_CHAINS];
};

static struct sightings only;
static struct repeats repeats_of[SIGHTINGS_CHAINS]; /* apart: most of it is never touched */

/* A record that is to be made. */
struct entry {
	uint16_t type;
	uint64_t verdicts; /* that it tells of */
	int64_t time_ms;
	size_t n;
};

/* --- opening --- */

static void limits_take(struct sightings *s, const struct sightings_limits *limits)
{
	s->limits = *limits;
	if (s->limits.total_bytes == 0)
		s->limits.total_bytes = total_default;
	if (s->limits.keep_s == 0)
		s->limits.keep_s = keep_default_s;
	if (s->limits.sync_ms == 0)
		s->limits.sync_ms = SYNC_MS;
}

/* Three quarters are for tokens with a good signature: of those one is needed to fill them. */
static uint64_t share_of(const struct sightings *s, size_t i)
{
	uint64_t quarter = s->limits.total_bytes / 4;
	return i == SIGHTINGS_SIGNED ? 3 * quarter : quarter;
}

static void log_opened(const struct path *path, const struct chain_opened *o)
{
	if (o->cut_bytes > 0)
		LOG(LOG_WARN, "sightings: cut off the end, which a crash had torn",
		    log_str("folder", str_from_c(path->p)), log_u64("bytes", o->cut_bytes),
		    log_u64("records", o->cut_records), log_u64("segment", o->cut.segment),
		    log_u64("offset", o->cut.offset));
	if (o->fault.segment > 0 || o->fault.offset > 0)
		LOG(LOG_ERROR,
		    "sightings are damaged: keep that folder for whoever looks into it, "
		    "and name a new one in the policy",
		    log_str("folder", str_from_c(path->p)), log_u64("segment", o->fault.segment),
		    log_u64("offset", o->fault.offset));
}

static ch_err open_one(struct sightings *s, size_t i, int64_t now_ms, uint64_t *cut_bytes)
{
	struct one *one = &s->ones[i];
	struct path path;
	struct chain_opened o;
	const struct chain_config config = {
		.ref = { AT_FDCWD, path.p, sighting_purpose[i], one->room, sizeof(one->room) },
		.limits = { .segment_bytes = share_of(s, i) / SEGMENTS,
			    .segment_ms = DAY_MS,
			    .total_bytes = share_of(s, i),
			    .keep_ms = s->limits.keep_s * 1000 },
	};
	TRY(path_join(&path, str_from_c(s->folder.p), str_from_c(sighting_folder[i]), (str){ 0 }));
	ch_err e = chain_open(&one->chain, &config, now_ms, &o);
	log_opened(&path, &o);
	one->open = !failed(e);
	*cut_bytes += o.cut_bytes;
	return e;
}

static bool any_spare(const struct sightings *s)
{
	for (size_t i = 0; i < SIGHTINGS_CHAINS; i++)
		if (s->ones[i].n_spare > 0)
			return true;
	return false;
}

/* Another gate, whose place we take, has the folder still: for a while that is no failure,
 * and for ever while there is nothing to write. */
static bool still_waiting(struct sightings *s, ch_err e, uint64_t now_ns)
{
	if (ch_code_of(e) != CH_E_BUSY)
		return false;
	if (!any_spare(s))
		s->waiting_ns = now_ns;
	return now_ns - s->waiting_ns < (uint64_t)s->limits.wait_ms * MS;
}

ch_err sightings_open(const char *folder, const struct sightings_limits *limits,
		      struct sightings **ret_s, uint64_t *ret_cut_bytes)
{
	uint64_t cut = 0, now_ns = clock_mono_ns();
	struct sightings *s = &only;
	mem_wipe(s, sizeof(*s));
	limits_take(s, limits);
	s->waiting_ns = now_ns;
	s->tidy_ns = now_ns;
	TRY(path_of(&s->folder, str_from_c(folder)));
	for (size_t i = 0; i < SIGHTINGS_CHAINS; i++) {
		s->ones[i].repeats = &repeats_of[i];
		repeats_init(s->ones[i].repeats);
	}
	for (size_t i = 0; i < SIGHTINGS_CHAINS; i++) {
		ch_err e = open_one(s, i, clock_unix_ms(), &cut);
		if (failed(e) && !still_waiting(s, e, now_ns)) {
			sightings_close(s);
			return e;
		}
	}
	*ret_s = s;
	*ret_cut_bytes = cut;
	return CH_DONE;
}

/* --- writing --- */

/* Once when it begins, once when it is over. */
static void now_failing(struct sightings *s, ch_err e, uint64_t now_ns)
{
	s->counts.failed_writes++;
	s->retry_ns = now_ns + (uint64_t)RETRY_MS * MS;
	if (failed(s->why))
		return;
	s->why = e;
	if (s->limits.fail_open)
		LOG(LOG_ALARM,
		    "sightings cannot be written; verdicts go UNRECORDED, as the policy allows",
		    log_str("folder", str_from_c(s->folder.p)), log_err(e));
	else
		LOG(LOG_ALARM,
		    "sightings cannot be written: every request is refused until they can; make "
		    "room there, or say `fail_open: true` under `sightings` in the policy",
		    log_str("folder", str_from_c(s->folder.p)), log_err(e));
}

static void now_well(struct sightings *s)
{
	if (!failed(s->why))
		return;
	s->why = CH_DONE;
	LOG(LOG_WARN, "sightings can be written again",
	    log_u64("failed_writes", s->counts.failed_writes), log_u64("lost", s->counts.lost));
}

static void lose(struct sightings *s, struct one *one, uint64_t verdicts)
{
	one->lost += verdicts;
	s->counts.lost += verdicts;
}

/* Those that wait are given up: a record will say how many. */
static void give_up(struct sightings *s, struct one *one)
{
	lose(s, one, one->verdicts);
	one->lost += one->telling; /* counted before */
	one->verdicts = one->telling = 0;
	chain_drop(&one->chain);
}

/* After a failed sync a chain must be opened anew; its waiting batch shares the room. */
static ch_err reopen(struct sightings *s, size_t i, int64_t now_ms)
{
	uint64_t cut = 0;
	struct one *one = &s->ones[i];
	if (one->open) {
		give_up(s, one);
		chain_close(&one->chain);
		one->open = false;
	}
	return open_one(s, i, now_ms, &cut);
}

static ch_err write_batch(struct sightings *s, struct one *one, int64_t now_ms)
{
	TRY(chain_write(&one->chain, now_ms, CHAIN_LATER));
	s->counts.written += one->verdicts;
	one->verdicts = one->telling = 0;
	return CH_DONE;
}

static uint64_t verdicts_in(uint16_t type, bytes payload)
{
	struct rd r = rd_of(payload);
	return type == SIGHTING_REPEATS ? rd_u64(&r) : 1;
}

/* What was noted while the chain was not open; goes on where it failed. */
static ch_err add_spare(struct sightings *s, struct one *one, int64_t now_ms)
{
	while (one->spare_at < one->n_spare) {
		struct rd r = rd_of((bytes){ one->spare, one->n_spare });
		(void)rd_take(&r, one->spare_at);
		size_t n = rd_u16(&r);
		uint16_t type = rd_u16(&r);
		int64_t time_ms = rd_i64(&r);
		bytes payload = rd_take(&r, n);
		ch_err e = chain_add(&one->chain, type, time_ms, payload);
		if (ch_code_of(e) == CH_E_FULL) {
			TRY(write_batch(s, one, now_ms));
			continue;
		}
		TRY(e);
		one->verdicts += verdicts_in(type, payload);
		one->spare_at += SPARE_HEAD + n;
	}
	one->n_spare = one->spare_at = 0;
	return CH_DONE;
}

static ch_err tell_lost(struct one *one, int64_t now_ms)
{
	uint8_t *p = NULL;
	if (one->lost == 0)
		return CH_DONE;
	TRY(chain_reserve(&one->chain, SIGHTING_LOST, now_ms, sizeof(uint64_t), &p));
	struct wr w = wr_of(p, sizeof(uint64_t));
	wr_u64(&w, one->lost);
	one->telling = one->lost;
	one->lost = 0;
	return CH_DONE;
}

static ch_err reserve_spare(struct one *one, const struct entry *what, uint8_t **ret_p)
{
	if (SPARE_HEAD + what->n > sizeof(one->spare) - one->n_spare)
		return ch_fail(CH_E_FULL, "no room for more sightings", one->n_spare);
	struct wr w = wr_of(one->spare + one->n_spare, SPARE_HEAD);
	wr_u16(&w, u16_from(what->n));
	wr_u16(&w, what->type);
	wr_i64(&w, what->time_ms);
	*ret_p = w.p + SPARE_HEAD;
	one->n_spare += SPARE_HEAD + what->n;
	return CH_DONE;
}

static ch_err reserve_in_chain(struct one *one, const struct entry *what, uint8_t **ret_p)
{
	TRY(chain_reserve(&one->chain, what->type, what->time_ms, what->n, ret_p));
	one->verdicts += what->verdicts;
	return CH_DONE;
}

/* Room for a record; the batch is written early when it has none. */
static ch_err reserve(struct sightings *s, struct one *one, const struct entry *what,
		      uint8_t **ret_p)
{
	if (!one->open)
		return reserve_spare(one, what, ret_p);
	ch_err e = reserve_in_chain(one, what, ret_p);
	if (ch_code_of(e) != CH_E_FULL)
		return e;
	e = write_batch(s, one, what->time_ms);
	if (failed(e) && !s->limits.fail_open)
		return e;
	if (failed(e))
		give_up(s, one);
	return reserve_in_chain(one, what, ret_p);
}

/* Records what a slot has counted, and frees it; on failure it counts on. */
static ch_err put_repeats(struct sightings *s, struct one *one, size_t at, int64_t now_ms)
{
	struct repeats_slot *slot = &one->repeats->slots[at];
	const struct entry what = { SIGHTING_REPEATS, slot->r.more, now_ms,
				    repeats_size(one->repeats, at) };
	uint8_t *p = NULL;
	if (slot->r.more > 0) {
		TRY(reserve(s, one, &what, &p));
		repeats_write(one->repeats, at, p);
	}
	*slot = (struct repeats_slot){ 0 };
	return CH_DONE;
}

enum sweep { SWEEP_OVER, SWEEP_ALL };
static ch_err sweep(struct sightings *s, struct one *one, int64_t now_ms, enum sweep which)
{
	bool soon = now_ms >= one->swept_ms && now_ms - one->swept_ms < SWEEP_MS;
	if (which == SWEEP_OVER && soon)
		return CH_DONE;
	for (size_t at = 0; at < REPEATS_SLOTS; at++)
		if (which == SWEEP_ALL || repeats_over(one->repeats, at, now_ms))
			TRY(put_repeats(s, one, at, now_ms));
	one->swept_ms = now_ms;
	return CH_DONE;
}

static ch_err write_one(struct sightings *s, size_t i, int64_t now_ms, uint64_t now_ns)
{
	struct one *one = &s->ones[i];
	if (!one->open || one->chain.broken)
		TRY(reopen(s, i, now_ms));
	TRY(add_spare(s, one, now_ms));
	TRY(tell_lost(one, now_ms));
	TRY(sweep(s, one, now_ms, SWEEP_OVER));
	if (chain_waiting(&one->chain) > 0) {
		TRY(write_batch(s, one, now_ms));
		one->dirty_ns = one->dirty ? one->dirty_ns : now_ns;
		one->dirty = true;
	}
	if (!one->dirty || now_ns - one->dirty_ns < (uint64_t)s->limits.sync_ms * MS)
		return CH_DONE;
	one->dirty = false;
	return chain_flush(&one->chain);
}

/* A failure of retention refuses nobody: what matters here is that records are written. */
static void tidy(struct sightings *s, int64_t now_ms, uint64_t now_ns)
{
	if (now_ns - s->tidy_ns < (uint64_t)TIDY_MS * MS)
		return;
	s->tidy_ns = now_ns;
	for (size_t i = 0; i < SIGHTINGS_CHAINS; i++) {
		ch_err e = chain_tidy(&s->ones[i].chain, now_ms);
		if (failed(e))
			LOG(LOG_ERROR, "sightings: what is too old cannot be erased",
			    log_str("folder", str_from_c(s->folder.p)), log_err(e));
	}
}

void sightings_flush(struct sightings *s, int64_t now_ms, uint64_t now_ns)
{
	if (failed(s->why) && now_ns < s->retry_ns)
		return;
	ch_err e = CH_DONE;
	for (size_t i = 0; i < SIGHTINGS_CHAINS && !failed(e); i++)
		e = write_one(s, i, now_ms, now_ns);
	if (still_waiting(s, e, now_ns))
		return;
	if (failed(e)) {
		now_failing(s, e, now_ns);
		return;
	}
	s->limits.wait_ms = 0; /* it is ours now */
	now_well(s);
	tidy(s, now_ms, now_ns);
}

void sightings_close(struct sightings *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < SIGHTINGS_CHAINS; i++) {
		struct one *one = &s->ones[i];
		if (!one->open)
			continue;
		ch_err e = sweep(s, one, clock_unix_ms(), SWEEP_ALL);
		if (!failed(e))
			e = chain_write(&one->chain, one->chain.segment_created_ms, CHAIN_NOW);
		if (failed(e))
			LOG(LOG_ERROR, "sightings: the last ones could not be written",
			    log_u64("records", chain_waiting(&one->chain)), log_err(e));
		chain_close(&one->chain);
		one->open = false;
	}
}

/* --- noting --- */

/* The signature is checked before any claim is believed: these come after it. */
static const bool after_signature[TOKEN_CODE_COUNT] = {
	[TOKEN_accepted] = true,
	[TOKEN_bad_claims] = true,
	[TOKEN_bad_audience] = true,
	[TOKEN_expired] = true,
	[TOKEN_not_yet] = true,
	[TOKEN_too_long_lived] = true,
	[TOKEN_bad_binding] = true,
	[TOKEN_bad_scope] = true,
	[TOKEN_bad_mailbox] = true,
	[TOKEN_revoked] = true,
	[TOKEN_bad_proof] = true,
	[TOKEN_proof_replayed] = true,
	[TOKEN_proof_unknown] = true,
	[TOKEN_nonce_needed] = true,
	[TOKEN_revocation_unknown] = true,
	[TOKEN_not_logged] = true,
	[TOKEN_log_stale] = true,
	[TOKEN_log_broken] = true,
};

bool sighting_signed(enum token_code code)
{
	return after_signature[code];
}

void sighting_identity(str token, uint8_t ret_identity[static TOKEN_ID_SIZE])
{
	size_t n = token.n;
	while (n > 0 && token.p[n - 1] != '.')
		n--;
	sha256(bytes_of_str(n > 0 ? str_sub(token, 0, n - 1) : token), ret_identity);
}

/* What the slot counts makes way for another. */
static bool make_way(struct sightings *s, struct one *one, size_t at, int64_t now_ms)
{
	struct repeats_slot *slot = &one->repeats->slots[at];
	if (!failed(put_repeats(s, one, at, now_ms)))
		return true;
	if (!s->limits.fail_open)
		return false;
	lose(s, one, slot->r.more);
	*slot = (struct repeats_slot){ 0 };
	return true;
}

/* Of a kind that was not seen for a while: recorded at once. */
static bool note_first(struct sightings *s, struct one *one, const struct sighting *what,
		       int64_t now_ms)
{
	const struct entry entry = { SIGHTING_VERDICT, 1, now_ms, sighting_size(what) };
	uint8_t *p = NULL;
	if (failed(reserve(s, one, &entry, &p))) {
		lose(s, one, s->limits.fail_open);
		return false;
	}
	sighting_write(p, what);
	return true;
}

/* Counted if it is a repeat. */
static bool note_or_count(struct sightings *s, struct one *one, const struct sighting *what,
			  int64_t now_ms)
{
	uint8_t room[SIGHTING_MAX] NOT_ZEROED;
	struct sighting kind = *what;
	kind.client = address_client(&what->client);
	sighting_write(room, &kind);
	bytes text = { room, sighting_size(&kind) };
	struct repeats_found found = repeats_find(one->repeats, text);
	if (found.known) {
		repeats_count(one->repeats, found.at, now_ms);
		return true;
	}
	if (!make_way(s, one, found.at, now_ms) || !note_first(s, one, what, now_ms))
		return false;
	repeats_begin(one->repeats, found, text, now_ms);
	return true;
}

bool sightings_note(struct sightings *s, const struct token_verdict *v, str text,
		    const struct address *client, str location, int64_t now_ms)
{
	struct sighting one = { .code = u8_from(v->code),
				.client = *client,
				.kid = v->kid,
				.issuer = v->issuer,
				.realm = v->realm,
				.location = location };
	size_t i = sighting_signed(v->code) ? SIGHTINGS_SIGNED : SIGHTINGS_UNSIGNED;
	if (v->code == TOKEN_accepted)
		mem_copy(one.identity, v->identity, sizeof(one.identity));
	else
		sighting_identity(text, one.identity);
	if (!note_or_count(s, &s->ones[i], &one, now_ms))
		return s->limits.fail_open;
	s->counts.noted++;
	return true;
}

bool sightings_ok(const struct sightings *s)
{
	return s->limits.fail_open || !failed(s->why);
}

ch_err sightings_error(const struct sightings *s)
{
	return s->why;
}

bool sightings_place(const struct sightings *s, size_t chain, struct sightings_place *ret_p)
{
	const struct chain *c = &s->ones[chain].chain;
	if (!s->ones[chain].open || c->broken)
		return false;
	*ret_p = (struct sightings_place){ .folder = s->folder.p, .synced = c->synced_seq };
	mem_copy(ret_p->id, c->id, sizeof(ret_p->id));
	return true;
}

struct sightings_counts sightings_counts(const struct sightings *s)
{
	struct sightings_counts c = s->counts;
	c.bytes = 0;
	for (size_t i = 0; i < SIGHTINGS_CHAINS; i++) {
		uint64_t n = 0;
		if (s->ones[i].open && !failed(chain_bytes(&s->ones[i].chain, &n)))
			c.bytes += n;
	}
	return c;
}
