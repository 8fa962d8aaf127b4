/* Following a realm's chain on the same host: every record, verified, into somebody's hands;
 * and whether the issuer behind it lives. Never waits. */
#pragma once
#include "chain/cursor.h"
#include "revoke/record.h"

enum { FOLLOW_ROOM = 64 * 1024 };

struct follow {
	struct chain_cursor cursor;
	bool open;     /* the cursor is */
	bool has_beat; /* beat_count is that of one that was seen */
	uint64_t beat_count;
	uint8_t room[FOLLOW_ROOM];
};

typedef ch_err follow_each(void *ctx, const struct chain_record *c, const struct revocation *r);

/* Everything that is new, to each. *ret_alive: the issuer's pulse has changed since the last
 * look, and all that it speaks of has been read. E_NOT_FOUND: there is no chain (yet).
 * E_MISMATCH: it is damaged, shorter than it was, or another one than it was: for good. Any other: try again. */
ch_err follow_look(struct follow *f, int dir_fd, const char *folder, follow_each *each, void *ctx,
		   bool *ret_alive);
void follow_done(struct follow *f);
