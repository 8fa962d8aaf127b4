/* The reader of records: whatever comes out of a pipe, it stays within its storage and what
 * it gives can be sent again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "dumpstore/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t in_room[RECORD_HEADER_SIZE + RECORD_MAX];
static uint8_t out_room[RECORD_HEADER_SIZE + RECORD_MAX];

static ch_err again(struct record_writer *w, const struct record *r)
{
	static ch_err (*const puts[])(struct record_writer *, bytes) = { record_put,
									 record_report };
	if (r->type == RECORD_DATA || r->type == RECORD_REPORT)
		return puts[r->type == RECORD_REPORT](w, r->data);
	if (r->type == RECORD_FILL)
		return record_fill(w, r->with, r->n);
	if (r->type == RECORD_PROGRESS)
		return record_progress(w, r->done, r->total);
	return record_end(w, r->whole, r->secrets);
}

/* But a core longer than there are numbers is refused. */
static bool again_failed(struct record_writer *w, const struct record *r)
{
	ch_err e = again(w, r);
	return failed(e) && ch_code_of(e) != CH_E_RANGE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(fd_close) int in = memfd_create("in", MFD_CLOEXEC);
	AUTO(fd_close) int out = memfd_create("out", MFD_CLOEXEC);
	struct record_writer w;
	struct record r = { 0 };
	if (failed(fd_write_all(in, (bytes){ data, size })) || lseek(in, 0, SEEK_SET) != 0)
		return 0;
	record_writer_init(&w, out, out_room);
	while (!failed(record_read(in, in_room, &r)) && r.type != RECORD_END)
		if (again_failed(&w, &r))
			abort();
	return 0;
}
