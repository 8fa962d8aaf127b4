/* From a token to its entry: a file for each closed segment of the journal, sorted by the first
 * eight bytes of the SHA-256 of the signing input. It says nothing that the entries do not, and
 * stays when the segment of the journal is erased. FORMAT.md draws it. */
#pragma once
#include "logstore/logstore.h"

enum {
	LOGINDEX_HEADER = 80,
	LOGINDEX_ROW = 16,
	LOGINDEX_ROWS_MAX = 4 * 1024 * 1024,
};

struct logindex_row {
	uint64_t prefix; /* the first 8 bytes of the hash, big endian */
	uint64_t index;
};

/* Writes the file of the entries first … first + n - 1; rows are sorted in place. Fine when the
 * same file is there. */
ch_err logindex_write(int dir_fd, uint64_t first, struct logindex_row *rows, size_t n);

/* The rows of these entries, out of the bundles of a log of `size`; and their file. */
ch_err logindex_rows(struct logstore *s, uint64_t size, uint64_t from, uint64_t to,
		     struct logindex_row *rows);
ch_err logindex_make(struct logstore *s, uint64_t size, uint64_t from, uint64_t to);

/* The first entries of all index files, ascending. E_LIMIT: there are more than cap. */
ch_err logindex_names(int dir_fd, uint64_t *ret_first, size_t cap, size_t *ret_n);

struct logindex {
	int fd;
	uint64_t first, n;
	uint8_t hash[32]; /* of the rows, as the header says */
};
/* E_NOT_FOUND; E_MISMATCH: damaged as far as the header tells. */
ch_err logindex_open(int dir_fd, uint64_t first, struct logindex *ret_x);
void logindex_close(struct logindex *x);
/* Reads it whole and checks its hash and order. E_MISMATCH. */
ch_err logindex_check(const struct logindex *x);
/* The i-th row. */
ch_err logindex_row(const struct logindex *x, uint64_t i, struct logindex_row *ret_row);
/* Indices whose hash has this prefix: at most cap of them, *ret_n says how many. */
ch_err logindex_find(const struct logindex *x, uint64_t prefix, uint64_t *ret_indices, size_t cap,
		     size_t *ret_n);
