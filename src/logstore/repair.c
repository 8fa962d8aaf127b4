/* Making again what is derived: tiles and bundles from the journal, or, where that was erased, tiles
 * from bundles; index files; the state. First everything is hashed without a file being touched, and
 * only if the published head comes out of it is anything written. Must never make a second,
 * different log out of a damaged one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/rw.h"
#include "chain/cursor.h"
#include "check_internal.h"
#include "logstore/index.h"
#include "logstore/journal.h"
#include "logstore/tree.h"
#include "logstore_internal.h"

/* Entries in order, from bundles below `from_journal` and from the journal above. */
struct source {
	struct looking *l;
	struct chain_cursor journal;
	uint64_t next, from_journal;
	uint64_t bundle; /* 1 + the one in the room */
	bytes entries[TILE_WIDTH];
};

static uint8_t journal_room[CHAIN_ROOM_MAX], bundle_room[TILE_ROOM_MAX];
static struct logtree tree;

static ch_err source_open(struct looking *l, uint64_t from, struct source *s)
{
	const struct chain_ref ref = { l->c->dir_fd, LOGSTORE_JOURNAL, JOURNAL_PURPOSE,
				       journal_room, sizeof(journal_room) };
	*s = (struct source){ .l = l, .next = from, .journal = { .dir_fd = -1 } };
	s->from_journal = from > l->report->journal_first ? from : l->report->journal_first;
	return cursor_open(&s->journal, &ref, s->from_journal);
}

static ch_err from_bundle(struct source *s, bytes *ret_entry)
{
	struct wr w = wr_of(bundle_room, sizeof(bundle_room));
	struct tile_id t;
	uint64_t n = s->next / TILE_WIDTH;
	if (s->bundle != n + 1) {
		if (!tile_of(s->l->report->size, 0, n, &t))
			return ch_fail(CH_E_RANGE, "the log has no such bundle", n);
		t.entries = true;
		tree.fault = t;
		TRY(tile_fetch(&s->l->store.tiles, &t, &w));
		TRY(bundle_read(wr_bytes(&w), t.width, s->entries));
		s->bundle = n + 1;
	}
	*ret_entry = s->entries[s->next % TILE_WIDTH];
	return CH_DONE;
}

static ch_err from_journal(struct source *s, bytes *ret_entry)
{
	struct chain_record c;
	struct journal_record r;
	bool got = false;
	TRY(cursor_next(&s->journal, &c, &got));
	if (!got)
		return ch_fail(CH_E_MISMATCH, "the journal ends early", s->next);
	TRY(journal_read(c.payload, &r));
	if (r.index != s->next)
		return ch_fail(CH_E_MISMATCH, "the journal is out of order", s->next);
	*ret_entry = r.entry;
	return CH_DONE;
}

static ch_err add_upto(struct source *s, uint64_t upto)
{
	for (; s->next < upto; s->next++) {
		bytes entry = { 0 };
		TRY(s->next < s->from_journal ? from_bundle(s, &entry) : from_journal(s, &entry));
		TRY(logtree_add(&tree, entry));
	}
	return CH_DONE;
}

/* All entries up to the head, into a tree of this kind. */
static ch_err walk(struct looking *l, enum logtree_mode mode)
{
	struct source s;
	struct merkle_hash root;
	uint64_t from = l->report->minimum / TILE_WIDTH * TILE_WIDTH;
	TRY(logtree_begin(&tree, l->c->dir_fd, mode, from));
	TRY(source_open(l, from, &s));
	ch_err e = add_upto(&s, l->report->size);
	cursor_close(&s.journal);
	TRY(e);
	TRY(logtree_settle(&tree));
	logtree_root(&tree, &root);
	if (!merkle_eq(&root, &l->root))
		return ch_fail(CH_E_MISMATCH, "the published head does not come out of the entries",
			       l->report->size);
	return CH_DONE;
}

static void say(struct looking *l, const char *what, str file, uint64_t at)
{
	const struct logfound f = { what, file, at, CH_DONE };
	if (l->c->found)
		l->c->found(l->c->ctx, &f);
}

/* --- the steps --- */

static ch_err mend_tiles(struct looking *l)
{
	ch_err e = walk(l, LOGTREE_FORGET);
	if (failed(e)) {
		struct path path;
		tile_file(&path, &tree.fault);
		check_tell(l,
			   "the log cannot be mended: its entries do not make the published head",
			   str_from_c(path.p), l->report->size, e);
		return e;
	}
	TRY(walk(l, LOGTREE_WRITE));
	l->mends = true;
	TRY(look_at_partial(l));
	uint64_t to = l->report->size / TILE_WIDTH * TILE_WIDTH, upto = 0;
	uint64_t from = l->report->minimum / TILE_WIDTH * TILE_WIDTH;
	if (to > from)
		TRY(logtree_sync(l->c->dir_fd, from, to, SIZE_MAX, &upto));
	say(l, "tiles are what the entries make", LIT("tile"), l->report->size);
	return CH_DONE;
}

