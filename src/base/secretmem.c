/* Regions for secrets between guard pages. The descriptor of a memfd_secret is
 * closed as soon as it is mapped: an open one could be taken by pidfd_getfd. */
#include "base/secretmem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t whole_pages(size_t n)
{
	return (n + page() - 1) & ~(page() - 1);
}

static int open_secret(void)
{
	return (int)syscall(SYS_memfd_secret, O_CLOEXEC);
}

bool secretmem_available(void)
{
	AUTO(fd_close) int fd = open_secret();
	return fd >= 0;
}

static ch_err make_fd(enum secretmem_kind kind, size_t n, int *ret_fd)
{
	AUTO(fd_close) int fd = -1;
	fd = kind == SECRETMEM_MEMFD ? open_secret() : memfd_create("secret", MFD_CLOEXEC);
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return ch_fail(CH_E_UNSUPPORTED,
			       "this kernel gives no memfd_secret (boot with secretmem.enable=1)",
			       errno);
	if (fd < 0 || ftruncate(fd, (off_t)n) != 0)
		return ch_fail(CH_E_IO, "cannot make secret memory", errno);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

/* Reserves guard + n + guard and puts the pages of fd (or anonymous ones) between. */
static ch_err map_guarded(int fd, size_t n, uint8_t **ret_p)
{
	uint8_t *whole = mmap(NULL, n + 2 * page(), PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (whole == MAP_FAILED)
		return ch_fail(CH_E_IO, "cannot reserve secret memory", errno);
	int flags = MAP_FIXED | (fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS);
	uint8_t *p = mmap(whole + page(), n, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (p == MAP_FAILED) {
		ch_err e = ch_fail(CH_E_IO, "cannot map secret memory (is RLIMIT_MEMLOCK too low?)",
				   errno);
		(void)munmap(whole, n + 2 * page());
		return e;
	}
	*ret_p = p;
	return CH_DONE;
}

static void unmap_guarded(uint8_t *p, size_t n)
{
	(void)munmap(p - page(), n + 2 * page());
}

/* What memfd_secret does by itself must be asked for elsewhere. */
static ch_err keep_in(uint8_t *p, size_t n)
{
	if (mlock(p, n) != 0)
		return ch_fail(CH_E_IO, "cannot lock secret memory (is RLIMIT_MEMLOCK too low?)",
			       errno);
	if (madvise(p, n, MADV_DONTDUMP) != 0)
		return ch_fail(CH_E_IO, "cannot keep secret memory out of dumps", errno);
	return CH_DONE;
}

static ch_err map_kind(int fd, enum secretmem_kind kind, size_t n, struct secretmem *ret_m)
{
	uint8_t *p = NULL;
	TRY(map_guarded(fd, n, &p));
	ch_err e = kind == SECRETMEM_MLOCK ? keep_in(p, n) : CH_DONE;
	if (!failed(e) && madvise(p, n, MADV_DONTFORK) != 0)
		e = ch_fail(CH_E_IO, "cannot keep secret memory from children", errno);
	if (failed(e)) {
		unmap_guarded(p, n);
		return e;
	}
	*ret_m = (struct secretmem){ p, n, kind };
	return CH_DONE;
}

ch_err secretmem_map(enum secretmem_kind kind, size_t n, struct secretmem *ret_m)
{
	AUTO(fd_close) int fd = -1;
	if (kind == SECRETMEM_MEMFD)
		TRY(make_fd(kind, whole_pages(n), &fd));
	return map_kind(fd, kind, whole_pages(n), ret_m);
}

void secretmem_done(struct secretmem *m)
{
	if (!m->p)
		return;
	mem_wipe(m->p, m->n);
	unmap_guarded(m->p, m->n);
	*m = (struct secretmem){ 0 };
}

ch_err secretmem_share(enum secretmem_kind kind, bytes b, int *ret_fd)
{
	AUTO(fd_close) int fd = -1;
	size_t n = whole_pages(b.n);
	TRY(make_fd(kind, n, &fd));
	uint8_t *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return ch_fail(CH_E_IO, "cannot map secret memory to hand over", errno);
	mem_copy(p, b.p, b.n);
	(void)munmap(p, n);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

ch_err secretmem_receive(int fd, enum secretmem_kind kind, size_t n, struct secretmem *ret_m)
{
	struct stat st = { 0 };
	/* a shorter one would be a SIGBUS at the first touch */
	if (fstat(fd, &st) != 0 || st.st_size < 0 || (uint64_t)st.st_size != whole_pages(n))
		return ch_fail(CH_E_MISMATCH, "secret memory of another size was handed over", n);
	return map_kind(fd, kind, whole_pages(n), ret_m);
}
