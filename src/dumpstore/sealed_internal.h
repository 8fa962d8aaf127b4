/* What the two halves of the sealed file share; FORMAT.md has the bytes. */
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