static bool is_whole(int dir_fd, uint64_t first, uint64_t *ret_end)
{
	AUTO(logindex_close) struct logindex x = { .fd = -1 };
	if (failed(logindex_open(dir_fd, first, &x)) || failed(logindex_check(&x)))
		return false;
	*ret_end = first + x.n;
	return true;
}

/* Index files are made again from the first damaged one on, or the first gap: of which entries each
 * of them is matters to nobody. What is above is the ledger's to do. */
static ch_err mend_index(struct looking *l)
{
	enum { ROWS = 128 * 1024 };
	uint64_t at = 0, end = 0, minimum = l->report->minimum;
	uint64_t upto = l->has_state ? l->state.indexed : l->report->journal_first;
	/* a ledger that starts goes back to a full tile, which the journal must have */
	if (upto < l->report->journal_first + TILE_WIDTH && l->report->journal_first > 0)
		upto = l->report->journal_first + TILE_WIDTH;
	TRY(logindex_begin_of(l->c->dir_fd, minimum, &at));
	while (is_whole(l->c->dir_fd, at, &end))
		at = end;
	TRY(logindex_erase_from(l->c->dir_fd, at));
	at = at < minimum ? minimum : at;
	for (; at < upto && at < l->report->size; at = end) {
		end = upto - at > ROWS ? at + ROWS : upto;
		end = end < l->report->size ? end : l->report->size;
		TRY(logindex_make(&l->store, l->report->size, at, end));
		say(l, "an index file was made again", LIT(LOGSTORE_INDEX), at);
	}
	l->state.indexed = at;
	return CH_DONE;
}

static ch_err mend_head(struct looking *l)
{
	if (!l->bad_head)
		return CH_DONE;
	if (renameat(l->c->dir_fd, LOGSTORE_CHECKPOINT, l->c->dir_fd,
		     LOGSTORE_CHECKPOINT ".damaged") != 0)
		return ch_fail(CH_E_IO, "cannot set the damaged head aside", errno);
	say(l, "the damaged head was set aside; the ledger makes another",
	    LIT(LOGSTORE_CHECKPOINT ".damaged"), l->report->size);
	return CH_DONE;
}

/* Who does not find it goes by the state. */
static ch_err mend_written(struct looking *l)
{
	if (!l->bad_written)
		return CH_DONE;
	if (unlinkat(l->c->dir_fd, LOGSTORE_WRITTEN, 0) != 0 && errno != ENOENT)
		return ch_fail(CH_E_IO, "cannot remove a damaged file", errno);
	say(l, "what the ledger noted of this boot was removed", LIT(LOGSTORE_WRITTEN), 0);
	return CH_DONE;
}

static ch_err mend_state(struct looking *l)
{
	l->state.durable = l->report->size / TILE_WIDTH * TILE_WIDTH;
	l->state.head_size = l->report->size;
	l->state.root = l->root;
	TRY(logstate_write(l->c->dir_fd, &l->state));
	say(l, "the state was written anew", LIT(LOGSTORE_STATE), l->report->size);
	return CH_DONE;
}

/* Bundles are erased in order, so the first that is there says where pruning came to. */
static ch_err mend_minimum(struct looking *l)
{
	uint64_t low = 0, high = l->report->size / TILE_WIDTH;
	if (!l->bad_minimum)
		return CH_DONE;
	while (low < high) {
		struct tile_id t = { .n = low + (high - low) / 2,
				     .width = TILE_WIDTH,
				     .entries = true };
		struct path path;
		tile_file(&path, &t);
		if (faccessat(l->c->dir_fd, path.p, F_OK, 0) == 0)
			high = t.n;
		else
			low = t.n + 1;
	}
	l->report->minimum = low * TILE_WIDTH;
	TRY(logminimum_write(l->c->dir_fd, l->report->minimum));
	say(l, "the minimum index was written anew", LIT(LOGSTORE_MINIMUM), l->report->minimum);
	return CH_DONE;
}

static ch_err mend(struct looking *l)
{
	TRY(look_at_head(l));
	TRY(look_at_state(l));
	TRY(look_at_journal(l));
	bool nothing_known = l->bad_head && !l->has_state;
	if (nothing_known || l->bad_journal || l->report->journal_next < l->report->size)
		return ch_fail(CH_E_MISMATCH,
			       "the journal, or all that is known of heads, is damaged: "
			       "that cannot be made again",
			       l->report->journal_next);
	l->report->damaged = 0;
	TRY(mend_minimum(l));
	TRY(mend_tiles(l));
	TRY(mend_index(l));
	TRY(mend_head(l));
	TRY(mend_written(l));
	return mend_state(l);
}

ch_err logrepair(const struct logcheck *c, struct logcheck_report *report)
{
	static struct looking l;
	*report = (struct logcheck_report){ 0 };
	AUTO(fd_close) int lock =
		openat(c->dir_fd, LOGSTORE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return ch_fail(CH_E_IO, "cannot open the log's lock", errno);
	if (flock(lock, LOCK_EX | LOCK_NB) != 0)
		return ch_fail(CH_E_BUSY, "the ledger of this log runs: stop it first", errno);
	l = (struct looking){ .c = c, .report = report };
	logstore_of(c->dir_fd, &l.store);
	return mend(&l);
}
