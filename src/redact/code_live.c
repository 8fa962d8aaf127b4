/* Code of a process that waits in its dump. It reads what the process may execute and not
 * write of files, and nothing else, whatever address it is asked for. */
#include <errno.h>
#include <sys/types.h>
#include <unistd.h>

#include "redact/code.h"

static ch_err live_read(struct core_memory *m, uint64_t addr, void *to, size_t n, size_t *ret_n)
{
	struct code_live *c = (struct code_live *)m;
	const struct core_load *l = core_map_at(&c->head->map, addr);
	*ret_n = 0;
	if (!l || !core_is_code(c->head, addr) || (l->flags & CORE_WRITE) || addr > INT64_MAX)
		return CH_DONE;
	uint64_t left = l->addr + l->mem_size - addr;
	ssize_t got = pread(c->mem_fd, to, n < left ? n : (size_t)left, (off_t)addr);
	/* EIO: not there; 0: the process is gone */
	if (got < 0 && errno != EIO)
		return ch_fail(CH_E_IO, "cannot read the code of the process", errno);
	*ret_n = got > 0 ? (size_t)got : 0;
	return CH_DONE;
}

static ch_err live_next(struct core_memory *m, uint64_t addr, uint64_t end, uint64_t *ret_from,
			uint64_t *ret_to)
{
	(void)m;
	*ret_from = addr;
	*ret_to = end;
	return CH_DONE;
}

void code_live_init(struct code_live *c, const struct core_head *head, int mem_fd)
{
	*c = (struct code_live){ { live_read, live_next }, head, mem_fd };
}
