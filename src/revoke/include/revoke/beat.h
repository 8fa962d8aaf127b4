/* The issuer's pulse beside its chain: a small file, rewritten in place each second, that says
 * how far the chain goes. Who follows the chain believes it only as long as this changes: an
 * issuer that is gone, or cannot be heard, revokes nothing. The time in it is for people. */
#pragma once
#include "chain/chain.h"

#define REVOKE_BEAT_FILE "beat"
enum { REVOKE_BEAT_SIZE = 88, REVOKE_BEAT_MS = 1000 };

struct revoke_beat {
	uint64_t count; /* another one each time */
	uint8_t chain[CHAIN_ID_SIZE];
	struct chain_head head;
	int64_t time_ms;
};

/* Opens or makes it in the chain's folder. */
ch_err beat_open(int dir_fd, const char *folder, int *ret_fd);
ch_err beat_write(int fd, const struct revoke_beat *b);
/* E_NOT_FOUND: there is none; E_SYNTAX: it is being written, or is none: ask again later. */
ch_err beat_read(int dir_fd, struct revoke_beat *ret_b);
ch_err beat_parse(bytes b, struct revoke_beat *ret_b);
