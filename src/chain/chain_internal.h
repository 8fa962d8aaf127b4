/* Inside src/chain: the layout (format.c), the folder (folder.c), one segment (walk.c),
 * its torn end (recover.c). */
#pragma once
#include "base/path.h"
#include "chain/cursor.h"

enum {
	CHAIN_VERSION = 1,
	SEGMENT_HEADER = 144,
	FRAME_HEADER = 32,
	FRAME_OVERHEAD = FRAME_HEADER + CHAIN_HASH_SIZE,
	RECORD_HEADER = 12,
};

enum {
	CHAIN_LEAP_MS = 24 * 3600 *
			1000, /* a clock that is wrong by less costs no more than that */
	CHAIN_HOLD_MS = 20 * 3600 *
			1000, /* less than a day: who is started anew each night erases */
};

/* write.c: from now on the clock is watched; leapt: it is not believed yet. */
void chain_clock_begin(struct chain *c, int64_t now_ms, bool leapt);

/* --- format.c: bytes alone --- */
struct segment_header {
	uint8_t id[CHAIN_ID_SIZE];
	uint64_t first;
	int64_t created_ms;
	uint8_t purpose[CHAIN_PURPOSE_MAX];
	uint8_t before[CHAIN_HASH_SIZE];
	uint8_t hash[CHAIN_HASH_SIZE]; /* of the header itself */
};
void segment_header_write(struct segment_header *h, uint8_t ret_bytes[static SEGMENT_HEADER]);
/* E_MISMATCH, E_UNSUPPORTED (another version). */
ch_err segment_header_read(const uint8_t b[static SEGMENT_HEADER], struct segment_header *ret_h);
/* E_RANGE when it is empty or too long; padded with zeros. */
ch_err purpose_of(str text, uint8_t ret_purpose[static CHAIN_PURPOSE_MAX]);

struct frame_header {
	uint32_t n; /* bytes of records */
	uint16_t count;
	uint64_t first, synced;
};
/* The check binds it to its chain and its place. */
void frame_header_write(const struct frame_header *h, const uint8_t id[static CHAIN_ID_SIZE],
			uint64_t offset, uint8_t ret_bytes[static FRAME_HEADER]);
bool frame_header_read(const uint8_t b[static FRAME_HEADER], const uint8_t id[static CHAIN_ID_SIZE],
		       uint64_t offset, struct frame_header *ret_h);
/* Cuts the first record off; E_MISMATCH when the lengths are wrong. */
ch_err record_take(bytes *left, struct chain_record *ret_record);

/* --- folder.c: names --- */
struct folder {
	uint64_t n, bytes;
	uint64_t first, last;
	bool has_upto, has_after;
	uint64_t upto;  /* the largest name that is at most the pivot */
	uint64_t after; /* the smallest one above it */
};
/* Looks through it; bytes only if sizes. */
ch_err folder_look(int dir_fd, uint64_t pivot, bool sizes, struct folder *ret_f);
void segment_name(struct path *ret_name, uint64_t first);
/* E_NOT_FOUND or E_IO. */
ch_err segment_open(int dir_fd, uint64_t first, int flags, int *ret_fd);
/* Removes files that a crash left before they were renamed. */
ch_err folder_clean(int dir_fd);
/* Erases the oldest segments while `limits` say so; never the last. */
ch_err folder_retain(int dir_fd, const uint8_t purpose[static CHAIN_PURPOSE_MAX],
		     const struct chain_limits *limits, int64_t now_ms, uint64_t *ret_erased);

/* --- walk.c: one segment --- */
enum walk_found {
	WALK_FRAME,
	WALK_END,
	WALK_ROOM, /* zeros, where a frame would begin */
	WALK_SHORT,
	WALK_BAD
};
/* Takes fd when it succeeds. Checks the header against the name and the purpose. */
ch_err walk_open(struct chain_walk *w, int fd, uint64_t segment,
		 const uint8_t purpose[static CHAIN_PURPOSE_MAX]);
void walk_close(struct chain_walk *w);
struct walk_frame {
	struct frame_header header;
	bytes records;
	size_t short_bytes; /* WALK_SHORT: what there is of it */
};
/* The walk's room holds the file from this offset on, n bytes if there are so many. */
ch_err walk_fill(struct chain_walk *w, uint64_t from, size_t n);
ch_err walk_next(struct chain_walk *w, enum walk_found *ret_found, struct walk_frame *ret_frame);

/* --- room.c: zeros ahead --- */
/* The frame and so many zeros behind it, in one write. How much of both was written; 0: nothing. */
size_t room_write(int fd, bytes frame, uint64_t offset, size_t ahead);
bool is_blank(bytes b);
/* From where the walk is, there is nothing but zeros to the end of the file. */
ch_err room_goes_on(struct chain_walk *w, bool *ret_blank);

/* --- write.c --- */
/* Cuts the room ahead off, if there is any; not synced. */
ch_err chain_trim(struct chain *c);

/* --- recover.c --- */
/* Walks to the end of what is whole. A torn end is described in *report; damage is E_MISMATCH.
 * may_be_torn: it is the last segment. */
ch_err recover(struct chain_walk *w, bool may_be_torn, struct chain_opened *report);

/* --- cursor.c --- */
/* The next verified frame: its records are in k->left. *ret_got false: none yet. */
ch_err cursor_frame(struct chain_cursor *k, bool *ret_got);
