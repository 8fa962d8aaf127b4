/* Checkpoints (https://c2sp.org/tlog-checkpoint): the head of a log as the body of a note. Pure. */
#pragma once
#include "merkle/note.h"
#include "merkle/tree.h"

enum {
	CHECKPOINT_BODY_MAX = NOTE_NAME_MAX + 1 + 20 + 44 + 1,
	/* ours, as its log writes it: the body, a blank line, signature and cosignature */
	CHECKPOINT_MAX = CHECKPOINT_BODY_MAX + 1 + 2 * NOTE_LINE_MAX,
};

struct checkpoint {
	str origin; /* a slice of the body */
	uint64_t size;
	struct merkle_hash root;
	str extensions; /* whole lines, opaque; ours have none */
};

/* The body of a note. E_SYNTAX: not of this form; a tree of size 0 has the root it must have. */
ch_err checkpoint_read(str body, struct checkpoint *ret_c);
/* Without extensions. The origin is a name as of note_name_ok. */
void checkpoint_write(struct wr *w, const struct checkpoint *c);

/* A log's own head: signed (NOTE_ED25519) and cosigned with the time under one key, whose name is
 * the origin. */
struct log_head {
	struct checkpoint c;
	int64_t time_s;
	struct note note; /* for the witnesses' lines */
};
/* All of that checked; log is the key as NOTE_ED25519. E_MISMATCH: signed, cosigned or named
 * wrongly; E_MISSING; E_SYNTAX. Slices of the text. */
ch_err log_head_open(str text, const struct note_key *log, struct log_head *ret_h);
