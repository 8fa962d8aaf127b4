/* Shared by looking (check.c, check_index.c) and mending (repair.c). */
#pragma once
#include "logstore/check.h"
#include "logstore/state.h"

struct looking {
	const struct logcheck *c;
	struct logcheck_report *report;
	struct logstore store;
	struct logstate state;
	struct merkle_hash root; /* of the published head, or of the one in the state */
	bool has_state, bad_head, bad_journal, bad_minimum;
	bool bad_written;
	bool differs;    /* the journal from the bundles, and it was told */
	bool mends;      /* older open tiles that differ are written anew */
	uint64_t bundle; /* 1 + the number of the one that was read last */
};

void check_tell(struct looking *l, const char *what, str file, uint64_t at, ch_err e);
ch_err look_at_head(struct looking *l);
ch_err look_at_state(struct looking *l);
ch_err look_at_journal(struct looking *l);
ch_err look_at_index(struct looking *l);
ch_err look_at_partial(struct looking *l);
/* The index file that an entry lies in begins there; 0 when there is none. */
ch_err logindex_begin_of(int dir_fd, uint64_t index, uint64_t *ret_first);
/* Removes all that begin at or above `first`. */
ch_err logindex_erase_from(int dir_fd, uint64_t first);
