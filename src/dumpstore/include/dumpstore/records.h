/* What a worker that redacts says to the one behind it: a packer that compresses and
 * seals, or the command line that writes a plain core. Over a pipe, framed:
 *
 *   u8 type  u32 n  n bytes           integers big endian
 *
 * A reader that sees no END was cut off: nothing of it may be kept. */
#pragma once
#include "base/rw.h"

enum record_type {
	RECORD_DATA = 1, /* bytes of the core, 1 to RECORD_MAX */
	RECORD_FILL,     /* u8 with  u64 n: so many equal bytes */
	RECORD_REPORT,   /* a piece of the report's JSON; pieces follow each other */
	RECORD_PROGRESS, /* u64 done  u64 total: bytes of input */
	RECORD_END,      /* u8 whole (1) or not (0)  u64 secrets */
	RECORD_TYPE_COUNT
};
enum { RECORD_HEADER_SIZE = 5, RECORD_MAX = 256 * 1024 };

struct record {
	enum record_type type;
	bytes data; /* DATA, REPORT */
	uint8_t with;
	uint64_t n;           /* FILL, and its length; DATA's, from record_next */
	uint64_t done, total; /* PROGRESS */
	bool whole;           /* END */
	uint64_t secrets;
};

/* The sender: gathers small pieces and records; blocks while the pipe is full. E_GONE: the reader is. */
enum { RECORD_LENT_SIZE = 256 * 1024, RECORD_LENT_ROOMS = 6 };
struct record_lender {
	uint8_t *storage;   /* NULL: nothing is lent */
	size_t page, slots; /* how many pages the pipe has room for */
	size_t at;          /* the room that is filled */
	uint64_t sent;      /* pages; and how many there were when a room was lent */
	uint64_t ends[RECORD_LENT_ROOMS];
};
struct record_writer {
	int fd;
	uint8_t *p; /* `room` bytes, the caller's */
	size_t room;
	size_t gathered; /* bytes of whole records in p; then a header, and n bytes of the next */
	size_t n;
	uint8_t fill_with;
	uint64_t fill_n;
	uint64_t written; /* bytes of the core */
	struct record_lender lender;
};
/* storage: RECORD_HEADER_SIZE + RECORD_MAX bytes. */
void record_writer_init(struct record_writer *w, int fd, void *storage);
/* From now on the pipe is lent what it would else copy. storage: RECORD_LENT_ROOMS times
 * RECORD_LENT_SIZE bytes, on a page of their own; nobody else writes there, ever, since the pipe has
 * them until they are read. They are used again once the pipe cannot have them any more, and copied
 * where that is not known: its size must not grow after this. Before anything is put.
 * NULL: after all nothing is lent, and one of the rooms is all that is written to. */
void record_writer_lend(struct record_writer *w, void *storage);
ch_err record_put(struct record_writer *w, bytes b);
ch_err record_fill(struct record_writer *w, uint8_t with, uint64_t n);
ch_err record_report(struct record_writer *w, bytes json);
ch_err record_progress(struct record_writer *w, uint64_t done, uint64_t total);
ch_err record_end(struct record_writer *w, bool whole, uint64_t secrets);

/* The receiver: storage of RECORD_HEADER_SIZE + RECORD_MAX bytes; data points into it until
 * the next call. E_TRUNCATED: the pipe closed without END. E_PROTOCOL: no such record. */
ch_err record_read(int fd, void *storage, struct record *ret_r);
/* The same, but of DATA it reads the head alone: n bytes of the core are next on fd, 1 to
 * RECORD_MAX, and the caller reads them to where he wants them. */
ch_err record_next(int fd, void *storage, struct record *ret_r);
