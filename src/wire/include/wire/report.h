/* What a gate sends to the collector, as the body of a POST (docs/ALARMS.md): batches of its
 * own sightings, and an alarm for a token that was never issued. Who sends it is known by HTTP
 * Basic and stands in neither.
 *
 *   BATCH   u8 version  u8 chain  16 bytes id of the gate's chain  u64 seq  u16 count
 *           { u16 type  i64 time_ms  bytes16 payload } × count
 *   PLACE   u8 version  u8 chain  16 bytes id  u64 next            (the answer to a batch)
 *   ALARM   u8 version  i64 when_ms  u8 family  0, 4 or 16 bytes of address
 *           str16 location  str16 signing input  str16 signature
 *
 * seq is the number, in the gate's chain, of the first record; next the one that the collector
 * wants. An empty batch only asks for it. A record is one of wire/sighting.h, whole. */
#pragma once
#include "wire/sighting.h"

enum {
	REPORT_CHAIN_ID = 16,
	REPORT_BATCH_HEAD = 28,
	REPORT_RECORD_HEAD = 12,
	REPORT_BATCH_MAX = 56 * 1024, /* with its head it is one message to a fetcher */
	REPORT_RECORDS_MAX = 1024,
	REPORT_PLACE_SIZE = 26,
	REPORT_SIGNING_INPUT_MAX = 8192,
	REPORT_SIGNATURE_MAX = 1024,
	REPORT_ALARM_MAX = 12 * 1024,
};

struct report_batch {
	uint8_t chain; /* enum sighting_chain */
	uint8_t id[REPORT_CHAIN_ID];
	uint64_t seq;
	uint16_t count;
};

struct report_record {
	uint16_t type; /* enum sighting_type */
	int64_t time_ms;
	bytes payload;
};

struct report_place {
	uint8_t chain;
	uint8_t id[REPORT_CHAIN_ID];
	uint64_t next;
};

struct report_alarm {
	int64_t when_ms; /* since 1970, by the gate's clock */
	struct address client;
	str location;      /* the place's name in the gate's policy */
	str signing_input; /* header '.' payload, as they were shown */
	str signature;     /* base64url, as it was shown */
};

/* A batch is begun, given records and ended. report_add: false when the next record has no
 * room, and then nothing was written of it. */
void report_begin(struct wr *w, const struct report_batch *b);
bool report_add(struct wr *w, const struct report_record *r);
/* The number of records is known only now. */
void report_end(struct wr *w, uint16_t count);

/* The head of a batch; *ret_r then gives count records by report_next. E_UNSUPPORTED: another
 * version. E_SYNTAX, E_TRUNCATED, E_RANGE (too many, or numbers that overflow). */
ch_err report_open(bytes b, struct rd *ret_r, struct report_batch *ret_b);
/* The next record, whose payload is a sighting that parses. Slices of the batch. */
ch_err report_next(struct rd *r, struct report_record *ret_record);
/* After the last one: E_TRAILING when something is left. */
ch_err report_close(const struct rd *r);

void report_place_write(struct wr *w, const struct report_place *p);
ch_err report_place_read(bytes b, struct report_place *ret_p);

/* What the collector keeps of a gate's records, in chains of its own: type and time as the gate gave
 * them; the payload is
 *
 *   u8 version = 1  16 bytes id of the gate's chain  u64 its number there  the gate's payload
 *
 * so that the last record says how far a gate's chain was taken. */
enum { REPORT_KEPT_HEAD = 25 };
struct report_kept {
	uint8_t id[REPORT_CHAIN_ID];
	uint64_t seq;
	bytes payload; /* as of wire/sighting.h */
};
extern const str report_kept_purpose[SIGHTINGS_CHAINS];
/* p: REPORT_KEPT_HEAD and the payload's bytes. */
void report_kept_write(uint8_t *p, const struct report_kept *k);
/* E_SYNTAX, E_UNSUPPORTED; slices of b. */
ch_err report_kept_read(bytes b, struct report_kept *ret_k);

/* The parts of an alarm point into b. E_SYNTAX: what is shown is no signing input and signature in
 * base64url; E_RANGE: a time before 1970; else as report_open. */
void report_alarm_write(struct wr *w, const struct report_alarm *a);
ch_err report_alarm_read(bytes b, struct report_alarm *ret_a);
