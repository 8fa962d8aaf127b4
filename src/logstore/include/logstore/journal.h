/* The journal's records: what the ledger makes durable before anything is signed. A chain
 * (src/chain) of purpose "log.journal"; a record's sequence number in it is the entry's index in
 * the log. The folder is the ledger's alone: it says who got what, and is erased by segment at
 * the end of retention.
 *
 *   u64 index  bytes16 entry  str16 client_id  str16 grant_id  16 bytes keyed hash of sub */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

struct wr;

enum {
	JOURNAL_RECORD = 1, /* the type of every record */
	JOURNAL_SUB_SIZE = 16,
	JOURNAL_ENTRY_MAX = 256,
	JOURNAL_TEXT_MAX = 512,
	JOURNAL_PAYLOAD_MAX = 8 + 2 + JOURNAL_ENTRY_MAX + 2 * (2 + JOURNAL_TEXT_MAX) +
			      JOURNAL_SUB_SIZE,
	JOURNAL_KEEP_DAYS = 400, /* unless the configuration says otherwise */
};
#define JOURNAL_PURPOSE LIT("log.journal")

struct journal_record {
	uint64_t index;
	bytes entry; /* 1 to JOURNAL_ENTRY_MAX bytes, see merkle/entry.h */
	str client_id, grant_id;
	uint8_t sub[JOURNAL_SUB_SIZE];
};

/* Bytes of its payload. */
size_t journal_size(const struct journal_record *r);
/* Appends the payload; w turns full without room. */
void journal_write(struct wr *w, const struct journal_record *r);
/* Slices point into the payload. E_MISMATCH: it is no such record. */
ch_err journal_read(bytes payload, struct journal_record *ret_r);
