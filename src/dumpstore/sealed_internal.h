/* What the parts of the sealed file share; FORMAT.md has the bytes. */
#pragma once
#include "crypto/sealed_stream.h"
#include "dumpstore/sealed.h"

enum {
	MAGIC_SIZE = 8,
	KEY_ID_SIZE = 16,
	DUMP_HEAD_SIZE = MAGIC_SIZE + KEY_ID_SIZE + SEALED_STREAM_HEAD,
	/* ZSTD_COMPRESSBOUND(DUMP_FRAME_MAX): what does not get smaller gets this much larger */
	PACKED_MAX = DUMP_FRAME_MAX + DUMP_FRAME_MAX / 256,
	SEALED_MAX = PACKED_MAX + SEALED_STREAM_OVERHEAD,
	FRAME_LENGTH = 4,
};

enum part_type { PART_DATA = 1, PART_FILL, PART_REPORT, PART_END };
enum { PART_BYTES_HEAD = 5, PART_FILL_SIZE = 10, PART_END_SIZE = 9 };

#define DUMP_MAGIC LIT("CHDUMP1\n")

void dump_key_id(const struct dump_public_key *key, uint8_t ret_id[static KEY_ID_SIZE]);

/* The frames of one dump. A block is filled in the place that frames_block tells, and is a frame
 * once it was put: of n bytes, 1 to DUMP_FRAME_MAX. What was put is written some frames later; when
 * the last one was put, all are. An error is of that frame or of one before, and ends the dump. */
struct frames;
struct beside;
/* Writes the head. Levels are zstd's. */
ch_err frames_new(int fd, const struct dump_public_key *to, int level, struct frames **ret_f);
/* Waits for the second thread. */
void frames_done(struct frames **f);
/* Before the first block; b has no other jobs until frames_done. */
ch_err frames_help(struct frames *f, struct beside *b);
uint8_t *frames_block(struct frames *f);
ch_err frames_put(struct frames *f, size_t n, bool last);
/* Written to the file so far. */
uint64_t frames_bytes(const struct frames *f);
