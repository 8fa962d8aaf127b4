/* JSON, strict (RFC 8259 and less): one value, UTF-8 checked, no duplicate member
 * at any depth, no escape in a member name, limits on depth and members. Parses
 * into the caller's nodes; text stays where it is. No allocation. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"

enum json_type {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_INT,    /* digits only, with a minus perhaps: fits int64_t */
	JSON_NUMBER, /* any other number: 1.0, 1e3, too big */
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json_node {
	enum json_type type;
	bool escaped;   /* a string with a backslash in it */
	uint32_t next;  /* how many nodes this value takes, itself included */
	uint32_t count; /* members or elements */
	str name;       /* of a member; p == NULL elsewhere */
	str text;       /* string: between the quotes, raw; number: its digits; else all of it */
	uint64_t head;  /* str_head of the name */
	int64_t number; /* of a JSON_INT */
};

/* A name to look for. */
struct json_name {
	str name;
	uint64_t head;
};
#define JSON_NAME(literal)                                             \
	{                                                              \
		{ "" literal, sizeof(literal) - 1 }, STR_HEAD(literal) \
	}

struct json_limits {
	uint32_t depth;   /* nested arrays and objects, the outer one counts 1 */
	uint32_t members; /* members and elements in all */
};

/* E_SYNTAX, E_DUPLICATE, E_TRUNCATED, E_TRAILING or E_LIMIT, detail = offset. A node
 * array of limits.members + 1 always suffices; a smaller one gives E_FULL. */
ch_err json_parse(bytes text, struct json_limits limits, struct json_node *nodes, size_t cap,
		  size_t *ret_count);

/* The member of this name, or NULL; NULL too when obj is no object. */
const struct json_node *json_member(const struct json_node *obj, str name);
static inline bool json_is_named(const struct json_node *m, const struct json_name *name)
{
	return m->head == name->head && m->name.n == name->name.n &&
	       (m->name.n <= sizeof(m->head) || mem_eq(m->name.p, name->name.p, m->name.n));
}

/* The members of n names in one pass; NULL where there is none. How many there are. */
size_t json_members(const struct json_node *obj, const struct json_name *names, size_t n,
		    const struct json_node **ret_members);
/* The first child, or NULL; and the next one after child among parent's. */
const struct json_node *json_first(const struct json_node *parent);
const struct json_node *json_next(const struct json_node *parent, const struct json_node *child);
/* E_SYNTAX unless it is JSON_INT. */
ch_err json_to_int(const struct json_node *n, int64_t *ret_v);
/* The text of a string, escapes undone (into the arena only when there are any).
 * E_SYNTAX when it is no string or holds a lone surrogate. */
ch_err json_to_str(const struct json_node *n, struct arena *a, str *ret_s);
/* Is it a string without escapes that equals s? */
bool json_is_str(const struct json_node *n, str s);

/* Writing: members in the order of the calls, commas by themselves. */
struct json_out {
	struct wr *w;
	bool first;
};

/* Appends to w, which turns full when something does not fit: ask wr_done at the end. */
struct json_out json_out_of(struct wr *w);
/* name.p == NULL inside an array or at the top */
void json_put_str(struct json_out *o, str name, str value);
void json_put_int(struct json_out *o, str name, int64_t value);
/* Counts and sizes; what no reader of ours would take as a number becomes the greatest. */
void json_put_u64(struct json_out *o, str name, uint64_t value);
void json_put_bool(struct json_out *o, str name, bool value);
void json_put_null(struct json_out *o, str name);
/* text is JSON already */
void json_put_raw(struct json_out *o, str name, str text);
void json_begin(struct json_out *o, str name, char open); /* '{' or '[' */
void json_finish(struct json_out *o, char close);         /* '}' or ']' */
/* "…" with quotes, escapes as RFC 8785 section 3.2.2.2; bad UTF-8 becomes U+FFFD. */
void json_write_str(struct wr *w, str s);
/* Well-formed UTF-8 (RFC 3629): no overlong form, no surrogate, nothing cut off. */
bool utf8_ok(str s);
