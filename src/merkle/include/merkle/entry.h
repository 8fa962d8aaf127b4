/* What the log of an authority has of a token, at most 256 bytes, big endian:
 *
 *   u8 version = 1 | u8 typ | i64 iat | i64 exp | 32 bytes SHA-256 of the signing input |
 *   u8 n, n bytes realm | u8 n, n bytes kid
 *
 * Nothing about a person. There is no other entry. Pure. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"
#include "merkle/tree.h"

enum {
	LOG_ENTRY_MAX = 256,
	LOG_ENTRY_HASH_AT = 18, /* where the hash stands */
	LOG_ENTRY_REALM_MAX = 64,
	LOG_ENTRY_KID_MAX = 64,
};

enum log_typ { LOG_TYP_AT_JWT = 1, LOG_TYP_JWT = 2 };

struct log_entry {
	int64_t iat_s, exp_s; /* not negative; exp is not before iat */
	uint8_t hash[MERKLE_HASH_SIZE];
	str realm;   /* as name_ok has it */
	str kid;     /* printable ASCII */
	uint8_t typ; /* enum log_typ */
};

/* E_RANGE: a field is not what it must be; E_FULL. */
ch_err log_entry_write(struct wr *w, const struct log_entry *e);
/* Slices of b. E_TRUNCATED, E_TRAILING, E_SYNTAX, E_UNSUPPORTED (another version). */
ch_err log_entry_read(bytes b, struct log_entry *ret_e);
