/* The keys of the authority, tended by a command line that is a child of ours: it makes the
 * next key, plans it and takes away what is over. We read no key file; we look at the clock
 * and start it every so often. What it does not get done is loud, and tried again. The keys
 * themselves change their states by the clock, whether it runs or not. */
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "sandbox/spawn.h"
#include "supervisor_internal.h"

enum { CLOCK_MOVED_S = 60, AGAIN_S = 30, DOUBLINGS_MAX = 7 };

static const uint64_t s_ns = 1000000000U, ms_ns = 1000000;

/* Keys go by the time of day: when somebody sets it, that must not be found out later. */
static void look_at_clock(struct supervisor *s)
{
	int64_t offset_s = clock_unix_s() - (int64_t)(clock_mono_ns() / s_ns);
	int64_t moved_s = s->clock_known ? offset_s - s->clock_offset_s : 0;
	if (moved_s > CLOCK_MOVED_S || moved_s < -CLOCK_MOVED_S)
		LOG(LOG_ALARM, "the clock was set: keys sign and leave by it",
		    log_i64("by_s", moved_s));
	s->clock_offset_s = offset_s;
	s->clock_known = true;
}

_Noreturn static void become_tender(const struct supervisor *s)
{
	static char name[] = "chancery", key[] = "key", tend[] = "tend",
		    inherited[] = "--inherited", in[] = "-C";
	char *envp[] = { NULL };
	struct path cli, dir;
	sigset_t none;
	int program = -1;
	(void)sigemptyset(&none);
	if (!failed(path_of(&cli, s->plan.cli)) && !failed(path_of(&dir, s->plan.dir)) &&
	    !failed(spawn_open(cli.p, &program)) && sigprocmask(SIG_SETMASK, &none, NULL) == 0 &&
	    fcntl((int)s->plan.passphrase_fd, F_SETFD, 0) == 0) {
		char *argv[] = { name, key, tend, inherited, in, dir.p, NULL };
		(void)syscall(SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
	}
	_exit(127);
}

/* After a failure sooner than usual, and then less and less soon. */
static uint64_t pause_ns(const struct supervisor *s)
{
	uint64_t usual_s = s->plan.keys_look_s;
	unsigned doublings = s->tend_failures < DOUBLINGS_MAX ? s->tend_failures : DOUBLINGS_MAX;
	uint64_t again_s = (uint64_t)AGAIN_S << doublings;
	return (s->tend_failures == 0 || again_s > usual_s ? usual_s : again_s) * s_ns;
}

static void begin(struct supervisor *s)
{
	look_at_clock(s);
	pid_t pid = fork();
	if (pid == 0)
		become_tender(s);
	s->tend_at_ns = clock_mono_ns() + pause_ns(s);
	if (pid > 0)
		s->tender = pid;
	else
		LOG(LOG_ERROR, "cannot start what tends the keys; trying again");
}

int tend_due(struct supervisor *s)
{
	uint64_t now_ns = clock_mono_ns();
	if (s->plan.keys_look_s == 0 || !s->told_ready || s->stopping || s->tender > 0)
		return -1;
	if (s->tend_at_ns == 0) {
		look_at_clock(s);
		s->tend_at_ns = now_ns + pause_ns(s);
	}
	if (now_ns >= s->tend_at_ns)
		begin(s);
	return s->tender > 0 ? -1 : (int)((s->tend_at_ns - now_ns) / ms_ns) + 1;
}

void tend_ended(struct supervisor *s, int status)
{
	bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	s->tender = 0;
	s->tend_failures = ok ? 0 : s->tend_failures + 1;
	s->tend_at_ns = clock_mono_ns() + pause_ns(s);
	if (!ok && !s->stopping)
		LOG(LOG_ALARM,
		    "the keys could not be tended, see above; without a next key no token "
		    "is given when the one that signs is over. Trying again",
		    log_u64("failures", s->tend_failures), log_u64("in_s", pause_ns(s) / s_ns));
}

void tend_stop(struct supervisor *s)
{
	/* at any point that is safe, and what starts next goes on from there */
	if (s->tender > 0)
		(void)kill(s->tender, SIGTERM);
}
