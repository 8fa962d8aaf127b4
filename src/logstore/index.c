/* Index files: DIR/log/index/N.index, N the first entry's index.
 *
 *   0  8  "chlindx\n"
 *   8  2  version: 1          10  6  zero
 *  16  8  first index         24  8  rows
 *  32 32  SHA-256 of the rows
 *  64 16  the first bytes of SHA-256(bytes 0 to 63)
 *  80     rows, sorted: 8 bytes of the hash, u64 index
 *
 * A look-up reads the header and a few rows; who wants all of it vouched for uses logindex_check. */
#include "logstore/index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rw.h"
#include "base/sort.h"
#include "crypto/hash.h"
#include "logstore_internal.h"

enum { MAGIC = 8, VERSION = 1, HEAD_HASHED = 64, CHECK = 16 };

static const uint8_t magic[MAGIC] = { 'c', 'h', 'l', 'i', 'n', 'd', 'x', '\n' };

void index_file(struct path *ret_path, uint64_t first)
{
	struct wr w = wr_of(ret_path->p, sizeof(ret_path->p) - 1);
	wr_lit(&w, LOGSTORE_INDEX "/");
	wr_dec(&w, first);
	wr_lit(&w, ".index");
	ret_path->p[w.n] = 0;
}

bool index_number(const char *name, uint64_t *ret_first)
{
	str s = str_from_c(name), suffix = LIT(".index");
	return str_ends(s, suffix) &&
	       str_to_u64(str_sub(s, 0, s.n - suffix.n), UINT64_MAX - 1, ret_first);
}

/* --- writing --- */

static bool less(const void *a, const void *b)
{
	const struct logindex_row *x = a, *y = b;
	return x->prefix != y->prefix ? x->prefix < y->prefix : x->index < y->index;
}

/* Rows in place as they are on disk. */
static bytes as_bytes(struct logindex_row *rows, size_t n)
{
	_Static_assert(sizeof(*rows) == LOGINDEX_ROW, "a row is two numbers");
	for (size_t i = 0; i < n; i++) {
		struct logindex_row row = rows[i];
		struct wr w = wr_of(&rows[i], LOGINDEX_ROW);
		wr_u64(&w, row.prefix);
		wr_u64(&w, row.index);
	}
	return (bytes){ (const uint8_t *)rows, n * LOGINDEX_ROW };
}

static void header_write(struct wr *w, uint64_t first, uint64_t n, bytes rows)
{
	uint8_t hash[SHA256_SIZE];
	wr_put(w, BYTES_OF(magic));
	wr_u16(w, VERSION);
	wr_u16(w, 0);
	wr_u32(w, 0);
	wr_u64(w, first);
	wr_u64(w, n);
	sha256(rows, hash);
	wr_put(w, BYTES_OF(hash));
	sha256(wr_bytes(w), hash);
	wr_put(w, (bytes){ hash, CHECK });
}

static ch_err write_temp(int dir_fd, const char *temp, bytes header, bytes rows)
{
	AUTO(fd_close) int fd = openat(dir_fd, temp,
				       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
				       LOGSTORE_FILE_MODE);
	if (fd < 0 || fchmod(fd, LOGSTORE_FILE_MODE) != 0)
		return ch_fail(CH_E_IO, "cannot create an index file", errno);
	TRY(fd_write_all(fd, header));
	TRY(fd_write_all(fd, rows));
	if (fsync(fd) != 0)
		return ch_fail(CH_E_IO, "cannot sync an index file", errno);
	return CH_DONE;
}

