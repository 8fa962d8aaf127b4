/* A process may have reserved terabytes and touched little. The kernel, writing its core, looks at each
 * page of that (4 s a terabyte and more), and learns that its reader has gone only when it has a page
 * to write: so whoever reserves enough waits for minutes after its dump was stored. SIGKILL would
 * end the walk, but the parent would see that signal, not the one that the process died of. So some
 * pages are made to exist. That changes no byte of anybody's memory: of a mapping that can be
 * written to, a page is brought in by a write that has nothing to write; of another, where nobody else can
 * write, an absent page gets the zero that it reads as. It begins when the kernel has decided what is in
 * the core, or what was left out for being empty would be in it. */
#include "stones.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

enum { PAGE = 4096, HEADERS_MS = 10000, LAY_MS = 1000 };
/* Each as far as all before it together: wherever the walk is by now, it is over soon. */
#define FIRST_STONE (UINT64_C(4) << 30)
#define MAPPING_MIN (UINT64_C(8) << 30)
#define PAGEMAP_THERE (UINT64_C(3) << 62) /* present or swapped */

void stones_choose(void *stones, const struct mapping *m)
{
	struct stones *s = stones;
	uint64_t size = m->to - m->from;
	if (m->shared || m->inode || size < MAPPING_MIN)
		return;
	for (uint64_t at = FIRST_STONE; at < size && s->n < STONES_MAX; at *= 2)
		s->all[s->n++] = (struct stone){ m->from + at, m->writable };
}

/* Has the page brought in to be written to, and writes nothing, since nothing can be read from
 * where it says that the byte is. */
static void bring_in(const struct crash *c, void *unreadable, uint64_t at)
{
	const struct iovec ours = { unreadable, 1 };
	struct iovec theirs = { NULL, 1 };
	mem_copy(&theirs.iov_base, &at, sizeof(at));
	(void)process_vm_writev(c->pid, &ours, 1, &theirs, 1, 0);
}

static void write_zero(int mem, int pagemap, uint64_t at)
{
	uint64_t entry = PAGEMAP_THERE;
	if (pread(pagemap, &entry, sizeof(entry), (off_t)(at / PAGE * sizeof(entry))) !=
	    (ssize_t)sizeof(entry))
		return;
	/* not on hardened kernels, which do not let even root: there it takes longer */
	if (!(entry & PAGEMAP_THERE) && pwrite(mem, "", 1, (off_t)at) != 1)
		return;
}

/* In a process that may be killed: a program may have said that it fills its pages itself
 * (userfaultfd), and then do nothing. */
_Noreturn static void lay(const struct crash *c, const struct stones *s)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	void *unreadable = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int mem = openat(c->proc, "mem", O_WRONLY | O_CLOEXEC);
	int pagemap = openat(c->proc, "pagemap", O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < s->n && unreadable != MAP_FAILED; i++) {
		if (s->all[i].writable)
			bring_in(c, unreadable, s->all[i].at);
		else
			write_zero(mem, pagemap, s->all[i].at);
	}
	_exit(0);
}

static void wait_or_end(pid_t pid)
{
	AUTO(fd_close) int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { fd, POLLIN, 0 };
	if (fd < 0 || poll(&p, 1, LAY_MS) <= 0)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

ch_err stones_lay(const struct crash *c)
{
	struct stones s = { .n = 0 };
	struct pollfd p = { c->core, POLLIN, 0 };
	if (c->proc < 0)
		return CH_DONE;
	TRY(maps_walk(c->proc, stones_choose, &s));
	if (s.n == 0)
		return CH_DONE;
	if (poll(&p, 1, HEADERS_MS) <= 0)
		return ch_fail(CH_E_BUSY, "the kernel sends no headers", HEADERS_MS);
	pid_t pid = fork();
	if (pid < 0)
		return ch_fail(CH_E_IO, "cannot fork", errno);
	if (pid == 0)
		lay(c, &s);
	wait_or_end(pid);
	return CH_DONE;
}
