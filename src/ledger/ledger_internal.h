/* The ledger's parts. Two threads: the sequencer makes entries durable and answers signers; the
 * integrator makes tiles and heads of what is durable, and answers who asks for heads. They share
 * struct handover and the journal's files, nothing else. */
#pragma once
#include <stdatomic.h>
#include <sys/types.h>

#include "chain/cursor.h"
#include "logstore/logstore.h"
#include "logstore/state.h"
#include "logstore/tree.h"
#include "logstore/written.h"
#include "merkle/note.h"
#include "wire/boot.h"
#include "wire/channel.h"
#include "wire/ledger.h"
#include "wire/roles.h"

enum {
	LISTEN_FD = ROLE_FD,
	FOLDER_FD,
	LINKS_MAX = 64,     /* sockets of signers: a few groups, two generations of each */
	PEERS_MAX = 128,    /* who asks for heads */
	PEERS_OF_USER = 16, /* of them of one user, but root: nobody takes all places */
	PEER_WAITS = 4, /* questions of one that wait; it is not read before they are answered */
};

/* --- handover.c: between the threads --- */
struct handover {
	_Atomic uint64_t durable;  /* the sequencer: entries in the journal, on disk */
	_Atomic uint64_t erasable; /* the integrator: the journal is not needed below it */
	_Atomic int heads_socket;  /* a new socket to the signer of heads; -1: none */
	_Atomic bool asleep;       /* the integrator waits for entries */
	_Atomic bool stopping;     /* the sequencer: finish and end */
	_Atomic bool ended;        /* the integrator has */
	_Atomic uint32_t trouble;  /* its code, if it failed */
	int wake;                  /* eventfd that the integrator waits on */
	int done;                  /* eventfd that the sequencer waits on: it has ended */
};
ch_err handover_open(struct handover *h, uint64_t durable);
void handover_close(struct handover *h);
/* The sequencer: so many entries are durable. One system call when the other sleeps. */
void handover_publish(struct handover *h, uint64_t durable);
/* A socket that has not been taken yet is closed: a newer one takes its place. */
void handover_heads_socket(struct handover *h, int fd);
void handover_stop(struct handover *h);
/* The integrator: before it waits. True: nothing is new, it may; false: look again. */
bool handover_may_sleep(struct handover *h, uint64_t seen);
void handover_woken(struct handover *h);
/* -1: none. */
int handover_take_socket(struct handover *h);
void handover_end(struct handover *h, ch_err e);

/* --- what there is --- */
enum {
	BOUNDARIES_MAX = 16, /* closed segments of the journal that have no index file yet */
};

struct head {
	uint64_t size;
	struct merkle_hash root;
};

/* A question that waits for a head. */
struct waiter {
	uint64_t head; /* the number of the one that answers it, or any later one … */
	uint64_t size; /* … that has all that was durable when it was asked */
	uint32_t req;  /* 0: none */
};

/* Who is connected at DIR/run/log. */
struct peer {
	int fd; /* -1: free */
	uid_t user;
	bool follows;
	bool unread; /* it has asked as much as it may: it is not listened to */
	struct waiter waits[PEER_WAITS];
};

struct integrator {
	struct handover *handover;
	const struct ledger_config *config;
	int folder;
	struct logstore store;
	struct logtree *tree;  /* writes */
	struct logtree *again; /* reads what was written, and compares */
	struct chain_cursor journal;
	struct chain_record record;          /* read, and not in the tree yet … */
	bool has_record;                     /* … if there is one */
	uint64_t segment;                    /* of the journal, that is being read */
	uint64_t boundaries[BOUNDARIES_MAX]; /* where segments ended */
	size_t n_boundaries;
	uint64_t settled; /* the tree has all its files at this size */

	struct logstate state;     /* as on disk, or newer */
	struct logwritten written; /* as this boot's kernel knows it */
	uint64_t written_ns;
	uint64_t mark;      /* full tiles below it are old enough to be synced … */
	uint64_t next_mark; /* … and below it at the next time */
	uint64_t mark_ns;

	struct head last;      /* that was signed: what the next one is held against */
	struct head published; /* and persisted before */
	uint8_t note[LEDGER_NOTE_MAX];
	size_t note_n; /* 0: there is no head yet */

