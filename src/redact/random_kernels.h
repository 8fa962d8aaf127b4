/* How many bytes differ in each window of four words: in the plainest way, and by vector
 * instructions where the processor has them. */
#pragma once
#include "random.h"

enum {
	/* A window at any byte of which 24 bytes differ shares 28 or more bytes with one of the
	 * two windows of whole words around it, of which then at least 20 differ. */
	RANDOM_NEAR = 20,
	RANDOM_WORDS = RANDOM_BLOCK / 8,
	RANDOM_AHEAD = 192, /* bytes behind the words asked for that a kernel may read */
	RANDOM_STEP = 16,   /* words are asked for by so many, or up to the end */
	/* A window that begins in a word lies within that and the next four: where fewer than
	 * RANDOM_DISTINCT of their bytes differ, none is random. Most text is such. */
	RANDOM_MAYBE = 64,
	RANDOM_COUNT = 63,
};

/* d[i], for words i < n ≤ RANDOM_WORDS + 8: 0 when words i to i + 3 hold a pointer, else how many of
 * their bytes differ, or anything below RANDOM_NEAR; and RANDOM_MAYBE where that may be. */
random_kernel random_kernel_plain, random_kernel_avx2, random_kernel_avx512;
/* Does this processor have what it takes? */
bool random_has_avx2(void);
bool random_has_avx512(void);
