/* The integrator: entries out of the journal into tiles, then heads over them. It reads the
 * journal as any reader would, verified frame by frame, and only what is durable. What it wrote it
 * reads again before a head over it is asked for; must never publish a head that was not persisted. */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rw.h"
#include "ledger_internal.h"
#include "logstore/journal.h"

enum {
	EVENTS = 16,
	A_TURN = 16384, /* entries, then who asks is looked after */
	A_HEAD = 65536, /* more than the last one, at most: heads must not wait for a long queue */
	STOP_MS = 1000,
};
#define MS UINT64_C(1000000)

/* --- the tree --- */

static ch_err take_record(struct integrator *g, const struct chain_record *c)
{
	struct journal_record r;
	if (c->type != JOURNAL_RECORD)
		return ch_fail(CH_E_MISMATCH, "the journal has a record of another kind", c->type);
	TRY(journal_read(c->payload, &r));
	if (r.index != c->seq || c->seq != g->tree->size)
		return ch_fail(CH_E_MISMATCH, "the journal's records are out of order", c->seq);
	return logtree_add(g->tree, r.entry);
}

/* The cursor has gone on to the next segment: the one before is closed, and gets an index file. */
static void see_segment(struct integrator *g)
{
	if (g->journal.walk.segment == g->segment)
		return;
	g->segment = g->journal.walk.segment;
	g->boundaries[g->n_boundaries++] = g->segment;
}

ch_err integrate(struct integrator *g, uint64_t upto, uint64_t most)
{
	if (upto > g->tree->size && upto - g->tree->size > most)
		upto = g->tree->size + most;
	while (g->tree->size < upto && g->n_boundaries < BOUNDARIES_MAX) {
		bool got = true;
		if (!g->has_record)
			TRY(cursor_next(&g->journal, &g->record, &got));
		if (!got)
			return ch_fail(CH_E_MISMATCH, "the journal ends before what is durable",
				       g->tree->size);
		g->has_record =
			true; /* until the tree has it: a full disk is no reason to lose it */
		TRY(take_record(g, &g->record));
		g->has_record = false;
		see_segment(g);
	}
	return CH_DONE;
}

/* Entries of one bundle as it lies there, from where the comparing tree has come to. */
static ch_err compare_bundle(struct integrator *g)
{
	static uint8_t room[TILE_ROOM_MAX];
	NOT_ZEROED bytes entries[TILE_WIDTH];
	struct wr w = wr_of(room, sizeof(room));
	struct tile_id id;
	size_t from = (size_t)(g->again->size % TILE_WIDTH);
	if (!tile_of(g->tree->size, 0, g->again->size / TILE_WIDTH, &id))
		return ch_fail(CH_E_INTERNAL, "the tree has no such bundle", g->again->size);
	id.entries = true;
	g->again->fault = id;
	TRY(tile_fetch(&g->store.tiles, &id, &w));
	TRY(bundle_read(wr_bytes(&w), id.width, entries));
	for (size_t i = from; i < id.width; i++)
		TRY(logtree_add(g->again, entries[i]));
	return CH_DONE;
}

ch_err settle_and_compare(struct integrator *g)
{
	struct merkle_hash wrote, reads;
	TRY(logtree_settle(g->tree));
	while (g->again->size < g->tree->size)
		TRY(compare_bundle(g));
	TRY(logtree_settle(g->again));
	logtree_root(g->tree, &wrote);
	logtree_root(g->again, &reads);
	if (!merkle_eq(&wrote, &reads))
		return ch_fail(CH_E_MISMATCH, "tiles are not what was written", g->tree->size);
	g->settled = g->tree->size;
	return CH_DONE;
}

/* --- the loop --- */

