/* The follower of a log. Nothing of a source is believed but what a signed root covers; nothing is
 * live before that. Must never go on from a tree that two signed heads contradict, and never take
 * damage in the files for such a contradiction: that takes a proof. */
#include "tail.h"

#include <stdlib.h>

#include "merkle/entry.h"

enum { STAGED_MIN = 1024, STAGED_KEPT = 1 << 16 };

void tail_init(struct tail *t, const struct note_key *key, int64_t max_ttl_s, struct live *live)
{
	mem_zero(t, sizeof(*t));
	t->key = *key;
	t->max_ttl_s = max_ttl_s;
	t->live = live;
	t->latest_s = INT64_MIN;
	t->read_max = TAIL_READ_MAX;
}

static void staged_drop(struct tail *t)
{
	free(t->staged);
	t->staged = NULL;
	t->n_staged = t->room_staged = 0;
}

void tail_done(struct tail *t)
{
	staged_drop(t);
}

ch_err tail_witness(struct tail *t, const struct note_key *k)
{
	if (t->n_witnesses == TAIL_WITNESSES_MAX)
		return ch_fail(CH_E_LIMIT, "more witnesses than a log may have here",
			       t->n_witnesses);
	t->witnessed_s[t->n_witnesses] = INT64_MIN;
	t->witnesses[t->n_witnesses++] = *k;
	return CH_DONE;
}

/* --- heads --- */

static bool was_newest(const struct tail *t, const struct tail_head *h)
{
	size_t n = t->n_before < TAIL_HEADS_KEPT ? t->n_before : TAIL_HEADS_KEPT;
	for (size_t i = 0; i < n; i++)
		if (t->before[i].size == h->size && merkle_eq(&t->before[i].root, &h->root))
			return true;
	return false;
}

static ch_err contradiction(struct tail *t, uint64_t size)
{
	t->broken = true;
	return ch_fail(CH_E_MISMATCH, "a log has shrunk, or has two trees of one size", size);
}

/* The time of a tree that is known. */
static void freshen(struct tail *t, const struct tail_head *h)
{
	if (h->time_s > t->newest.time_s)
		t->newest.time_s = h->time_s;
	if (t->target.size == h->size && t->newest.time_s > t->target.time_s)
		t->target.time_s = t->newest.time_s;
	if (t->started && t->believed.size == h->size)
		t->believed.time_s = t->newest.time_s;
}

static ch_err take_head(struct tail *t, const struct tail_head *h)
{
	bool same = t->has_head && h->size == t->newest.size;
	if (same && !merkle_eq(&h->root, &t->newest.root))
		return contradiction(t, h->size);
	if (same) {
		freshen(t, h);
		return CH_DONE;
	}
	if (t->has_head && h->size < t->newest.size)
		/* an old copy is none: what the log signs now is */
		return h->time_s <= t->newest.time_s || was_newest(t, h)
			       ? CH_DONE
			       : contradiction(t, h->size);
	if (t->has_head)
		t->before[t->n_before++ % TAIL_HEADS_KEPT] = t->newest;
	t->newest = *h;
	t->has_head = true;
	return CH_DONE;
}

static ch_err witnesses_see(struct tail *t, const struct log_head *h)
{
	struct tail_cosigned c = { .size = h->c.size, .root = h->c.root };
	for (size_t i = 0; i < t->n_witnesses; i++) {
		c.times_s[i] = INT64_MIN;
		ch_err e = cosignature_check(&h->note, &t->witnesses[i], &c.times_s[i]);
		if (failed(e) && ch_code_of(e) != CH_E_MISSING)
			return e;
		c.waits = c.waits || !failed(e);
	}
	if (c.waits)
		t->cosigned = c;
	return CH_DONE;
}

/* Others may have been shown another tree: what they cosigned counts when ours goes on from it. */
static ch_err take_cosigned(struct tail *t, struct tile_source *s)
{
	struct merkle_proof proof;
	struct tail_cosigned *c = &t->cosigned;
	TRY(merkle_prove_consistency(s, c->size, t->believed.size, &proof));
	c->waits = false;
	TRY(merkle_check_consistency(c->size, &c->root, t->believed.size, &t->believed.root,
				     &proof));
	for (size_t i = 0; i < t->n_witnesses; i++)
		if (c->times_s[i] > t->witnessed_s[i])
			t->witnessed_s[i] = c->times_s[i];
	return CH_DONE;
}

static ch_err open_head(struct tail *t, str note, struct tail_head *ret_head)
{
	NOT_ZEROED struct log_head h;
	if (t->broken)
		return contradiction(t, t->newest.size);
	TRY(log_head_open(note, &t->key, &h));
	TRY(witnesses_see(t, &h));
	if (h.time_s > t->latest_s)
		t->latest_s = h.time_s;
	*ret_head = (struct tail_head){ h.c.size, h.time_s, h.c.root };
	return CH_DONE;
}

ch_err tail_head(struct tail *t, str note, uint64_t *ret_size)
{
	struct tail_head head;
	TRY(open_head(t, note, &head));
	TRY(take_head(t, &head));
	*ret_size = head.size;
	return CH_DONE;
}

