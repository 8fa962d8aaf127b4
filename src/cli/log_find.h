/* Where in a log a token's entry is. */
#pragma once
#include "log_source.h"
#include "token/facts.h"

/* In a folder by its index files, over HTTP by halving: entries lie in the order of their iat, give
 * or take LOG_FIND_SKEW_S. *ret_found false: it is not there, as far as a look goes that is not
 * through all entries. room: TILE_ROOM_MAX bytes; *ret_entry points into it. */
enum { LOG_FIND_SKEW_S = 300 };
ch_err log_find(struct log_source *s, const struct token_facts *f, uint64_t size,
		uint8_t room[static TILE_ROOM_MAX], bytes *ret_entry, uint64_t *ret_index,
		bool *ret_found);
