/* Keys made by libcrypto for a test, as big-endian numbers without leading zeros. */
#pragma once
#include "base/bytes.h"

enum { MADE_MAX = 1024 };
struct made_number {
	uint8_t p[MADE_MAX];
	size_t n;
};
struct made_rsa {
	struct made_number n, d, p, q, dp, dq, qinv;
};
void made_rsa(unsigned bits, struct made_rsa *ret_k);
struct made_ec {
	struct made_number d;
	uint8_t xy[132]; /* x || y */
	size_t n_xy;
};
void made_ec(const char *curve, struct made_ec *ret_k);
bytes made(const struct made_number *n);
