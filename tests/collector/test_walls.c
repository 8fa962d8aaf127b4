/* The walls of the collector: what it needs works behind them, what it does not need fails or ends the
 * process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "collector_internal.h"
#include "walls.h"

static char folder[] = "/tmp/chancery-collector-XXXXXX";
static char sightings[64], alarms[64], the_log[64], jwks[96], other[64];
static struct sockaddr_un listening = { .sun_family = AF_UNIX };
static int listener = -1;
static struct collector_config config;

static int make(const char *name, char *path, size_t cap)
{
	snprintf(path, cap, "%s/%s", folder, name);
	return mkdir(path, 0700);
}

static int prepare(void **state)
{
	char keys[72];
	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(make("sightings", sightings, sizeof(sightings)), 0);
	assert_int_equal(make("alarms", alarms, sizeof(alarms)), 0);
	assert_int_equal(make("log", the_log, sizeof(the_log)), 0);
	assert_int_equal(make("other", other, sizeof(other)), 0);
	assert_int_equal(make("jwks", keys, sizeof(keys)), 0);
	snprintf(jwks, sizeof(jwks), "%s/home.json", keys);
	assert_false(failed(file_replace(AT_FDCWD, jwks, bytes_of_str(LIT("{}")), 0644)));
	snprintf(listening.sun_path, sizeof(listening.sun_path), "%s/socket", folder);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	config = (struct collector_config){ .sightings = str_from_c(sightings),
					    .alarms = str_from_c(alarms),
					    .log = str_from_c(the_log),
					    .n_issuers = 1 };
	config.issuers[0].jwks = str_from_c(jwks);
	return bind(listener, (struct sockaddr *)&listening, sizeof(listening)) ||
	       listen(listener, 8);
}

static int clean_up(void **state)
{
	(void)state;
	(void)close(listener);
	AUTO(fd_close) int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return failed(dir_remove(fd, folder + 5));
}

static ch_err walls(const int *keep_fds, size_t n)
{
	(void)keep_fds;
	(void)n;
	return confine(&config);
}

static int read_keys(void)
{
	return open_code(jwks, O_RDONLY);
}

static int read_log(void)
{
	return open_code(the_log, O_RDONLY | O_DIRECTORY);
}

static int write_in(const char *where)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/new", where);
	return open_code(path, O_WRONLY | O_CREAT);
}

static int keep_evidence(void)
{
	char path[96], place[96];
	snprintf(path, sizeof(path), "%s/.new", alarms);
	snprintf(place, sizeof(place), "%s/%d", alarms, (int)getpid());
	return mkdirat(AT_FDCWD, path, 0700) || renameat(AT_FDCWD, path, AT_FDCWD, place) ? errno
											  : 0;
}

static int keep_sightings(void)
{
	return write_in(sightings);
}

static int ask_the_ledger(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	return connect(fd, (struct sockaddr *)&listening, sizeof(listening)) == 0 ? 0 : errno;
}

static int write_log(void)
{
	return write_in(the_log);
}

static int write_keys(void)
{
	return open_code(jwks, O_WRONLY);
}

static int write_elsewhere(void)
{
	return write_in(other);
}

static int read_elsewhere(void)
{
	return open_code(other, O_RDONLY | O_DIRECTORY);
}

static int go_out(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void what_it_needs_works(void **state)
{
	(void)state;
	act_fn *const acts[] = { read_keys, read_log, keep_evidence, keep_sightings,
				 ask_the_ledger };
	all_exit(walls, acts, COUNT_OF(acts), 0);
}

static void files_elsewhere_are_shut(void **state)
{
	(void)state;
	act_fn *const acts[] = { write_log, write_keys, write_elsewhere, read_elsewhere,
				 read_users };
	all_exit(walls, acts, COUNT_OF(acts), EACCES);
}

static void all_else_kills(void **state)
{
	(void)state;
	act_fn *const acts[] = { go_out,         ask_the_kernel, start_process,   start_program,
				 trace_somebody, be_dumpable,    signal_somebody, run_new_code };
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
