/* What AES makes of a key (FIPS 197 section 5.2), to recognise it in memory. */
#pragma once
#include "base/bytes.h"

enum { AES_SCHEDULE_MAX = 240, AES_KEY_MAX = 32, AES_ROUNDS = 11 };

struct aes_tables {
	uint8_t sbox[256];
	uint8_t rounds[AES_ROUNDS]; /* Rcon; the first is not used */
};
void aes_tables_init(struct aes_tables *t);
/* Bytes of the schedule of a key of so many: 176, 208, 240. */
size_t aes_schedule_size(size_t key_size);

/* aes_schedule_size(key_size) bytes at p that may be one. */
struct aes_guess {
	const uint8_t *p;
	size_t key_size; /* 16, 24 or 32 */
	bool turned;     /* each word is a number of 32 bits */
	/* for decryption by the equivalent inverse cipher (section 5.3.5): round keys from the last
	 * to the first, all but the outer ones through InvMixColumns */
	bool inverse;
};
/* Whether it is, and of which key. Of what is none, nearly all is told by its first words:
 * memory may be full of what looks like one. */
bool aes_is_schedule(const struct aes_tables *t, const struct aes_guess *g,
		     uint8_t ret_key[AES_KEY_MAX]);
