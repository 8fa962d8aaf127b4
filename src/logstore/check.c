/* Everything in a log's folder, held against everything else. Trusts no file: entries make leaves,
 * leaves make tiles, tiles make the root of the head; the journal has the same entries. */
#include "logstore/check.h"

#include <errno.h>

#include "base/rw.h"
#include "chain/cursor.h"
#include "check_internal.h"
#include "logstore/index.h"
#include "logstore/journal.h"
#include "logstore/state.h"
#include "logstore/written.h"
#include "logstore_internal.h"
#include "merkle/checkpoint.h"

static uint8_t bundle_room[TILE_ROOM_MAX], tile_room[TILE_SIZE_MAX], made_room[TILE_SIZE_MAX];

void check_tell(struct looking *l, const char *what, str file, uint64_t at, ch_err e)
{
	const struct logfound f = { what, file, at, e };
	l->report->damaged++;
	if (l->c->found)
		l->c->found(l->c->ctx, &f);
}

static void tell_tile(struct looking *l, const char *what, const struct tile_id *t, ch_err e)
{
	struct path path;
	tile_file(&path, t);
	check_tell(l, what, str_from_c(path.p), t->n, e);
}

/* --- small files --- */

ch_err look_at_head(struct looking *l)
{
	static uint8_t room[LOGSTORE_NOTE_MAX];
	static struct note n;
	static struct log_head head;
	struct checkpoint p;
	struct wr w = wr_of(room, sizeof(room));
	ch_err e = logstore_checkpoint(&l->store, &w);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return CH_DONE;
	if (!failed(e))
		e = note_open(wr_text(&w), &n);
	if (!failed(e))
		e = checkpoint_read(n.body, &p);
	if (!failed(e) && l->c->key)
		e = log_head_open(wr_text(&w), l->c->key, &head);
	if (failed(e)) {
		check_tell(l, "the published head is damaged", LIT(LOGSTORE_CHECKPOINT), 0, e);
		l->bad_head = true;
		return CH_DONE;
	}
	l->report->has_head = true;
	l->report->size = p.size;
	l->root = p.root;
	return CH_DONE;
}

ch_err look_at_state(struct looking *l)
{
	ch_err e = logstate_read(l->c->dir_fd, &l->state);
	l->has_state = !failed(e);
	if (failed(e) && ch_code_of(e) != CH_E_NOT_FOUND)
		check_tell(l, "the state is damaged", LIT(LOGSTORE_STATE), 0, e);
	e = logminimum_read(l->c->dir_fd, &l->report->minimum);
	l->bad_minimum = failed(e);
	struct logwritten written;
	ch_err w = logwritten_read(l->c->dir_fd, &written);
	l->bad_written = ch_code_of(w) == CH_E_MISMATCH;
	if (l->bad_written)
		check_tell(l, "what the ledger noted of this boot is damaged",
			   LIT(LOGSTORE_WRITTEN), 0, w);
	if (failed(e))
		check_tell(l, "the minimum index is damaged", LIT(LOGSTORE_MINIMUM), 0, e);
	if (!l->report->has_head)
		merkle_empty(&l->root);
	if (!l->report->has_head && l->has_state) {
		l->report->size = l->state.head_size;
		l->root = l->state.root;
	}
	if (l->has_state && l->state.head_size > l->report->size)
		check_tell(l, "the published head is older than the state says",
			   LIT(LOGSTORE_CHECKPOINT), l->state.head_size, CH_DONE);
	return CH_DONE;
}

/* --- tiles --- */

static ch_err read_tile(struct looking *l, const struct tile_id *t, uint8_t *room, size_t cap,
			bytes *ret_b)
{
	struct wr w = wr_of(room, cap);
	TRY(tile_fetch(&l->store.tiles, t, &w));
	*ret_b = wr_bytes(&w);
	return CH_DONE;
}

/* The tile that the one below makes is compared with what there is. */
static void hold_against(struct looking *l, const struct tile_id *t, bytes made, const char *what)
{
	bytes there = { 0 };
	ch_err e = read_tile(l, t, tile_room, sizeof(tile_room), &there);
	if (failed(e))
		tell_tile(l, "a tile is missing or damaged", t, e);
	else if (!bytes_eq(there, made))
		tell_tile(l, what, t, CH_DONE);
}

static void look_at_bundle(struct looking *l, const struct tile_id *t)
{
	struct tile_id bundle = *t;
	struct wr made = wr_of(made_room, sizeof(made_room));
	bytes b = { 0 };
	bundle.entries = true;
	l->report->bundles++;
	ch_err e = read_tile(l, &bundle, bundle_room, sizeof(bundle_room), &b);
	if (!failed(e))
		e = bundle_tile(b, t->width, &made);
	if (failed(e)) {
		tell_tile(l, "an entry bundle is missing or damaged", &bundle, e);
		return;
	}
	hold_against(l, t, wr_bytes(&made), "a tile is not what its entry bundle makes");
}

/* One tile of a level above 0: from the roots of those below it. */
static void look_at_tile(struct looking *l, const struct tile_id *t)
{
	struct wr made = wr_of(made_room, sizeof(made_room));
	l->report->tiles++;
	for (unsigned i = 0; i < t->width; i++) {
		const struct tile_id below = { .n = t->n * TILE_WIDTH + i,
					       .width = TILE_WIDTH,
					       .level = (uint8_t)(t->level - 1) };
		struct merkle_hash root;
		bytes b = { 0 };
		ch_err e = read_tile(l, &below, tile_room, sizeof(tile_room), &b);
		if (!failed(e))
			e = tile_root(b, &root);
		if (failed(e)) {
			tell_tile(l, "a tile is missing or damaged", &below, e);
			return;
		}
		wr_put(&made, BYTES_OF(root.b));
	}
	hold_against(l, t, wr_bytes(&made), "a tile is not what those below it make");
}

