/* What the files of fingerprints share. */
#pragma once
#include "crypto/hash.h"
#include "fingerprint/fingerprint.h"

enum { WINDOW = FINGERPRINT_WINDOW, SLOW_SIZE = 16, SLOW_ROUNDS = 12 };
/* A scan looks at every STRIDE-th byte, and windows are kept for each way that may fall. */
enum { STRIDE = 4, STRIDED_MIN = WINDOW + STRIDE - 1 };

struct window {
	uint32_t bits;  /* FINGERPRINT_BITS of the quick hash */
	uint16_t owner; /* index in labels */
	/* bytes of the same form before and after it that no other window may have covered */
	uint8_t before, after;
	bool alone; /* of a form too short for all ways: every byte must be looked at */
	uint8_t slow[SLOW_SIZE];
};

struct owner {
	char label[FINGERPRINT_LABEL_MAX];
	uint8_t label_n;
	bool weak;
};

/* Four words for the quick hash, drawn from the registry's key. */
struct quick_key {
	uint64_t k[4];
};

struct fingerprints {
	uint8_t key[MAC_KEY_SIZE]; /* of this registry alone */
	struct quick_key quick;
	size_t n_owners, n_windows;
	struct owner owners[FINGERPRINT_LABELS_MAX];
	struct window windows[FINGERPRINTS_MAX];
};

/* --- hash.c --- */

void quick_key_of(const uint8_t key[static MAC_KEY_SIZE], struct quick_key *ret_k);
/* Some microseconds. */
void slow_hash(const uint8_t key[static MAC_KEY_SIZE], const uint8_t window[static WINDOW],
	       uint8_t ret_hash[static SLOW_SIZE]);

/* High and low half of the product, one over the other: both factors are secret where it
 * matters, and neither can be had from what is left of the two. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;
	return (uint64_t)(m >> 64) ^ (uint64_t)m;
}

/* Of the 16 bytes at p. Twice, for one product of two unknown halves is linear in either
 * when the other is guessed; the second depends on its own first. */
static inline uint32_t quick_hash(const struct quick_key *q, const uint8_t *p)
{
	uint64_t a = load_le64(p), b = load_le64(p + 8);
	uint64_t x = fold(a ^ q->k[0], b ^ q->k[1]);
	return (uint32_t)(fold(x ^ q->k[2], b ^ q->k[3]) >> (64 - FINGERPRINT_BITS));
}

static inline str owner_label(const struct owner *o)
{
	return (str){ o->label, o->label_n };
}

/* --- views.c: text that holds bytes in another writing --- */

enum view_kind { VIEW_RAW, VIEW_NARROWED, VIEW_BASE64, VIEW_HEX };
enum { RUN_MAX = 4096, DEPTH_MAX = 3 };

/* Bytes to be scanned, and of what they were decoded. */
struct view {
	const uint8_t *p;
	size_t n;
	unsigned kinds; /* that led here, as bits: nothing is undone twice */
	enum view_kind kind;
	const struct view *parent; /* NULL: these are the stream's own bytes */
	const uint32_t *chars;     /* the parent's bytes that are characters */
	size_t first;              /* of them, what the first byte begins in */
};
/* How far beyond the start of the stream's own bytes the byte i begins, or ends. */
size_t view_at(const struct view *v, size_t i);
size_t view_end(const struct view *v, size_t i);

/* Room for the views of one depth: what a run decodes to. */
struct view_room {
	uint8_t six[RUN_MAX];    /* bits of each character of a run */
	uint32_t chars[RUN_MAX]; /* and where it is */
	uint8_t bytes[RUN_MAX + 4];
};

struct view_taker {
	ch_err (*take)(struct view_taker *t, const struct view *v, unsigned depth);
	struct view_room rooms[DEPTH_MAX];
};
/* Gives all that stands in v in another writing and may hold a window. */
ch_err views_of(const struct view *v, unsigned depth, struct view_taker *t);
