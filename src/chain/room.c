/* Room ahead of the last frame: zeros that are written, and synced, with a frame now and then, so
 * that the syncs of the frames after it have no new size and no new blocks to write beside what they
 * are for. To a reader room is nothing; but only if there is nothing behind it either. */
#include <errno.h>
#include <sys/uio.h>

#include "chain_internal.h"

enum { ZEROS = 64 * 1024, PARTS = 1 + CHAIN_AHEAD_MAX / ZEROS };

/* Never written to, so all its pages are the kernel's one page of zeros: not const, or it would be pages of
 * the program's file. */
static uint8_t zeros[ZEROS];

bool is_blank(bytes b)
{
	while (b.n > ZEROS) {
		if (!mem_eq(b.p, zeros, ZEROS))
			return false;
		b = (bytes){ b.p + ZEROS, b.n - ZEROS };
	}
	return mem_eq(b.p, zeros, b.n);
}

static struct iovec part_of(const uint8_t *p, size_t n)
{
	return (struct iovec){ (void *)(uintptr_t)p, n };
}

size_t room_write(int fd, bytes frame, uint64_t offset, size_t ahead)
{
	struct iovec parts[PARTS] = { part_of(frame.p, frame.n) };
	int n = 1;
	ssize_t wrote = -1;
	for (; ahead > 0 && n < PARTS; n++) {
		size_t some = ahead < ZEROS ? ahead : ZEROS;
		parts[n] = part_of(zeros, some);
		ahead -= some;
	}
	do
		wrote = pwritev(fd, parts, n, (off_t)offset);
	while (wrote < 0 && errno == EINTR);
	return wrote < 0 ? 0 : (size_t)wrote;
}

ch_err room_goes_on(struct chain_walk *w, bool *ret_blank)
{
	uint64_t from = w->offset;
	*ret_blank = true;
	do {
		TRY(walk_fill(w, from, w->cap));
		from += w->have;
		*ret_blank = is_blank((bytes){ w->room, w->have });
	} while (*ret_blank && w->have > 0);
	w->have = 0; /* somebody may be writing it */
	return CH_DONE;
}
