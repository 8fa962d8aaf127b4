/* DIR/run/log: who may open the socket may ask for the newest head, or for one that is made after
 * the question, and may be told of each new one. Many who ask at once wait for the same head. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "ledger_internal.h"

void asks_open(struct integrator *g)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		g->peers[i].fd = -1;
}

static void drop(struct integrator *g, struct peer *p)
{
	for (size_t i = 0; i < WAITERS_MAX; i++)
		if (g->waiters[i].peer == p)
			g->waiters[i].peer = NULL;
	fd_close(&p->fd);
}

void asks_accept(struct integrator *g)
{
	struct epoll_event event = { .events = EPOLLIN };
	AUTO(fd_close) int fd = accept4(g->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	for (size_t i = 0; i < PEERS_MAX; i++) {
		struct peer *p = &g->peers[i];
		if (p->fd >= 0)
			continue;
		event.data.ptr = p;
		if (epoll_ctl(g->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
			*p = (struct peer){ .fd = TAKE_FD(fd) };
		return;
	}
	LOG(LOG_WARN, "too many ask for heads of the log", log_u64("peers", PEERS_MAX));
}

/* False: the peer is gone. One that does not read its answers misses what is told unasked. */
static bool tell(struct integrator *g, struct peer *p, uint32_t req, enum ch_code code)
{
	static uint8_t room[LEDGER_LOG_HEAD_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct log_answer h = { .req = req, .code = (uint16_t)code };
	if (code == CH_OK)
		h.note = (bytes){ g->note, g->note_n };
	log_answer_write(&w, &h);
	ch_err e = channel_send(p->fd, wr_bytes(&w), NULL);
	if (!failed(e) || (req == 0 && ch_code_of(e) == CH_E_BUSY))
		return true;
	drop(g, p);
	return false;
}

static bool wait_for(struct integrator *g, struct peer *p, uint32_t req, uint64_t head)
{
	for (size_t i = 0; i < WAITERS_MAX; i++) {
		if (g->waiters[i].peer)
			continue;
		g->waiters[i] = (struct waiter){ .peer = p,
						 .head = head,
						 .size = atomic_load(&g->handover->durable),
						 .req = req };
		return true;
	}
	return tell(g, p, req, CH_E_BUSY);
}

/* False: no more of this peer now. */
static bool read_one(struct integrator *g, struct peer *p)
{
	uint8_t room[LEDGER_LOG_ASK_SIZE + 1];
	struct log_ask a = { 0 };
	bytes message = { 0 };
	ch_err e = channel_recv(p->fd, room, sizeof(room), &message, NULL);
	if (ch_code_of(e) == CH_E_BUSY)
		return false;
	if (!failed(e))
		e = log_ask_read(message, &a);
	if (failed(e)) {
		if (ch_code_of(e) != CH_E_GONE)
			LOG(LOG_WARN, "who asked for the log's head was let go", log_err(e));
		drop(g, p);
		return false;
	}
	p->follows |= a.follows;
	if (!a.is_fresh && g->note_n > 0)
		return tell(g, p, a.req, CH_OK);
	/* one that has been begun may not have what the question is about */
	return wait_for(g, p, a.req, a.is_fresh ? g->begun + 1 : g->made + 1);
}

void asks_read(struct integrator *g, struct peer *p)
{
	enum { AT_ONCE = 16 };
	for (size_t i = 0; i < AT_ONCE && p->fd >= 0; i++)
		if (!read_one(g, p))
			break;
}

void asks_tell(struct integrator *g, enum ch_code code)
{
	for (size_t i = 0; i < WAITERS_MAX; i++) {
		struct waiter *w = &g->waiters[i];
		if (!w->peer ||
		    (code == CH_OK && (w->head > g->made || w->size > g->published.size)))
			continue;
		struct peer *p = w->peer;
		w->peer = NULL;
		(void)tell(g, p, w->req, code);
	}
	for (size_t i = 0; i < PEERS_MAX && code == CH_OK; i++)
		if (g->peers[i].fd >= 0 && g->peers[i].follows)
			(void)tell(g, &g->peers[i], 0, CH_OK);
}

bool asks_wait(const struct integrator *g)
{
	for (size_t i = 0; i < WAITERS_MAX; i++)
		if (g->waiters[i].peer &&
		    (g->waiters[i].head > g->begun || g->waiters[i].size > g->asked.size))
			return true;
	return false;
}
