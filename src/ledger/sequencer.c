/* The sequencer: all entries that wait at all signers' sockets become one batch of the journal,
 * one write and one sync; only then each signer is told. Trusts a signer for what an entry says,
 * for its form not at all. Must never tell of an entry that is not on disk, nor wait for the
 * other thread. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "ledger_internal.h"
#include "logstore/journal.h"
#include "merkle/entry.h"
#include "wire/control.h"

enum {
	TICK_MS = 1000,
	TIDY_S = 60,
	WAITING_MAX = 512, /* batches of signers in one of ours */
	EVENTS = LINKS_MAX + 2,
	IN_VAIN = 64, /* batches of a signer that was waited for in vain */
	STOP_MS = 5000,
	/* of one message, in the journal's room */
	MESSAGE_ROOM = LEDGER_APPEND_MAX + LEDGER_BATCH_MAX * 32,
};
#define SECOND UINT64_C(1000000000)

/* A signer's batch that is in ours. */
struct waiting {
	struct link *link;
	uint64_t seq, first_index;
};

struct batch {
	size_t n;
	struct waiting waits[WAITING_MAX];
};

static uint8_t in[MESSAGE_MAX];
static struct batch batch;

void room_release(uint8_t *room, size_t n)
{
	const uintptr_t page = 4096;
	/* what a chain or a cursor keeps between its calls stands at the start */
	uintptr_t from = ((uintptr_t)room + 2 * page - 1) & ~(page - 1);
	uintptr_t to = ((uintptr_t)room + n) & ~(page - 1);
	if (to > from)
		(void)madvise((void *)from, to - from, MADV_DONTNEED);
}

/* --- signers --- */

static void drop_link(struct sequencer *s, struct link *l, ch_err e)
{
	if (ch_code_of(e) != CH_E_GONE)
		LOG(LOG_ERROR, "a signer's socket is closed", log_u64("generation", l->generation),
		    log_err(e));
	(void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, l->fd, NULL);
	fd_close(&l->fd);
	for (size_t i = 0; i < batch.n; i++)
		if (batch.waits[i].link == l)
			batch.waits[i].link = NULL;
}

static bool has_room(const struct sequencer *s)
{
	return batch.n < WAITING_MAX && s->chain.cap - s->chain.waiting > 2 * MESSAGE_ROOM &&
	       chain_waiting(&s->chain) + LEDGER_BATCH_MAX <= CHAIN_RECORDS_MAX;
}

static ch_err add_item(struct sequencer *s, const struct ledger_item *item, int64_t now_ms)
{
	struct journal_record r = { .index = s->chain.next_seq + chain_waiting(&s->chain),
				    .entry = item->entry,
				    .client_id = item->client_id,
				    .grant_id = item->grant_id };
	uint8_t *p = NULL;
	mem_copy(r.sub, item->sub, sizeof(r.sub));
	size_t n = journal_size(&r);
	TRY(chain_reserve(&s->chain, JOURNAL_RECORD, now_ms, n, &p));
	struct wr w = wr_of(p, n);
	journal_write(&w, &r);
	return wr_done(&w);
}

/* All of it is decoded before any of it counts. */
static ch_err take_message(struct sequencer *s, struct link *l, bytes message)
{
	NOT_ZEROED struct ledger_item items[LEDGER_BATCH_MAX];
	struct rd r;
	uint64_t seq = 0, first = s->chain.next_seq + chain_waiting(&s->chain);
	size_t n = 0;
	TRY(ledger_append_open(message, &r, &seq, &n));
	if (seq != l->next_seq)
		return ch_fail(CH_E_PROTOCOL, "a signer's batch is out of order", seq);
	for (size_t i = 0; i < n; i++) {
		struct log_entry entry;
		TRY(ledger_append_read(&r, &items[i]));
		TRY(log_entry_read(items[i].entry, &entry));
	}
	if (!rd_end(&r))
		return ch_fail(CH_E_PROTOCOL, "a signer's batch is longer than it says", n);
	int64_t now_ms = clock_unix_ms();
	for (size_t i = 0; i < n; i++)
		TRY(add_item(s, &items[i], now_ms));
	l->next_seq++;
	l->in_batch++;
	if (l->pass > 0)
		l->pass--;
	batch.waits[batch.n++] = (struct waiting){ l, seq, first };
	return CH_DONE;
}

