/* Following one log: from signed heads and a source of tiles to a verified tree and its live set.
 * A head is believed when the log's key signed and cosigned it; what is below it when its root was
 * computed from the entries; only then they are live. Pure: heads and tiles come in, no clock is
 * read, and none decides but what may be forgotten.
 *
 * A log that shrank, or that has two trees of one size, is broken: for good. */
#pragma once
#include "live.h"
#include "merkle/checkpoint.h"
#include "merkle/source.h"

enum {
	TAIL_WITNESSES_MAX = 8,
	TAIL_HEADS_KEPT = 64,
	/* nothing is forgotten until so long after its time, by the slower of two clocks */
	TAIL_SLACK_S = 120,
	/* entries that are read for one head: a log with its key can sign any size, and serve entries
	 * for it without end */
	TAIL_READ_MAX = 1 << 27,
};

struct tail_head {
	uint64_t size;
	int64_t time_s; /* when the log cosigned it */
	struct merkle_hash root;
};

enum tail_phase {
	TAIL_IDLE,
	TAIL_SEEK,  /* where do entries begin that may live? */
	TAIL_EDGE,  /* the tree's edge there */
	TAIL_JOIN,  /* some were passed over: does the tree go on from what was believed? */
	TAIL_READ,  /* entries from there to the target */
	TAIL_DOUBT, /* the root differs: were we shown another tree before? */
};

/* What witnesses cosigned: of these alone that the believed tree goes on from. */
struct tail_cosigned {
	bool waits; /* to be held against the believed tree */
	uint64_t size;
	struct merkle_hash root;
	int64_t times_s[TAIL_WITNESSES_MAX]; /* INT64_MIN: not this one */
};

struct tail {
	struct note_key key; /* its name lives as long as the tail */
	int64_t max_ttl_s;   /* a token that lives longer is refused elsewhere */
	struct live *live;   /* not owned */
	size_t n_witnesses;
	struct note_key witnesses[TAIL_WITNESSES_MAX]; /* cosigners */
	int64_t witnessed_s[TAIL_WITNESSES_MAX];       /* INT64_MIN: never */
	struct tail_cosigned cosigned;                 /* the newest */

	bool has_head; /* a signed one was seen */
	bool started;  /* the believed tree is there, and its live entries are in the set */
	bool broken;
	struct tail_head newest;                  /* signed */
	struct tail_head believed;                /* and computed from the entries */
	int64_t latest_s;                         /* the latest time of any head */
	struct tail_head before[TAIL_HEADS_KEPT]; /* heads that were the newest; a ring */
	size_t n_before;

	enum tail_phase phase;
	bool doubting; /* reads again, from an edge that the tiles gave */
	bool skipping; /* what lies next is gone, or too much: begins where entries may live */
	struct tail_head target;
	struct merkle_edge edge;              /* of the believed tree */
	struct merkle_edge work;              /* on the way to the target */
	int64_t skip_floor_s;                 /* what expires until then need not have been read */
	uint64_t step, first_live, last_aged; /* of the search, in bundles; last_aged is one more */
	struct live_print *staged;            /* entries that wait for their root */
	size_t n_staged, room_staged;
	uint64_t read_max; /* TAIL_READ_MAX */
	uint64_t unread;   /* entries of another form, so far */
	struct wr bundle;  /* over room */
	uint8_t room[TILE_ROOM_MAX];
};

/* key is the log's as NOTE_ED25519, live the set that is filled. */
void tail_init(struct tail *t, const struct note_key *key, int64_t max_ttl_s, struct live *live);
void tail_done(struct tail *t);
/* E_LIMIT. k: NOTE_COSIGNATURE. */
ch_err tail_witness(struct tail *t, const struct note_key *k);

/* A head as it was found or told. E_SYNTAX, E_MISSING, E_MISMATCH, E_UNSUPPORTED: none that the log
 * signed, or a witness's line is bad: as if it had not come. A copy of an older head is fine: at
 * most witnesses have cosigned it. t->broken afterwards: two signed heads contradict each other. *ret_size: of
 * its tree. */
ch_err tail_head(struct tail *t, str note, uint64_t *ret_size);
/* One that witnesses have cosigned, older than the newest by nature: it is never taken for a log that
 * shrank. Else as tail_head. */
ch_err tail_cosigned(struct tail *t, str note);
/* Is there something to compute? */
bool tail_busy(const struct tail *t);
/* Goes on, at most so many bundles far. now_s says, with the head's time, what has expired
 * beyond doubt. Success: the newest head is believed. E_BUSY: as far as it could get, or the
 * source says so. E_LIMIT: there is more to read or to keep than may be. Anything else: begun again at the next call, later; what was believed stays;
 * t->broken may be set then. */
ch_err tail_run(struct tail *t, struct tile_source *s, int64_t now_s, unsigned bundles);
/* Is what is not in the set, and expires then, not in the believed tree? */
bool tail_covers(const struct tail *t, int64_t exp_s);
/* As of when at least so many witnesses have cosigned; INT64_MIN: never. */
int64_t tail_witnessed_s(const struct tail *t, size_t quorum);

/* --- between tail.c and tail_seek.c --- */

/* The tile of a bundle of the target, into t->bundle. */
ch_err tail_bundle(struct tail *t, struct tile_source *s, uint64_t n, unsigned *ret_width);
void tail_seek_begin(struct tail *t);
/* One probe; *ret_done: t->first_live is where to begin. */
ch_err tail_seek(struct tail *t, struct tile_source *s, int64_t floor_s, bool *ret_done);
