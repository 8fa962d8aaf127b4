/* The walls of a redactor: reading and writing its descriptors works behind them; opening,
 * connecting, starting anything ends it, whichever of its two threads tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "beside/beside.h"
#include "redactor_internal.h"
#include "walls.h"

static const struct redactor_config crash = { .duty = REDACT_CRASH };
static const struct redactor_config scan = { .duty = REDACT_SCAN };

static ch_err walls_of_crash(const int *keep_fds, size_t n)
{
	(void)keep_fds;
	(void)n;
	return confine(&crash, NULL);
}

static ch_err walls_of_scan(const int *keep_fds, size_t n)
{
	(void)keep_fds;
	(void)n;
	return confine(&scan, NULL);
}

static struct beside *beside;

static ch_err walls_of_two(const int *keep_fds, size_t n)
{
	(void)keep_fds;
	(void)n;
	TRY(confine(&crash, &beside));
	return beside ? CH_DONE : ch_fail(CH_E_INTERNAL, "there is no second thread", 0);
}

static int use_what_it_was_given(void)
{
	uint8_t b[16] = { 0 };
	uint8_t *p = malloc(1 << 20);
	/* none of them is open here: it fails, and that is all */
	bool well = pread(CORE_FD, b, sizeof(b), 0) < 0 && read(CORE_FD, b, sizeof(b)) < 0 &&
		    write(RECORDS_FD, b, sizeof(b)) < 0;
	p[4096] = b[0];
	free(p);
	return !well;
}

static int open_a_file(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static int make_a_file(void)
{
	return open("/tmp/chancery-redactor", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static int look_at_a_file(void)
{
	struct stat st;
	return stat("/etc/passwd", &st);
}

static int talk_to_the_world(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int read_another_process(void)
{
	uint8_t b = 0;
	struct iovec v = { &b, 1 };
	return (int)process_vm_readv(getppid(), &v, 1, &v, 1, 0);
}

static int type_into_a_terminal(void)
{
	char c = 'x';
	return ioctl(STDERR_FILENO, TIOCSTI, &c);
}

static void *nothing(void *of)
{
	return of;
}

static int start_thread(void)
{
	pthread_t thread;
	return pthread_create(&thread, NULL, nothing, NULL);
}

/* What the second thread is to do, and what came of it. */
struct errand {
	act_fn *act;
	int said;
};
static struct errand errand;

static ch_err run_errand(void *of, uint64_t job)
{
	struct errand *e = of;
	(void)job;
	e->said = e->act();
	return CH_DONE;
}

static int by_the_second_thread(void)
{
	beside_begin(beside, run_errand, &errand);
	beside_give(beside);
	if (failed(beside_wait(beside, 0)))
		return 1;
	beside_done(&beside);
	return errand.said;
}

static act_fn *const forbidden[] = {
	open_a_file,          make_a_file,     talk_to_the_world, talk_to_the_host,
	read_another_process, trace_somebody,  start_process,     start_program,
	be_dumpable,          signal_somebody, run_new_code,      type_into_a_terminal,
	look_at_a_file,       start_thread,
};

static void it_can_work(void **state)
{
	(void)state;
	act_fn *const acts[] = { use_what_it_was_given };
	all_exit(walls_of_crash, acts, COUNT_OF(acts), 0);
	all_exit(walls_of_scan, acts, COUNT_OF(acts), 0);
	all_exit(walls_of_two, acts, COUNT_OF(acts), 0);
}

static void all_else_kills(void **state)
{
	(void)state;
	all_are_killed(walls_of_crash, forbidden, COUNT_OF(forbidden));
	all_are_killed(walls_of_scan, forbidden, COUNT_OF(forbidden));
	all_are_killed(walls_of_two, forbidden, COUNT_OF(forbidden));
}

static void the_second_thread_is_inside_too(void **state)
{
	(void)state;
	act_fn *const acts[] = { by_the_second_thread };
	errand.act = use_what_it_was_given;
	all_exit(walls_of_two, acts, COUNT_OF(acts), 0);
	for (size_t i = 0; i < COUNT_OF(forbidden); i++) {
		errand.act = forbidden[i];
		all_are_killed(walls_of_two, acts, COUNT_OF(acts));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_can_work),
		cmocka_unit_test(all_else_kills),
		cmocka_unit_test(the_second_thread_is_inside_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
