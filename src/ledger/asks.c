/* DIR/run/log: who may open the socket may ask for the newest head, or for one that is made after
 * the question, and may be told of each new one. Many who ask at once wait for the same head. That
 * may be any user of the host: so none has all places, and who asks too much is not listened to
 * until it was answered. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "ledger_internal.h"

enum { CROWDED_S = 60 };

void asks_open(struct integrator *g)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		g->peers[i].fd = -1;
}

/* Whoever may read the log may ask here, so each user has some places and not all. */
static bool has_place(const struct integrator *g, uid_t user)
{
	size_t n = 0;
	for (size_t i = 0; i < PEERS_MAX; i++)
		n += g->peers[i].fd >= 0 && g->peers[i].user == user;
	return user == 0 || n < PEERS_OF_USER;
}

static struct peer *free_place(struct integrator *g)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (g->peers[i].fd < 0)
			return &g->peers[i];
	return NULL;
}

static void turn_away(struct integrator *g, uid_t user)
{
	uint64_t now = clock_mono_ns();
	if (g->crowded_ns != 0 && now - g->crowded_ns < CROWDED_S * UINT64_C(1000000000))
		return;
	g->crowded_ns = now;
	LOG(LOG_WARN, "too many ask for heads of the log", log_u64("of_uid", user));
}

void asks_accept(struct integrator *g)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct ucred who = { 0 };
	socklen_t n = sizeof(who);
	AUTO(fd_close) int fd = accept4(g->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) != 0)
		return;
	struct peer *p = has_place(g, who.uid) ? free_place(g) : NULL;
	if (!p) {
		turn_away(g, who.uid);
		return;
	}
	event.data.ptr = p;
	if (epoll_ctl(g->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
		*p = (struct peer){ .fd = TAKE_FD(fd), .user = who.uid };
}

static void listen_to(struct integrator *g, struct peer *p, bool on)
{
	struct epoll_event event = { .events = on ? EPOLLIN : 0, .data.ptr = p };
	p->unread = !on;
	if (epoll_ctl(g->epoll, EPOLL_CTL_MOD, p->fd, &event) != 0)
		fd_close(&p->fd);
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
	fd_close(&p->fd);
	return false;
}

static struct waiter *free_wait(struct peer *p)
{
	for (size_t i = 0; i < PEER_WAITS; i++)
		if (p->waits[i].req == 0)
			return &p->waits[i];
	return NULL;
}

/* False: no more of this peer now. */
static bool read_one(struct integrator *g, struct peer *p)
{
	uint8_t room[LEDGER_LOG_ASK_SIZE + 1];
	struct waiter *w = free_wait(p);
	struct log_ask a = { 0 };
	bytes message = { 0 };
	if (!w)
		return false;
	ch_err e = channel_recv(p->fd, room, sizeof(room), &message, NULL);
	if (ch_code_of(e) == CH_E_BUSY)
		return false;
	if (!failed(e))
		e = log_ask_read(message, &a);
	if (failed(e)) {
		if (ch_code_of(e) != CH_E_GONE)
			LOG(LOG_WARN, "who asked for the log's head was let go", log_err(e));
		fd_close(&p->fd);
		return false;
	}
	p->follows |= a.follows;
	if (!a.is_fresh && g->note_n > 0)
		return tell(g, p, a.req, CH_OK);
	/* one that has been begun may not have what the question is about */
	*w = (struct waiter){ .head = a.is_fresh ? g->begun + 1 : g->made + 1,
			      .size = atomic_load(&g->handover->durable),
			      .req = a.req };
	return true;
}

void asks_read(struct integrator *g, struct peer *p)
{
	enum { AT_ONCE = 16 };
	/* nothing is told of one that is not listened to but that it hung up */
	if (p->unread)
		fd_close(&p->fd);
	for (size_t i = 0; i < AT_ONCE && p->fd >= 0; i++)
		if (!read_one(g, p))
			break;
	if (p->fd >= 0 && !free_wait(p))
		listen_to(g, p, false);
}

static bool is_due(const struct integrator *g, const struct waiter *w)
{
	return w->head <= g->made && w->size <= g->published.size;
}

static void tell_one(struct integrator *g, struct peer *p, enum ch_code code)
{
	for (size_t i = 0; i < PEER_WAITS && p->fd >= 0; i++) {
		uint32_t req = p->waits[i].req;
		if (req == 0 || (code == CH_OK && !is_due(g, &p->waits[i])))
			continue;
		p->waits[i].req = 0;
		(void)tell(g, p, req, code);
	}
	if (p->fd >= 0 && p->follows && code == CH_OK)
		(void)tell(g, p, 0, CH_OK);
	if (p->fd >= 0 && p->unread && free_wait(p))
		listen_to(g, p, true);
}

void asks_tell(struct integrator *g, enum ch_code code)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (g->peers[i].fd >= 0)
			tell_one(g, &g->peers[i], code);
}

static bool waits(const struct integrator *g, const struct peer *p)
{
	for (size_t i = 0; i < PEER_WAITS; i++)
		if (p->waits[i].req != 0 &&
		    (p->waits[i].head > g->begun || p->waits[i].size > g->asked.size))
			return true;
	return false;
}

bool asks_wait(const struct integrator *g)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (g->peers[i].fd >= 0 && waits(g, &g->peers[i]))
			return true;
	return false;
}
