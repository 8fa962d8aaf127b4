/* Reading a chain from a sequence number on, while another process writes it: across
 * segments, every frame verified before a record of it is handed out. Never waits: asks
 * again later. */
#pragma once
#include "chain/chain.h"

/* The oldest record there is. */
#define CHAIN_OLDEST UINT64_MAX

struct chain_record {
	uint64_t seq;
	int64_t time_ms;
	uint16_t type;
	bytes payload; /* in the cursor's room, until the next call */
};

/* A position in one segment; of the reader and of recovery. */
struct chain_walk {
	int fd;
	uint64_t segment;
	uint64_t offset; /* of the next frame */
	uint64_t seq;    /* that it must begin with */
	int64_t created_ms;
	uint8_t id[CHAIN_ID_SIZE];
	uint8_t hash[CHAIN_HASH_SIZE];   /* what stands before the next frame */
	uint8_t before[CHAIN_HASH_SIZE]; /* the end of the segment before, as the header says */
	uint8_t last[CHAIN_HASH_SIZE];   /* of the last frame; before there is one: `before` */
	uint8_t *room;
	size_t cap;
	uint64_t at; /* the room holds the file's bytes from here … */
	size_t have; /* … so many */
};

struct chain_cursor {
	int dir_fd;
	uint8_t purpose[CHAIN_PURPOSE_MAX];
	struct chain_walk walk;
	uint64_t from;       /* records before it are passed over */
	bytes left;          /* records of the frame that are still to come */
	uint64_t next;       /* sequence number of the first of them */
	uint64_t torn_bytes; /* behind the last whole frame, when it was last looked */
	struct chain_place fault;
};

/* Reads from record `from` on, or CHAIN_OLDEST. E_NOT_FOUND: there is no chain, or retention
 * has erased that record (detail: the first one there is). */
ch_err cursor_open(struct chain_cursor *k, const struct chain_ref *ref, uint64_t from);
void cursor_close(struct chain_cursor *k);
/* The next record; *ret_got false: there is none yet. E_MISMATCH: damaged, or cut behind
 * the cursor; k->fault says where. E_NOT_FOUND: retention overtook the cursor (detail: the
 * first record there is); open it anew. */
ch_err cursor_next(struct chain_cursor *k, struct chain_record *ret_record, bool *ret_got);
/* What has been read up to, whole frames. */
struct chain_head cursor_head(const struct chain_cursor *k);

/* All of a chain. Set as far as it got, on failure too. */
struct chain_report {
	uint64_t segments, records, frames, bytes;
	uint64_t first_seq, next_seq;
	int64_t first_ms, last_ms; /* times of the first and the last record */
	struct chain_head before;  /* what the first segment says of its erased predecessor */
	struct chain_head head;    /* to be kept elsewhere */
	uint64_t torn_bytes;       /* an end that is half-written: a crash, or a writer at it */
	struct chain_place fault;  /* of E_MISMATCH */
};
/* Reads and checks everything. expected, if not NULL, is a head that was kept: E_MISMATCH when
 * the chain is another one by now, E_NOT_FOUND when that part has been erased, so that
 * nothing can be said. */
ch_err chain_verify(const struct chain_ref *ref, const struct chain_head *expected,
		    struct chain_report *report);
