/* What AES makes of a key (FIPS 197 section 5.2), to recognise it in memory. */
#pragma once
#include "base/bytes.h"

enum { AES_SCHEDULE_MAX = 240, AES_KEY_MAX = 32 };

struct aes_tables {
	uint8_t sbox[256];
};
void aes_tables_init(struct aes_tables *t);
/* Bytes of the schedule of a key of so many: 176, 208, 240. */
size_t aes_schedule_size(size_t key_size);
/* All round keys, of which the first is the key. key: 16, 24 or 32 bytes. */
void aes_expand(const struct aes_tables *t, bytes key, uint8_t ret_schedule[AES_SCHEDULE_MAX]);
/* The same for decryption by the equivalent inverse cipher (section 5.3.5): round keys from the
 * last to the first, all but the outer ones through InvMixColumns. */
void aes_invert(const uint8_t *schedule, size_t size, uint8_t ret_schedule[AES_SCHEDULE_MAX]);
/* The key (16, 24 or 32 bytes) of such a schedule, if it is one. */
void aes_inverted_key(const uint8_t *inverted, size_t key_size, uint8_t ret_key[AES_KEY_MAX]);
