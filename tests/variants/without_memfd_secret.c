/* without-memfd-secret PROGRAM ARGUMENT...: runs it under a filter that answers
 * memfd_secret as a kernel does that has none. */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <unistd.h>

enum { MEMFD_SECRET = 447 };

int main(int argc, char **argv)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	if (argc < 2 || !f || seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), MEMFD_SECRET, 0) != 0 ||
	    seccomp_load(f) != 0) {
		(void)fprintf(stderr, "usage: without-memfd-secret PROGRAM ARGUMENT...\n");
		return 2;
	}
	seccomp_release(f);
	(void)execv(argv[1], argv + 1);
	return 127;
}
