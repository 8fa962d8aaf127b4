/* The distinct numbers that BIGNUM headers lead to, and how they relate. */
#pragma once
#include "redact/finder.h"

enum {
	BIGNUM_HEADERS_MAX = 32 * 1024,
	BIGNUMS_MAX = 8 * 1024,
	BIGNUM_BYTES_MAX = 1024 * 1024,
	BIGNUM_LIMBS_MAX = 256,
	BIGNUM_SIZE_MAX = BIGNUM_LIMBS_MAX * 8,
	BIGNUM_NONE = 0xffff,
};

/* bn/bn.h of OpenSSL 1.0 to 3.x */
enum bignum_flags {
	BIGNUM_STATIC = 2,
	BIGNUM_CONSTTIME = 4, /* set by OpenSSL on what is private */
	BIGNUM_SECURE = 8,
	BIGNUM_FLAGS = 0x1800f,
	BIGNUM_DIGITS = 1u << 29,  /* limbs of 60 bits, which the pool makes whole */
	BIGNUM_FOREIGN = 1u << 30, /* of another library: no flags */
};

enum bignum_is { BIGNUM_UNKNOWN, BIGNUM_PUBLIC, BIGNUM_SECRET };

struct bignum {
	bytes le; /* its limbs, without zeros at the end */
	uint64_t addr;
	uint64_t inverse; /* of the lowest limb modulo 2^64; 0: even */
	uint32_t flags;   /* of all headers that lead to it */
	enum bignum_is is;
};

struct bignum_header {
	uint64_t addr, limbs;
	uint32_t flags;
	uint16_t top;
	uint16_t number; /* index in the pool, or BIGNUM_NONE */
};

struct bignum_pool {
	size_t n_headers, n, used;
	uint8_t key[16];
	uint16_t slots[2 * BIGNUMS_MAX];     /* by value: index + 1 */
	uint16_t low_slots[2 * BIGNUMS_MAX]; /* by lowest limb */
	struct bignum_header headers[BIGNUM_HEADERS_MAX];
	struct bignum numbers[BIGNUMS_MAX];
	uint8_t bytes[BIGNUM_BYTES_MAX];
};

/* Reads what the headers lead to; what is no such number is left out. */
ch_err bignum_pool_fill(struct bignum_pool *p, struct hunt *h);
/* The index of a number, or BIGNUM_NONE. */
uint16_t bignum_pool_find(const struct bignum_pool *p, bytes le);
/* Calls `each` for numbers with this lowest limb (8 at most, else they were chosen to be so)
 * until it says true; whether one did. */
bool bignum_pool_low(const struct bignum_pool *p, uint64_t low,
		     bool (*each)(void *of, const struct bignum *b), void *of);

/* Says what is verified to be secret. */
ch_err bignum_relate(struct bignum_pool *p, struct hunt *h, str finder);
