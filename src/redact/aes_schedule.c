/* AES's key schedule, plainly: it runs a few times a dump, on what is wiped at once. Not
 * constant in time. */
#include "aes_schedule.h"

enum { WORD = 4, BLOCK = 16 };

static uint8_t twice(uint8_t a)
{
	return (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0));
}

static uint8_t rotated(uint8_t a, unsigned by)
{
	return (uint8_t)(a << by | a >> (8 - by));
}

void aes_tables_init(struct aes_tables *t)
{
	uint8_t a = 1, inverse = 1;
	do {
		a = (uint8_t)(a ^ twice(a)); /* times 3, which generates the field */
		/* divided by 3 */
		inverse = (uint8_t)(inverse ^ inverse << 1);
		inverse = (uint8_t)(inverse ^ inverse << 2);
		inverse = (uint8_t)(inverse ^ inverse << 4);
		inverse = (uint8_t)(inverse ^ (inverse & 0x80 ? 0x09 : 0));
		t->sbox[a] = (uint8_t)(0x63 ^ inverse ^ rotated(inverse, 1) ^ rotated(inverse, 2) ^
				       rotated(inverse, 3) ^ rotated(inverse, 4));
	} while (a != 1);
	t->sbox[0] = 0x63;
}

size_t aes_schedule_size(size_t key_size)
{
	return BLOCK * (key_size / WORD + 7);
}

void aes_expand(const struct aes_tables *t, bytes key, uint8_t ret_schedule[AES_SCHEDULE_MAX])
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
		mem_wipe(x, sizeof(x));
	}
}

static const uint8_t forth[WORD] = { 2, 3, 1, 1 }, back[WORD] = { 14, 11, 13, 9 };

/* MixColumns or its inverse, of one round key. */
static void mix(const uint8_t *from, const uint8_t *factors, uint8_t *to)
{
	for (size_t i = 0; i < BLOCK; i++) {
		uint8_t out = 0;
		for (size_t k = 0; k < WORD; k++) {
			uint8_t x = from[i / WORD * WORD + (i + k) % WORD];
			for (uint8_t f = factors[k]; f; f >>= 1, x = twice(x))
				out ^= f & 1 ? x : 0;
		}
		to[i] = out;
	}
}

void aes_invert(const uint8_t *schedule, size_t size, uint8_t ret_schedule[AES_SCHEDULE_MAX])
{
	for (size_t i = 0; i < size; i += BLOCK) {
		const uint8_t *from = schedule + size - BLOCK - i;
		if (i == 0 || i == size - BLOCK)
			mem_copy(ret_schedule + i, from, BLOCK);
		else
			mix(from, back, ret_schedule + i);
	}
}

void aes_inverted_key(const uint8_t *inverted, size_t key_size, uint8_t ret_key[AES_KEY_MAX])
{
	const uint8_t *last = inverted + aes_schedule_size(key_size) - BLOCK;
	mem_copy(ret_key, last, BLOCK);
	mix(last - BLOCK, forth, ret_key + BLOCK);
}
