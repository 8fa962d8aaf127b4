/* From a token's hash to its entry. An index file may be wrong or old: what it points to is
 * read and compared. */
#include <errno.h>

#include "base/rw.h"
#include "logstore/index.h"
#include "logstore_internal.h"
#include "merkle/entry.h"

/* More with the same 64 bits are no accident, and then a scan finds them. */
enum { CANDIDATES = 16 };

struct search {
	struct logstore *store;
	const uint8_t *hash;
	uint64_t size, prefix;
	uint8_t *storage;
	uint64_t index;
	bool found;
};

static bool is_it(const struct search *q, bytes entry)
{
	return entry.n >= LOG_ENTRY_HASH_AT + LOGSTORE_HASH_SIZE &&
	       mem_eq(entry.p + LOG_ENTRY_HASH_AT, q->hash, LOGSTORE_HASH_SIZE);
}

/* What the files say they hold: without a gap, nothing below `end` needs to be looked through. */
struct covered {
	uint64_t begin, end, rows;
};

static ch_err look_up(struct search *q, uint64_t first, struct covered *c)
{
	AUTO(logindex_close) struct logindex x = { .fd = -1 };
	uint64_t candidates[CANDIDATES];
	size_t n = 0;
	TRY(logindex_open(q->store->dir_fd, first, &x));
	TRY(logindex_find(&x, q->prefix, candidates, CANDIDATES, &n));
	c->begin = c->rows == 0 || first < c->begin ? first : c->begin;
	c->end = x.first + x.n > c->end ? x.first + x.n : c->end;
	c->rows += x.n;
	for (size_t i = 0; i < n && !q->found; i++) {
		bytes entry;
		if (candidates[i] >= q->size)
			continue;
		ch_err e = logstore_entry(q->store, candidates[i], q->size, q->storage, &entry);
		if (ch_code_of(e) == CH_E_NOT_FOUND)
			continue; /* pruned */
		TRY(e);
		q->found = is_it(q, entry);
		q->index = candidates[i];
	}
	return CH_DONE;
}

/* All index files, in the folder's order. */
static ch_err look_in_files(struct search *q, struct covered *c)
{
	AUTO(dir_done) DIR *d = NULL;
	ch_err e = dir_open(q->store->dir_fd, LOGSTORE_INDEX, &d);
	if (failed(e))
		return e.detail == ENOENT ? CH_DONE : e;
	for (struct dirent *f = readdir(d); f && !q->found; f = readdir(d)) {
		uint64_t first = 0;
		if (index_number(f->d_name, &first))
			TRY(look_up(q, first, c));
	}
	return CH_DONE;
}

static ch_err look_in_bundle(struct search *q, uint64_t n)
{
	struct wr w = wr_of(q->storage, TILE_ROOM_MAX);
	NOT_ZEROED bytes entries[TILE_WIDTH];
	struct tile_id id;
	if (!tile_of(q->size, 0, n, &id))
		return CH_DONE;
	id.entries = true;
	TRY(tile_fetch(&q->store->tiles, &id, &w));
	TRY(bundle_read(wr_bytes(&w), id.width, entries));
	for (unsigned i = 0; i < id.width && !q->found; i++) {
		q->found = is_it(q, entries[i]);
		q->index = n * TILE_WIDTH + i;
	}
	return CH_DONE;
}

ch_err logstore_find(struct logstore *s, const uint8_t hash[static LOGSTORE_HASH_SIZE],
		     uint64_t size, uint8_t storage[static TILE_ROOM_MAX], uint64_t *ret_index,
		     bool *ret_found)
{
	struct search q = { .store = s, .hash = hash, .size = size, .storage = storage };
	struct rd r = rd_of((bytes){ hash, LOGSTORE_HASH_SIZE });
	struct covered c = { 0 };
	uint64_t from = 0;
	q.prefix = rd_u64(&r);
	TRY(look_in_files(&q, &c));
	TRY(logstore_minimum(s, &from));
	if (c.begin <= from && c.rows == c.end - c.begin && c.end > from)
		from = c.end;
	for (uint64_t n = from / TILE_WIDTH; n * TILE_WIDTH < size && !q.found; n++)
		TRY(look_in_bundle(&q, n));
	if (q.found)
		*ret_index = q.index;
	*ret_found = q.found;
	return CH_DONE;
}

/* Entries are in the order of iat, give or take minutes. */
ch_err logstore_reach(struct logstore *s, int64_t iat_s, uint64_t size,
		      uint8_t storage[static TILE_ROOM_MAX], bool *ret_reach)
{
	enum { ORDER_S = 300 };
	uint64_t first = 0;
	bytes entry;
	struct log_entry e;
	TRY(logstore_minimum(s, &first));
	if (first == 0 || first >= size) {
		*ret_reach = first == 0;
		return CH_DONE;
	}
	TRY(logstore_entry(s, first, size, storage, &entry));
	TRY(log_entry_read(entry, &e));
	*ret_reach = iat_s >= e.iat_s + ORDER_S;
	return CH_DONE;
}
