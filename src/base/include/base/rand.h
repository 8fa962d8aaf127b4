/* Random bytes from the kernel (getrandom). Dies rather than return fewer. */
#pragma once
#include <stddef.h>

/* Fills n bytes. */
void rand_fill(void *p, size_t n);
