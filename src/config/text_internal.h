/* The memory that a parsed file lives in: its texts and its tree. */
#pragma once
#include "config/config.h"
#include "tree_internal.h"

struct config_text {
	struct arena arena;
	struct node *root;
	uint8_t storage[TREE_ARENA];
};

/* Reads the file into a tree; the texts live as long as *ret_text. */
ch_err text_read(const struct complaint *c, bytes yaml, struct config_text **ret_text,
		 struct node **ret_root);
/* The checks on an issuer's URL: http(s), http on loopback only, no query and no
 * slash at the end. A complaint or NULL. */
const char *check_issuer(str text);
