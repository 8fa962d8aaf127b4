/* One number's inverse, for public numbers only. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* s * *ret_inverse = 1 modulo the order of P-256, big endian. False, and nothing written,
 * for a multiple of the order. Takes longer for some numbers than for
 * others: never for a secret. */
bool inverse_vartime(const uint8_t s[static 32], uint8_t ret_inverse[static 32]);
