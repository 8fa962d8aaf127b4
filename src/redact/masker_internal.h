/* The masker's insides: what is to be masked and is not yet, and what of it a byte shows. */
#pragma once
#include "calm.h"
#include "fingerprint/fingerprint.h"
#include "marks.h"
#include "needles.h"
#include "paths.h"
#include "random.h"
#include "redact/masker.h"
#include "redact/spans.h"

enum {
	MASK_STEP = CALM_CELL,     /* bytes that are looked at, then finished, at once */
	MASKS_MAX = 16 * 1024,     /* in a step and what is held back */
	RANDOM_OWNER = UINT16_MAX, /* in the map of owners; others are index + 1 */
	WORDS_OWNER = UINT16_MAX - 1,
};
_Static_assert(MASKS_MAX < WORDS_OWNER, "an owner fits into 16 bits");

/* The stronger hides the weaker where they overlap; of equal ones the longer. */
enum mask_class { MASK_TEXT, MASK_REGISTERED, MASK_VALUE };

struct mask {
	uint64_t from, to;
	str finder, form;
	struct mark mark;
	uint8_t class;
};

struct masker {
	struct masker_setup setup;
	uint8_t key[MAC_KEY_SIZE];
	struct needles *needles;
	struct text_spans *text;
	struct fingerprint_scan *registered; /* or NULL */
	struct random_rule random;
	struct paths *paths;
	/* of the stream: what was handed over, looked at, and is written, up to here */
	bool begun, is_memory;
	uint64_t next, scanned, final;
	/* text was looked for up to here; it is not looked for before there, where zeros end */
	uint64_t text_to, text_from;
	bool text_open;                    /* what comes next must be looked at, calm or not */
	uint64_t judged_to[RANDOM_WIDTHS]; /* letters before it, of each width, were judged */
	uint64_t random_to; /* what looks random and begins before `final` ends there */
	struct mask masks[MASKS_MAX];
	size_t n_masks;
	uint16_t owners[MASK_STEP];
};

/* Remembers it; what is final already stays. E_LIMIT. */
ch_err mask_add(struct masker *m, const struct mask *one);
/* Memory that becomes final: n bytes at m->final, of `there` that can be read. */
struct finish {
	uint8_t *p;
	size_t n, there;
};
/* At most n, in whole words and so that no path goes over the end: whoever judges it wants
 * to see all of it. */
size_t mask_step(const uint8_t *p, size_t n);
/* Paints and reports it. */
void mask_finish(struct masker *m, const struct finish *f);
/* The end of the bytes from `at` on that have one owner. */
static inline size_t owner_end(const uint16_t *owners, size_t at, size_t n)
{
	uint64_t four = owners[at] * UINT64_C(0x0001000100010001);
	size_t end = at + 1;
	for (; end + 16 <= n; end += 16) {
		const uint8_t *p = (const uint8_t *)(owners + end);
		if (((load_le64(p) ^ four) | (load_le64(p + 8) ^ four) |
		     (load_le64(p + 16) ^ four) | (load_le64(p + 24) ^ four)) != 0)
			break;
	}
	while (end + 4 <= n && load_le64((const uint8_t *)(owners + end)) == four)
		end += 4;
	while (end < n && owners[end] == owners[at])
		end++;
	return end;
}
/* Sets the owners of what looks random; n <= MASK_STEP. Whether there is any. */
bool mask_random(struct masker *m, const struct finish *f);
