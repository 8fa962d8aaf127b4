/* Who stays while a gate serves: holds its sockets and the memory of used proofs, starts the
 * gate in a sandbox, and at SIGHUP starts another by the policy as it is then, on the same
 * sockets. The old one goes on until the new one is ready, and lets it begin when it has
 * finished: a question waits in the socket's queue, none is lost. Parses nothing but the
 * policy; a bad one changes nothing. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/rand.h"
#include "base/signals.h"
#include "fetcher.h"
#include "gate.h"
#include "libexec.h"
#include "listen.h"
#include "sandbox/spawn.h"
#include "say.h"
#include "token/replay.h"
#include "wire/boot.h"
#include "wire/control.h"

enum {
	ROOM = 256 * 1024,
	IDLE_MS = 200,      /* for connections that say nothing at a change of generation */
	START_MAX_S = 20,   /* a new generation is ready by then, or ended */
	STOP_MAX_MS = 8000, /* a gate has finished by then, or is ended */
};

struct generation {
	pid_t pid; /* 0: none */
	int control;
	int tcp, socket; /* its listening sockets; -1: it has none */
	bool ready;
	uint64_t until_ns; /* by when it must be ready, or gone; 0: no limit */
};

static const struct generation none = { .control = -1, .tcp = -1, .socket = -1 };

struct keep {
	struct policy_file *policy, *other; /* in force; where the next is read */
	int program, signals;
	int proofs;
	uint32_t n_proofs;
	int64_t window_s; /* a proof is kept no longer than it could be shown, by this */
	int64_t proofs_since_s;
	uint8_t nonce_key[NONCE_KEY_SIZE];
	struct generation now, next;
	uint32_t reloads, reloads_failed;
	bool again, stopping;
	int status;
	struct notify_wish notify;
	uint64_t alive_due_ns;
};

static void say_alive(struct keep *k)
{
	if (k->notify.watchdog_us == 0 || clock_mono_ns() < k->alive_due_ns)
		return;
	(void)notify_send(k->notify.address, LIT("WATCHDOG=1"));
	k->alive_due_ns = clock_mono_ns() + k->notify.watchdog_us * 1000 / 3;
}

static uint64_t in_ms(uint64_t ms)
{
	return clock_mono_ns() + ms * 1000000;
}

/* --- what generations share --- */

struct mapping {
	void *p;
	size_t n;
};

static void mapping_done(struct mapping *m)
{
	if (m->p)
		(void)munmap(m->p, m->n);
}

static ch_err init_store(int fd, size_t size, uint32_t n)
{
	struct replay *store = NULL;
	AUTO(mapping_done) struct mapping m = { NULL, size };
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return ch_fail(CH_E_NOMEM, "no memory for used proofs", size);
	m.p = p;
	return replay_init(p, size, n, &store);
}

/* Proofs that the present generation knows are unknown in a new store: those that were made
 * before the next one begins are not believed. */
