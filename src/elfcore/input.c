/* Reading a core forward: from a stream or a file. What comes is passed on as it is; counted
 * here alone, so that every place in the core is known by its offset. */
#include <errno.h>
#include <unistd.h>

#include "base/ck.h"
#include "elfcore/core.h"

ch_err core_input_read(struct core_input *in, void *to, size_t n, size_t *ret_n)
{
	size_t got = 0;
	TRY(in->read(in, to, n, &got));
	in->done += got;
	*ret_n = got;
	return CH_DONE;
}

ch_err core_input_exactly(struct core_input *in, void *to, size_t n)
{
	size_t got = 0;
	TRY(core_input_read(in, to, n, &got));
	if (got < n)
		return ch_fail(CH_E_TRUNCATED, "the core ends early", in->done);
	return CH_DONE;
}

static ch_err fd_read(struct core_input *in, void *to, size_t n, size_t *ret_n)
{
	const struct core_input_fd *f = (const struct core_input_fd *)in;
	size_t at = 0;
	while (at < n) {
		uint8_t *p = (uint8_t *)to + at;
		ssize_t r = in->skip ? pread(f->fd, p, n - at, (off_t)(in->done + at))
				     : read(f->fd, p, n - at);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return ch_fail(CH_E_IO, "the core cannot be read", errno);
		if (r == 0)
			break;
		at += (size_t)r;
	}
	*ret_n = at;
	return CH_DONE;
}

static ch_err fd_skip(struct core_input *in, uint64_t n)
{
	uint64_t to = 0;
	if (!ck_add(in->done, n, &to) || to > INT64_MAX)
		return ch_fail(CH_E_RANGE, "a place behind all files", n);
	in->done = to;
	return CH_DONE;
}

void core_input_stream(struct core_input_fd *in, int fd)
{
	*in = (struct core_input_fd){ { fd_read, NULL, 0 }, fd };
}

void core_input_file(struct core_input_fd *in, int fd)
{
	*in = (struct core_input_fd){ { fd_read, fd_skip, 0 }, fd };
}