static ch_err watch(struct integrator *g, int fd, void *what)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = what };
	if (epoll_ctl(g->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		return ch_fail(CH_E_IO, "cannot watch a descriptor", errno);
	return CH_DONE;
}

static ch_err take_signer(struct integrator *g)
{
	int fd = handover_take_socket(g->handover);
	if (fd < 0)
		return CH_DONE;
	fd_close(&g->heads_fd);
	g->heads_fd = fd;
	g->is_asked = false;
	g->is_refused = false;
	g->begun_ns = 0; /* a head at once: it may have been a while */
	return watch(g, fd, &g->heads_fd);
}

/* No room is no reason to end: what is durable stays, and heads go on when there is room. */
static ch_err unless_full(struct integrator *g, ch_err e)
{
	bool full = ch_code_of(e) == CH_E_NO_ROOM;
	if (full && !g->is_full)
		LOG(LOG_ERROR, "tiles cannot be written: there are no new heads until they can",
		    log_err(e));
	if (full)
		g->is_full = true;
	return full ? CH_DONE : e;
}

static ch_err prepare(struct integrator *g)
{
	TRY(integrate(g, g->goal, A_TURN));
	if (g->tree->size < g->goal && g->n_boundaries < BOUNDARIES_MAX)
		return CH_DONE; /* the next turn goes on */
	g->goal = 0;
	return head_ask(g);
}

static ch_err work(struct integrator *g)
{
	uint64_t durable = atomic_load(&g->handover->durable), now = clock_mono_ns();
	/* while the signer works, and there is more than a turn's work */
	if (g->is_asked && !g->is_full && durable - g->tree->size > A_TURN)
		return unless_full(g, integrate(g, durable, A_TURN));
	if (g->goal == 0 && head_wait_ms(g, durable, now) > 0)
		return CH_DONE;
	if (g->goal == 0) {
		g->goal = durable - g->tree->size > A_HEAD ? g->tree->size + A_HEAD : durable;
		g->begun_ns = now;
		g->begun++;
	}
	ch_err e = prepare(g);
	if (failed(e))
		g->goal = 0;
	return unless_full(g, e);
}

static int wait_ms(struct integrator *g)
{
	uint64_t durable = atomic_load(&g->handover->durable), now = clock_mono_ns();
	if (g->goal > 0 || upkeep_waits(g) ||
	    (g->is_asked && !g->is_full && durable - g->tree->size > A_TURN))
		return 0;
	int ms = head_wait_ms(g, durable, now);
	if (ms > 0 && durable == g->tree->size && !handover_may_sleep(g->handover, durable))
		ms = head_wait_ms(g, durable + 1, now);
	return ms;
}

static ch_err turn(struct integrator *g)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(g->epoll, events, EVENTS, wait_ms(g));
	handover_woken(g->handover);
	TRY(take_signer(g));
	for (int i = 0; i < n; i++) {
		void *what = events[i].data.ptr;
		if (what == &g->heads_fd)
			TRY(unless_full(g, head_answer(g)));
		else if (what == &g->listen_fd)
			asks_accept(g);
		else if (what != g)
			asks_read(g, what);
	}
	TRY(work(g));
	return unless_full(g, upkeep(g, clock_mono_ns()));
}

/* A last head over all there is, if somebody signs it in time. */
static ch_err finish(struct integrator *g)
{
	uint64_t until = clock_mono_ns() + STOP_MS * MS;
	uint64_t durable = atomic_load(&g->handover->durable);
	while (g->heads_fd >= 0 && !g->is_full && g->published.size < durable &&
	       clock_mono_ns() < until)
		TRY(turn(g));
	return upkeep_finish(g);
}

ch_err integrator_run(struct integrator *g)
{
	g->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (g->epoll < 0)
		return ch_fail(CH_E_IO, "cannot make an epoll", errno);
	TRY(watch(g, g->handover->wake, g));
	TRY(watch(g, g->listen_fd, &g->listen_fd));
	asks_open(g);
	while (!atomic_load(&g->handover->stopping))
		TRY(turn(g));
	return finish(g);
}
