/* Rows of an index file, out of entry bundles. */
#include <sys/mman.h>

#include "base/rw.h"
#include "logstore/index.h"
#include "logstore_internal.h"
#include "merkle/entry.h"

static ch_err rows_of_bundle(struct logstore *s, const struct tile_id *id, uint64_t from,
			     uint64_t to, struct logindex_row *rows)
{
	static uint8_t room[TILE_ROOM_MAX];
	NOT_ZEROED bytes entries[TILE_WIDTH];
	struct wr w = wr_of(room, sizeof(room));
	struct log_entry entry;
	TRY(tile_fetch(&s->tiles, id, &w));
	TRY(bundle_read(wr_bytes(&w), id->width, entries));
	for (uint64_t i = from; i < to; i++) {
		TRY(log_entry_read(entries[i % TILE_WIDTH], &entry));
		struct rd r = rd_of(BYTES_OF(entry.hash));
		*rows++ = (struct logindex_row){ rd_u64(&r), i };
	}
	return CH_DONE;
}

ch_err logindex_rows(struct logstore *s, uint64_t size, uint64_t from, uint64_t to,
		     struct logindex_row *rows)
{
	for (uint64_t i = from, end = 0; i < to; i = end) {
		struct tile_id id;
		end = (i / TILE_WIDTH + 1) * TILE_WIDTH;
		end = end < to ? end : to;
		if (!tile_of(size, 0, i / TILE_WIDTH, &id))
			return ch_fail(CH_E_RANGE, "the log has no such entries", size);
		id.entries = true;
		TRY(rows_of_bundle(s, &id, i, end, rows + (i - from)));
	}
	return CH_DONE;
}

ch_err logindex_make(struct logstore *s, uint64_t size, uint64_t from, uint64_t to)
{
	if (to <= from || to - from > LOGINDEX_ROWS_MAX)
		return ch_fail(CH_E_RANGE, "an index file has at least a row", to - from);
	size_t n = (size_t)(to - from) * sizeof(struct logindex_row);
	/* some megabytes, for some milliseconds */
	struct logindex_row *rows =
		mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (rows == MAP_FAILED)
		return ch_fail(CH_E_NOMEM, "no memory for an index file", n);
	ch_err e = logindex_rows(s, size, from, to, rows);
	if (!failed(e))
		e = logindex_write(s->dir_fd, from, rows, (size_t)(to - from));
	(void)munmap(rows, n);
	return e;
}
