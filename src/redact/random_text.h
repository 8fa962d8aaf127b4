/* Text that was drawn at random: runs of letters, of one byte or wide, and what in them is no
 * name and no number. */
#pragma once
#include "random.h"

/* Letters are those of base64 and base64url, and so of hex. Bit i is of byte i. */
struct letter_masks {
	uint64_t letters, zeros;
};
/* Of p[0 .. n), 64 bytes each; bits of what is not there are 0. */
typedef void letter_kernel(const uint8_t *p, size_t n, struct letter_masks *ret_m);
letter_kernel letter_kernel_plain, letter_kernel_sse2, letter_kernel_avx512;
letter_kernel *letter_kernel_best(void);
size_t random_find_text_by(letter_kernel *kernel, struct random_block b, size_t *judged);

/* n letters, one in `width` bytes, of which the others are zeros. */
struct letter_run {
	const uint8_t *p;
	size_t n, width;
};
static inline uint8_t letter_at(const struct letter_run *r, size_t i)
{
	return r->p[i * r->width];
}
static inline bool is_hex(uint8_t c)
{
	return (uint8_t)(c - '0') < 10 || (uint8_t)((c | 0x20) - 'a') < 6;
}
/* 1 to 64, or 0 when it is none; '-' is as '+', and '_' as '/'. */
extern const uint8_t letter_codes[256];

/* Letters [from, to) of a run. */
struct letter_piece {
	size_t from, to;
};
/* Of two letters in a row: more than 0 when names have few of these. The sum of a piece that
 * was drawn is DRAWN_SUM_MIN or more. */
enum { DRAWN_SUM_MIN = 32 };
int letters_weight(uint8_t a, uint8_t b);
/* The next piece from *at on that was drawn at random, and *at behind it: digits of hex that are no
 * number, and letters in pairs of which names have few. */
bool drawn_digits_next(const struct letter_run *r, size_t *at, struct letter_piece *ret);
bool drawn_letters_next(const struct letter_run *r, size_t *at, struct letter_piece *ret);
