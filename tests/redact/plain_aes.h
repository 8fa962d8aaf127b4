/* What AES makes of a key, to plant it and to compare with. */
#pragma once
#include "aes_schedule.h"

/* All round keys, of which the first is the key. key: 16, 24 or 32 bytes. */
void plain_aes_expand(const struct aes_tables *t, bytes key,
		      uint8_t ret_schedule[AES_SCHEDULE_MAX]);
/* The same for decryption: round keys from the last to the first, all but the outer ones through
 * InvMixColumns. */
void plain_aes_invert(const uint8_t *schedule, size_t size, uint8_t ret_schedule[AES_SCHEDULE_MAX]);
