/* `chancery key compromise --alarm ID`, when the collector asks for it. The collector is a process
 * that strangers talk to: it may only name an alarm. Whether a key leaves for it is decided by that
 * command, which looks at the evidence itself; here is only that it does not run all the time. */
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "sandbox/spawn.h"
#include "supervisor_internal.h"

static const uint64_t between_ns = UINT64_C(10) * 1000000000; /* of two that ended in vain */

_Noreturn static void become_compromiser(const struct supervisor *s)
{
	static char name[] = "chancery", key[] = "key", verb[] = "compromise", alarm[] = "--alarm",
		    inherited[] = "--inherited", in[] = "-C";
	char *envp[] = { NULL };
	struct path cli, dir, id;
	sigset_t none;
	int program = -1;
	(void)sigemptyset(&none);
	if (!failed(path_of(&cli, s->plan.cli)) && !failed(path_of(&dir, s->plan.dir)) &&
	    !failed(path_of(&id, (str){ s->compromising.id, s->compromising.id_n })) &&
	    !failed(spawn_open(cli.p, &program)) && sigprocmask(SIG_SETMASK, &none, NULL) == 0 &&
	    fcntl((int)s->plan.passphrase_fd, F_SETFD, 0) == 0) {
		char *argv[] = { name, key, verb, alarm, id.p, inherited, in, dir.p, NULL };
		(void)syscall(SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
	}
	_exit(127);
}

static void answer(struct supervisor *s, str id, uint32_t status)
{
	const struct process *p = process_find(s, ROLE_COLLECTOR, NO_GROUP);
	const struct control c = { .kind = CONTROL_COMPROMISED,
				   .code = status,
				   .text = bytes_of_str(id) };
	/* one that has ended meanwhile reads it in the log */
	if (p && p->control >= 0)
		(void)control_send(p->control, &c, NULL);
}

void compromise_asked(struct supervisor *s, struct process *collector, const struct control *c)
{
	struct compromising *k = &s->compromising;
	str id = str_of_bytes(c->text);
	uint64_t now = clock_mono_ns();
	bool soon = k->at_ns != 0 && now - k->at_ns < between_ns;
	(void)collector;
	if (!name_ok(id, sizeof(k->id)) || k->pid > 0 || soon || s->stopping) {
		answer(s, id, COMPROMISE_AGAIN);
		return;
	}
	mem_copy(k->id, id.p, id.n);
	k->id_n = id.n;
	k->at_ns = now;
	pid_t pid = fork();
	if (pid == 0)
		become_compromiser(s);
	if (pid > 0)
		k->pid = pid;
	else
		answer(s, id, COMPROMISE_AGAIN);
}

void compromise_ended(struct supervisor *s, int status)
{
	struct compromising *k = &s->compromising;
	k->pid = 0;
	answer(s, (str){ k->id, k->id_n }, WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status) : 128);
}
