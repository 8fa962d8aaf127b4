/* SIGHUP: the configuration again, without a dropped request. A command line that is a child of
 * ours says whether it is good; a bad one changes nothing. Then the roles finish what is under way
 * and end, and this process becomes the command line, which reads, and the supervisor
 * again, by the programs as they are then. The listening sockets stay open all the while: whoever
 * asks meanwhile waits in their queues. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "sandbox/spawn.h"
#include "supervisor_internal.h"

enum { TEXT_MAX = 600 };

struct texts {
	char room[4][TEXT_MAX];
	char *argv[8], *envp[4];
};

static char *text_of(char room[static TEXT_MAX], str a, str b)
{
	struct wr w = wr_of(room, TEXT_MAX - 1);
	wr_str(&w, a);
	wr_str(&w, b);
	room[w.n] = 0;
	return w.full ? NULL : room;
}

static size_t n_listeners(const struct supervisor *s)
{
	size_t n = s->plan.n_groups;
	for (size_t i = 0; i < s->plan.n_groups; i++)
		n += s->plan.groups[i].monitor_fd > 0;
	return n + (s->plan.collector.config.n > 0);
}

/* chancery serve [--check] --inherited N DIR, with what our manager wants to hear. */
static bool texts_make(const struct supervisor *s, bool check, struct texts *t)
{
	static char name[] = "chancery", serve[] = "serve", dry[] = "--check",
		    inherited[] = "--inherited";
	uint8_t digits[24];
	struct wr w = wr_of(digits, sizeof(digits));
	size_t n = 0;
	wr_dec(&w, n_listeners(s));
	t->argv[n++] = name;
	t->argv[n++] = serve;
	if (check)
		t->argv[n++] = dry;
	t->argv[n++] = inherited;
	t->argv[n++] = text_of(t->room[0], wr_text(&w), (str){ NULL, 0 });
	t->argv[n++] = text_of(t->room[1], s->plan.dir, (str){ NULL, 0 });
	if (!check && s->plan.notify.n > 0) {
		struct wr us = wr_of(digits, sizeof(digits));
		wr_dec(&us, s->plan.watchdog_us);
		t->envp[0] = text_of(t->room[2], LIT("NOTIFY_SOCKET="), s->plan.notify);
		t->envp[1] = text_of(t->room[3], LIT("WATCHDOG_USEC="), wr_text(&us));
	}
	return t->argv[n - 1] && t->argv[n - 2] && (!t->envp[0] || t->envp[1]);
}

/* The passphrase and the sockets have their numbers since we were started. */
static bool keep_open(const struct supervisor *s)
{
	if (fcntl((int)s->plan.passphrase_fd, F_SETFD, 0) != 0)
		return false;
	for (size_t i = 0; i < s->plan.n_groups; i++) {
		const struct plan_group *g = &s->plan.groups[i];
		if (fcntl((int)g->listen_fd, F_SETFD, 0) != 0 ||
		    (g->monitor_fd > 0 && fcntl((int)g->monitor_fd, F_SETFD, 0) != 0))
			return false;
	}
	if (s->plan.collector.config.n > 0 &&
	    fcntl((int)s->plan.collector.listen_fd, F_SETFD, 0) != 0)
		return false;
	return true;
}

static void become_cli(const struct supervisor *s, bool check)
{
	struct texts t = { 0 };
	struct path cli;
	int program = -1;
	if (!failed(path_of(&cli, s->plan.cli)) && !failed(spawn_open(cli.p, &program)) &&
	    texts_make(s, check, &t) && keep_open(s))
		(void)syscall(SYS_execveat, program, "", t.argv, t.envp, AT_EMPTY_PATH);
}

static void say_time(const struct supervisor *s)
{
	uint8_t room[64];
	struct wr w = wr_of(room, sizeof(room));
	wr_lit(&w, "RELOADING=1\nMONOTONIC_USEC=");
	wr_dec(&w, clock_mono_ns() / 1000);
	(void)notify_send(s->plan.notify, wr_text(&w));
}

static void not_taken(struct supervisor *s, ch_err e)
{
	LOG(LOG_ERROR, "the configuration was not taken; serving by the one before", log_err(e));
	(void)notify_send(s->plan.notify,
			  LIT("READY=1\nSTATUS=serving by the configuration before; see the log"));
}

void reload_begin(struct supervisor *s)
{
	/* a throw-away authority has its parent, who has other plans for SIGHUP */
	if (s->plan.dev || s->stopping || !s->told_ready)
		return;
	if (s->checker > 0) {
		s->reload_again = true;
		return;
	}
	say_time(s);
	pid_t pid = fork();
	if (pid == 0) {
		become_cli(s, true);
		_exit(127);
	}
	if (pid < 0)
		not_taken(s, ch_fail(CH_E_IO, "cannot fork", errno));
	else
		s->checker = pid;
}

void reload_checked(struct supervisor *s, int status)
{
	s->checker = 0;
	if (s->stopping)
		return;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		not_taken(s, ch_fail(CH_E_MISMATCH, "it cannot be served", (uint64_t)status));
	else if (!s->reload_again)
		s->reloading = true;
	if (s->reload_again) {
		s->reload_again = false;
		reload_begin(s);
	}
}

int reload_become(const struct supervisor *s)
{
	LOG(LOG_INFO, "starting anew by the configuration as it is now");
	become_cli(s, false);
	LOG(LOG_ERROR, "cannot start anew",
	    log_err(ch_fail(CH_E_IO, "exec of the command line failed", errno)));
	return 3;
}
