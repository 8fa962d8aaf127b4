/* The walls of the verbs of `chancery log`: what each needs works behind them, what it does not need
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
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "log_walls.h"
#include "walls.h"

static char folder[] = "/tmp/chancery-log-walls-XXXXXX";
static char the_log[64], own[64], other[64], ca[64];
static struct sockaddr_in listening = { .sin_family = AF_INET };
static int listener = -1, own_fd = -1, log_fd = -1;

static int make(const char *name, char *path, size_t cap)
{
	snprintf(path, cap, "%s/%s", folder, name);
	return mkdir(path, 0700);
}

static int prepare(void **state)
{
	(void)state;
	socklen_t n = sizeof(listening);
	assert_non_null(mkdtemp(folder));
	assert_int_equal(make("log", the_log, sizeof(the_log)), 0);
	assert_int_equal(make("own", own, sizeof(own)), 0);
	assert_int_equal(make("other", other, sizeof(other)), 0);
	assert_int_equal(make("ca", ca, sizeof(ca)), 0);
	snprintf(ca, sizeof(ca), "%s/ca/ca.pem", folder);
	assert_false(failed(file_replace(AT_FDCWD, ca, bytes_of_str(LIT("x")), 0644)));
	own_fd = open(own, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	log_fd = open(the_log, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	listening.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(listener, (struct sockaddr *)&listening, n) || listen(listener, 4) ||
	       getsockname(listener, (struct sockaddr *)&listening, &n);
}

static int clean_up(void **state)
{
	(void)state;
	(void)close(listener);
	(void)close(own_fd);
	(void)close(log_fd);
	AUTO(fd_close) int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return failed(dir_remove(fd, folder + 5));
}

static ch_err up(struct log_walls w)
{
	return log_walls_up(&w);
}

/* `cosign`, `monitor` */
static ch_err asking(const int *keep_fds, size_t n)
{
	(void)keep_fds;
	(void)n;
	return up((struct log_walls){
		.logs = { log_fd }, .n_logs = 1, .asks = true, .ca_file = ca, .folder = own_fd });
}

/* `verify`, `prove` and `consistency` of a folder */
static ch_err reading(const int *keep_fds, size_t n)
{
	(void)keep_fds;
	(void)n;
	return up((struct log_walls){ .logs = { log_fd }, .n_logs = 1, .folder = -1 });
}

/* the same of a URL */
static ch_err fetching(const int *keep_fds, size_t n)
{
	static const struct log_place url = { .url = "https://login.test/log" };
	static struct log_source s = { .place = &url };
	struct log_walls w = { .folder = -1 };
	(void)keep_fds;
	(void)n;
	log_walls_add(&w, &s);
	return up(w);
}

/* `verify` of a whole file */
static ch_err alone(const int *keep_fds, size_t n)
{
	(void)keep_fds;
	(void)n;
	return up((struct log_walls){ .folder = -1 });
}

static int read_log(void)
{
	return open_code(the_log, O_RDONLY | O_DIRECTORY);
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

static int replace_in(const char *where)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/checkpoint", where);
	ch_err e = file_replace(AT_FDCWD, path, bytes_of_str(LIT("x")), 0644);
	return failed(e) ? (int)e.detail : 0;
}

static int publish(void)
{
	return failed(file_replace(own_fd, "checkpoint", bytes_of_str(LIT("x")), 0644));
}

static int write_log(void)
{
	return replace_in(the_log);
}

static int write_elsewhere(void)
{
	return replace_in(other);
}

static int publish_by_name(void)
{
	return replace_in(own);
}

static int read_elsewhere(void)
{
	return open_code(other, O_RDONLY | O_DIRECTORY);
}

static int tell_people(void)
{
	return printf("a line\n") != 7 || fflush(stdout) != 0;
}

static int make_a_link(void)
{
	return linkat(AT_FDCWD, ca, own_fd, "ca", 0);
}

static void what_they_need_works(void **state)
{
	(void)state;
	act_fn *const asks[] = { read_log,    read_certificates, read_hosts,
				 connect_out, publish,           tell_people };
	act_fn *const reads[] = { read_log, tell_people };
	act_fn *const fetches[] = { read_hosts, connect_out, tell_people };
	act_fn *const alones[] = { tell_people };
	all_exit(asking, asks, COUNT_OF(asks), 0);
	all_exit(reading, reads, COUNT_OF(reads), 0);
	all_exit(fetching, fetches, COUNT_OF(fetches), 0);
	all_exit(alone, alones, COUNT_OF(alones), 0);
}

static void files_elsewhere_are_shut(void **state)
{
	(void)state;
	act_fn *const asks[] = { write_log, write_elsewhere, read_elsewhere, read_users,
				 read_itself };
	act_fn *const reads[] = { write_log,  publish_by_name, read_certificates,
				  read_users, read_elsewhere,  read_hosts };
	act_fn *const fetches[] = { read_log, read_users, publish_by_name, read_certificates };
	act_fn *const alones[] = { read_log, read_certificates, read_users, read_hosts, write_log };
	all_exit(asking, asks, COUNT_OF(asks), EACCES);
	all_exit(reading, reads, COUNT_OF(reads), EACCES);
	all_exit(fetching, fetches, COUNT_OF(fetches), EACCES);
	all_exit(alone, alones, COUNT_OF(alones), EACCES);
}

static void all_else_kills(void **state)
{
	(void)state;
	walls_fn *const all[] = { asking, fetching, reading, alone };
	act_fn *const acts[] = { take_a_port,   talk_to_the_host, ask_the_kernel,  start_process,
				 start_program, trace_somebody,   signal_somebody, be_dumpable,
				 run_new_code,  make_a_link };
	for (size_t i = 0; i < COUNT_OF(all); i++)
		all_are_killed(all[i], acts, COUNT_OF(acts));
	act_fn *const offline[] = { connect_out };
	all_are_killed(reading, offline, COUNT_OF(offline));
	all_are_killed(alone, offline, COUNT_OF(offline));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_they_need_works),
		cmocka_unit_test(files_elsewhere_are_shut),
		cmocka_unit_test(all_else_kills),
	};
	return cmocka_run_group_tests(tests, prepare, clean_up);
}
