/* The authority's log, as the collector believes it: heads signed by its key, entries that hash to
 * them. Asked at DIR/run/log for a head made after a question, and read from DIR/log. */
#pragma once
#include "known.h"
#include "logstore/logstore.h"
#include "merkle/checkpoint.h"
#include "wire/ledger.h"

enum heads_state {
	HEADS_NONE,   /* the authority has no log, or none was heard of yet */
	HEADS_GOOD,   /* followed up to `edge` */
	HEADS_BROKEN, /* a head of its key contradicts one that was believed: for good */
};

struct heads {
	bool configured;
	enum heads_state state;
	const char *folder, *socket;
	struct note_key key;
	int fd;            /* to the ledger; -1: none */
	uint64_t retry_ns; /* when it is tried again */
	uint64_t begun_ns; /* of the question that was not answered yet */
	uint32_t asked;    /* number of the last question; 0: none yet */
	uint32_t answered; /* of the last that was answered and followed */
	bool wanted;       /* somebody wants a newer head than those asked for */
	bool missing;      /* the log has: it cannot be asked */
	struct logstore store;
	struct merkle_edge edge;
	bool damaged;   /* the log has: its entries are not what its head says */
	int64_t time_s; /* of the head */
	struct known known;
	size_t note_n;
	uint8_t note[LEDGER_NOTE_MAX]; /* the head, as it was signed */
	uint8_t room[TILE_ROOM_MAX];
};

/* Before the walls; opens the folder. vkey empty: there is no log. */
ch_err heads_open(struct heads *h, str vkey, const char *folder, const char *socket);
void heads_done(struct heads *h);
/* Somebody needs a head made from now on: an answer to a question whose number is greater
 * than what this returns. */
uint32_t heads_want(struct heads *h);
/* Once a turn: connects, asks. To be watched for input: h->fd. */
void heads_turn(struct heads *h, uint64_t now_ns);
/* Takes what came; true: h->answered is greater now, and the log was followed up to there. */
bool heads_take(struct heads *h);
/* Is there an entry of this hash among those of the head? E_MISMATCH, E_IO: cannot be said. */
ch_err heads_find(struct heads *h, const uint8_t hash[static 32], bool *ret_found);
/* Would the entry of a token of that time still be there? False: it may have been pruned. */
ch_err heads_reach(struct heads *h, int64_t iat_s, bool *ret_reach);
