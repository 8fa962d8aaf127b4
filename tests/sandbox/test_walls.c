/* Each wall, by a child that runs into it: the forbidden thing is done for real, and it
 * must fail or kill. The same thing without the wall must work, or the test says nothing. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "sandbox/sandbox.h"
#include "sandbox/spawn.h"

enum { DID_IT = 0, REFUSED = 1, NO_WALL = 77 };

struct deed {
	const char *name;
	bool (*act)(void);
};

static bool opens(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool writes_a_file(void)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/tmp/chancery-wall-%d", (int)getpid());
	if (open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) < 0)
		return false;
	(void)unlink(path);
	return true;
}

static bool makes_a_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool forks(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool executes(void)
{
	return execl("/bin/true", "true", NULL) == 0;
}

static bool maps_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	       MAP_FAILED;
}

static bool traces(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool maps_data(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	       MAP_FAILED;
}

static const struct deed forbidden[] = {
	{ "open", opens },    { "create", writes_a_file }, { "socket", makes_a_socket },
	{ "fork", forks },    { "map code", maps_code },   { "ptrace", traces },
	{ "exec", executes },
};

static ch_err no_wall(void)
{
	return CH_DONE;
}

static ch_err seccomp_server(void)
{
	const struct syscall_list lists[] = { { sandbox_common, sandbox_common_n },
					      { sandbox_server, sandbox_server_n } };
	return sandbox_seccomp(lists, COUNT_OF(lists));
}

static ch_err landlock_all(void)
{
	int abi = 0;
	return sandbox_landlock(NULL, 0, NET_NONE, &abi);
}

/* The wait status of a child that puts up the wall and does the deed. */
static int behind(ch_err (*wall)(void), bool (*act)(void))
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		if (failed(wall()))
			_exit(NO_WALL);
		_exit(act() ? DID_IT : REFUSED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool did_it(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == DID_IT;
}

static void without_walls_all_work(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(forbidden); i++)
		if (!did_it(behind(no_wall, forbidden[i].act)))
			fail_msg("%s fails even without a wall", forbidden[i].name);
}

static void seccomp_kills(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(forbidden); i++) {
		int status = behind(seccomp_server, forbidden[i].act);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s behind seccomp: wait status %x", forbidden[i].name, status);
	}
	assert_true(did_it(behind(seccomp_server, maps_data)));
}

static void landlock_shuts_the_file_system(void **state)
{
	(void)state;
	int status = behind(landlock_all, opens);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == REFUSED);
	status = behind(landlock_all, writes_a_file);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == REFUSED);
}

static ch_err landlock_etc(void)
{
	int abi = 0;
	const struct sandbox_path etc[] = { { "/etc", ACCESS_READ } };
	return sandbox_landlock(etc, 1, NET_NONE, &abi);
}

static void landlock_lets_through_what_it_names(void **state)
{
	(void)state;
	assert_true(did_it(behind(landlock_etc, opens)));
	assert_false(did_it(behind(landlock_etc, writes_a_file)));
}

static bool dumps(void)
{
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0;
}

static void undumpable_holds(void **state)
{
	(void)state;
	assert_true(did_it(behind(no_wall, dumps)));
	assert_false(did_it(behind(sandbox_undumpable, dumps)));
}

static void only_the_kept_descriptors_stay(void **state)
{
	(void)state;
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		const int keep[] = { 20, 31 };
		for (int fd = 20; fd < 40; fd++)
			(void)dup2(STDERR_FILENO, fd);
		if (failed(sandbox_close_from(3, keep, COUNT_OF(keep))))
			_exit(2);
		for (int fd = 3; fd < 60; fd++)
			if ((fcntl(fd, F_GETFD) >= 0) != (fd == 20 || fd == 31))
				_exit(3);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A spawned program waits at its gate with its identity taken: /proc says whose it is. */
static void spawn_takes_the_identity(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	char path[64], text[2048] = { 0 };
	int gate[2] = { -1, -1 }, status = 0, program = -1;
	size_t n = 0;
	pid_t pid = 0;
	assert_int_equal(pipe(gate), 0);
	assert_false(failed(spawn_open("/usr/bin/true", &program)));
	struct spawn s = { .program = program, .name = "true", .uid = 59990, .gate = gate[0] };
	assert_false(failed(spawn_role(&s, &pid)));
	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	for (int i = 0; i < 500 && !strstr(text, "NoNewPrivs:\t1"); i++) {
		(void)usleep(10000);
		assert_false(failed(file_read(AT_FDCWD, path, text, sizeof(text) - 1, &n)));
	}
	assert_non_null(strstr(text, "Uid:\t59990\t59990\t59990\t59990"));
	assert_non_null(strstr(text, "Gid:\t59990\t59990\t59990\t59990"));
	assert_non_null(strstr(text, "CapEff:\t0000000000000000"));
	assert_non_null(strstr(text, "CapBnd:\t0000000000000000"));
	assert_int_equal(write(gate[1], "x", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fd_close(&gate[0]);
	fd_close(&gate[1]);
	fd_close(&program);
}

static void spawn_refuses_what_others_may_write(void **state)
{
	(void)state;
	char path[] = "/tmp/chancery-spawn-XXXXXX";
	int program = -1, fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0777), 0);
	assert_int_equal(ch_code_of(spawn_open(path, &program)), CH_E_DENIED);
	assert_int_equal(fchmod(fd, 0755), 0);
	assert_false(failed(spawn_open(path, &program)));
	fd_close(&program);
	fd_close(&fd);
	(void)unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_walls_all_work),
		cmocka_unit_test(seccomp_kills),
		cmocka_unit_test(landlock_shuts_the_file_system),
		cmocka_unit_test(landlock_lets_through_what_it_names),
		cmocka_unit_test(undumpable_holds),
		cmocka_unit_test(only_the_kept_descriptors_stay),
		cmocka_unit_test(spawn_takes_the_identity),
		cmocka_unit_test(spawn_refuses_what_others_may_write),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
