/* Tables of keys: what each may hold, and where it goes in a struct. */
#pragma once
#include "tree_internal.h"

enum field_kind {
	FIELD_TEXT,    /* str at `at` */
	FIELD_NUMBER,  /* uint32_t at `at`, min to max */
	FIELD_TIME,    /* seconds since 1970 or an RFC 3339 date: int64_t at `at` */
	FIELD_BOOL,    /* bool at `at` */
	FIELD_CHOICE,  /* one of `words`: its index as unsigned at `at` */
	FIELD_WORD,    /* one of `words`: str at `at` */
	FIELD_LISTEN,  /* HOST:PORT: str at `at`, uint32_t at count_at */
	FIELD_TEXTS,   /* list of different texts: str[] at `at`, size_t at count_at, min to max */
	FIELD_LIST,    /* list of sections: item_size each at `at`, size_t at count_at */
	FIELD_MAP,     /* name → section; the name is a str at the item's start */
	FIELD_SECTION, /* a map of its own, at `at` */
	FIELD_KIND_COUNT
};

struct field {
	const char *key; /* NULL ends a table; "" alone: the value itself is the field */
	enum field_kind kind;
	bool optional;
	size_t at, count_at;
	uint32_t min, max;
	const char *const *words; /* ends in NULL */
	const struct field *item;
	size_t item_size;
	/* NULL when the text is fine, or what is wrong; how to mend it */
	const char *(*check)(str text);
};

/* Reads a map by its table into section, which holds the defaults of optional keys.
 * `what` names the section in complaints. */
ch_err fields_read(const struct complaint *c, const struct node *map, const struct field *table,
		   const char *what, void *section);

/* Checks that several tables use. */
const char *check_name(str text);
const char *check_absolute(str text);
/* Scheme, host and port alone; http on loopback only. */
const char *check_origin(str text);
const char *check_scope(str text);
const char *check_kid(str text);
const char *check_address(str text);
