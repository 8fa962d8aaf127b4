/* The gate's walls: what it needs works behind them, what it does not need fails or
 * ends the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "gate_internal.h"

static char folder[] = "/tmp/chancery-walls-XXXXXX";
static char file[64];
static struct gate_config config;

static int make_folder(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/home.json", folder);
	assert_false(
		failed(file_replace(AT_FDCWD, file, bytes_of_str(LIT("{\"keys\":[]}")), 0644)));
	assert_false(failed(crypto_init(NULL)));
	config.n_issuers = 1;
	config.issuers[0] = (struct gate_issuer){ .issuer = LIT("https://a.test/home"),
						  .realm = LIT("home"),
						  .jwks = str_from_c(file),
						  .n_audiences = 1,
						  .audiences = { LIT("mail") },
						  .max_ttl_s = 3600 };
	return 0;
}

static int drop_folder(void **state)
{
	(void)state;
	(void)unlink(file);
	(void)rmdir(folder);
	return 0;
}

/* How a child behind the walls ends that does `act`: its wait status. */
static int behind_walls(int (*act)(void))
{
	int status = 0;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const int keep[] = { STDERR_FILENO };
		_exit(failed(confine(&config, keep, COUNT_OF(keep))) ? 99 : act());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* 0 or the error number of the call */
static int open_code(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);
	return fd >= 0 ? 0 : errno;
}

static int read_keys(void)
{
	return open_code(file, O_RDONLY);
}

static int read_keys_again(void)
{
	struct keys *k = calloc(1, sizeof(*k));
	if (!k)
		return 98;
	if (failed(keys_open(k, &config, -1)))
		return 96;
	return k->policy ? 0 : 97;
}

static int write_keys(void)
{
	return open_code(file, O_WRONLY);
}

static int read_elsewhere(void)
{
	return open_code("/etc/passwd", O_RDONLY);
}

static int read_beside(void)
{
	return open_code("/tmp", O_RDONLY | O_DIRECTORY);
}

static int make_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static int start_process(void)
{
	return fork() < 0;
}

static int start_program(void)
{
	char name[] = "true";
	char *argv[] = { name, NULL };
	return execve("/bin/true", argv, argv + 1);
}

static int be_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static int signal_somebody(void)
{
	return kill(getppid(), 0);
}

static void what_it_needs_works(void **state)
{
	(void)state;
	assert_int_equal(behind_walls(read_keys), 0);
	assert_int_equal(behind_walls(read_keys_again), 0);
}

static void files_elsewhere_are_shut(void **state)
{
	(void)state;
	int (*const acts[])(void) = { write_keys, read_elsewhere, read_beside };
	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		int status = behind_walls(acts[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), EACCES);
	}
}

static void all_else_kills(void **state)
{
	(void)state;
	int (*const acts[])(void) = { make_socket, start_process, start_program, be_dumpable,
				      signal_somebody };
	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		int status = behind_walls(acts[i]);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("act %zu ended with %d", i, status);
	}
}

static void a_folder_that_is_not_there(void **state)
{
	(void)state;
	config.issuers[0].jwks = LIT("/tmp/there/is/no/such/folder/home.json");
	assert_int_equal(WEXITSTATUS(behind_walls(read_keys)), 99);
	config.issuers[0].jwks = str_from_c(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_needs_works),
		cmocka_unit_test(files_elsewhere_are_shut),
		cmocka_unit_test(all_else_kills),
		cmocka_unit_test(a_folder_that_is_not_there),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
