/* The daemon that crashes come to. It accepts, asks the kernel whether the peer is a crash,
 * and gives each to a process of its own; it reads nothing that a peer sends. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/signals.h"
#include "coredump_internal.h"

enum { CHILDREN_MAX = 64, GRACE_S = 30, STOP_S = 10, REPORT_WAIT_MS = 5000 };
enum { P_SIGNALS, P_WATCHER, P_CORE, P_REPORTS, P_COUNT };
#define SECOND_NS UINT64_C(1000000000)

struct child {
	pid_t pid; /* 0: free */
	uint64_t kill_at_ns;
};

struct server {
	const char *state_path;
	struct state *state;
	int signals, watcher, core, reports;
	struct registry_child registry;
	struct child children[CHILDREN_MAX];
	size_t n_children;
	bool stopping;
};

static size_t most_children(const struct server *s)
{
	uint32_t most = s->state->settings.limits.at_once;
	return most < CHILDREN_MAX ? most : CHILDREN_MAX;
}

/* In the child: what is the server's is no business of a crash. */
static void leave_server(struct server *s)
{
	sigset_t none;
	int *const fds[] = { &s->signals, &s->core, &s->reports, &s->registry.listener };
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		fd_close(fds[i]);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void add_child(struct server *s, pid_t pid)
{
	uint64_t seconds = s->state->settings.limits.seconds + (uint64_t)GRACE_S;
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		if (s->children[i].pid != 0)
			continue;
		s->children[i] = (struct child){ pid, clock_mono_ns() + seconds * SECOND_NS };
		s->n_children++;
		return;
	}
}

/* The settings as they are now: `install` may have written others. */
static ch_err state_again(struct server *s)
{
	fd_close(&s->state->dir);
	return state_open(s->state_path, s->state);
}

static ch_err crash_of_peer(struct server *s, struct crash *c)
{
	ch_err e = state_again(s);
	if (failed(e)) {
		LOG(LOG_ERROR, "a crash was not kept: install the handler again",
		    log_u64("pid", (uint64_t)c->pid), log_err(e));
		return e;
	}
	return handle_crash(s->state, c, s->state->settings.mode == DUMP_MODE_SOCKET);
}

static void take_crash(struct server *s, int connection)
{
	AUTO(crash_done) struct crash c;
	crash_init(&c);
	c.core = connection;
	ch_err e = crash_peer(connection, &c.pidfd);
	if (!failed(e))
		e = crash_check(&c);
	if (failed(e)) {
		LOG(LOG_WARN, "a peer that is no crash was refused", log_err(e));
		return;
	}
	pid_t pid = fork();
	if (pid < 0)
		LOG(LOG_ERROR, "a crash was not kept: cannot fork",
		    log_u64("errno", (uint64_t)errno));
	if (pid > 0)
		add_child(s, pid);
	if (pid != 0)
		return;
	leave_server(s);
	_exit(failed(crash_of_peer(s, &c)) ? 1 : 0);
}

static bool may_report(const struct dump_settings *s, uint32_t uid)
{
	for (size_t i = 0; i < s->n_reporters; i++)
		if (s->reporters[i] == uid)
			return true;
	return uid == 0 || uid == geteuid();
}

static ch_err store_report(struct server *s, int connection, struct dump_id *ret_id)
{
	static uint8_t room[MESSAGE_MAX];
	bytes message = { 0 };
	struct crash_report r = { 0 };
	TRY(state_again(s));
	TRY(channel_wait(connection, POLLIN, REPORT_WAIT_MS));
	TRY(channel_recv(connection, room, sizeof(room), &message, NULL));
	TRY(crash_report_read(message, &r));
	return handle_report(s->state, &r, connection, ret_id);
}

