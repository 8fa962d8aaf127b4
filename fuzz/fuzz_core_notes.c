/* Notes of a core whose memory is known: they pass without changing length, twice alike,
 * and what the head says of files and threads is in order. The first byte chooses whether
 * they go to a sink or into the head. */
#include <assert.h>
#include <stdlib.h>

#include "make.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t page[64];
static const struct make_load loads[] = {
	{ 0x400000, 8192, 5, { 0 } },
	{ 0x600000, 8192, 6, { page, sizeof(page) } },
	{ 0x7f0000000000, 4096, 6, { page, sizeof(page) } },
};

static void check(const struct core_head *h)
{
	uint64_t next = 0;
	assert(h->n_files <= CORE_FILES_MAX && h->n_threads <= CORE_THREADS_MAX);
	assert(h->n_notes <= CORE_NOTES_KEPT && h->signal >= 0);
	for (size_t i = 0; i < h->n_files; i++) {
		const struct core_file *f = &h->files[i];
		assert(f->from >= next && f->from < f->to && f->path.p);
		assert(core_file_at(h, f->from) == f && core_file_at(h, f->to - 1) == f);
		next = f->to;
	}
	(void)core_is_code(h, 0x400000);
}

static bool pass(bytes notes, bool keep, struct core_head *h, struct make_sink *s)
{
	struct make_input in;
	struct made core = make_core(notes, loads, COUNT_OF(loads), 0);
	make_input(&in, made_bytes(&core));
	make_sink(s);
	assert(!failed(core_segments_read(&in.input, h)));
	bool done = !failed(core_notes_read(&in.input, h, keep ? NULL : &s->sink));
	assert(done);
	check(h);
	made_done(&core);
	return done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct core_head first;
	struct core_head second;
	struct make_sink s;
	struct make_sink t;
	if (size < 2)
		return 0;
	bool keep = data[0] & 1;
	(void)pass((bytes){ data + 1, size - 1 }, keep, &first, &s);
	assert(keep ? s.to.n == 0 : s.to.n == size - 1);
	bytes masked = keep ? (bytes){ first.notes, first.n_notes } : made_bytes(&s.to);
	if (masked.n) {
		(void)pass(masked, keep, &second, &t);
		bytes twice = keep ? (bytes){ second.notes, second.n_notes } : made_bytes(&t.to);
		assert(bytes_eq(masked, twice));
		made_done(&t.to);
		core_head_done(&second);
	}
	made_done(&s.to);
	core_head_done(&first);
	return 0;
}
