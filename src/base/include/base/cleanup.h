/* Ownership that the compiler keeps: a local that cleans itself up, and a visible
 * hand-over. `AUTO(fd_close) int fd = -1;` … `*ret_fd = TAKE_FD(fd);` */
#pragma once

#define AUTO(done_fn) __attribute__((cleanup(done_fn)))

#define TAKE(ptr)                           \
	({                                  \
		__typeof__(ptr) t_ = (ptr); \
		(ptr) = NULL;               \
		t_;                         \
	})

#define TAKE_FD(fd)            \
	({                     \
		int t_ = (fd); \
		(fd) = -1;     \
		t_;            \
	})

/* gcc's analyzer then sees leaks and double frees in callers; clang 14 has no such form. */
#if defined(__clang__)
#define FREED_BY(free_fn)
#else
#define FREED_BY(free_fn) __attribute__((malloc(free_fn, 1)))
#endif
