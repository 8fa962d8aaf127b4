/* Sightings of gates, in chains of the collector's own: FOLDER/GATE/signed and …/unsigned
 * (src/chain/FORMAT.md); records as of struct report_kept. */
#pragma once
#include "base/path.h"
#include "chain/cursor.h"
#include "wire/report.h"
#include "wire/roles.h"

enum {
	TAKEN_ROOM = 160 * 1024, /* a whole batch with its heads */
};

/* One chain of one gate. */
struct taken_chain {
	struct chain chain;
	bool open, placed;
	bool told; /* the gate knows what is wanted of this chain: it was answered so */
	uint8_t id[REPORT_CHAIN_ID]; /* of the gate's chain; if placed */
	uint8_t told_id[REPORT_CHAIN_ID];
	uint64_t next; /* the number that is wanted */
};

struct taken {
	const struct collector_config *config;
	int dir_fd;
	uint64_t tidy_ns;
	struct taken_chain chains[COLLECTOR_GATES_MAX][SIGHTINGS_CHAINS];
};

/* What a batch did. */
struct taken_done {
	uint64_t records;  /* that are new, and durable now */
	uint64_t repeated; /* that were there */
	uint64_t gap;      /* so many numbers are missing before them: the gate had erased those */
	bool elsewhere;    /* it goes on from where we are not: nothing was taken */
};

/* The folder must be there. */
ch_err taken_open(struct taken *t, const struct collector_config *config);
void taken_close(struct taken *t);
/* How far a gate's chain was taken: *ret_next is 0 for one that was never seen. It is an answer: from
 * then on the gate is taken to know it. */
ch_err taken_place(struct taken *t, size_t gate, const struct report_batch *b, uint64_t *ret_next);
/* Takes a batch (report_open's, records not read yet), whole or not at all; on return it is
 * durable. One from behind the place that is wanted is not taken as long as the gate may not know that
 * place: it may have what is missing, when we have lost it (a restore). Errors of report_next:
 * nothing of it was taken. */
ch_err taken_batch(struct taken *t, size_t gate, const struct report_batch *b, struct rd records,
		   struct taken_done *ret_done);
/* Erases what is too old, now and then. */
void taken_tidy(struct taken *t, uint64_t now_ns);
