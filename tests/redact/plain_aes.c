/* AES's key schedule, plainly, as FIPS 197 writes it. */
#include "plain_aes.h"

enum { WORD = 4, BLOCK = 16 };

static uint8_t twice(uint8_t a)
{
	return (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0));
}

void plain_aes_expand(const struct aes_tables *t, bytes key, uint8_t ret_schedule[AES_SCHEDULE_MAX])
{
	uint8_t *w = ret_schedule, round = 1;
	size_t size = aes_schedule_size(key.n);
	mem_copy(w, key.p, key.n);
	for (size_t i = key.n; i < size; i += WORD) {
		uint8_t x[WORD];
		mem_copy(x, w + i - WORD, WORD);
		if (i % key.n == 0) {
			uint8_t first = x[0];
			x[0] = t->sbox[x[1]] ^ round;
			x[1] = t->sbox[x[2]];
			x[2] = t->sbox[x[3]];
			x[3] = t->sbox[first];
			round = twice(round);
		} else if (key.n == AES_KEY_MAX && i % key.n == BLOCK) {
			for (size_t k = 0; k < WORD; k++)
				x[k] = t->sbox[x[k]];
		}
		for (size_t k = 0; k < WORD; k++)
			w[i + k] = w[i + k - key.n] ^ x[k];
	}
}

static const uint8_t back[WORD] = { 14, 11, 13, 9 };

/* InvMixColumns of one round key. */
static void mix(const uint8_t *from, uint8_t *to)
{
	for (size_t i = 0; i < BLOCK; i++) {
		uint8_t out = 0;
		for (size_t k = 0; k < WORD; k++) {
			uint8_t x = from[i / WORD * WORD + (i + k) % WORD];
			for (uint8_t f = back[k]; f; f >>= 1, x = twice(x))
				out ^= f & 1 ? x : 0;
		}
		to[i] = out;
	}
}

void plain_aes_invert(const uint8_t *schedule, size_t size, uint8_t ret_schedule[AES_SCHEDULE_MAX])
{
	for (size_t i = 0; i < size; i += BLOCK) {
		const uint8_t *from = schedule + size - BLOCK - i;
		if (i == 0 || i == size - BLOCK)
			mem_copy(ret_schedule + i, from, BLOCK);
		else
			mix(from, ret_schedule + i);
	}
}
