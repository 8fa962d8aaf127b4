/* From what a crash left to one consistent state, or to a clear refusal. The journal is the truth;
 * tiles are made again from it, from the place where `state` says that they are on disk for good;
 * and the published head must come out of them, bit for bit. Changes nothing that is damaged. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/rw.h"
#include "ledger_internal.h"
#include "logstore/journal.h"

enum { A_SLICE = 65536 };

static uint8_t write_room[CHAIN_ROOM_MAX], read_room[CHAIN_ROOM_MAX];
static struct logtree tree, again;

static ch_err take_lock(struct ledger *l)
{
	l->lock = openat(l->folder, LOGSTORE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->lock < 0)
		return ch_fail(CH_E_IO, "cannot open the log's lock", errno);
	if (flock(l->lock, LOCK_EX | LOCK_NB) == 0)
		return CH_DONE;
	if (errno == EWOULDBLOCK)
		return ch_fail(CH_E_BUSY, "another process appends to this log", 0);
	return ch_fail(CH_E_IO, "cannot lock the log", errno);
}

static void say_journal(const struct chain_opened *o, ch_err e)
{
	if (o->cut_bytes > 0)
		LOG(LOG_WARN, "the journal's torn end was cut off: nothing of it had been told of",
		    log_u64("bytes", o->cut_bytes), log_u64("records", o->cut_records),
		    log_u64("segment", o->cut.segment), log_u64("offset", o->cut.offset));
	if (ch_code_of(e) == CH_E_MISMATCH)
		LOG(LOG_ERROR,
		    "the journal is damaged: nothing was changed; see `chancery log check`",
		    log_u64("segment", o->fault.segment), log_u64("offset", o->fault.offset),
		    log_err(e));
}

static ch_err open_journal(struct ledger *l, struct chain_opened *o)
{
	const struct chain_config c = {
		.ref = { l->folder, LOGSTORE_JOURNAL, JOURNAL_PURPOSE, write_room,
			 sizeof(write_room) },
		.limits = { .segment_bytes = l->config.segment_bytes,
			    .ahead_bytes = CHAIN_AHEAD_MAX,
			    .keep_ms = (int64_t)l->config.journal_days * 24 * 3600 * 1000,
			    .guarded = true },
	};
	ch_err e = chain_open(&l->sequencer.chain, &c, clock_unix_ms(), o);
	say_journal(o, e);
	return e;
}

/* --- what was published --- */

static ch_err read_head(struct integrator *g)
{
	struct wr w = wr_of(g->note, sizeof(g->note));
	ch_err e = logstore_checkpoint(&g->store, &w);
	if (ch_code_of(e) == CH_E_NOT_FOUND) {
		/* none yet; or it is gone, and then `state` has an older one */
		g->published = (struct head){ g->state.head_size, g->state.root };
		if (g->state.head_size > 0)
			LOG(LOG_WARN,
			    "the published head is gone: the next one is held against an "
			    "older one",
			    log_u64("size", g->state.head_size));
		else
			merkle_empty(&g->published.root);
		return CH_DONE;
	}
	if (!failed(e))
		e = head_of_note(g->config, wr_bytes(&w), &g->published);
	if (failed(e)) {
		LOG(LOG_ERROR,
		    "the published head is damaged: DIR/log/checkpoint; see `chancery log "
		    "repair`",
		    log_err(e));
		return ch_fail(CH_E_MISMATCH, "the published head is damaged", 0);
	}
	g->note_n = w.n;
	return CH_DONE;
}

static ch_err read_state(struct integrator *g, const struct chain_opened *o)
{
	ch_err e = logstate_read(g->folder, &g->state);
	if (!failed(e))
		return CH_DONE;
	bool is_missing = ch_code_of(e) == CH_E_NOT_FOUND;
	if (!is_missing && ch_code_of(e) != CH_E_MISMATCH)
		return e;
	if (o->first_seq > 0) {
		LOG(LOG_ERROR,
		    "DIR/log/state is missing or damaged, and the journal does not go back "
		    "to the first entry; see `chancery log repair`",
		    log_u64("journal_from", o->first_seq), log_err(e));
		return ch_fail(CH_E_MISMATCH, "the log's state is missing or damaged", 0);
	}
	if (o->next_seq > 0)
		LOG(LOG_WARN,
		    "DIR/log/state is missing or damaged: all tiles are made again from the "
		    "journal",
		    log_u64("entries", o->next_seq), log_err(e));
	g->state = (struct logstate){ 0 };
	merkle_empty(&g->state.root);
	return CH_DONE;
}

/* --- tiles --- */

static ch_err say_tile(const struct logtree *t, ch_err e)
{
	struct path path = { "" };
	struct wr w = wr_of(path.p, sizeof(path.p) - 1);
	if (ch_code_of(e) != CH_E_MISMATCH && ch_code_of(e) != CH_E_NOT_FOUND)
		return e;
	tile_path_write(&w, &t->fault);
	LOG(LOG_ERROR, "the log's tiles are damaged; see `chancery log check`",
	    log_str("tile", wr_text(&w)), log_err(e));
	return ch_fail(CH_E_MISMATCH, "the log's tiles are damaged", t->fault.n);
}

