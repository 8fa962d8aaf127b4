/* Two small files, each a fixed form with a hash at its end:
 *
 *   state    "chlstat\n"  u64 durable  u64 indexed  u64 head size  32 root  32 SHA-256
 *   minimum  "chlmini\n"  u64 index  32 SHA-256
 *
 * Replaced whole, by rename after a sync. */
#include "logstore/state.h"

#include "base/rw.h"
#include "crypto/hash.h"
#include "logstore_internal.h"
#include "merkle/tile.h"

enum {
	MAGIC = 8,
	STATE_SIZE = MAGIC + 3 * 8 + MERKLE_HASH_SIZE + SHA256_SIZE,
	MINIMUM_SIZE = MAGIC + 8 + SHA256_SIZE
};

static const uint8_t state_magic[MAGIC] = { 'c', 'h', 'l', 's', 't', 'a', 't', '\n' };
static const uint8_t minimum_magic[MAGIC] = { 'c', 'h', 'l', 'm', 'i', 'n', 'i', '\n' };

static void seal(struct wr *w)
{
	uint8_t hash[SHA256_SIZE];
	sha256(wr_bytes(w), hash);
	wr_put(w, BYTES_OF(hash));
}

/* The file, if it has this size, this magic and the hash of what it says. */
static ch_err read_sealed(int dir_fd, const char *name, const uint8_t magic[static MAGIC],
			  uint8_t *storage, size_t size)
{
	uint8_t hash[SHA256_SIZE];
	size_t n = 0;
	ch_err e = file_read(dir_fd, name, storage, size, &n);
	if (ch_code_of(e) != CH_E_FULL)
		TRY(e);
	if (failed(e) || n != size || !mem_eq(storage, magic, MAGIC))
		return ch_fail(CH_E_MISMATCH, "a file of the log's own is damaged", n);
	sha256((bytes){ storage, size - SHA256_SIZE }, hash);
	if (!mem_eq(hash, storage + size - SHA256_SIZE, SHA256_SIZE))
		return ch_fail(CH_E_MISMATCH, "a file of the log's own is damaged", n);
	return CH_DONE;
}

uint64_t logstate_floor(const struct logstate *s)
{
	uint64_t low = s->durable < s->indexed ? s->durable : s->indexed;
	return low - low % TILE_WIDTH;
}

ch_err logstate_read(int dir_fd, struct logstate *ret_s)
{
	uint8_t b[STATE_SIZE];
	TRY(read_sealed(dir_fd, LOGSTORE_STATE, state_magic, b, sizeof(b)));
	struct rd r = rd_of((bytes){ b + MAGIC, sizeof(b) - MAGIC });
	struct logstate s = { .durable = rd_u64(&r) };
	s.indexed = rd_u64(&r);
	s.head_size = rd_u64(&r);
	mem_copy(s.root.b, rd_take(&r, MERKLE_HASH_SIZE).p, MERKLE_HASH_SIZE);
	*ret_s = s;
	return CH_DONE;
}

ch_err logstate_write(int dir_fd, const struct logstate *s)
{
	uint8_t b[STATE_SIZE];
	struct wr w = wr_of(b, sizeof(b));
	wr_put(&w, BYTES_OF(state_magic));
	wr_u64(&w, s->durable);
	wr_u64(&w, s->indexed);
	wr_u64(&w, s->head_size);
	wr_put(&w, BYTES_OF(s->root.b));
	seal(&w);
	return no_room_or_io(
		file_replace(dir_fd, LOGSTORE_STATE, wr_bytes(&w), LOGSTORE_FILE_MODE));
}

ch_err logminimum_read(int dir_fd, uint64_t *ret_index)
{
	uint8_t b[MINIMUM_SIZE];
	ch_err e = read_sealed(dir_fd, LOGSTORE_MINIMUM, minimum_magic, b, sizeof(b));
	if (ch_code_of(e) == CH_E_NOT_FOUND) {
		*ret_index = 0;
		return CH_DONE;
	}
	TRY(e);
	struct rd r = rd_of((bytes){ b + MAGIC, 8 });
	*ret_index = rd_u64(&r);
	return CH_DONE;
}

ch_err logminimum_write(int dir_fd, uint64_t index)
{
	uint8_t b[MINIMUM_SIZE];
	struct wr w = wr_of(b, sizeof(b));
	wr_put(&w, BYTES_OF(minimum_magic));
	wr_u64(&w, index);
	seal(&w);
	return file_replace(dir_fd, LOGSTORE_MINIMUM, wr_bytes(&w), LOGSTORE_FILE_MODE);
}