ch_err tail_cosigned(struct tail *t, str note)
{
	struct tail_head head;
	TRY(open_head(t, note, &head));
	return t->has_head && head.size < t->newest.size ? CH_DONE : take_head(t, &head);
}

int64_t tail_witnessed_s(const struct tail *t, size_t quorum)
{
	int64_t best = INT64_MIN;
	for (size_t i = 0; i < t->n_witnesses; i++) {
		size_t as_late = 0;
		for (size_t j = 0; j < t->n_witnesses; j++)
			as_late += t->witnessed_s[j] >= t->witnessed_s[i];
		if (as_late >= quorum && t->witnessed_s[i] > best)
			best = t->witnessed_s[i];
	}
	return best;
}

/* --- entries --- */

static ch_err stage(struct tail *t, const struct live_print *p)
{
	if (live_count(t->live) + t->n_staged >= live_most(t->live))
		return ch_fail(CH_E_LIMIT, "more tokens are live than there is room for",
			       live_most(t->live));
	if (t->n_staged == t->room_staged) {
		size_t room = t->room_staged ? 2 * t->room_staged : STAGED_MIN;
		struct live_print *more = realloc(t->staged, room * sizeof(*more));
		if (!more)
			return ch_fail(CH_E_NOMEM, "no memory for new entries of a log", room);
		t->staged = more;
		t->room_staged = room;
	}
	t->staged[t->n_staged++] = *p;
	return CH_DONE;
}

/* Before the start nobody asks the set, and all goes straight in. */
static ch_err take_entry(struct tail *t, bytes entry)
{
	struct merkle_hash leaf;
	struct log_entry e;
	merkle_leaf(entry, &leaf);
	merkle_edge_add(&t->work, &leaf);
	if (t->doubting)
		return CH_DONE;
	if (failed(log_entry_read(entry, &e))) {
		t->unread++;
		return CH_DONE;
	}
	/* of these alone a gate judges any */
	if (e.typ != LOG_TYP_AT_JWT || e.exp_s <= live_floor(t->live) ||
	    e.exp_s - e.iat_s > t->max_ttl_s)
		return CH_DONE;
	struct live_print p = live_print_of(t->live, e.hash, e.exp_s);
	return t->started ? stage(t, &p) : live_add(t->live, &p);
}

static ch_err read_bundle(struct tail *t, struct tile_source *s)
{
	NOT_ZEROED bytes entries[TILE_WIDTH];
	unsigned width = 0;
	TRY(tail_bundle(t, s, t->work.size / TILE_WIDTH, &width));
	TRY(bundle_read(wr_bytes(&t->bundle), width, entries));
	for (unsigned i = (unsigned)(t->work.size % TILE_WIDTH); i < width; i++)
		TRY(take_entry(t, entries[i]));
	return CH_DONE;
}

/* --- what is believed --- */

static int64_t floor_by(const struct tail_head *h, int64_t now_s)
{
	return (now_s < h->time_s ? now_s : h->time_s) - TAIL_SLACK_S;
}

static int64_t floor_of(const struct tail *t, int64_t now_s)
{
	return floor_by(t->started ? &t->believed : &t->target, now_s);
}

static ch_err believe(struct tail *t)
{
	for (size_t i = 0; i < t->n_staged; i++)
		TRY(live_add(t->live, &t->staged[i]));
	t->n_staged = 0;
	if (t->room_staged > STAGED_KEPT)
		staged_drop(t);
	if (t->skipping)
		live_forget(t->live, t->skip_floor_s);
	t->believed = t->target;
	t->edge = t->work;
	t->started = true;
	t->phase = TAIL_IDLE;
	return CH_DONE;
}

/* The signed root came out, from entries and an edge that the tiles gave, and that edge is not
 * of the tree that was signed before: two trees. */
static ch_err doubt_ends(struct tail *t, bool agrees)
{
	if (agrees)
		return contradiction(t, t->target.size);
	return ch_fail(CH_E_LOG, "files of a log are damaged: they do not have its signed root",
		       t->target.size);
}

static ch_err arrive(struct tail *t)
{
	struct merkle_hash root;
	merkle_edge_root(&t->work, &root);
	bool agrees = merkle_eq(&root, &t->target.root);
	if (t->doubting)
		return doubt_ends(t, agrees);
	if (agrees)
		return believe(t);
	t->phase = TAIL_DOUBT;
	return CH_DONE;
}

/* --- the phases --- */

static void seek(struct tail *t)
{
	t->skipping = t->started;
	t->n_staged = 0;
	t->phase = TAIL_SEEK;
	tail_seek_begin(t);
}

static void begin(struct tail *t)
{
	t->target = t->newest;
	t->doubting = t->skipping = false;
	t->n_staged = 0;
	t->work = t->edge;
	t->phase = TAIL_READ;
	if (!t->started || t->target.size - t->edge.size > t->read_max)
		seek(t);
}