	struct head asked; /* at its signer, if is_asked */
	bool is_asked;
	uint64_t begun, made; /* numbers of heads: begun, published */
	uint64_t begun_ns;
	uint64_t goal; /* entries that the next head is to have, while it is being prepared */
	bool is_refused, is_full; /* and it was logged */

	int heads_fd; /* -1: no signer of heads */
	int listen_fd;
	int epoll;
	struct peer peers[PEERS_MAX];
	uint64_t crowded_ns; /* when somebody was last turned away, and it was logged */
};

struct link {
	int fd; /* -1: free */
	uint32_t generation;
	uint64_t next_seq;
	uint64_t told_ns;  /* when it was answered last */
	uint16_t in_batch; /* its batches in the one that is being put together */
	uint16_t pass;     /* so many more of its batches are not waited for */
};

struct sequencer {
	struct handover *handover;
	const struct ledger_config *config;
	struct chain chain;
	int control_fd;
	int epoll;
	bool is_full;
	bool is_stopping;
	bool is_wary;  /* the clock leapt, and that was said */
	bool is_dirty; /* the room has been written to since it was given back */
	uint64_t tidied_ns;
	uint64_t sync_ns; /* what a write and its sync take, lately */
	struct link links[LINKS_MAX];
};

struct ledger {
	struct ledger_config config;
	struct boot_id boot;
	int folder, lock;
	int listen_fd, control_fd;
	struct handover handover;
	struct sequencer sequencer;
	struct integrator integrator;
	ch_err (*confine)(void); /* once both threads are there; NULL in tests */
};

/* --- recover.c --- */
/* Takes the lock, opens the journal, and makes of tiles, journal and head one consistent state. Logs
 * what it found; E_MISMATCH: damaged, nothing was changed. E_BUSY: another ledger runs. */
ch_err ledger_recover(struct ledger *l);
void ledger_close(struct ledger *l);

/* --- sequencer.c --- */
/* Until CONTROL_STOP, or an error. The caller has opened the chain. */
ch_err sequencer_run(struct sequencer *s);

/* --- integrator.c --- */
/* Takes entries below `upto` out of the journal into the tree, `most` of them. */
ch_err integrate(struct integrator *g, uint64_t upto, uint64_t most);
/* Settles the tree, and reads again all that was written up to its size. */
ch_err settle_and_compare(struct integrator *g);
/* The thread: until the handover says stop, or an error. */
ch_err integrator_run(struct integrator *g);

/* --- heads.c --- */
/* Milliseconds until the next head is to be begun; 0: now. */
int head_wait_ms(const struct integrator *g, uint64_t durable, uint64_t now_ns);
/* A head over all that is in the tree: asks its signer, if there is one. */
ch_err head_ask(struct integrator *g);
/* What the signer says: persisted, then published. */
ch_err head_answer(struct integrator *g);
/* The note there is: of this origin, and signed by the key, if one is configured. E_MISMATCH… */
ch_err head_of_note(const struct ledger_config *c, bytes note, struct head *ret_h);

/* --- asks.c: who asks for heads --- */
void asks_open(struct integrator *g);
void asks_accept(struct integrator *g);
void asks_read(struct integrator *g, struct peer *p);
/* A head was published, or cannot be had (its code). */
void asks_tell(struct integrator *g, enum ch_code code);
/* Does somebody wait for a head that has not been begun? */
bool asks_wait(const struct integrator *g);

/* --- upkeep.c: index files, syncing, and the state on disk --- */
ch_err upkeep(struct integrator *g, uint64_t now_ns);
/* Index files alone. */
ch_err upkeep_index(struct integrator *g);
/* Is there something to sync right now? */
bool upkeep_waits(const struct integrator *g);
/* All that can be synced in a short while; at the end. */
ch_err upkeep_finish(struct integrator *g);
/* Says what is written, if this is new. A failure is no harm. */
void upkeep_note(struct integrator *g);
/* The pages of a room that are not needed now go back to the system. */
void room_release(uint8_t *room, size_t n);

/* --- serve.c --- */
/* Both threads until the end. */
ch_err ledger_serve(struct ledger *l);

/* --- confine.c --- */
/* Before there are two threads, and after. */
ch_err ledger_confine_files(void);
ch_err ledger_confine(void);
