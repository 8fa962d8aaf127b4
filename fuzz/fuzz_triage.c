/* A core that lies, kept at triage: it is written whole, reads as a core again, and a word
 * that is neither an address of it nor text of names does not come through. */
#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "redact/triage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 4 * 1024 * 1024 };

struct sink {
	struct core_sink sink;
	uint8_t *p;
	uint64_t n; /* goes on when p is full */
};

static ch_err put(struct core_sink *sink, bytes b)
{
	struct sink *s = (struct sink *)sink;
	if (s->n + b.n <= OUT_MAX)
		mem_copy(s->p + s->n, b.p, b.n);
	s->n += b.n;
	return CH_DONE;
}

static ch_err fill(struct core_sink *sink, uint8_t with, uint64_t n)
{
	struct sink *s = (struct sink *)sink;
	for (uint64_t i = 0; i < n && s->n + i < OUT_MAX; i++)
		s->p[s->n + i] = with;
	s->n += n;
	return CH_DONE;
}

struct from {
	struct core_input input;
	const uint8_t *p;
	size_t n;
};

static ch_err take(struct core_input *in, void *to, size_t n, size_t *ret_n)
{
	struct from *f = (struct from *)in;
	size_t left = in->done < f->n ? f->n - (size_t)in->done : 0;
	*ret_n = n < left ? n : left;
	mem_copy(to, left ? f->p + in->done : NULL, *ret_n);
	return CH_DONE;
}

/* One without segments is none. */
static void reads_again(const struct sink *s, const struct core_head *from)
{
	struct from in = { { take, NULL, 0 }, s->p, (size_t)s->n };
	struct core_head head = { 0 };
	if (s->n > OUT_MAX || (from->map.n == 0 && from->n_notes == 0))
		return;
	assert(!failed(core_segments_read(&in.input, &head)));
	assert(!failed(core_notes_read(&in.input, &head, NULL)));
	assert(head.map.size <= s->n && head.map.left_out == 0);
	core_head_done(&head);
}

static void triage(const struct core_head *head, int fd)
{
	struct memory_file memory;
	struct triage_result result = { 0 };
	struct sink s = { { put, fill }, malloc(OUT_MAX), 0 };
	if (!s.p)
		abort();
	if (!failed(memory_file_init(&memory, &head->map, fd)) &&
	    !failed(triage_write(head, &memory.memory, NULL, &s.sink, &result))) {
		assert(s.n == result.size_bytes);
		reads_again(&s, head);
	}
	free(s.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct from in = { { take, NULL, 0 }, data, size };
	struct core_head head = { 0 };
	int fd = memfd_create("core", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (!failed(core_segments_read(&in.input, &head))) {
		(void)core_notes_read(&in.input, &head, NULL);
		triage(&head, fd);
		core_head_done(&head);
	}
	close(fd);
	return 0;
}