static void read_link(struct sequencer *s, struct link *l)
{
	while (l->fd >= 0 && has_room(s)) {
		bytes message = { 0 };
		ch_err e = channel_recv(l->fd, in, sizeof(in), &message, NULL);
		if (ch_code_of(e) == CH_E_BUSY)
			return;
		if (!failed(e))
			e = take_message(s, l, message);
		if (failed(e))
			drop_link(s, l, e);
	}
}

/* --- who may be back at once --- */

/* Told just now, and not in this batch. */
static bool may_be_back(const struct link *l, uint64_t since_ns)
{
	return l->fd >= 0 && l->in_batch == 0 && l->pass == 0 && l->told_ns >= since_ns &&
	       l->told_ns > 0;
}

static size_t expected(const struct sequencer *s, uint64_t since_ns)
{
	size_t n = 0;
	for (size_t i = 0; i < LINKS_MAX; i++)
		n += may_be_back(&s->links[i], since_ns);
	return n;
}

static bool read_more(struct sequencer *s, uint64_t ns)
{
	const struct timespec most = { .tv_nsec = (long)ns };
	NOT_ZEROED struct epoll_event events[EVENTS];
	int n = epoll_pwait2(s->epoll, events, EVENTS, &most, NULL);
	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr == s || events[i].data.ptr == s->handover)
			return false;
		read_link(s, events[i].data.ptr);
	}
	return n > 0;
}

/* Signers that each wait for their answer would fall into two halves, each too late for the other's
 * sync. A part of one sync is waited so that all are in the next. */
static void gather(struct sequencer *s)
{
	uint64_t now = clock_mono_ns(), most = s->sync_ns / 4;
	most = most < SECOND / 100 ? most : SECOND / 100;
	uint64_t since = now - most, until = now + most;
	while (batch.n > 0 && has_room(s) && expected(s, since) > 0 && now < until) {
		if (!read_more(s, until - now))
			break;
		now = clock_mono_ns();
	}
	for (size_t i = 0; i < LINKS_MAX && batch.n > 0; i++)
		if (may_be_back(&s->links[i], since))
			s->links[i].pass = IN_VAIN;
}

/* --- the batch --- */

static void say_full(struct sequencer *s, ch_err e)
{
	if (failed(e) && !s->is_full)
		LOG(LOG_ERROR, "the journal cannot be written: no token can be issued until it can",
		    log_err(e));
	if (!failed(e) && s->is_full)
		LOG(LOG_INFO, "the journal can be written again");
	s->is_full = failed(e);
}

static enum ch_code code_for_signer(ch_err e)
{
	bool full = ch_code_of(e) == CH_E_IO &&
		    (e.detail == ENOSPC || e.detail == EDQUOT || e.detail == EFBIG);
	return full ? CH_E_NO_ROOM : ch_code_of(e);
}

static void answer(struct sequencer *s, const struct waiting *w, enum ch_code code)
{
	uint8_t room[LEDGER_APPENDED_SIZE];
	struct wr out = wr_of(room, sizeof(room));
	const struct ledger_appended a = { .seq = w->seq,
					   .first_index = code == CH_OK ? w->first_index : 0,
					   .code = (uint16_t)code };
	if (!w->link || w->link->fd < 0)
		return;
	ledger_appended_write(&out, &a);
	ch_err e = channel_send(w->link->fd, wr_bytes(&out), NULL);
	if (failed(e))
		drop_link(s, w->link, e);
}

/* Durable, then told of. After a sync that failed nobody knows what is on the disk: the ledger ends,
 * and what starts next reads what there is. */
static ch_err commit(struct sequencer *s)
{
	if (batch.n == 0)
		return CH_DONE;
	s->is_dirty = true;
	uint64_t from_ns = clock_mono_ns();
	ch_err e = chain_write(&s->chain, clock_unix_ms(), CHAIN_NOW);
	if (failed(e))
		chain_drop(&s->chain);
	else
		handover_publish(s->handover, s->chain.synced_seq);
	say_full(s, e);
	uint64_t told_ns = clock_mono_ns();
	s->sync_ns += (told_ns - from_ns) / 4 - s->sync_ns / 4;
	for (size_t i = 0; i < batch.n; i++) {
		struct link *l = batch.waits[i].link;
		answer(s, &batch.waits[i], code_for_signer(e));
		if (l) {
			l->told_ns = told_ns;
			l->in_batch = 0;
		}
	}
	batch.n = 0;
	return s->chain.broken ? e : CH_DONE;
}

/* --- control --- */

