/* Memory for tables that may hold parts of secrets. Pages that nothing is written to cost
 * nothing, so each table may have the size of the worst case. */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "room.h"

ch_err room_new(size_t size, void **ret_p)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return ch_fail(CH_E_NOMEM, "no memory for a table", errno);
	if (madvise(p, size, MADV_DONTDUMP)) {
		int e = errno;
		munmap(p, size);
		return ch_fail(CH_E_IO, "cannot keep a table out of dumps", e);
	}
	*ret_p = p;
	return CH_DONE;
}

void room_done(void *p, size_t size)
{
	if (p)
		munmap(p, size);
}
