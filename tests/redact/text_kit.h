/* What the text patterns say about a piece of memory, for tests: spans as a map of masked
 * bytes, values and public keys as lists. */
#pragma once
#include "text_internal.h"

enum { SAID_MAX = 512 * 1024, SAID_SPANS = 4096 };

struct said {
	struct text_sink sink;
	struct span_taker taker;
	struct values *values;
	struct publics *publics;
	uint64_t addr; /* of the memory */
	size_t n;
	size_t spans;
	uint64_t last_end;
	bool unordered, outside; /* spans that were not in order or not in the memory */
	struct span list[SAID_SPANS];
	uint8_t masked[SAID_MAX];
};

/* On the heap; freed by said_free. */
struct said *said_new(uint64_t addr, size_t n);
void said_free(struct said *s);
/* Feeds memory in pieces of `piece` bytes, or in two, cut at `cut`, when piece is 0; to spans
 * and to a sink of values. */
void said_feed(struct said *s, bytes memory, size_t piece, size_t cut);
/* Only the spans. */
void said_spans(struct said *s, bytes memory, size_t piece, size_t cut);
bool said_all(const struct said *s, size_t from, size_t to);  /* every byte is masked */
bool said_none(const struct said *s, size_t from, size_t to); /* none is */
/* Was a span given by this row? */
bool said_by(const struct said *s, str row);
bool said_value(const struct said *s, bytes is);
bool said_kind(const struct said *s, enum value_kind kind);

/* One thing that is planted: `secret` must be masked, and by that row. */
struct text_case {
	str row;
	str before, secret, after;
};
extern const struct text_case text_finds[];
size_t text_finds_count(void);
/* Nothing of these may be masked. */
struct text_decoy {
	str row; /* that it looks like */
	str text;
};
extern const struct text_decoy text_decoys[];
size_t text_decoys_count(void);

struct planted {
	uint8_t p[64 * 1024];
	size_t n, from, to; /* where the secret is */
};
/* Between two stretches of filler; in UTF-16LE when the row is. */
void plant(const struct text_case *c, size_t filler, struct planted *ret_planted);
