/* What the store keeps of a user or a client, as a table: how each part of a row is called in
 * JSON, which option sets it, where it is. One row more here is a part more in `add`, `edit`,
 * `show`, `list`, `export` and `import`. */
#pragma once
#include "base/arena.h"
#include "codec/json.h"
#include "codec/list.h"
#include "store/store.h"

enum { ATTRS_MAX = 24 };

enum attr_kind {
	ATTR_TEXT,
	ATTR_LOWER, /* a text that is kept in lower case (ASCII) */
	ATTR_LIST,  /* an array in JSON */
	ATTR_WORDS, /* a list whose items stand in one text, as OAuth has scopes */
	ATTR_FLAG,  /* yes or no in an option */
	ATTR_JSON,  /* a text that is JSON, without blanks around its signs; empty: no member */
	ATTR_HASH,  /* STORE_HASH_SIZE bytes or none, base64url in JSON */
};

struct attr {
	str name;
	const char *option; /* sets it; once for each item of a list. NULL: no option does */
	str told_as;        /* of what is secret: a flag of this name says whether it is set */
	enum attr_kind kind;
	size_t at; /* a str, bool or bytes in the row */
};

/* The parts of a row. */
struct attrs {
	const struct attr *attrs;
	size_t n;
};

/* What an option said of one attribute. */
struct given {
	const char *text;
	struct wr list;
	char room[STORE_LIST_MAX];
};

str attrs_text(const struct attr *at, const void *row);
bool *attrs_flag(const struct attr *at, void *row);
/* All members of one object; hashes: what is secret too. */
void attrs_json(struct json_out *o, const struct attrs *r, const void *row, bool hashes);
/* "name: value", a line each. */
void attrs_print(const struct attrs *r, const void *row);
/* Sets what was given. Of a list, items replace what was there, but +ITEM adds one and -ITEM
 * takes one out. New texts are in the arena. */
ch_err attrs_apply(const struct attrs *r, const struct given *given, struct arena *a, void *row);
/* A bit for each attribute in which the two are not the same. */
uint32_t attrs_diff(const struct attrs *r, const void *a, const void *b);
/* Sets what the object has. False when a member is unknown or of another type, *ret_bad is
 * its name then. Texts are in the arena or where the object's are. */
bool attrs_read(const struct attrs *r, const struct json_node *object, struct arena *a, void *row,
		str *ret_bad);
/* JSON without what may stand around its signs. */
void json_squeeze(struct wr *w, str text);
