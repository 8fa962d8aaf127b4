/* One append-only file format for the log's journal, audit logs, sightings and revocations:
 * the one place where crashes, torn writes and full disks are thought of. The layout is
 * drawn in src/chain/FORMAT.md.
 *
 * A chain is a folder of segments. Records are written in batches (frames); a frame counts
 * whole or not at all, and its SHA-256 covers the hash before it, so that nothing can be
 * changed, left out or put in between without all that follows being made anew. There is no
 * secret in it: who may write the folder can make a new chain, which shows only beside a
 * head (sequence number and hash) that was kept elsewhere.
 *
 * One writer at a time, by a lock; any number of readers (chain/cursor.h) in any process. */
#pragma once
#include <sys/types.h>

#include "base/bytes.h"
#include "base/err.h"

enum {
	CHAIN_HASH_SIZE = 32,
	CHAIN_ID_SIZE = 16,
	CHAIN_PURPOSE_MAX = 32,
	CHAIN_PAYLOAD_MAX = 16 * 1024,
	CHAIN_RECORDS_MAX = 4096,                           /* in a batch */
	CHAIN_FRAME_MAX = 1024 * 1024,                      /* a batch on disk */
	CHAIN_ROOM_MAX = CHAIN_FRAME_MAX + CHAIN_HASH_SIZE, /* what a reader needs at most */
	CHAIN_ROOM_MIN = CHAIN_PAYLOAD_MAX + 128,
	CHAIN_SEGMENT_MIN = 4096,
	CHAIN_AHEAD_MAX = 1024 * 1024,
};

struct chain_limits {
	uint64_t segment_bytes; /* a new segment before it grows beyond [16 MiB] … */
	int64_t segment_ms;     /* … or when it is so old [a day] */
	uint64_t total_bytes;   /* of all segments, at least 2 × segment_bytes; 0: no bound */
	int64_t keep_ms;        /* segments whose last record is older are erased; 0: none.
				 * Not while the clock may be wrong: see chain_tidy */
	uint32_t ahead_bytes;   /* zeros written ahead, so that syncs are quicker; 0: none */
	bool guarded;           /* whatever they say, only what ends … */
	uint64_t guard_seq;     /* … at or before this record may be erased */
};

/* Which chain, and memory to work in. */
struct chain_ref {
	int dir_fd;       /* AT_FDCWD works … */
	const char *path; /* … of its folder; needed while opening */
	str purpose;      /* what it is for: in every header, and checked; at most 32 bytes */
	uint8_t *room;    /* for one batch: the caller's, as long as the chain is open */
	size_t cap;       /* of it, CHAIN_ROOM_MIN to CHAIN_ROOM_MAX. A writer's batches are
			   * smaller than its room; a reader's takes all with CHAIN_ROOM_MAX. */
};

struct chain_config {
	struct chain_ref ref;
	struct chain_limits limits;
	mode_t mode; /* of its files; 0: 0600. The folder gets x where this has r. */
};

/* A byte of a chain: the segment's name is its first sequence number. */
struct chain_place {
	uint64_t segment, offset;
};

/* What opening found. Set as far as it got, on failure too. */
struct chain_opened {
	bool created;
	uint64_t first_seq, next_seq;
	uint64_t cut_bytes;       /* a torn end that was cut off; 0: none. Say so in the log. */
	uint64_t cut_records;     /* whole records in it that could be counted, never durable */
	struct chain_place cut;   /* where it began */
	struct chain_place fault; /* of E_MISMATCH: where the damage is */
};

struct chain {
	int dir_fd, lock_fd, fd;
	struct chain_limits limits;
	mode_t mode;
	uint8_t *room;
	size_t cap;
	uint8_t purpose[CHAIN_PURPOSE_MAX];
	uint8_t id[CHAIN_ID_SIZE];
	uint64_t segment_first;
	int64_t segment_created_ms;
	uint64_t end;        /* of what is believed in the segment */
	uint64_t room_end;   /* behind it there are zeros up to here; at least `end` */
	uint64_t next_seq;   /* of the first waiting record */
	uint64_t synced_seq; /* all records below it are durable */
	size_t waiting;      /* bytes */
	uint16_t n_waiting;
	uint8_t last[CHAIN_HASH_SIZE]; /* of the last frame */
	int64_t offset_ms;             /* of the clock to the one that never leaps */
	uint64_t held_ms;              /* by that one: nothing is erased for its age before */
	bool torn;   /* behind `end` there may be the rest of a write that failed */
	bool broken; /* a sync failed: nobody knows what is on the disk */
};

/* Opens the chain, makes it if there is none, and takes the lock. What a crash left half-written at the end is cut off, and
 * *report says how much. Damage before the end is never passed over: E_MISMATCH, and
 * report->fault says where. The last two segments are read whole, older ones are not
 * (chain_verify does). E_BUSY: somebody else writes there. E_RANGE: limits or room. */
ch_err chain_open(struct chain *c, const struct chain_config *config, int64_t now_ms,
		  struct chain_opened *report);
/* Drops what waits, and gives back the room ahead. Fine when it never was open. */
void chain_close(struct chain *c);

/* Puts a record into the batch that waits: n bytes of payload for the caller to fill before
 * the next call. E_FULL: the batch has no room, write it first; E_RANGE: n is over
 * CHAIN_PAYLOAD_MAX or over the room for ever. */
ch_err chain_reserve(struct chain *c, uint16_t type, int64_t time_ms, size_t n,
		     uint8_t **ret_payload);
ch_err chain_add(struct chain *c, uint16_t type, int64_t time_ms, bytes payload);
/* Records that wait. */
size_t chain_waiting(const struct chain *c);
/* Forgets them. */
void chain_drop(struct chain *c);

enum chain_sync { CHAIN_LATER, CHAIN_NOW };
/* Writes the batch with one write; CHAIN_NOW: and it is durable (fdatasync) on return. Begins
 * a new segment when it is time. On failure nothing was written as far as any reader can
 * tell and the batch waits still: try again when there is room. E_IO with ENOSPC, EDQUOT or
 * EFBIG: full. After a failed sync every call fails: the chain must be closed and opened. */
ch_err chain_write(struct chain *c, int64_t now_ms, enum chain_sync sync);
/* Makes durable what was written. Nothing to do: no system call. */
ch_err chain_flush(struct chain *c);
/* Now and then: a new segment if this one has grown old, and retention. An error here says
 * that something could not be erased or begun; writing goes on.
 * A clock that leapt ahead by more than a day, while the chain is open, since its last segment
 * was due or between its last two, is believed for erasing when it has gone on for 20 hours. */
ch_err chain_tidy(struct chain *c, int64_t now_ms);
/* Is nothing erased for its age now, since the clock leapt? */
bool chain_is_wary(const struct chain *c);
/* A new segment now, unless this one is empty. */
ch_err chain_rotate(struct chain *c, int64_t now_ms);

/* A state of the chain: all records below seq, and the hash over them. Zeros for an empty
 * chain's hash. Kept elsewhere, it proves later that nothing before it was changed. */
struct chain_head {
	uint64_t seq;
	uint8_t hash[CHAIN_HASH_SIZE];
};
struct chain_head chain_head(const struct chain *c);

/* The size of all segments, by looking. */
ch_err chain_bytes(const struct chain *c, uint64_t *ret_bytes);

/* Erases, oldest first, whole segments whose last record is older than before_ms; never the
 * newest segment. Needs no lock, no room, and does not disturb the writer. *ret_erased counts
 * them. */
ch_err chain_erase(const struct chain_ref *ref, int64_t before_ms, uint64_t *ret_erased);