/* Of a pruned log: from the first tile of the level that must be there. */
static void look_at_level(struct looking *l, unsigned level)
{
	struct tile_id t;
	uint64_t n = tile_hashes(l->report->minimum, level);
	/* of a tile that is half pruned, the tiles below are not there; its bundle is */
	n = (n + (level == 0 ? 0 : TILE_WIDTH - 1)) / TILE_WIDTH;
	for (; tile_of(l->report->size, level, n, &t); n++) {
		if (level == 0) {
			l->report->tiles++;
			look_at_bundle(l, &t);
		} else {
			look_at_tile(l, &t);
		}
	}
}

static void look_at_tree(struct looking *l)
{
	struct merkle_edge edge;
	struct merkle_hash root;
	for (unsigned level = 0; level < TILE_LEVELS; level++)
		look_at_level(l, level);
	ch_err e = merkle_edge_at(&l->store.tiles, l->report->size, &edge);
	if (!failed(e))
		merkle_edge_root(&edge, &root);
	if (failed(e) || !merkle_eq(&root, &l->root))
		check_tell(l, "the tiles do not make the published head", LIT(LOGSTORE_CHECKPOINT),
			   l->report->size, e);
}

/* --- the journal --- */

static void tell_journal(struct looking *l, const struct chain_cursor *k, const char *what,
			 ch_err e)
{
	struct path path = { "" };
	struct wr w = wr_of(path.p, sizeof(path.p) - 1);
	wr_lit(&w, LOGSTORE_JOURNAL "/");
	wr_dec(&w, k->fault.segment);
	check_tell(l, what, wr_text(&w), k->fault.offset, e);
}

/* Is it the entry that the log has? */
static bool is_in_log(struct looking *l, const struct journal_record *r)
{
	static bytes entries[TILE_WIDTH];
	struct tile_id t;
	if (r->index < l->report->minimum || r->index >= l->report->size)
		return true;
	if (l->bundle != r->index / TILE_WIDTH + 1) {
		bytes b = { 0 };
		l->bundle = 0;
		if (!tile_of(l->report->size, 0, r->index / TILE_WIDTH, &t))
			return true;
		t.entries = true;
		if (failed(read_tile(l, &t, bundle_room, sizeof(bundle_room), &b)) ||
		    failed(bundle_read(b, t.width, entries)))
			return true; /* that was told of before */
		l->bundle = r->index / TILE_WIDTH + 1;
	}
	return bytes_eq(entries[r->index % TILE_WIDTH], r->entry);
}

static bool look_at_record(struct looking *l, const struct chain_cursor *k,
			   const struct chain_record *c)
{
	struct journal_record r;
	ch_err e = journal_read(c->payload, &r);
	if (failed(e) || c->type != JOURNAL_RECORD || r.index != c->seq) {
		tell_journal(l, k, "the journal has a record that is none", e);
		l->bad_journal = true;
		return false;
	}
	if (!l->differs && !is_in_log(l, &r)) {
		l->differs = true; /* once is enough */
		tell_journal(l, k, "the journal has another entry than the log",
			     ch_fail(CH_E_MISMATCH, "entry", r.index));
	}
	if (l->report->journal_next == c->seq && l->report->journal_first == c->seq)
		l->report->journal_first_ms = c->time_ms;
	l->report->journal_next = c->seq + 1;
	return true;
}

ch_err look_at_journal(struct looking *l)
{
	static uint8_t room[CHAIN_ROOM_MAX];
	AUTO(cursor_close) struct chain_cursor k = { .dir_fd = -1 };
	const struct chain_ref ref = { l->c->dir_fd, LOGSTORE_JOURNAL, JOURNAL_PURPOSE, room,
				       sizeof(room) };
	bool got = true;
	ch_err e = cursor_open(&k, &ref, CHAIN_OLDEST);
	if (ch_code_of(e) == CH_E_IO)
		return e;
	l->report->journal_first = l->report->journal_next = cursor_head(&k).seq;
	while (!failed(e) && got) {
		struct chain_record r;
		e = cursor_next(&k, &r, &got);
		if (!failed(e) && got && !look_at_record(l, &k, &r))
			return CH_DONE;
	}
	if (failed(e) && ch_code_of(e) != CH_E_NOT_FOUND) {
		tell_journal(l, &k, "the journal is damaged", e);
		l->bad_journal = true;
		return CH_DONE;
	}
	if (failed(e) && l->report->size > 0)
		tell_journal(l, &k, "there is no journal", e);
	else if (l->report->journal_next < l->report->size)
		check_tell(l, "the journal ends before the published head", LIT(LOGSTORE_JOURNAL),
			   l->report->journal_next, CH_DONE);
	return CH_DONE;
}

/* --- all of it --- */

ch_err logcheck(const struct logcheck *c, struct logcheck_report *report)
{
	static struct looking l;
	*report = (struct logcheck_report){ 0 };
	l = (struct looking){ .c = c, .report = report };
	logstore_of(c->dir_fd, &l.store);
	TRY(look_at_head(&l));
	TRY(look_at_state(&l));
	if (report->has_head || l.has_state)
		look_at_tree(&l);
	TRY(look_at_partial(&l));
	TRY(look_at_index(&l));
	return c->has_journal ? look_at_journal(&l) : CH_DONE;
}
