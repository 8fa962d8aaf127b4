/* Signals that are read from a descriptor. Once they are blocked no handler of theirs runs;
 * a program that starts others must give these their signals back. */
#include "base/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>

ch_err signals_open(const int *which, size_t n, int *ret_fd)
{
	sigset_t set;
	(void)sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		(void)sigaddset(&set, which[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return ch_fail(CH_E_IO, "cannot block signals", errno);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot wait for signals", errno);
	*ret_fd = fd;
	return CH_DONE;
}
