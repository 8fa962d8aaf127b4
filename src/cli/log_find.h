/* Where in a log a token's entry is. */
#pragma once
#include "log_source.h"
#include "token/facts.h"

enum { LOG_FIND_SKEW_S = 300 };

struct log_found {
	bool found; /* false: it is not there, as far as a look goes that is not through all entries */
	uint64_t index;
	bytes entry; /* a slice of the room */
};

/* In a folder by its index files, over HTTP by halving: entries lie in the order of their iat, give
 * or take LOG_FIND_SKEW_S. */
ch_err log_find(struct log_source *s, const struct token_facts *f, uint64_t size,
		uint8_t room[static TILE_ROOM_MAX], struct log_found *ret_found);