static void answer_report(struct server *s, int connection)
{
	uint8_t room[128];
	struct wr w = wr_of(room, sizeof(room));
	struct dump_id id = { "" };
	ch_err e = store_report(s, connection, &id);
	if (failed(e))
		LOG(LOG_WARN, "a crash report was not stored", log_err(e));
	else
		LOG(LOG_INFO, "a crash report was stored", log_str("id", str_from_c(id.p)));
	crash_stored_write(&w, &(struct crash_stored){ .code = (uint16_t)ch_code_of(e),
						       .detail = e.detail,
						       .id = str_from_c(id.p) });
	if (!w.full)
		(void)channel_send(connection, wr_bytes(&w), NULL);
}

static void take_report(struct server *s, int from)
{
	AUTO(fd_close) int connection = from;
	struct ucred who = { 0 };
	socklen_t n = sizeof(who);
	if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &who, &n) != 0 ||
	    !may_report(&s->state->settings, who.uid)) {
		LOG(LOG_WARN, "a report of somebody who may not was refused",
		    log_u64("uid", who.uid));
		return;
	}
	pid_t pid = fork();
	if (pid > 0)
		add_child(s, pid);
	if (pid != 0)
		return;
	leave_server(s);
	answer_report(s, connection);
	_exit(0);
}

static void reap(struct server *s)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct child *c = &s->children[i];
		if (c->pid == 0 || waitpid(c->pid, NULL, WNOHANG) != c->pid)
			continue;
		c->pid = 0;
		s->n_children--;
	}
}

/* One that hangs before it has a deadline of its own, in a file system that a crasher serves. */
static void end_overdue(struct server *s, uint64_t now_ns)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		if (s->children[i].pid != 0 && s->children[i].kill_at_ns < now_ns)
			(void)kill(s->children[i].pid, SIGKILL);
}

static void take(struct server *s, int listener, void (*with)(struct server *, int))
{
	int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (connection >= 0)
		with(s, connection);
}

static void on_signals(struct server *s)
{
	struct signalfd_siginfo info;
	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo == SIGTERM)
			s->stopping = true;
	reap(s);
}

static ch_err turn(struct server *s)
{
	bool full = s->n_children >= most_children(s) || s->stopping;
	struct pollfd p[P_COUNT] = {
		[P_SIGNALS] = { s->signals, POLLIN, 0 },
		[P_WATCHER] = { s->watcher, POLLIN, 0 },
		/* a crash that waits in the queue is not lost: the kernel waits for it */
		[P_CORE] = { full ? -1 : s->core, POLLIN, 0 },
		[P_REPORTS] = { full ? -1 : s->reports, POLLIN, 0 },
	};
	if (poll(p, P_COUNT, s->n_children > 0 || s->registry.pid == 0 ? 1000 : -1) < 0 &&
	    errno != EINTR)
		return ch_fail(CH_E_IO, "cannot wait for crashes", errno);
	end_overdue(s, clock_mono_ns());
	if (p[P_SIGNALS].revents)
		on_signals(s);
	if (p[P_WATCHER].revents)
		return ch_fail(CH_E_GONE, "the watcher is gone", 0);
	if (p[P_CORE].revents)
		take(s, s->core, take_crash);
	if (p[P_REPORTS].revents)
		take(s, s->reports, take_report);
	return CH_DONE;
}

ch_err serve(const char *state_path, struct state *state, const struct listeners *l, int watcher)
{
	static const int watched[] = { SIGCHLD, SIGTERM };
	struct server s = { .state_path = state_path,
			    .state = state,
			    .core = l->core,
			    .reports = l->reports,
			    .registry = { .listener = l->registry },
			    .watcher = watcher };
	uint64_t give_up_ns = 0;
	TRY(signals_open(watched, COUNT_OF(watched), &s.signals));
	while (!s.stopping || s.n_children > 0) {
		registry_child_keep(&s.registry, state);
		TRY(turn(&s));
		if (s.stopping && give_up_ns == 0)
			give_up_ns = clock_mono_ns() + STOP_S * SECOND_NS;
		if (give_up_ns && clock_mono_ns() > give_up_ns)
			break;
	}
	return CH_DONE;
}