static ch_err attach(struct sequencer *s, const struct control *c, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	if (str_eq(c->name, LIT("log"))) {
		handover_heads_socket(s->handover, fd);
		return CH_DONE;
	}
	for (size_t i = 0; i < LINKS_MAX; i++) {
		struct link *l = &s->links[i];
		if (l->fd >= 0)
			continue;
		*l = (struct link){ .fd = fd, .generation = c->generation, .next_seq = 1 };
		event.data.ptr = l;
		if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
			return CH_DONE;
		fd_close(&l->fd);
		return ch_fail(CH_E_IO, "cannot watch a signer's socket", errno);
	}
	fd_close(&fd);
	return ch_fail(CH_E_LIMIT, "too many signers", LINKS_MAX);
}

static ch_err on_control(struct sequencer *s)
{
	static uint8_t room[CONTROL_MAX];
	AUTO(message_fds_done) struct message_fds fds = { .n = 0 };
	struct control c = { 0 };
	ch_err e = control_recv(s->control_fd, room, &c, &fds);
	if (ch_code_of(e) == CH_E_BUSY)
		return CH_DONE;
	TRY(e);
	if (c.kind == CONTROL_STOP)
		s->is_stopping = true;
	else if (c.kind == CONTROL_ATTACH && fds.n == 1)
		return attach(s, &c, message_fds_take(&fds, 0));
	else
		return ch_fail(CH_E_PROTOCOL, "the ledger was told what it does not know", c.kind);
	return CH_DONE;
}

/* --- the loop --- */

static void tidy(struct sequencer *s)
{
	uint64_t now = clock_mono_ns();
	if (now - s->tidied_ns < TIDY_S * SECOND && s->tidied_ns > 0)
		return;
	s->tidied_ns = now;
	s->chain.limits.guard_seq = atomic_load(&s->handover->erasable);
	ch_err e = chain_tidy(&s->chain, clock_unix_ms());
	if (failed(e))
		LOG(LOG_WARN, "old segments of the journal cannot be erased", log_err(e));
	bool is_wary = chain_is_wary(&s->chain);
	if (is_wary && !s->is_wary && s->chain.segment_first > 0)
		LOG(LOG_WARN, "the clock is days ahead of the journal: nothing of it is erased for "
			      "its age for 20 hours. If the clock is wrong, set it");
	s->is_wary = is_wary;
}

static void be_idle(struct sequencer *s)
{
	if (s->is_dirty)
		room_release(s->chain.room, s->chain.cap);
	s->is_dirty = false;
}

static ch_err integrator_ended(const struct sequencer *s)
{
	uint32_t code = atomic_load(&s->handover->trouble);
	return code == CH_OK ? CH_DONE : ch_err_from_wire((uint16_t)code, 0);
}

static ch_err turn(struct sequencer *s)
{
	NOT_ZEROED struct epoll_event events[EVENTS];
	int n = epoll_wait(s->epoll, events, EVENTS, TICK_MS);
	bool control = false;
	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr == s)
			control = true;
		else if (events[i].data.ptr == s->handover)
			continue;
		else
			read_link(s, events[i].data.ptr);
	}
	gather(s);
	TRY(commit(s));
	if (control)
		TRY(on_control(s));
	if (n == 0)
		be_idle(s);
	tidy(s);
	return CH_DONE;
}

static ch_err watch(struct sequencer *s, int fd, void *what)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = what };
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		return ch_fail(CH_E_IO, "cannot watch a descriptor", errno);
	return CH_DONE;
}

/* The other thread makes a last head and syncs what it can. */
static ch_err wait_for_end(struct sequencer *s)
{
	uint64_t until = clock_mono_ns() + STOP_MS / 1000 * SECOND;
	handover_stop(s->handover);
	while (!atomic_load(&s->handover->ended) && clock_mono_ns() < until)
		(void)channel_wait(s->handover->done, 1, TICK_MS);
	return integrator_ended(s);
}

ch_err sequencer_run(struct sequencer *s)
{
	for (size_t i = 0; i < LINKS_MAX; i++)
		s->links[i].fd = -1;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return ch_fail(CH_E_IO, "cannot make an epoll", errno);
	TRY(watch(s, s->control_fd, s));
	TRY(watch(s, s->handover->done, s->handover));
	while (!s->is_stopping && !atomic_load(&s->handover->ended))
		TRY(turn(s));
	if (!s->is_stopping)
		return integrator_ended(s);
	return wait_for_end(s);
}
