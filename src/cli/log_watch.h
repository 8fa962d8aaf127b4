/* What a monitor knows of one log, and how it looks at it: `chancery log monitor` tells people. */
#pragma once
#include "log_source.h"
#include "merkle/checkpoint.h"

enum {
	WATCH_LOGS_MAX = 8,
	WATCH_WITNESSES_MAX = 8,
	WATCH_NAMES_MAX = 32,
	WATCH_SEEN = 1 << 20, /* entries whose hashes are remembered */
	WATCH_NAME_CAP = 64,
	WATCH_ENTRIES_TOLD = 16, /* alarms of single entries, in one look at one log */
};

/* Those up to ALARM_STATES last, and are told when they begin and when they end. */
enum alarm_kind {
	ALARM_SILENT,      /* no head for so long */
	ALARM_UNSIGNED,    /* what is served is no head that the log signed */
	ALARM_DAMAGED,     /* what is served does not give the root that was signed */
	ALARM_UNWITNESSED, /* too few witnesses have cosigned it, or too long ago */
	ALARM_STATES,
	ALARM_INCONSISTENT = ALARM_STATES, /* two heads contradict each other: for good */
	ALARM_ENTRY,                       /* an entry of no known form */
	ALARM_DUPLICATE,
	ALARM_REALM,
	ALARM_KID,
	ALARM_KINDS
};
/* "inconsistent" */
str alarm_name(enum alarm_kind k);

struct alarm {
	enum alarm_kind kind;
	bool over; /* one that lasted has ended */
	str origin;
	uint64_t size; /* of the head, or the index of the entry */
	str what;      /* in a sentence */
	str more;      /* a name that was not known, or the file of the evidence; may be empty */
};
typedef void alarm_tell(void *ctx, const struct alarm *a);

/* The same for all logs. */
struct watch_rules {
	int state_fd; /* the folder of what is remembered */
	int64_t silence_s, witness_silence_s;
	size_t n_witnesses, quorum;
	struct note_key witnesses[WATCH_WITNESSES_MAX];
	size_t n_realms, n_kids; /* 0: any */
	str realms[WATCH_NAMES_MAX], kids[WATCH_NAMES_MAX];
	bool foreign;  /* entries are others', and are not looked into; heads need bear no time */
	bool from_now; /* begin at the newest head, else at entry `from` */
	uint64_t from;
	uint64_t
		patience_ms; /* of one look: a log without end must not keep it from others; 0: any */
	alarm_tell *tell;
	void *ctx;
};

struct seen_hash {
	uint8_t hash[16];
	uint64_t index; /* and one; 0: free */
};

/* Large: static. */
struct watched {
	const struct watch_rules *rules;
	struct log_place place;
	struct note_key key;
	struct log_source source;
	char file[WATCH_NAME_CAP]; /* of its last head in the folder */
	bool started;              /* there is one */
	bool broken;               /* inconsistent, for good */
	bool alarmed;              /* anything, since the process began */
	bool lasting[ALARM_STATES];
	struct merkle_hash root;
	struct merkle_edge edge;  /* of the tree that was verified; its size */
	struct merkle_edge ahead; /* of what was read since, of which no root was compared yet */
	uint64_t told;            /* alarms of entries, in this look */
	int64_t time_s;           /* of the newest head that the log signed */
	int64_t first_s;          /* when it was first looked for here */
	char note[LOG_NOTE_FILE_MAX]; /* the verified head */
	size_t note_n;
	struct seen_hash seen[WATCH_SEEN];
};

/* Reads what is remembered. E_MISMATCH: it was not signed by this key, or was changed. */
ch_err watch_open(const struct watch_rules *rules, const struct log_place *place,
		  const struct note_key *key, struct watched *ret_w);
void watch_close(struct watched *w);
/* One look: what is to be told is told. CH_DONE: what was there could be judged; E_BUSY, E_GONE …:
 * it cannot be had now; E_IO, E_NO_ROOM: what was seen cannot be written down. */
ch_err watch_look(struct watched *w, int64_t now_s);
/* Is nothing wrong now? */
bool watch_is_good(const struct watched *w);

/* --- between log_watch.c and log_watch_entries.c --- */

/* Goes on from an edge to `size`, entry by entry; looks into each. It may stop before, behind a
 * whole bundle, when patience is over. The source's errors. */
ch_err watch_entries(struct watched *w, struct merkle_edge *edge, uint64_t size);
void watch_tell(struct watched *w, const struct alarm *a);
