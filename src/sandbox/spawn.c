/* fork, identity, descriptors, exec. Between fork and exec the child runs only what is
 * here; it owns no secret and has read nothing from outside. Every step that fails ends it. */
#include "sandbox/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ck.h"
#include "base/file.h"
#include "base/log.h"

enum { FIRST_FD = 3, EXIT_SPAWN = 127 };

ch_err spawn_open(const char *path, int *ret_program)
{
	struct stat st = { 0 };
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot open a role's program", errno);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return ch_fail(CH_E_MISMATCH, "a role's program is no regular file", 0);
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & S_IWOTH))
		return ch_fail(CH_E_DENIED, "a role's program could be changed by others",
			       st.st_mode);
	*ret_program = TAKE_FD(fd);
	return CH_DONE;
}

void spawn_name(const char *name)
{
	(void)prctl(PR_SET_NAME, name, 0, 0, 0);
}

static bool set_capability(unsigned cap)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { 0 };
	uint32_t bit = (uint32_t)1 << (cap % 32);
	data[cap / 32].effective = bit;
	data[cap / 32].permitted = bit;
	data[cap / 32].inheritable = bit;
	return syscall(SYS_capset, &head, data) == 0 &&
	       prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) == 0;
}

static bool drop_bounding(bool keep_ptrace)
{
	for (unsigned cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (keep_ptrace && cap == CAP_SYS_PTRACE)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			return false;
	}
	return true;
}

/* Becomes uid for good: a way back is an error. */
static bool take_identity(const struct spawn *s)
{
	bool keep_ptrace = s->keep_ptrace;
	uint32_t uid = s->uid, gid = s->gid ? s->gid : s->uid;
	if (!drop_bounding(keep_ptrace))
		return false;
	if (keep_ptrace && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return false;
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return false;
	if (setuid(0) == 0 || setgid(0) == 0)
		return false;
	return !keep_ptrace || set_capability(CAP_SYS_PTRACE);
}

/* Descriptors 3… in order, standard input from nowhere, standard output to the log. */
static bool place_fds(const struct spawn *s)
{
	int high[SPAWN_FDS_MAX];
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < s->n_fds; i++) {
		high[i] = s->fds[i] < 0 ? -1 : fcntl(s->fds[i], F_DUPFD_CLOEXEC, 200);
		if (s->fds[i] >= 0 && high[i] < 0)
			return false;
	}
	for (size_t i = 0; i < s->n_fds; i++) {
		int want = FIRST_FD + int_from(i);
		if (high[i] < 0)
			(void)close(want);
		else if (dup2(high[i], want) != want)
			return false;
	}
	return null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
	       dup2(STDERR_FILENO, STDOUT_FILENO) >= 0;
}

/* A peer that goes away is an error of the write, never our end: neither a role's socket
 * or pipe, nor the reader of the log. */
static void reset_handlers(void)
{
	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, sig == SIGPIPE ? SIG_IGN : SIG_DFL);
}

static bool reset_signals(void)
{
	sigset_t none;
	(void)sigemptyset(&none);
	reset_handlers();
	return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

/* The one who started us may be gone between fork and here. */
static bool die_with(pid_t parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent;
}

static bool wait_for_tracer(int gate, uint32_t uid, pid_t tracer)
{
	uint8_t go = 0;
	/* without root, only a dumpable process can be held; exec'd, it gives that up itself,
	 * and until then it is a copy of one that has no secret */
	if (uid == 0 && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
		return false;
	/* fails where Yama is absent: then nothing need be allowed */
	(void)prctl(PR_SET_PTRACER, (unsigned long)tracer, 0, 0, 0);
	return read(gate, &go, 1) == 1;
}

static void exec_it(const struct spawn *s, int program)
{
	char name[32] = { 0 };
	char *argv[] = { name, NULL };
	char *envp[] = { NULL };
	str given = str_from_c(s->name);
	mem_copy(name, given.p, given.n < sizeof(name) ? given.n : sizeof(name) - 1);
	(void)syscall(SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
}

/* What is not placed closes at exec. */
static bool close_the_rest(const struct spawn *s)
{
	return close_range((unsigned)(FIRST_FD + int_from(s->n_fds)), ~0U, CLOSE_RANGE_CLOEXEC) ==
	       0;
}

_Noreturn static void child(const struct spawn *s, pid_t parent)
{
	int program = fcntl(s->program, F_DUPFD_CLOEXEC, 300);
	int gate = s->gate < 0 ? -1 : fcntl(s->gate, F_DUPFD_CLOEXEC, 300);
	bool ok = program >= 0 && reset_signals() && setsid() >= 0 && place_fds(s) &&
		  (s->uid == 0 || take_identity(s)) &&
		  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && die_with(parent) &&
		  close_the_rest(s) && (gate < 0 || wait_for_tracer(gate, s->uid, s->tracer));
	if (ok)
		exec_it(s, program);
	LOG(LOG_ERROR, "cannot start a role", log_str("role", str_from_c(s->name)),
	    log_err(ch_fail(CH_E_IO, "taking its identity or exec failed", errno)));
	_exit(EXIT_SPAWN);
}

ch_err spawn_become(const struct spawn *s)
{
	int program = fcntl(s->program, F_DUPFD_CLOEXEC, 300);
	/* what waits for the program that we become is its own to read: the mask stays */
	reset_handlers();
	if (program >= 0 && place_fds(s) && close_the_rest(s))
		exec_it(s, program);
	return ch_fail(CH_E_IO, "cannot become the program", errno);
}

ch_err spawn_role(const struct spawn *s, pid_t *ret_pid)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0)
		return ch_fail(CH_E_IO, "cannot fork", errno);
	if (pid == 0)
		child(s, parent);
	*ret_pid = pid;
	return CH_DONE;
}
