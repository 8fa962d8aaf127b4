/* A signal that is read from a descriptor, and only if it was asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/signals.h"

static void is_read(void **state)
{
	const int which[] = { SIGUSR1, SIGUSR2 };
	struct signalfd_siginfo info;
	AUTO(fd_close) int fd = -1;
	(void)state;
	assert_false(failed(signals_open(which, COUNT_OF(which), &fd)));
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(read(fd, &info, sizeof(info)), -1);
	assert_int_equal(errno, EAGAIN);
	for (size_t i = 0; i < COUNT_OF(which); i++) {
		assert_int_equal(raise(which[i]), 0); /* unblocked it would end the test */
		assert_int_equal(read(fd, &info, sizeof(info)), sizeof(info));
		assert_int_equal(info.ssi_signo, which[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
