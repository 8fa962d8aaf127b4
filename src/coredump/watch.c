/* Watcher and server: two processes that watch each other, since a socket that nobody serves
 * loses every crash in silence. Whichever is left when the other dies puts core_pattern
 * back. The watcher reads nothing from anybody but the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/signals.h"
#include "coredump_internal.h"
#include "sandbox/spawn.h"

enum { EXIT_DONE = 0, EXIT_TROUBLE = 3 };

struct watcher {
	const char *state_path;
	struct state *state;
	struct machine machine;
	int lock, signals;
	struct listeners listeners;
	pid_t server;
};

/* One handler a machine, for as long as it is armed. */
static ch_err take_machine(struct watcher *w)
{
	w->lock = open("/run/lock/chancery-coredump.lock",
		       O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w->lock < 0)
		return ch_fail(CH_E_IO, "cannot open the lock of core_pattern", errno);
	if (flock(w->lock, LOCK_EX | LOCK_NB) != 0)
		return ch_fail(CH_E_BUSY, "a handler of this machine runs already", errno);
	return CH_DONE;
}

static ch_err write_pid(const struct watcher *w)
{
	char room[16];
	struct wr out = wr_of(room, sizeof(room));
	wr_dec(&out, (uint64_t)getpid());
	return file_replace(w->state->dir, DUMP_FILE_PID, wr_bytes(&out), 0644);
}

static void restore(const struct watcher *w, str why)
{
	ch_err e = machine_restore(&w->machine, w->state);
	if (failed(e))
		LOG(LOG_ERROR, "core_pattern was not put back", log_str("why", why), log_err(e));
	else
		LOG(LOG_INFO, "core_pattern is as it was before", log_str("why", why));
}

_Noreturn static void be_server(struct watcher *w, int life)
{
	spawn_name("chancery-cored");
	fd_close(&w->lock);
	fd_close(&w->signals);
	ch_err e = serve(w->state_path, w->state, &w->listeners, life);
	if (ch_code_of(e) == CH_E_GONE)
		restore(w, LIT("the watcher died"));
	else if (failed(e))
		LOG(LOG_ERROR, "the server of crashes ends", log_err(e));
	_exit(failed(e) ? EXIT_TROUBLE : EXIT_DONE);
}

static ch_err start_server(struct watcher *w, int *ret_life)
{
	int life[2] = { -1, -1 };
	if (pipe2(life, O_CLOEXEC) != 0)
		return ch_fail(CH_E_IO, "cannot make a pipe", errno);
	w->server = fork();
	if (w->server < 0)
		return ch_fail(CH_E_IO, "cannot fork", errno);
	if (w->server == 0) {
		fd_close(&life[1]);
		be_server(w, life[0]);
	}
	fd_close(&life[0]);
	fd_close(&w->listeners.core);
	fd_close(&w->listeners.reports);
	fd_close(&w->listeners.registry);
	*ret_life = life[1];
	return CH_DONE;
}

/* Until somebody wants us to stop, or the server is gone. */
static bool server_died(struct watcher *w)
{
	for (;;) {
		struct signalfd_siginfo info;
		struct pollfd p = { w->signals, POLLIN, 0 };
		if (poll(&p, 1, -1) < 0)
			continue;
		while (read(w->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
			if (info.ssi_signo != SIGCHLD)
				return false;
		if (waitpid(w->server, NULL, WNOHANG) == w->server)
			return true;
	}
}

static ch_err prepare(struct watcher *w)
{
	static const int watched[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };
	TRY(state_open(w->state_path, w->state));
	TRY(take_machine(w));
	TRY(machine_open(&w->machine));
	TRY(dir_make(w->state->dir, "run", 0711));
	if (w->state->settings.mode != DUMP_MODE_PIPE)
		TRY(listen_in(w->state->dir, DUMP_SOCKET_CORE, SOCK_STREAM, 0600,
			      &w->listeners.core));
	TRY(listen_in(w->state->dir, DUMP_SOCKET_REPORTS, SOCK_SEQPACKET, 0666,
		      &w->listeners.reports));
	TRY(listen_in(w->state->dir, DUMP_SOCKET_REGISTRY, SOCK_SEQPACKET, 0666,
		      &w->listeners.registry));
	TRY(signals_open(watched, COUNT_OF(watched), &w->signals));
	return CH_DONE;
}

static int run(struct watcher *w)
{
	int life = -1;
	ch_err e = start_server(w, &life);
	if (!failed(e))
		e = machine_arm(&w->machine, w->state);
	if (!failed(e))
		e = write_pid(w);
	if (!failed(e))
		e = confine_watcher(w->state_path);
	if (failed(e)) {
		LOG(LOG_ERROR, "core_pattern cannot be taken", log_err(e));
		restore(w, LIT("it could not be taken"));
		return EXIT_TROUBLE;
	}
	LOG(LOG_INFO, "crashes come here", log_str("core_pattern", w->state->settings.pattern));
	bool died = server_died(w);
	restore(w, died ? LIT("the server died") : LIT("asked to stop"));
	if (died) {
		LOG(LOG_ALARM, "the server of crashes died: dumps are no longer handled");
		return EXIT_TROUBLE;
	}
	(void)kill(w->server, SIGTERM);
	while (waitpid(w->server, NULL, 0) < 0 && errno == EINTR)
		;
	return EXIT_DONE;
}

int watch(const char *state_path)
{
	static struct state state = { .dir = -1 };
	static struct watcher w = { .lock = -1, .signals = -1, .listeners = { -1, -1, -1 } };
	w.state_path = state_path;
	w.state = &state;
	ch_err e = prepare(&w);
	if (!failed(e))
		return run(&w);
	LOG(LOG_ERROR, "the handler of crashes cannot start", log_err(e));
	return EXIT_TROUBLE;
}