static ch_err make_proofs(struct keep *k, uint32_t n)
{
	size_t size = replay_size(n);
	AUTO(fd_close) int fd = memfd_create("proofs", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || size == 0 || ftruncate(fd, (off_t)size) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return ch_fail(CH_E_IO, "cannot make memory for used proofs", errno);
	TRY(init_store(fd, size, n));
	fd_close(&k->proofs);
	k->proofs = TAKE_FD(fd);
	k->n_proofs = n;
	/* a gate that was here before may have taken one of this very second */
	k->proofs_since_s = k->now.pid ? 0 : clock_unix_s() + 1;
	return CH_DONE;
}

static struct unix_place place_of(const struct policy_file *p)
{
	static const struct {
		str text;
		mode_t mode;
	} modes[] = { { { "0600", 4 }, 0600 }, { { "0660", 4 }, 0660 }, { { "0666", 4 }, 0666 } };
	struct unix_place place = { p->g.socket, 0600, p->owner, p->group };
	for (size_t i = 0; i < COUNT_OF(modes); i++)
		if (str_eq(modes[i].text, p->g.socket_mode))
			place.mode = modes[i].mode;
	/* the gate's user may be another than who owns the socket */
	if (p->uid && place.owner == (uid_t)-1)
		place.owner = p->uid;
	return place;
}

/* A socket of p: a copy of what `old` has where it is the same, else a new one. */
static ch_err take_tcp(const struct policy_file *p, const struct policy_file *old, int have,
		       int *ret_fd)
{
	uint32_t port = 0;
	bool same = have >= 0 && str_eq(p->g.host, old->g.host) && p->g.port == old->g.port;
	if (p->g.host.n == 0)
		return CH_DONE;
	if (!same)
		return listen_tcp(p->g.host, p->g.port, ret_fd, &port);
	*ret_fd = fcntl(have, F_DUPFD_CLOEXEC, 0);
	return *ret_fd >= 0 ? CH_DONE : ch_fail(CH_E_IO, "cannot copy a descriptor", errno);
}

static ch_err take_socket(const struct policy_file *p, const struct policy_file *old, int have,
			  int *ret_fd)
{
	const struct unix_place place = place_of(p);
	bool same = have >= 0 && str_eq(p->g.socket, old->g.socket);
	if (p->g.socket.n == 0)
		return CH_DONE;
	if (!same)
		return listen_unix(&place, ret_fd);
	TRY(listen_unix_rights(&place));
	*ret_fd = fcntl(have, F_DUPFD_CLOEXEC, 0);
	return *ret_fd >= 0 ? CH_DONE : ch_fail(CH_E_IO, "cannot copy a descriptor", errno);
}

/* --- a generation --- */

static void ends_done(int (*ends)[2])
{
	fd_close(&(*ends)[0]);
	fd_close(&(*ends)[1]);
}

static ch_err make_boot(struct keep *k, struct policy_file *p, bool waits, int *ret_fd)
{
	static uint8_t room[ROOM];
	struct wr w = wr_of(room, sizeof(room));
	struct gate_config *c = &p->g.gate;
	c->supervised = true;
	c->waits = waits;
	c->has_proofs = c->checks;
	c->proofs_since_s = k->proofs_since_s;
	c->reloads = k->reloads;
	c->reloads_failed = k->reloads_failed;
	mem_copy(c->nonce_key, k->nonce_key, sizeof(c->nonce_key));
	gate_config_write(&w, c);
	ch_err e = wr_done(&w);
	if (!failed(e))
		e = boot_make(LIT("gate"), wr_bytes(&w), ret_fd);
	mem_wipe(room, sizeof(room));
	mem_wipe(p->secret, sizeof(p->secret));
	return e;
}

static ch_err begin(struct keep *k, struct policy_file *p, struct generation *g)
{
	AUTO(ends_done) int ends[2] = { -1, -1 };
	AUTO(fd_close) int boot = -1, fetcher = -1;
	bool drop = p->uid != 0 && geteuid() == 0;
	pid_t pid = 0;
	TRY(make_boot(k, p, k->now.pid != 0, &boot));
	TRY(channel_pair(ends));
	struct spawn s = { .program = k->program,
			   .name = "chancery-gate",
			   .uid = drop ? p->uid : 0,
			   .gid = drop ? p->gid : 0,
			   .gate = -1,
			   .fds = { boot, ends[1] },
			   .n_fds = 2 };
	if (p->g.gate.introspects)
		s.fds[s.n_fds++] = g->tcp;
	if (p->g.gate.checks)
		s.fds[s.n_fds++] = g->socket;
	if (p->g.gate.has_proofs)
		s.fds[s.n_fds++] = k->proofs;
	const struct fetcher_secrets secrets = { p->revocation_secrets, p->log_secrets,
						 p->collector_secret };
	TRY(fetcher_start(&p->g, &secrets, s.uid, s.gid, &fetcher));
	mem_wipe(p->revocation_rooms, sizeof(p->revocation_rooms));
	mem_wipe(p->log_rooms, sizeof(p->log_rooms));
	mem_wipe(p->collector_room, sizeof(p->collector_room));
	if (fetcher >= 0)
		s.fds[s.n_fds++] = fetcher;
	TRY(spawn_role(&s, &pid));
	g->pid = pid;
	g->control = TAKE_FD(ends[0]);
	g->until_ns = in_ms(START_MAX_S * 1000);
	return CH_DONE;
}

static void tell(struct generation *g, enum control_kind kind, uint64_t detail)
{
	const struct control c = { .kind = kind, .detail = detail };
	if (g->pid && g->control >= 0 && failed(control_send(g->control, &c, NULL)))
		LOG(LOG_WARN, "a gate does not listen to what it is told");
}

static void forget(struct generation *g)
{
	fd_close(&g->control);
	fd_close(&g->tcp);
	fd_close(&g->socket);
	*g = none;
}

/* --- changing generations --- */

static ch_err start_next(struct keep *k, struct policy_file *p)
{
	const struct policy_file *old = k->policy; /* at the start the same, without sockets */
	AUTO(forget) struct generation g = none;
	TRY(take_tcp(p, old, k->now.tcp, &g.tcp));
	TRY(take_socket(p, old, k->now.socket, &g.socket));
	const struct gate_dpop *d = &p->g.gate.dpop;
	bool longer = d->window_s > k->window_s;
	if (p->g.gate.checks && (k->proofs < 0 || k->n_proofs != d->proofs || longer))
		TRY(make_proofs(k, d->proofs));
	/* one that asks for no proofs leaves the store as the last one used it */
	if (p->g.gate.checks)
		k->window_s = d->window_s;
	TRY(begin(k, p, &g));
	k->next = g;
	g = none;
	return CH_DONE;
}

static void reload_failed(struct keep *k, ch_err e)
{
	LOG(LOG_ERROR, "the policy was not taken; the gate goes on by the one before",
	    log_str("file", str_from_c(k->policy->name)), log_err(e));
	k->reloads_failed++;
	tell(&k->now, CONTROL_FAILED, 0);
	(void)notify_send(k->notify.address,
			  LIT("READY=1\nSTATUS=serving by the policy before; see the log"));
}

/* What was made for it goes with it. */
static void give_up(struct keep *k, ch_err e)
{
	const str mine = k->policy->g.socket, its = k->other->g.socket;
	const struct unix_place was = place_of(k->policy);
	if (k->next.socket >= 0 && !str_eq(mine, its))
		listen_unix_remove(its);
	else if (k->next.socket >= 0)
		(void)listen_unix_rights(&was);
	forget(&k->next);
	policy_file_done(k->other);
	reload_failed(k, e);
}

/* With the time, so that a manager tells this reload from an earlier one. */
static void say_reloading(const struct keep *k)
{
	uint8_t room[64];
	struct wr w = wr_of(room, sizeof(room));
	wr_lit(&w, "RELOADING=1\nMONOTONIC_USEC=");
	wr_dec(&w, clock_mono_ns() / 1000);
	(void)notify_send(k->notify.address, wr_text(&w));
}

static void reload(struct keep *k)
{
	if (k->stopping)
		return;
	if (k->next.pid) {
		k->again = true;
		return;
	}
	say_reloading(k);
	k->other->name = k->policy->name;
	ch_err e = policy_file_load(k->other);
	if (!failed(e))
		e = start_next(k, k->other);
	if (failed(e))
		give_up(k, e);
}

/* The new one has all it needs: the old one finishes now. */
static void on_ready(struct keep *k, struct generation *g)
{
	g->ready = true;
	g->until_ns = 0;
	if (g != &k->next) {
		(void)notify_send(k->notify.address, LIT("READY=1\nSTATUS=serving"));
		return;
	}
	k->now.until_ns = in_ms(STOP_MAX_MS);
	tell(&k->now, CONTROL_STOP, IDLE_MS);
}

/* The old one has finished. */
static void take_over(struct keep *k)
{
	struct policy_file *old = k->policy;
	if (old->g.socket.n > 0 && !str_eq(old->g.socket, k->other->g.socket))
		listen_unix_remove(old->g.socket);
	forget(&k->now);
	k->now = k->next;
	k->next = none;
	k->policy = k->other;
	k->other = old;
	policy_file_done(old);
	k->reloads++;
	/* iat has whole seconds: one of this second may have been used just before */
	if (k->proofs_since_s == 0)
		k->proofs_since_s = clock_unix_s() + 1;
	tell(&k->now, CONTROL_SERVE, 0);
	LOG(LOG_INFO, "the policy was read again and is in force",
	    log_str("file", str_from_c(k->policy->name)), log_u64("reloads", k->reloads));
	(void)notify_send(k->notify.address, LIT("READY=1\nSTATUS=serving"));
	if (k->again) {
		k->again = false;
		reload(k);
	}
}

static void begin_stop(struct keep *k, int status)
{
	if (!k->stopping) {
		k->status = status;
		(void)notify_send(k->notify.address,
				  LIT("STOPPING=1\nSTATUS=finishing what is under way"));
	}
	k->stopping = true;
	struct generation *both[] = { &k->now, &k->next };
	for (size_t i = 0; i < COUNT_OF(both); i++) {
		both[i]->until_ns = in_ms(STOP_MAX_MS);
		tell(both[i], CONTROL_STOP, 0);
	}
}

static void ended(struct keep *k, pid_t pid, int wait_status)
{
	bool handing_over = k->next.pid && k->next.ready;
	if (pid == k->next.pid) {
		/* once it was ready, the old one has been told to stop: there is no way back */
		if (!k->stopping && !k->next.ready)
			give_up(k, ch_fail(CH_E_GONE, "a gate by the new policy does not start",
					   (uint64_t)wait_status));
		else if (!k->stopping)
			begin_stop(k, EXIT_TROUBLE);
		forget(&k->next);
	} else if (pid == k->now.pid && handing_over && !k->stopping) {
		take_over(k);
	} else if (pid == k->now.pid) {
		bool ready = k->now.ready;
		forget(&k->now);
		/* killed before we read that it was ready: it could not say why itself */
		if (!k->stopping && (ready || WIFSIGNALED(wait_status)))
			LOG(LOG_ALARM, "the gate is gone",
			    log_u64("status", (uint64_t)wait_status));
		begin_stop(k, k->stopping ? k->status : EXIT_TROUBLE);
	}
}

/* --- the loop --- */

static void on_signal(struct keep *k)
{
	struct signalfd_siginfo info;
	int status = 0;
	pid_t pid = 0;
	if (read(k->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		reload(k);
	if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
		begin_stop(k, EXIT_YES);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		ended(k, pid, status);
}

/* It cannot open it itself. Without an answer it asks again. */
static void give_log(const struct policy_file *p, const struct generation *g, str log)
{
	AUTO(fd_close) int fd = policy_log_socket(p, log);
	const struct control c = { .kind = CONTROL_ATTACH, .name = log };
	const struct message_fds fds = { .fd = { fd }, .n = 1 };
	if (fd >= 0 && failed(control_send(g->control, &c, &fds)))
		LOG(LOG_WARN, "a gate does not take the socket of its log");
}

static void on_control(struct keep *k, struct generation *g)
{
	static uint8_t storage[CONTROL_MAX];
	struct control c = { 0 };
	ch_err e = control_recv(g->control, storage, &c, NULL);
	if (ch_code_of(e) == CH_E_BUSY)
		return;
	if (failed(e))
		fd_close(&g->control); /* its end comes as a signal */
	else if (c.kind == CONTROL_READY)
		on_ready(k, g);
	else if (c.kind == CONTROL_ATTACH)
		give_log(g == &k->next ? k->other : k->policy, g, c.name);
}

static void end_overdue(struct generation *g)
{
	if (!g->pid || g->until_ns == 0 || clock_mono_ns() < g->until_ns)
		return;
	LOG(LOG_ERROR, "a gate does not come to an end and is ended");
	(void)kill(g->pid, SIGKILL);
	g->until_ns = 0;
}

static void turn(struct keep *k)
{
	struct pollfd fds[] = { { k->signals, POLLIN, 0 },
				{ k->now.control, POLLIN, 0 },
				{ k->next.control, POLLIN, 0 } };
	bool urgent = k->now.until_ns || k->next.until_ns;
	say_alive(k);
	if (poll(fds, COUNT_OF(fds), notify_timeout(k->notify.watchdog_us, urgent ? 100 : -1)) < 0)
		return;
	if (fds[1].revents)
		on_control(k, &k->now);
	if (fds[2].revents)
		on_control(k, &k->next);
	if (fds[0].revents)
		on_signal(k);
	end_overdue(&k->now);
	end_overdue(&k->next);
}

static ch_err open_signals(int *ret_fd)
{
	const int heard[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	return signals_open(heard, COUNT_OF(heard), ret_fd);
}

static ch_err open_program(int *ret_fd)
{
	struct path folder, program;
	TRY(libexec_folder(&folder));
	TRY(path_join(&program, str_from_c(folder.p), LIT("gate"), (str){ 0 }));
	return spawn_open(program.p, ret_fd);
}

static ch_err keep_open(struct keep *k)
{
	rand_fill(k->nonce_key, sizeof(k->nonce_key));
	TRY(open_program(&k->program));
	TRY(open_signals(&k->signals));
	k->other = k->policy;
	TRY(start_next(k, k->policy));
	k->now = k->next;
	k->next = none;
	return CH_DONE;
}

int gate_keep(struct policy_file *p)
{
	static struct policy_file spare;
	struct keep k = { .policy = p,
			  .program = -1,
			  .signals = -1,
			  .proofs = -1,
			  .now = none,
			  .next = none,
			  .notify = notify_wish_read() };
	log_open("chancery-gate");
	ch_err e = keep_open(&k);
	if (failed(e))
		return say_trouble("cannot start the gate of", str_from_c(p->name), e);
	spawn_name("chancery-gates");
	k.other = &spare;
	while (k.now.pid || k.next.pid)
		turn(&k);
	if (k.policy->g.socket.n > 0)
		listen_unix_remove(k.policy->g.socket);
	policy_file_done(k.policy == p ? &spare : k.policy);
	mem_wipe(k.nonce_key, sizeof(k.nonce_key));
	return k.status;
}
