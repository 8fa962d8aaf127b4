/* What a process gives up about itself: dumps, ptrace, privileges to come, resources,
 * descriptors. Each is read back: a wall that is not there is an error. */
#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <linux/close_range.h>

#include "sandbox/sandbox.h"

static ch_err limit(int which, uint64_t most)
{
	struct rlimit want = { most, most };
	struct rlimit got = { 0 };
	if (setrlimit((__rlimit_resource_t)which, &want) != 0)
		return ch_fail(CH_E_IO, "cannot set a resource limit", errno);
	if (getrlimit((__rlimit_resource_t)which, &got) != 0 || got.rlim_max != most)
		return ch_fail(CH_E_MISMATCH, "a resource limit did not hold", got.rlim_max);
	return CH_DONE;
}

ch_err sandbox_undumpable(void)
{
	TRY(limit(RLIMIT_CORE, 0));
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return ch_fail(CH_E_IO, "cannot give up dumps", errno);
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return ch_fail(CH_E_MISMATCH, "the process can still be dumped", 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return ch_fail(CH_E_IO, "cannot give up new privileges", errno);
	return CH_DONE;
}

ch_err sandbox_limits(const struct sandbox_limits *l)
{
	if (l->files > 0)
		TRY(limit(RLIMIT_NOFILE, l->files));
	if (l->processes != UINT64_MAX)
		TRY(limit(RLIMIT_NPROC, l->processes));
	return CH_DONE;
}

static bool is_kept(int fd, const int *keep, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (keep[i] == fd)
			return true;
	return false;
}

ch_err sandbox_close_from(int first, const int *keep, size_t n)
{
	int last = first - 1;
	for (size_t i = 0; i < n; i++)
		if (keep[i] > last)
			last = keep[i];
	for (int fd = first; fd <= last; fd++)
		if (!is_kept(fd, keep, n))
			(void)close(fd);
	if (close_range((unsigned)(last + 1), ~0U, 0) != 0)
		return ch_fail(CH_E_IO, "cannot close inherited descriptors", errno);
	return CH_DONE;
}