static ch_err sync_index(int dir_fd)
{
	AUTO(fd_close) int fd = openat(dir_fd, LOGSTORE_INDEX, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		return ch_fail(CH_E_IO, "cannot sync the folder of index files", errno);
	return CH_DONE;
}

ch_err logindex_write(int dir_fd, uint64_t first, struct logindex_row *rows, size_t n)
{
	static const char temp[] = LOGSTORE_INDEX "/index.new";
	uint8_t header[LOGINDEX_HEADER];
	struct wr w = wr_of(header, sizeof(header));
	struct path path;
	if (n == 0 || n > LOGINDEX_ROWS_MAX)
		return ch_fail(CH_E_RANGE, "an index file has at least a row", n);
	sort_in_place(rows, n, sizeof(*rows), less);
	bytes all = as_bytes(rows, n);
	header_write(&w, first, n, all);
	index_file(&path, first);
	TRY(folders_of(dir_fd, path.p));
	ch_err e = write_temp(dir_fd, temp, wr_bytes(&w), all);
	if (!failed(e) && renameat(dir_fd, temp, dir_fd, path.p) != 0)
		e = ch_fail(CH_E_IO, "cannot rename an index file into place", errno);
	if (failed(e)) {
		(void)unlinkat(dir_fd, temp, 0);
		return no_room_or_io(e);
	}
	return sync_index(dir_fd);
}

/* --- reading --- */

static ch_err read_at(int fd, uint64_t offset, uint8_t *to, size_t n)
{
	while (n > 0) {
		ssize_t got = pread(fd, to, n, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ch_fail(CH_E_IO, "cannot read an index file", errno);
		if (got == 0)
			return ch_fail(CH_E_MISMATCH, "an index file is too short", offset);
		to += got;
		offset += (uint64_t)got;
		n -= (size_t)got;
	}
	return CH_DONE;
}

static ch_err header_read(struct logindex *x, uint64_t first)
{
	uint8_t b[LOGINDEX_HEADER], hash[SHA256_SIZE];
	struct stat st = { 0 };
	TRY(read_at(x->fd, 0, b, sizeof(b)));
	struct rd r = rd_of(BYTES_OF(b));
	sha256((bytes){ b, HEAD_HASHED }, hash);
	bool good = mem_eq(rd_take(&r, MAGIC).p, magic, MAGIC) &&
		    mem_eq(b + HEAD_HASHED, hash, CHECK);
	good = good && rd_u16(&r) == VERSION && rd_u16(&r) == 0 && rd_u32(&r) == 0;
	x->first = rd_u64(&r);
	x->n = rd_u64(&r);
	mem_copy(x->hash, rd_take(&r, SHA256_SIZE).p, SHA256_SIZE);
	if (!good || x->first != first || x->n == 0 || x->n > LOGINDEX_ROWS_MAX)
		return ch_fail(CH_E_MISMATCH, "an index file's header is damaged", first);
	if (fstat(x->fd, &st) != 0)
		return ch_fail(CH_E_IO, "cannot look at an index file", errno);
	if ((uint64_t)st.st_size != LOGINDEX_HEADER + x->n * LOGINDEX_ROW)
		return ch_fail(CH_E_MISMATCH, "an index file has not its size", first);
	return CH_DONE;
}

ch_err logindex_open(int dir_fd, uint64_t first, struct logindex *ret_x)
{
	struct logindex x = { .fd = -1 };
	struct path path;
	index_file(&path, first);
	x.fd = openat(dir_fd, path.p, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
	if (x.fd < 0 && errno == ENOENT)
		return ch_fail(CH_E_NOT_FOUND, "there is no such index file", first);
	if (x.fd < 0)
		return ch_fail(CH_E_IO, "cannot open an index file", errno);
	ch_err e = header_read(&x, first);
	if (failed(e)) {
		logindex_close(&x);
		return e;
	}
	*ret_x = x;
	return CH_DONE;
}

void logindex_close(struct logindex *x)
{
	fd_close(&x->fd);
}

ch_err logindex_row(const struct logindex *x, uint64_t i, struct logindex_row *ret_row)
{
	uint8_t b[LOGINDEX_ROW];
	TRY(read_at(x->fd, LOGINDEX_HEADER + i * LOGINDEX_ROW, b, sizeof(b)));
	struct rd r = rd_of(BYTES_OF(b));
	ret_row->prefix = rd_u64(&r);
	ret_row->index = rd_u64(&r);
	return CH_DONE;
}

static ch_err check_rows(const struct logindex *x, bytes rows)
{
	uint8_t hash[SHA256_SIZE];
	struct rd r = rd_of(rows);
	struct logindex_row last = { 0 };
	sha256(rows, hash);
	if (!mem_eq(hash, x->hash, sizeof(hash)))
		return ch_fail(CH_E_MISMATCH, "the rows of an index file are damaged", x->first);
	for (uint64_t i = 0; i < x->n; i++) {
		struct logindex_row row = { .prefix = rd_u64(&r) };
		row.index = rd_u64(&r);
		if ((i > 0 && !less(&last, &row)) || row.index < x->first ||
		    row.index - x->first >= x->n)
			return ch_fail(CH_E_MISMATCH, "an index file is out of order", i);
		last = row;
	}
	return CH_DONE;
}

ch_err logindex_check(const struct logindex *x)
{
	size_t n = LOGINDEX_HEADER + (size_t)x->n * LOGINDEX_ROW;
	uint8_t *p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, x->fd, 0);
	if (p == MAP_FAILED)
		return ch_fail(CH_E_IO, "cannot map an index file", errno);
	ch_err e = check_rows(x, (bytes){ p + LOGINDEX_HEADER, n - LOGINDEX_HEADER });
	(void)munmap(p, n);
	return e;
}

ch_err logindex_find(const struct logindex *x, uint64_t prefix, uint64_t *ret_indices, size_t cap,
		     size_t *ret_n)
{
	uint64_t low = 0, high = x->n;
	struct logindex_row row;
	size_t n = 0;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		TRY(logindex_row(x, middle, &row));
		if (row.prefix < prefix)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < x->n && n < cap; low++) {
		TRY(logindex_row(x, low, &row));
		if (row.prefix != prefix)
			break;
		ret_indices[n++] = row.index;
	}
	*ret_n = n;
	return CH_DONE;
}
