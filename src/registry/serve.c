/* The registry's loop: a handful of connections, of users that may ask, one question after
 * another. Who says nothing, or what is no question, loses its place. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "registry_internal.h"

enum { PEERS_MAX = 8, IDLE_S = 30, TICK_MS = 1000 };

struct peer {
	int fd; /* -1: free */
	uint32_t uid;
	uint64_t until_ns;
};

struct server {
	struct registry *registry;
	struct peer peers[PEERS_MAX];
};

static uint64_t deadline_ns(void)
{
	return clock_mono_ns() + (uint64_t)IDLE_S * 1000000000;
}

static void take_peer(struct server *s)
{
	struct ucred who = { 0 };
	socklen_t n = sizeof(who);
	AUTO(fd_close) int fd = accept4(LISTEN_FD, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) != 0 ||
	    !registry_knows(s->registry, who.uid)) {
		LOG(LOG_WARN, "a user who may not register was refused", log_u64("uid", who.uid));
		return;
	}
	for (size_t i = 0; i < PEERS_MAX; i++) {
		if (s->peers[i].fd >= 0)
			continue;
		s->peers[i] = (struct peer){ TAKE_FD(fd), who.uid, deadline_ns() };
		return;
	}
}

static ch_err answer(struct server *s, struct peer *p)
{
	static uint8_t out[MESSAGE_MAX];
	uint8_t *in = s->registry->in.p;
	struct wr w = wr_of(out, sizeof(out));
	AUTO(message_fds_done) struct message_fds fds = { .n = 0 };
	bytes message = { 0 };
	int snapshot = -1;
	TRY(channel_recv(p->fd, in, MESSAGE_MAX, &message, NULL));
	ch_err e = registry_answer(s->registry, p->uid, message, &w, &snapshot);
	mem_wipe(in, MESSAGE_MAX);
	TRY(e);
	if (snapshot >= 0) {
		fds.fd[0] = snapshot;
		fds.n = 1;
	}
	return channel_send(p->fd, wr_bytes(&w), &fds);
}

static void turn_of(struct server *s, struct peer *p)
{
	ch_err e = answer(s, p);
	p->until_ns = deadline_ns();
	if (!failed(e) || ch_code_of(e) == CH_E_BUSY)
		return;
	if (ch_code_of(e) != CH_E_GONE)
		LOG(LOG_WARN, "a peer was dropped", log_u64("uid", p->uid), log_err(e));
	fd_close(&p->fd);
}

static void drop_idle(struct server *s)
{
	uint64_t now_ns = clock_mono_ns();
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (s->peers[i].fd >= 0 && s->peers[i].until_ns < now_ns)
			fd_close(&s->peers[i].fd);
}

ch_err registry_serve(struct registry *r)
{
	struct server s = { .registry = r };
	for (size_t i = 0; i < PEERS_MAX; i++)
		s.peers[i].fd = -1;
	for (;;) {
		struct pollfd p[PEERS_MAX + 1];
		size_t busy = 0;
		for (size_t i = 0; i < PEERS_MAX; i++) {
			p[i] = (struct pollfd){ s.peers[i].fd, POLLIN, 0 };
			busy += s.peers[i].fd >= 0;
		}
		/* when all places are taken, the others wait in the queue */
		p[PEERS_MAX] = (struct pollfd){ busy < PEERS_MAX ? LISTEN_FD : -1, POLLIN, 0 };
		if (poll(p, COUNT_OF(p), busy ? TICK_MS : -1) < 0 && errno != EINTR)
			return ch_fail(CH_E_IO, "cannot wait for questions", errno);
		for (size_t i = 0; i < PEERS_MAX; i++)
			if (p[i].revents)
				turn_of(&s, &s.peers[i]);
		if (p[PEERS_MAX].revents)
			take_peer(&s);
		drop_idle(&s);
	}
}
