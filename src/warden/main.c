/* The warden: holds every signer by ptrace, so that nobody else can attach and a crash
 * stops here, and keeps the key-encryption key for the next generation. If it dies, the
 * kernel kills the signers and the key is gone: the keeper must run again. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/signals.h"
#include "sandbox/sandbox.h"
#include "sandbox/spawn.h"
#include "warden_internal.h"
#include "wire/boot.h"
#include "wire/roles.h"

enum { KEEPER_FD = ROLE_FD };

static struct {
	struct secretmem key;
	size_t key_size;
	struct held held[HELD_MAX];
	int children; /* signalfd of SIGCHLD */
} warden = { .children = -1 };

static struct held *find(pid_t pid)
{
	for (size_t i = 0; i < HELD_MAX; i++)
		if (warden.held[i].pid == pid)
			return &warden.held[i];
	return NULL;
}

static void release(struct held *h)
{
	if (h->status)
		(void)munmap((void *)(uintptr_t)h->status, STATUS_SIZE);
	*h = (struct held){ 0 };
}

static ch_err hold(const struct control *c, struct message_fds *fds)
{
	struct held *h = find(0);
	if (!h || fds->n != 2 || c->pid == 0)
		return ch_fail(CH_E_PROTOCOL, "cannot hold one more signer", c->pid);
	void *page = mmap(NULL, STATUS_SIZE, PROT_READ, MAP_SHARED, fds->fd[0], 0);
	if (page == MAP_FAILED)
		return ch_fail(CH_E_IO, "cannot map a signer's status page", errno);
	*h = (struct held){ .pid = (pid_t)c->pid, .name_n = c->name.n, .status = page };
	mem_copy(h->name, c->name.p, c->name.n);
	ch_err e = hold_seize(h->pid, fds->fd[1]);
	if (failed(e)) {
		release(h);
		/* a signer that dies as it is born takes no other with it */
		return ch_code_of(e) == CH_E_GONE ? CH_DONE : e;
	}
	e = key_hand_over(&warden.key, warden.key_size, fds->fd[1]);
	if (failed(e))
		return ch_code_of(e) == CH_E_GONE ? CH_DONE : e; /* on_end lets go of it */
	struct control held = { .kind = CONTROL_HELD, .pid = c->pid };
	return control_send(CONTROL_FD, &held, NULL);
}

static ch_err on_control(void)
{
	static uint8_t room[CONTROL_MAX];
	struct control c = { 0 };
	AUTO(message_fds_done) struct message_fds fds = { .n = 0 };
	TRY(control_recv(CONTROL_FD, room, &c, &fds));
	if (c.kind == CONTROL_STOP)
		return ch_fail(CH_E_GONE, "told to stop", 0);
	if (c.kind != CONTROL_HOLD)
		return ch_fail(CH_E_PROTOCOL, "a message that the warden does not take", c.kind);
	return hold(&c, &fds);
}

static void tell_crash(const struct held *h, int signal, uint64_t rip)
{
	uint8_t text[REPORT_MAX];
	struct wr w = wr_of(text, sizeof(text));
	report_write(&w, h, signal, rip);
	struct control c = { .kind = CONTROL_CRASHED,
			     .pid = (uint32_t)h->pid,
			     .code = (uint32_t)signal,
			     .name = { h->name, h->name_n },
			     .text = wr_bytes(&w) };
	ch_err e = control_send(CONTROL_FD, &c, NULL);
	if (failed(e))
		LOG(LOG_ERROR, "cannot hand over a crash report", log_err(e));
}

static bool is_crash(int signal)
{
	static const int crashes[] = { SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS };
	for (size_t i = 0; i < COUNT_OF(crashes); i++)
		if (crashes[i] == signal)
			return true;
	return false;
}

static void on_stop(struct held *h, int status)
{
	int signal = WSTOPSIG(status);
	uint64_t rip = 0;
	if (status >> 16 == PTRACE_EVENT_STOP) {
		bool group_stop = signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN ||
				  signal == SIGTTOU;
		if (group_stop)
			hold_listen(h->pid);
		else
			hold_continue(h->pid, 0);
		return;
	}
	if (!is_crash(signal)) {
		hold_continue(h->pid, signal);
		return;
	}
	if (failed(hold_rip(h->pid, &rip)))
		rip = 0;
	tell_crash(h, signal, rip);
	/* the kernel's own core handler never gets to see it */
	h->reported = true;
	hold_continue(h->pid, SIGKILL);
}

static void on_end(struct held *h, int status)
{
	/* killed without a stop: by SIGKILL, or by its own seccomp filter. SIGTERM is an order,
	 * not a crash */
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM && !h->reported)
		tell_crash(h, WTERMSIG(status), 0);
	struct control c = { .kind = CONTROL_ENDED,
			     .pid = (uint32_t)h->pid,
			     .code = (uint32_t)status,
			     .name = { h->name, h->name_n } };
	ch_err e = control_send(CONTROL_FD, &c, NULL);
	if (failed(e))
		LOG(LOG_ERROR, "cannot say that a signer ended", log_err(e));
	release(h);
}

static void on_children(void)
{
	struct signalfd_siginfo info;
	int status = 0;
	ssize_t n = read(warden.children, &info, sizeof(info));
	(void)n;
	for (;;) {
		pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
		if (pid <= 0)
			return;
		struct held *h = find(pid);
		if (!h)
			continue;
		if (WIFSTOPPED(status))
			on_stop(h, status);
		else
			on_end(h, status);
	}
}

static ch_err start(void)
{
	static uint8_t room[4096];
	const int keep[] = { CONTROL_FD, KEEPER_FD };
	struct warden_config config = { 0 };
	bytes text = { 0 };
	const int child = SIGCHLD;
	TRY(boot_read(LIT("warden"), room, sizeof(room), &text));
	TRY(warden_config_read(text, &config));
	TRY(sandbox_undumpable());
	TRY(sandbox_close_from(BOOT_FD, keep, COUNT_OF(keep)));
	TRY(signals_open(&child, 1, &warden.children));
	TRY(key_receive(KEEPER_FD, config.secret_memory, &warden.key, &warden.key_size));
	(void)close(KEEPER_FD);
	TRY(warden_confine());
	return control_ready();
}

static ch_err loop(void)
{
	struct pollfd p[] = { { CONTROL_FD, POLLIN, 0 }, { warden.children, POLLIN, 0 } };
	for (;;) {
		if (poll(p, COUNT_OF(p), -1) < 0 && errno != EINTR)
			return ch_fail(CH_E_IO, "cannot wait", errno);
		if (p[1].revents)
			on_children();
		if (p[0].revents) {
			ch_err e = on_control();
			if (failed(e) && ch_code_of(e) != CH_E_BUSY)
				return e;
		}
	}
}

int main(void)
{
	spawn_name("chancery-warden");
	log_open("chancery-warden");
	ch_err e = start();
	if (failed(e)) {
		control_failed(e);
		LOG(LOG_ERROR, "cannot start", log_err(e));
		return 3;
	}
	e = loop();
	/* the signers die with us: EXITKILL */
	secretmem_done(&warden.key);
	if (ch_code_of(e) == CH_E_GONE)
		return 0;
	LOG(LOG_ERROR, "ended", log_err(e));
	return 3;
}
