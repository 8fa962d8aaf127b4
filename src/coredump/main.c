/* chancery-coredump: takes crashes from the kernel. Its three duties: the daemon of the socket
 * modes, one crash that the kernel starts us for, and putting core_pattern back. Arguments
 * come from core_pattern and from `chancery coredump`: paths and numbers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "coredump_internal.h"
#include "sandbox/spawn.h"

enum {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_TROUBLE = 3,
	PIPE_SIZE = 1 << 20,
	GRACE_S = 30
};

static struct state state = { .dir = -1 };

static int refuse(const char *what, ch_err e)
{
	LOG(LOG_ERROR, "the handler of crashes cannot work", log_str("duty", str_from_c(what)),
	    log_err(e));
	return EXIT_TROUBLE;
}

static bool number_of(const char *text, uint64_t max, uint64_t *ret_n)
{
	return str_to_u64(str_from_c(text), max, ret_n);
}

/* The core's pipe, larger, and nothing in its place: whoever closes the pipe lets the process
 * go. Standard error may be nothing at all when the kernel starts us. */
static int take_stdin(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int core = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 100);
	(void)fcntl(core, F_SETPIPE_SZ, PIPE_SIZE);
	(void)dup2(null, STDIN_FILENO);
	fd_close(&null);
	return core;
}

/* 0, 1 and 2 are open, whatever the kernel gave us. */
static void fill_standard(void)
{
	int fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO)
		fd = open("/dev/null", O_RDWR);
	fd_close(&fd);
}

/* The kernel gives no standard error: what is said goes to STATE/log. */
static void log_into_state(void)
{
	int fd = openat(state.dir, DUMP_FILE_LOG,
			O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void)dup2(fd, STDERR_FILENO);
	fd_close(&fd);
}

/* crash STATE PID SIGNAL [PIDFD]: the core comes on standard input. */
static int duty_crash(int argc, char **argv)
{
	AUTO(crash_done) struct crash c;
	uint64_t pid = 0, signal = 0, pidfd = 0;
	crash_init(&c);
	if (argc < 5 || !number_of(argv[3], INT32_MAX, &pid) || !number_of(argv[4], 64, &signal))
		return EXIT_USAGE;
	bool given = argc > 5 && number_of(argv[5], 1024, &pidfd);
	c.pidfd = given ? (int)pidfd : (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	c.signal = (int)signal;
	c.core = take_stdin();
	ch_err e = state_open(argv[2], &state);
	if (failed(e))
		return refuse("crash", e);
	log_into_state();
	/* whatever hangs, in a file system that a crasher serves, ends with us */
	(void)alarm(state.settings.limits.seconds + GRACE_S);
	return failed(handle_crash(&state, &c, false)) ? EXIT_REFUSED : EXIT_DONE;
}

static int duty_serve(int argc, char **argv)
{
	return argc == 3 ? watch(argv[2]) : EXIT_USAGE;
}

/* restore STATE: 1 when the pattern is not ours. */
static int duty_restore(int argc, char **argv)
{
	AUTO(machine_done) struct machine m = { -1, -1 };
	if (argc != 3)
		return EXIT_USAGE;
	ch_err e = state_open(argv[2], &state);
	if (!failed(e))
		e = machine_open(&m);
	if (failed(e))
		return refuse("restore", e);
	e = machine_restore(&m, &state);
	if (ch_code_of(e) == CH_E_MISMATCH)
		return EXIT_REFUSED;
	return failed(e) ? refuse("restore", e) : EXIT_DONE;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} duties[] = {
	{ "crash", duty_crash },
	{ "serve", duty_serve },
	{ "restore", duty_restore },
};

/* As sandbox_undumpable, but so that a former handler can be started as the kernel would start
 * it: without no_new_privs, and with the limit by which it knows a handler that crashes. What
 * is behind walls (workers, openers, the watcher) has no_new_privs all the same. */
static ch_err become_undumpable(void)
{
	const struct rlimit handlers = { 1, 1 }, none = { 0, 0 };
	if (setrlimit(RLIMIT_CORE, &handlers) != 0 && setrlimit(RLIMIT_CORE, &none) != 0)
		return ch_fail(CH_E_IO, "cannot give up dumps", errno);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return ch_fail(CH_E_IO, "cannot give up dumps", errno);
	return CH_DONE;
}

int main(int argc, char **argv)
{
	fill_standard();
	log_open("chancery-coredump");
	spawn_name("chancery-coredu");
	ch_err e = become_undumpable();
	if (failed(e))
		return refuse("start", e);
	for (size_t i = 0; argc > 1 && i < COUNT_OF(duties); i++)
		if (strcmp(argv[1], duties[i].name) == 0)
			return duties[i].run(argc, argv);
	(void)fputs(
		"chancery-coredump is started by the kernel and by `chancery coredump install`\n",
		stderr);
	return EXIT_USAGE;
}