static ch_err replay(struct integrator *g, uint64_t upto)
{
	while (g->tree->size < upto) {
		TRY(integrate(g, upto, A_SLICE));
		TRY(upkeep_index(g));
	}
	return CH_DONE;
}

static ch_err head_comes_out(struct integrator *g)
{
	struct merkle_hash root;
	TRY(say_tile(g->again, settle_and_compare(g)));
	logtree_root(g->tree, &root);
	if (g->published.size == 0 || merkle_eq(&root, &g->published.root))
		return CH_DONE;
	LOG(LOG_ALARM,
	    "the journal and the tiles do not make the head that was published: nothing is "
	    "appended to this log; see `chancery log check`",
	    log_u64("size", g->published.size));
	return ch_fail(CH_E_MISMATCH, "the published head does not come out of the journal",
		       g->published.size);
}

/* From here on tiles are made again: from where they are on disk for good, or, if the machine has not
 * been started since, from where they were written, and are there. */
static uint64_t lowest(struct integrator *g, const struct boot_id *boot, uint64_t next_seq)
{
	static const struct boot_id unknown;
	struct logwritten *w = &g->written;
	uint64_t low = logstate_floor(&g->state), size = g->published.size;
	bool is_known = !mem_eq(boot->id, unknown.id, BOOT_ID_SIZE);
	if (is_known && !failed(logwritten_read(g->folder, w)) &&
	    mem_eq(w->boot.id, boot->id, BOOT_ID_SIZE) && w->tiles <= next_seq &&
	    w->indexed <= next_seq) {
		uint64_t there = logwritten_there(g->folder, g->state.durable, w->tiles);
		if (w->indexed > g->state.indexed)
			g->state.indexed = w->indexed;
		there = there < g->state.indexed ? there : g->state.indexed;
		low = there > low ? there - there % TILE_WIDTH : low;
	}
	*w = (struct logwritten){ .boot = *boot };
	return low < size ? low : size - size % TILE_WIDTH;
}

static ch_err rebuild(struct integrator *g, const struct boot_id *boot,
		      const struct chain_opened *o)
{
	const struct chain_ref ref = { g->folder, LOGSTORE_JOURNAL, JOURNAL_PURPOSE, read_room,
				       sizeof(read_room) };
	if (g->published.size > o->next_seq || g->state.durable > o->next_seq) {
		LOG(LOG_ALARM,
		    "the journal ends before what was published: entries are lost; nothing is "
		    "appended to this log",
		    log_u64("journal", o->next_seq), log_u64("published", g->published.size));
		return ch_fail(CH_E_MISMATCH, "the journal ends before the published head",
			       o->next_seq);
	}
	uint64_t from = lowest(g, boot, o->next_seq);
	g->tree = &tree;
	g->again = &again;
	TRY(say_tile(g->tree, logtree_begin(g->tree, g->folder, LOGTREE_WRITE, from)));
	TRY(say_tile(g->again, logtree_begin(g->again, g->folder, LOGTREE_COMPARE, from)));
	TRY(cursor_open(&g->journal, &ref, from));
	g->segment = g->journal.walk.segment;
	TRY(replay(g, g->published.size));
	TRY(head_comes_out(g));
	return replay(g, o->next_seq);
}

static ch_err recover_tree(struct ledger *l, const struct chain_opened *o)
{
	struct integrator *g = &l->integrator;
	g->handover = &l->handover;
	g->config = &l->config;
	g->folder = l->folder;
	g->heads_fd = -1;
	g->listen_fd = l->listen_fd;
	logstore_of(l->folder, &g->store);
	TRY(read_state(g, o));
	atomic_store(&l->handover.erasable, logstate_floor(&g->state));
	TRY(read_head(g));
	TRY(rebuild(g, &l->boot, o));
	g->last = g->asked = g->published;
	if (o->created)
		TRY(logstate_write(g->folder, &g->state));
	return CH_DONE;
}

ch_err ledger_recover(struct ledger *l)
{
	struct chain_opened o;
	uint64_t from_ns = clock_mono_ns();
	if (l->config.journal_days == 0)
		l->config.journal_days = JOURNAL_KEEP_DAYS;
	TRY(take_lock(l));
	TRY(open_journal(l, &o));
	TRY(recover_tree(l, &o));
	TRY(handover_open(&l->handover, o.next_seq));
	l->sequencer.handover = &l->handover;
	l->sequencer.config = &l->config;
	l->sequencer.control_fd = l->control_fd;
	room_release(write_room, sizeof(write_room));
	LOG(LOG_INFO, "the log is whole", log_u64("entries", o.next_seq),
	    log_u64("published", l->integrator.published.size),
	    log_u64("ms", (clock_mono_ns() - from_ns) / 1000000));
	return CH_DONE;
}

void ledger_close(struct ledger *l)
{
	struct integrator *g = &l->integrator;
	cursor_close(&g->journal);
	fd_close(&g->heads_fd);
	fd_close(&g->epoll);
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (g->peers[i].fd > 0)
			fd_close(&g->peers[i].fd);
	for (size_t i = 0; i < LINKS_MAX; i++)
		if (l->sequencer.links[i].fd > 0)
			fd_close(&l->sequencer.links[i].fd);
	fd_close(&l->sequencer.epoll);
	chain_close(&l->sequencer.chain);
	handover_close(&l->handover);
	fd_close(&l->lock);
}
