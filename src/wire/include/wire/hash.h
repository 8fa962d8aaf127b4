/* Issuer and hasher: Argon2id of people's passwords, out of the issuer's loop.
 *
 *   CHECK   u8 0x61  u8 version  u32 req  str16 hash  bytes16 password
 *   CHECKED u8 0x62  u8 version  u32 req  u16 code
 *
 * code: CH_OK it fits, CH_E_MISMATCH it does not, else it could not be checked. An
 * empty hash is checked against a constant one, so that an unknown user costs the
 * same time, and gives CH_E_MISMATCH. */
#pragma once
#include "base/rw.h"
#include "base/secret.h"
#include "wire/channel.h"

enum { HASH_PASSWORD_MAX = 1024, HASH_TEXT_MAX = 128, HASH_MESSAGE_MAX = 2048 };

struct hash_check {
	uint32_t req;
	str hash;
	struct secret_bytes password;
};

struct hash_checked {
	uint32_t req;
	uint16_t code;
};

/* Writers append to w (HASH_MESSAGE_MAX bytes), which turns full when a text is too long.
 * Readers: E_PROTOCOL for what does not fit; slices point into the message. */
void hash_write_check(struct wr *w, const struct hash_check *c);
ch_err hash_read_check(bytes message, struct hash_check *ret_c);
void hash_write_checked(struct wr *w, const struct hash_checked *c);
ch_err hash_read_checked(bytes message, struct hash_checked *ret_c);
