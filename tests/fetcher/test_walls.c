/* The walls of a fetcher's worker: what it needs works behind them, what it does not need
 * fails or ends the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "fetcher_internal.h"
#include "walls.h"

static char folder[] = "/tmp/chancery-fetcher-XXXXXX";
static char ca[64];
static struct fetcher_config config;
static struct sockaddr_in listening = { .sin_family = AF_INET };
static int listener = -1;

static int prepare(void **state)
{
	(void)state;
	socklen_t n = sizeof(listening);
	assert_non_null(mkdtemp(folder));
	snprintf(ca, sizeof(ca), "%s/ca.pem", folder);
	assert_false(failed(file_replace(AT_FDCWD, ca, bytes_of_str(LIT("x")), 0644)));
	config = (struct fetcher_config){ .ca_file = str_from_c(ca) };
	listening.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(listener, (struct sockaddr *)&listening, n) || listen(listener, 4) ||
	       getsockname(listener, (struct sockaddr *)&listening, &n);
}

static int clean_up(void **state)
{
	(void)state;
	(void)close(listener);
	(void)unlink(ca);
	(void)rmdir(folder);
	return 0;
}

static ch_err walls(const int *keep_fds, size_t n)
{
	return confine(&config, keep_fds, n);
}

static int read_certificates(void)
{
	return open_code(ca, O_RDONLY);
}

static int read_hosts(void)
{
	return open_code("/etc/hosts", O_RDONLY);
}

static int connect_out(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return connect(fd, (struct sockaddr *)&listening, sizeof(listening)) == 0 ? 0 : errno;
}

static int write_certificates(void)
{
	return open_code(ca, O_WRONLY);
}

static int make_file(void)
{
	char path[80];
	snprintf(path, sizeof(path), "%s/new", folder);
	return open_code(path, O_WRONLY | O_CREAT);
}

static int read_folder(void)
{
	return open_code("/etc", O_RDONLY | O_DIRECTORY);
}

static int listen_anywhere(void)
{
	return listen(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 1);
}

static void what_it_needs_works(void **state)
{
	(void)state;
	act_fn *const acts[] = { read_certificates, read_hosts, connect_out };
	all_exit(walls, acts, COUNT_OF(acts), 0);
}

static void files_elsewhere_are_shut(void **state)
{
	(void)state;
	act_fn *const acts[] = { write_certificates, make_file, read_users, read_itself,
				 read_folder };
	all_exit(walls, acts, COUNT_OF(acts), EACCES);
}

static void all_else_kills(void **state)
{
	(void)state;
	act_fn *const acts[] = { take_a_port,   listen_anywhere, talk_to_the_host, ask_the_kernel,
				 start_process, start_program,   trace_somebody,   signal_somebody,
				 be_dumpable,   run_new_code };
	all_are_killed(walls, acts, COUNT_OF(acts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_needs_works),
		cmocka_unit_test(files_elsewhere_are_shut),
		cmocka_unit_test(all_else_kills),
	};
	return cmocka_run_group_tests(tests, prepare, clean_up);
}
