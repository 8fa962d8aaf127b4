/* Index files, held against the entries: the same pairs of hash and index, by a sum that does not
 * care for their order. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/rw.h"
#include "base/sort.h"
#include "check_internal.h"
#include "logstore/index.h"
#include "logstore_internal.h"

/* of 16 MiB segments: for years, at any rate that one machine has */
enum { FILES_MAX = 256 * 1024 };

static bool is_before(const void *a, const void *b)
{
	return *(const uint64_t *)a < *(const uint64_t *)b;
}

typedef ch_err of_name(void *ctx, uint64_t first);

static ch_err each_name(int dir_fd, of_name *fn, void *ctx)
{
	AUTO(dir_done) DIR *d = NULL;
	ch_err e = dir_open(dir_fd, LOGSTORE_INDEX, &d);
	if (failed(e))
		return e.detail == ENOENT ? CH_DONE : e;
	for (struct dirent *f = readdir(d); f; f = readdir(d)) {
		uint64_t first = 0;
		if (index_number(f->d_name, &first))
			TRY(fn(ctx, first));
	}
	return CH_DONE;
}

struct names {
	uint64_t *first;
	size_t cap, n;
};

static ch_err note_name(void *ctx, uint64_t first)
{
	struct names *names = ctx;
	if (names->n == names->cap)
		return ch_fail(CH_E_LIMIT, "too many index files", names->cap);
	names->first[names->n++] = first;
	return CH_DONE;
}

ch_err logindex_names(int dir_fd, uint64_t *ret_first, size_t cap, size_t *ret_n)
{
	struct names names = { ret_first, cap, 0 };
	TRY(each_name(dir_fd, note_name, &names));
	sort_in_place(ret_first, names.n, sizeof(*ret_first), is_before);
	*ret_n = names.n;
	return CH_DONE;
}

struct nearest {
	uint64_t index, first;
};

static ch_err is_nearer(void *ctx, uint64_t first)
{
	struct nearest *n = ctx;
	if (first <= n->index && first > n->first)
		n->first = first;
	return CH_DONE;
}

ch_err logindex_begin_of(int dir_fd, uint64_t index, uint64_t *ret_first)
{
	struct nearest n = { .index = index };
	TRY(each_name(dir_fd, is_nearer, &n));
	*ret_first = n.first;
	return CH_DONE;
}

struct erasing {
	int dir_fd;
	uint64_t from;
};

static ch_err erase_one(void *ctx, uint64_t first)
{
	const struct erasing *x = ctx;
	struct path path;
	index_file(&path, first);
	if (first >= x->from && unlinkat(x->dir_fd, path.p, 0) != 0 && errno != ENOENT)
		return ch_fail(CH_E_IO, "cannot remove an index file", errno);
	return CH_DONE;
}

ch_err logindex_erase_from(int dir_fd, uint64_t first)
{
	struct erasing x = { dir_fd, first };
	return each_name(dir_fd, erase_one, &x);
}

static uint64_t mixed(const struct logindex_row *row)
{
	uint64_t v = row->prefix * UINT64_C(0x9e3779b97f4a7c15) ^
		     row->index * UINT64_C(0xc2b2ae3d27d4eb4f);
	return v ^ v >> 29;
}

static ch_err sum_of_entries(struct looking *l, const struct logindex *x, uint64_t *ret_sum)
{
	struct logindex_row rows[TILE_WIDTH];
	uint64_t sum = 0;
	for (uint64_t i = x->first, end = 0; i < x->first + x->n; i = end) {
		end = (i / TILE_WIDTH + 1) * TILE_WIDTH;
		end = end < x->first + x->n ? end : x->first + x->n;
		TRY(logindex_rows(&l->store, l->report->size, i, end, rows));
		for (uint64_t k = 0; k < end - i; k++)
			sum += mixed(&rows[k]);
	}
	*ret_sum = sum;
	return CH_DONE;
}

static ch_err sum_of_file(const struct logindex *x, uint64_t *ret_sum)
{
	uint64_t sum = 0;
	for (uint64_t i = 0; i < x->n; i++) {
		struct logindex_row row;
		TRY(logindex_row(x, i, &row));
		sum += mixed(&row);
	}
	*ret_sum = sum;
	return CH_DONE;
}

static ch_err look_at_file(struct looking *l, uint64_t first, uint64_t *ret_end)
{
	AUTO(logindex_close) struct logindex x = { .fd = -1 };
	uint64_t here = 0, there = 0;
	TRY(logindex_open(l->c->dir_fd, first, &x));
	TRY(logindex_check(&x));
	*ret_end = x.first + x.n;
	if (first < l->report->minimum || x.first + x.n > l->report->size)
		return CH_DONE; /* entries of it are pruned, or under no head yet */
	TRY(sum_of_file(&x, &here));
	TRY(sum_of_entries(l, &x, &there));
	if (here != there)
		return ch_fail(CH_E_MISMATCH, "an index file is not of its entries", first);
	return CH_DONE;
}

static void look_at_files(struct looking *l, const uint64_t *firsts, size_t n)
{
	uint64_t end = n > 0 ? firsts[0] : 0;
	if (n > 0 && firsts[0] > l->report->minimum)
		check_tell(l, "index files do not begin where the log does", LIT(LOGSTORE_INDEX),
			   firsts[0], CH_DONE);
	for (size_t i = 0; i < n; i++) {
		struct path path;
		index_file(&path, firsts[i]);
		l->report->index_files++;
		if (firsts[i] != end)
			check_tell(l, "index files have a gap", str_from_c(path.p), end, CH_DONE);
		end = i + 1 < n ? firsts[i + 1] : firsts[i];
		ch_err e = look_at_file(l, firsts[i], &end);
		if (failed(e))
			check_tell(l, "an index file is damaged", str_from_c(path.p), firsts[i], e);
	}
	l->report->indexed = end;
	if (l->has_state && l->state.indexed > end)
		check_tell(l, "index files are missing", LIT(LOGSTORE_INDEX), end, CH_DONE);
}

ch_err look_at_index(struct looking *l)
{
	size_t n = 0, size = FILES_MAX * sizeof(uint64_t);
	uint64_t *firsts =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (firsts == MAP_FAILED)
		return ch_fail(CH_E_NOMEM, "no memory for names of index files", size);
	ch_err e = logindex_names(l->c->dir_fd, firsts, FILES_MAX, &n);
	if (!failed(e))
		look_at_files(l, firsts, n);
	(void)munmap(firsts, size);
	return e;
}