static ch_err on_seek(struct tail *t, struct tile_source *s, int64_t now_s)
{
	bool done = t->target.size == 0;
	if (t->skipping)
		t->skip_floor_s = floor_by(&t->target, now_s);
	else
		live_forget(t->live, floor_of(t, now_s));
	if (!done)
		TRY(tail_seek(t, s, t->skipping ? t->skip_floor_s : live_floor(t->live), &done));
	if (done)
		t->phase = TAIL_EDGE;
	return CH_DONE;
}

static ch_err on_edge(struct tail *t, struct tile_source *s)
{
	uint64_t from = t->target.size > 0 ? t->first_live * TILE_WIDTH : 0;
	if (t->skipping && from < t->believed.size)
		from = t->believed.size;
	if (t->target.size - from > t->read_max)
		return ch_fail(CH_E_LIMIT,
			       "a log has more entries that may live than are read at once",
			       t->target.size - from);
	if (t->skipping && from == t->believed.size)
		return ch_fail(CH_E_NOT_FOUND, "entries of a log that may live are gone", from);
	TRY(merkle_edge_within(s, from, t->target.size, &t->work));
	t->phase = t->skipping ? TAIL_JOIN : TAIL_READ;
	return CH_DONE;
}

/* What was passed over is not read, but it must lie in a tree that the believed one is part of. */
static ch_err on_join(struct tail *t, struct tile_source *s)
{
	struct merkle_proof proof;
	TRY(merkle_prove_consistency(s, t->believed.size, t->target.size, &proof));
	TRY(merkle_check_consistency(t->believed.size, &t->believed.root, t->target.size,
				     &t->target.root, &proof));
	t->phase = TAIL_READ;
	return CH_DONE;
}

/* Before there was a believed tree, or when the tiles have the same one, it is the files. */
static ch_err on_doubt(struct tail *t, struct tile_source *s)
{
	struct merkle_hash root;
	if (!t->started)
		return doubt_ends(t, false);
	TRY(merkle_edge_within(s, t->believed.size, t->target.size, &t->work));
	merkle_edge_root(&t->work, &root);
	if (merkle_eq(&root, &t->believed.root))
		return doubt_ends(t, false);
	t->doubting = true;
	t->phase = TAIL_READ;
	return CH_DONE;
}

static ch_err on_read(struct tail *t, struct tile_source *s)
{
	ch_err e = t->work.size < t->target.size ? read_bundle(t, s) : CH_DONE;
	if (ch_code_of(e) == CH_E_NOT_FOUND && t->started && !t->doubting && !t->skipping) {
		seek(t); /* pruned, perhaps: all that has expired there need not be read */
		return CH_DONE;
	}
	TRY(e);
	return t->work.size < t->target.size ? CH_DONE : arrive(t);
}

static bool cosigned_due(const struct tail *t)
{
	return t->started && t->cosigned.waits && t->cosigned.size <= t->believed.size;
}

static ch_err step(struct tail *t, struct tile_source *s, int64_t now_s)
{
	switch (t->phase) {
	case TAIL_IDLE:
		if (cosigned_due(t))
			return take_cosigned(t, s);
		begin(t);
		return CH_DONE;
	case TAIL_SEEK:
		return on_seek(t, s, now_s);
	case TAIL_EDGE:
		return on_edge(t, s);
	case TAIL_JOIN:
		return on_join(t, s);
	case TAIL_READ:
		return on_read(t, s);
	case TAIL_DOUBT:
		return on_doubt(t, s);
	}
	return CH_DONE;
}

static void give_up(struct tail *t)
{
	t->phase = TAIL_IDLE;
	staged_drop(t);
	if (!t->started)
		live_clear(t->live);
}

/* By a clock that was set back, tokens live again that were forgotten. */
static void watch_clocks(struct tail *t, int64_t now_s)
{
	if (!t->started)
		return;
	if (live_floor(t->live) != INT64_MIN &&
	    live_floor(t->live) > floor_of(t, now_s) + TAIL_SLACK_S) {
		t->started = false;
		give_up(t);
		return;
	}
	live_forget(t->live, floor_of(t, now_s));
}

bool tail_busy(const struct tail *t)
{
	return !t->broken && t->has_head &&
	       (t->phase != TAIL_IDLE || !t->started || t->believed.size < t->newest.size ||
		cosigned_due(t));
}

ch_err tail_run(struct tail *t, struct tile_source *s, int64_t now_s, unsigned bundles)
{
	if (t->broken)
		return contradiction(t, t->newest.size);
	watch_clocks(t, now_s);
	for (unsigned i = 0; tail_busy(t); i++) {
		if (i == bundles)
			return ch_fail(CH_E_BUSY, "there is more to read of a log", t->work.size);
		ch_err e = step(t, s, now_s);
		if (!failed(e))
			continue;
		if (ch_code_of(e) != CH_E_BUSY)
			give_up(t);
		return e;
	}
	return CH_DONE;
}

bool tail_covers(const struct tail *t, int64_t exp_s)
{
	return t->started && exp_s > live_floor(t->live);
}
