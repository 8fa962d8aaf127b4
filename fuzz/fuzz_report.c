/* What a gate sends: a batch of sightings, the answer to it, an alarm. What is taken is written
 * again, and must be the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t room[1 << 17];

static void same(bytes b, const struct wr *w)
{
	if (w->full || !bytes_eq(b, wr_bytes(w)))
		abort();
}

static void try_batch(bytes b)
{
	struct rd r;
	struct report_batch batch;
	struct report_record record;
	struct wr w = wr_of(room, sizeof(room));
	if (failed(report_open(b, &r, &batch)))
		return;
	report_begin(&w, &batch);
	for (size_t i = 0; i < batch.count; i++) {
		if (failed(report_next(&r, &record)))
			return;
		if (!report_add(&w, &record))
			abort();
	}
	report_end(&w, batch.count);
	if (!failed(report_close(&r)))
		same(b, &w);
}

static void try_place(bytes b)
{
	struct report_place p;
	struct wr w = wr_of(room, sizeof(room));
	if (failed(report_place_read(b, &p)))
		return;
	report_place_write(&w, &p);
	same(b, &w);
}

static void try_alarm(bytes b)
{
	struct report_alarm a;
	struct wr w = wr_of(room, sizeof(room));
	if (failed(report_alarm_read(b, &a)))
		return;
	report_alarm_write(&w, &a);
	same(b, &w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	bytes b = { data + 1, size - 1 };
	if (data[0] % 3 == 0)
		try_batch(b);
	else if (data[0] % 3 == 1)
		try_place(b);
	else
		try_alarm(b);
	return 0;
}
