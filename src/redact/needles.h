/* All forms of all values, looked for at once.
 *
 * Of each form, words of eight bytes at every offset are known (of long ones at eight offsets
 * in a row, again and again), and memory is asked at multiples of eight: fifteen bytes of
 * a form in a row have such a word in them. Where one is met, the form is compared in both
 * directions, and the longest run is the hit: what is left of a copy is found as well, since
 * half a prime gives the other half away. Forms of less than fifteen bytes (passwords) are found
 * whole, by words of four bytes. */
#pragma once
#include "fingerprint/forms.h"
#include "redact/value.h"

enum {
	NEEDLE_WORDS_MAX = 600 * 1000, /* of all forms; so that the tables stay below 11 MiB */
	NEEDLE_PIECE = 16,             /* the shortest piece of a form that counts as its copy */
	NEEDLE_SHORT = 15,             /* shorter forms are found whole only */
	NEEDLE_BARE = 8,               /* shorter texts count between NULs or quotes only */
};

struct needle_hit {
	uint64_t from, to; /* addresses */
	size_t value;      /* values_at of it */
	unsigned form;
};
struct hit_taker {
	ch_err (*take)(struct hit_taker *t, const struct needle_hit *h);
};

/* How one value is looked for. */
struct needle_value {
	struct form_value is;
	enum value_kind kind;
};

/* The fewest bytes of a form that count, and whether p[0 .. n), a run that agrees with it,
 * does. */
size_t needle_piece(const struct needle_value *v, unsigned form, size_t size);
bool needle_counts(const struct needle_value *v, unsigned form, const uint8_t *p, size_t n);
/* Bytes between which a short text stands alone. */
bool needle_is_edge(uint8_t c);

struct needles;
/* The values must stay. E_LIMIT: too many, or too many that are alike. */
ch_err needles_new(const struct values *values, struct needles **ret_n);
void needles_done(struct needles **n);

/* Memory at addr. */
struct needle_text {
	uint64_t addr;
	const uint8_t *p;
	size_t n;
	bool last; /* nothing follows */
};
/* Forgets where it was: memory begins at addr. */
void needles_restart(struct needles *n, uint64_t addr);
/* Looks for words in the text's first `upto` bytes, but for those that it looked at before;
 * the text must reach back as far as a hit can, FORM_SIZE_MAX bytes at most. A hit that could
 * go on behind the text is given with the next one. E_LIMIT: too many of those. */
ch_err needles_scan(struct needles *n, const struct needle_text *text, size_t upto,
		    struct hit_taker *t);
