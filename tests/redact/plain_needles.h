/* The needles, looked for in the slowest way: every form at every place. */
#pragma once
#include "needles.h"

/* Sets to 1 what belongs to a hit; covered has n bytes, zeroed. Memory begins and ends with p.
 * Runs that count are covered when they are at least `piece` bytes long, or whole. */
void plain_needles(const struct values *values, bytes memory, size_t piece, uint8_t *covered);
