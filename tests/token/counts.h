/* What judging costs in calls: of memory, and of the check of a signature. Each count wants
 * its own file linked, and the symbols it counts wrapped. */
#pragma once
#include <stddef.h>

/* allocations.c; --wrap= malloc, calloc, realloc: calls of ours, not of libcrypto's */
extern size_t allocations;
/* checks.c; --wrap= public_key_verify */
extern size_t checks;
