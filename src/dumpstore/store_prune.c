/* How dumps leave the folder, and whether one more may come. The sidecar goes first: what
 * is left when this is interrupted counts no more, and goes the next time. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/ck.h"
#include "base/file.h"
#include "store_internal.h"

enum { DAY_S = 86400 };

static ch_err unlink_one(int dir, const struct dump_id *id, str ending)
{
	struct dump_name name = dump_name_of(id, ending);
	if (unlinkat(dir, name.p, 0) != 0 && errno != ENOENT)
		return ch_fail(CH_E_IO, "cannot remove a dump", errno);
	return CH_DONE;
}

ch_err dumpstore_remove(int dir, const struct dump_id *id)
{
	TRY(unlink_one(dir, id, LIT(SIDECAR_ENDING)));
	TRY(store_sync(dir));
	return unlink_one(dir, id, LIT(DUMP_ENDING));
}

/* Bytes on the disk that one takes; 0 when it is not there. */
static uint64_t bytes_of_file(int dir, const struct dump_id *id, str ending)
{
	struct dump_name name = dump_name_of(id, ending);
	struct stat st = { 0 };
	return fstatat(dir, name.p, &st, AT_SYMLINK_NOFOLLOW) == 0 ? (uint64_t)st.st_size : 0;
}

static uint64_t bytes_of(int dir, const struct dump_id *id)
{
	return bytes_of_file(dir, id, LIT(DUMP_ENDING)) +
	       bytes_of_file(dir, id, LIT(SIDECAR_ENDING));
}

/* The day of a crash, out of its id: sidecars are not parsed here. */
static int64_t time_of(const struct dump_id *id)
{
	static const struct {
		size_t at, n;
		int less;
	} fields[] = { { 0, 4, 1900 }, { 4, 2, 1 },  { 6, 2, 0 },
		       { 9, 2, 0 },    { 11, 2, 0 }, { 13, 2, 0 } };
	int v[COUNT_OF(fields)] = { 0 };
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		for (size_t k = 0; k < fields[i].n; k++)
			v[i] = 10 * v[i] + (id->p[fields[i].at + k] - '0');
		v[i] -= fields[i].less;
	}
	struct tm tm = { .tm_year = v[0],
			 .tm_mon = v[1],
			 .tm_mday = v[2],
			 .tm_hour = v[3],
			 .tm_min = v[4],
			 .tm_sec = v[5] };
	return (int64_t)timegm(&tm);
}

static void keep_first(ch_err *first, ch_err e)
{
	if (failed(e) && !failed(*first))
		*first = e;
}

/* Dumps that no sidecar makes count. */
static ch_err remove_leftovers(int dir)
{
	AUTO(dump_ids_done) struct dump_ids dumps = { 0 };
	ch_err first = CH_DONE;
	TRY(dump_ids_read(dir, LIT(DUMP_ENDING), &dumps));
	for (size_t i = 0; i < dumps.n; i++) {
		struct dump_name name = dump_name_of(&dumps.p[i], LIT(SIDECAR_ENDING));
		struct stat st = { 0 };
		if (fstatat(dir, name.p, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
			keep_first(&first, unlink_one(dir, &dumps.p[i], LIT(DUMP_ENDING)));
	}
	return first;
}

/* Sorted by time: the oldest go until what is left is young enough and small enough. */
static ch_err remove_oldest(int dir, const struct dumpstore_limits *l, int64_t now_s,
			    size_t *removed)
{
	AUTO(dump_ids_done) struct dump_ids ids = { 0 };
	int64_t oldest_s = l->keep_days ? now_s - (int64_t)l->keep_days * DAY_S : INT64_MIN;
	uint64_t total = 0;
	ch_err first = CH_DONE;
	TRY(dump_ids_read(dir, LIT(SIDECAR_ENDING), &ids));
	for (size_t i = 0; i < ids.n; i++)
		total += bytes_of(dir, &ids.p[i]);
	for (size_t i = 0; i < ids.n; i++) {
		bool over = l->total_bytes > 0 && total > l->total_bytes;
		if (!over && time_of(&ids.p[i]) >= oldest_s)
			break;
		uint64_t n = bytes_of(dir, &ids.p[i]);
		ch_err e = dumpstore_remove(dir, &ids.p[i]);
		keep_first(&first, e);
		if (failed(e))
			continue;
		total -= n < total ? n : total;
		*removed += 1;
	}
	return first;
}

ch_err dumpstore_prune(int dir, const struct dumpstore_limits *l, int64_t now_s,
		       size_t *ret_removed)
{
	AUTO(fd_close) int lock = -1;
	size_t removed = 0;
	TRY(store_lock(dir, LOCK_ALONE, &lock));
	ch_err first = remove_leftovers(dir);
	keep_first(&first, remove_oldest(dir, l, now_s, &removed));
	*ret_removed = removed;
	return first;
}

ch_err dumpstore_space(int dir, const struct dumpstore_limits *l, uint64_t *ret_bytes)
{
	struct statvfs v = { 0 };
	uint64_t free_bytes = 0;
	if (fstatvfs(dir, &v) != 0)
		return ch_fail(CH_E_IO, "cannot ask how much of the disk is free", errno);
	if (!ck_mul((uint64_t)v.f_bavail, (uint64_t)v.f_frsize, &free_bytes))
		free_bytes = UINT64_MAX;
	if (free_bytes <= l->free_bytes)
		return ch_fail(CH_E_FULL, "the disk of the dumps is as full as allowed",
			       free_bytes);
	uint64_t space = free_bytes - l->free_bytes;
	const uint64_t bounds[] = { l->file_bytes, l->total_bytes };
	for (size_t i = 0; i < COUNT_OF(bounds); i++)
		if (bounds[i] > 0 && bounds[i] < space)
			space = bounds[i];
	*ret_bytes = space;
	return CH_DONE;
}

ch_err dumpstore_room(int dir, const struct dumpstore_limits *l)
{
	uint64_t space = 0;
	return dumpstore_space(dir, l, &space);
}
