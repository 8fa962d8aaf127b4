/* The supervisor: starts every role from the plan that `chancery serve` hands it, wires
 * them, starts again what dies, and stops all in order. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/signals.h"
#include "sandbox/sandbox.h"
#include "sandbox/spawn.h"
#include "supervisor_internal.h"

static uint8_t boot_room[BOOT_MAX];
static const uint64_t drain_ns = 8000000000U;
enum { IDLE_MS = 200 }; /* for connections that say nothing when others take over */

static ch_err watch_signals(struct supervisor *s)
{
	const int watched[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };
	return signals_open(watched, COUNT_OF(watched), &s->signals);
}

/* Roles may lock some memory; as root we can raise what they inherit. */
static void raise_memlock(void)
{
	const struct rlimit want = { 64 << 20, 64 << 20 };
	if (geteuid() == 0)
		(void)setrlimit(RLIMIT_MEMLOCK, &want);
}

static ch_err open_dir(struct supervisor *s)
{
	struct path dir;
	TRY(path_of(&dir, s->plan.dir));
	s->dir = open(dir.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0)
		return ch_fail(CH_E_IO, "cannot open the authority's folder", errno);
	TRY(dir_make(s->dir, "crash", 0750));
	return dir_make(s->dir, "run", 0750);
}

static ch_err keep_inherited_private(const struct supervisor *s)
{
	/* what the command line handed us must not leak into the roles */
	if (fcntl((int)s->plan.passphrase_fd, F_SETFD, FD_CLOEXEC) != 0)
		return ch_fail(CH_E_IO, "there is no passphrase at the descriptor of the plan",
			       errno);
	for (size_t i = 0; i < s->plan.n_groups; i++) {
		const struct plan_group *g = &s->plan.groups[i];
		if (fcntl((int)g->listen_fd, F_SETFD, FD_CLOEXEC) != 0 ||
		    (g->monitor_fd > 0 && fcntl((int)g->monitor_fd, F_SETFD, FD_CLOEXEC) != 0))
			return ch_fail(CH_E_IO, "an issuer's listening socket is missing", errno);
	}
	for (size_t i = 0; i < s->plan.n_gates; i++)
		if (fcntl((int)s->plan.gates[i].listen_fd, F_SETFD, FD_CLOEXEC) != 0)
			return ch_fail(CH_E_IO, "a gate's listening socket is missing", errno);
	if (s->plan.collector.config.n > 0 &&
	    fcntl((int)s->plan.collector.listen_fd, F_SETFD, FD_CLOEXEC) != 0)
		return ch_fail(CH_E_IO, "the collector's listening socket is missing", errno);
	return CH_DONE;
}

static ch_err start(struct supervisor *s)
{
	bytes text = { 0 };
	TRY(boot_read(LIT("supervisor"), boot_room, sizeof(boot_room), &text));
	TRY(plan_read(text, &s->plan));
	if (s->plan.events && fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC) != 0)
		return ch_fail(CH_E_IO, "there is nobody at descriptor 4 to report to", errno);
	TRY(keep_inherited_private(s));
	TRY(sandbox_undumpable());
	raise_memlock();
	TRY(watch_signals(s));
	TRY(open_dir(s));
	TRY(launch_open_programs(s));
	TRY(renew_listen(s));
	TRY(log_open_files(s));
	if (s->plan.secret_memory == SECRETMEM_MLOCK)
		LOG(LOG_ALARM, "keys are in locked memory only: root can read them there. "
			       "Boot with secretmem.enable=1 and set secret_memory: memfd");
	TRY(launch_warden(s));
	TRY(launch_ledger(s));
	for (size_t i = 0; i < s->plan.n_groups; i++)
		TRY(launch_issuer(s, i));
	for (size_t i = 0; i < s->plan.n_gates; i++)
		TRY(launch_gate(s, i));
	return launch_collector(s, NO_GROUP);
}

/* The signer of heads is not meant where signers are: it ends with the ledger. */
static bool is_meant(const struct process *p, enum role role)
{
	return p->pid > 0 && p->role == role && (role != ROLE_SIGNER || p->group != LOG_GROUP);
}

static void stop_role(struct supervisor *s, enum role role)
{
	const struct control c = { .kind = CONTROL_STOP, .detail = s->reloading ? IDLE_MS : 0 };
	for (size_t i = 0; i < PROCESSES_MAX; i++) {
		struct process *p = &s->processes[i];
		if (!is_meant(p, role) || p->control < 0 || p->told_stop)
			continue;
		p->told_stop = true;
		if (failed(control_send(p->control, &c, NULL)))
			(void)kill(p->pid, SIGKILL);
	}
}

static bool any_of(const struct supervisor *s, enum role role)
{
	for (size_t i = 0; i < PROCESSES_MAX; i++)
		if (is_meant(&s->processes[i], role))
			return true;
	return false;
}

static bool any(const struct supervisor *s)
{
	for (size_t i = 0; i < PROCESSES_MAX; i++)
		if (s->processes[i].pid > 0)
			return true;
	return false;
}

/* Issuers and gates finish what is under way; signers end when their sockets close; then the
 * ledger makes a last head, and its signer ends with it; the warden is last, so that each signer
 * is held to its end. */
