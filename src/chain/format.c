/* The layout of headers, frames and records, as FORMAT.md draws it. Bytes only: no file is
 * touched here. Nothing is believed of a header whose hash does not fit. */
#include "base/ck.h"
#include "base/rw.h"
#include "chain_internal.h"
#include "crypto/hash.h"

enum { CHECK_SIZE = 8, HEADER_HASHED = SEGMENT_HEADER - CHAIN_HASH_SIZE };

static const uint8_t magic[8] = { 'c', 'h', 'c', 'h', 'a', 'i', 'n', '\n' };

void segment_header_write(struct segment_header *h, uint8_t ret_bytes[static SEGMENT_HEADER])
{
	struct wr w = wr_of(ret_bytes, SEGMENT_HEADER);
	wr_put(&w, BYTES_OF(magic));
	wr_u16(&w, CHAIN_VERSION);
	wr_u16(&w, SEGMENT_HEADER);
	wr_u32(&w, 0);
	wr_put(&w, BYTES_OF(h->id));
	wr_u64(&w, h->first);
	wr_i64(&w, h->created_ms);
	wr_put(&w, BYTES_OF(h->purpose));
	wr_put(&w, BYTES_OF(h->before));
	sha256((bytes){ ret_bytes, HEADER_HASHED }, h->hash);
	wr_put(&w, BYTES_OF(h->hash));
	assert(!failed(wr_done(&w)) && w.n == SEGMENT_HEADER);
}

static void take_into(struct rd *r, uint8_t *to, size_t n)
{
	bytes b = rd_take(r, n);
	mem_copy(to, b.p, b.n);
}

ch_err segment_header_read(const uint8_t b[static SEGMENT_HEADER], struct segment_header *ret_h)
{
	struct rd r = rd_of((bytes){ b, SEGMENT_HEADER });
	struct segment_header h = { 0 };
	uint8_t hash[SHA256_SIZE];
	if (!mem_eq(rd_take(&r, sizeof(magic)).p, magic, sizeof(magic)))
		return ch_fail(CH_E_MISMATCH, "this file is no segment of a chain", 0);
	uint16_t version = rd_u16(&r);
	if (version != CHAIN_VERSION)
		return ch_fail(CH_E_UNSUPPORTED, "a chain of another version", version);
	bool plain = rd_u16(&r) == SEGMENT_HEADER && rd_u32(&r) == 0;
	take_into(&r, h.id, sizeof(h.id));
	h.first = rd_u64(&r);
	h.created_ms = rd_i64(&r);
	take_into(&r, h.purpose, sizeof(h.purpose));
	take_into(&r, h.before, sizeof(h.before));
	take_into(&r, h.hash, sizeof(h.hash));
	sha256((bytes){ b, HEADER_HASHED }, hash);
	if (!plain || h.created_ms < 0 || !mem_eq(hash, h.hash, sizeof(hash)))
		return ch_fail(CH_E_MISMATCH, "a segment's header is damaged", 0);
	*ret_h = h;
	return CH_DONE;
}

ch_err purpose_of(str text, uint8_t ret_purpose[static CHAIN_PURPOSE_MAX])
{
	uint8_t padded[CHAIN_PURPOSE_MAX] = { 0 };
	if (text.n == 0 || text.n > CHAIN_PURPOSE_MAX || str_has(text, 0))
		return ch_fail(CH_E_RANGE, "a chain's purpose has 1 to 32 bytes", text.n);
	mem_copy(padded, text.p, text.n);
	mem_copy(ret_purpose, padded, sizeof(padded));
	return CH_DONE;
}

/* Over the chain's id, the place and the header. The id is random and seen by nobody who
 * cannot read the file, so a record's content cannot pass for a header when recovery
 * looks for one. */
static void frame_check(const uint8_t b[static FRAME_HEADER],
			const uint8_t id[static CHAIN_ID_SIZE], uint64_t offset,
			uint8_t ret_check[static SHA256_SIZE])
{
	uint8_t text[CHAIN_ID_SIZE + 8 + FRAME_HEADER - CHECK_SIZE];
	struct wr w = wr_of(text, sizeof(text));
	wr_put(&w, (bytes){ id, CHAIN_ID_SIZE });
	wr_u64(&w, offset);
	wr_put(&w, (bytes){ b, FRAME_HEADER - CHECK_SIZE });
	sha256(wr_bytes(&w), ret_check);
}

void frame_header_write(const struct frame_header *h, const uint8_t id[static CHAIN_ID_SIZE],
			uint64_t offset, uint8_t ret_bytes[static FRAME_HEADER])
{
	uint8_t check[SHA256_SIZE];
	struct wr w = wr_of(ret_bytes, FRAME_HEADER);
	wr_u32(&w, h->n);
	wr_u16(&w, h->count);
	wr_u16(&w, 0);
	wr_u64(&w, h->first);
	wr_u64(&w, h->synced);
	frame_check(ret_bytes, id, offset, check);
	wr_put(&w, (bytes){ check, CHECK_SIZE });
}

bool frame_header_read(const uint8_t b[static FRAME_HEADER], const uint8_t id[static CHAIN_ID_SIZE],
		       uint64_t offset, struct frame_header *ret_h)
{
	uint8_t check[SHA256_SIZE];
	struct rd r = rd_of((bytes){ b, FRAME_HEADER });
	struct frame_header h = { .n = rd_u32(&r), .count = rd_u16(&r) };
	if (rd_u16(&r) != 0 || h.count == 0 || h.count > CHAIN_RECORDS_MAX ||
	    h.n > CHAIN_FRAME_MAX - FRAME_OVERHEAD || h.n < (uint32_t)h.count * RECORD_HEADER)
		return false;
	h.first = rd_u64(&r);
	h.synced = rd_u64(&r);
	frame_check(b, id, offset, check);
	if (!mem_eq(check, rd_take(&r, CHECK_SIZE).p, CHECK_SIZE))
		return false;
	*ret_h = h;
	return true;
}

ch_err record_take(bytes *left, struct chain_record *ret_record)
{
	struct rd r = rd_of(*left);
	struct chain_record record = { 0 };
	size_t n = rd_u16(&r);
	record.type = rd_u16(&r);
	record.time_ms = rd_i64(&r);
	record.payload = rd_take(&r, n);
	if (r.bad || n > CHAIN_PAYLOAD_MAX)
		return ch_fail(CH_E_MISMATCH, "a record is longer than its frame", n);
	*left = (bytes){ r.p, rd_left(&r) };
	*ret_record = record;
	return CH_DONE;
}
