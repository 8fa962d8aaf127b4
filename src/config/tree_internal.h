/* A YAML text as a small tree with line numbers: one document of maps, lists and
 * scalars, without anchors, aliases, tags or directives. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"

enum { TREE_DEPTH_MAX = 6, TREE_NODES_MAX = 2048, TREE_ARENA = 512 * 1024 };

enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	bool plain; /* NODE_TEXT: written without quotes */
	uint32_t line;
	str text; /* NODE_TEXT */
	str key;  /* of a map's member; p == NULL elsewhere */
	size_t count;
	struct node *first, *next;
};

/* Where complaints go: "path:line: ". */
struct complaint {
	str path;
	struct wr *why;
};

/* Starts the sentence anew: "FILE:LINE: ". */
struct wr *complain(const struct complaint *c, uint32_t line);
/* A text of the file's in quotes, shortened, control bytes replaced. */
void complain_quote(struct wr *w, str text);

/* Texts and nodes are in the arena. */
ch_err tree_read(const struct complaint *c, bytes yaml, struct arena *a, struct node **ret_root);
/* The member of this name, or NULL; NULL too when map is none. */
const struct node *node_get(const struct node *map, str key);