static void begin_stop(struct supervisor *s)
{
	if (s->stopping)
		return;
	s->stopping = true;
	LOG(LOG_INFO, "stopping",
	    log_str("why", s->reloading ? LIT("to start anew") : LIT("asked")));
	if (!s->reloading)
		(void)notify_send(s->plan.notify,
				  LIT("STOPPING=1\nSTATUS=finishing what is under way"));
	stop_role(s, ROLE_GATE);
	stop_role(s, ROLE_COLLECTOR);
	stop_role(s, ROLE_ISSUER);
	stop_role(s, ROLE_KEEPER);
	tend_stop(s);
}

static void go_on_stopping(struct supervisor *s)
{
	if (any_of(s, ROLE_ISSUER) || any_of(s, ROLE_GATE))
		return;
	stop_role(s, ROLE_HASHER);
	stop_role(s, ROLE_SIGNER);
	if (any_of(s, ROLE_SIGNER))
		return;
	stop_role(s, ROLE_LEDGER);
	if (!any_of(s, ROLE_LEDGER) && !process_find(s, ROLE_SIGNER, LOG_GROUP))
		stop_role(s, ROLE_WARDEN);
}

static void kill_all(struct supervisor *s)
{
	for (size_t i = 0; i < PROCESSES_MAX; i++)
		if (s->processes[i].pid > 0)
			(void)kill(s->processes[i].pid, SIGKILL);
}

static void on_signal(struct supervisor *s, int signal)
{
	if (signal == SIGHUP)
		reload_begin(s);
	if (signal != SIGTERM && signal != SIGINT)
		return;
	/* whoever wants the end while we start anew gets the end */
	s->reloading = false;
	begin_stop(s);
}

static void on_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;
	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		on_signal(s, (int)info.ssi_signo);
	events_children(s);
	if (s->reloading)
		begin_stop(s);
}

enum { P_SIGNALS, P_LISTENER, P_PARENT, P_FIRST };

/* That this loop goes round is all the sign of life there is: it is what starts the rest. */
static void say_alive(struct supervisor *s)
{
	uint64_t now_ns = clock_mono_ns();
	if (s->plan.watchdog_us == 0 || now_ns < s->alive_due_ns)
		return;
	(void)notify_send(s->plan.notify, LIT("WATCHDOG=1"));
	s->alive_due_ns = now_ns + s->plan.watchdog_us * 1000 / 3;
}

static void turn(struct supervisor *s, int timeout_ms)
{
	struct pollfd p[P_FIRST + PROCESSES_MAX];
	p[P_SIGNALS] = (struct pollfd){ s->signals, POLLIN, 0 };
	p[P_LISTENER] = (struct pollfd){ s->listener, POLLIN, 0 };
	p[P_PARENT] = (struct pollfd){ s->plan.events ? CONTROL_FD : -1, POLLIN, 0 };
	for (size_t i = 0; i < PROCESSES_MAX; i++) {
		const struct process *q = &s->processes[i];
		p[P_FIRST + i] = (struct pollfd){ q->pid > 0 ? q->control : -1, POLLIN, 0 };
	}
	say_alive(s);
	if (poll(p, COUNT_OF(p), notify_timeout(s->plan.watchdog_us, timeout_ms)) < 0)
		return;
	for (size_t i = 0; i < PROCESSES_MAX; i++)
		if (p[P_FIRST + i].revents && s->processes[i].pid > 0 &&
		    s->processes[i].control == p[P_FIRST + i].fd)
			events_message(s, &s->processes[i]);
	if (p[P_SIGNALS].revents)
		on_signals(s);
	if (p[P_LISTENER].revents && !s->stopping)
		renew_accept(s);
	if (p[P_PARENT].revents)
		begin_stop(s);
}

/* Of two times to wait in ms, -1: no end. */
static int sooner(int a_ms, int b_ms)
{
	return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}

static int run(struct supervisor *s)
{
	uint64_t give_up_ns = 0;
	for (;;) {
		int restart_ms = restart_due(s);
		int retry_ms = sooner(generation_retry(s), restart_ms);
		retry_ms = sooner(retry_ms, revoke_due(s));
		retry_ms = sooner(retry_ms, tend_due(s));
		if (s->broken)
			begin_stop(s);
		if (s->stopping && give_up_ns == 0)
			give_up_ns = clock_mono_ns() + drain_ns;
		if (s->stopping)
			go_on_stopping(s);
		if (s->stopping && !any(s))
			return s->reloading && !s->broken ? reload_become(s) : s->broken ? 3 : 0;
		if (give_up_ns && clock_mono_ns() > give_up_ns)
			kill_all(s);
		turn(s, s->stopping ? 50 : retry_ms);
	}
}

int main(void)
{
	static struct supervisor s = { .signals = -1,
				       .listener = -1,
				       .asker = -1,
				       .dir = -1,
				       .log_listener = -1,
				       .log_folder = -1 };
	spawn_name("chancery-superv");
	log_open("chancery");
	ch_err e = start(&s);
	if (failed(e)) {
		LOG(LOG_ERROR, "cannot start", log_err(e));
		kill_all(&s);
		return 3;
	}
	return run(&s);
}
