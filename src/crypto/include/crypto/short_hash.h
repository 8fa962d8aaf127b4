/* SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash of 64 bits for tables in memory,
 * cheap for short texts. Whoever does not know the key cannot choose what collides. It is
 * no MAC: never rely on it without comparing the whole. */
#pragma once
#include "base/bytes.h"

enum { SHORT_HASH_KEY_SIZE = 16 };

uint64_t short_hash(const uint8_t key[static SHORT_HASH_KEY_SIZE], bytes b);
/* The variant with 128 bits, for what is not compared whole: two texts of many millions have the
 * same one with a chance below 2^-70. */
struct wide_hash {
	uint64_t first, second;
};
struct wide_hash short_hash_wide(const uint8_t key[static SHORT_HASH_KEY_SIZE], bytes b);
