/* AES's key schedule, word by word, as far as it is one: each word but the first follows from two
 * before it. What is read may be anything, and is wiped. Not constant in time. */
#include "aes_schedule.h"

enum { WORD = 4, BLOCK = 4, WORDS_MAX = AES_SCHEDULE_MAX / WORD };

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
	for (size_t i = 1; i < AES_ROUNDS; i++)
		t->rounds[i] = i == 1 ? 1 : twice(t->rounds[i - 1]);
}

size_t aes_schedule_size(size_t key_size)
{
	return BLOCK * WORD * (key_size / WORD + 7);
}

/* Of words the lowest byte is the first. */
static uint32_t word_at(const struct aes_guess *g, size_t i)
{
	uint32_t word = load_le32(g->p + i * WORD);
	return g->turned ? __builtin_bswap32(word) : word;
}

static uint32_t substituted(const struct aes_tables *t, uint32_t w)
{
	uint32_t low = t->sbox[w & 0xff] | (uint32_t)t->sbox[w >> 8 & 0xff] << 8;
	return low | (uint32_t)t->sbox[w >> 16 & 0xff] << 16 | (uint32_t)t->sbox[w >> 24] << 24;
}

static uint32_t down(uint32_t w, unsigned bytes_n)
{
	return w >> 8 * bytes_n | w << (32 - 8 * bytes_n);
}

/* MixColumns, which takes InvMixColumns back. */
static uint32_t mixed(uint32_t w)
{
	uint32_t two = (w & 0x7f7f7f7f) << 1 ^ (w >> 7 & 0x01010101) * 0x1b;
	return two ^ down(two ^ w, 1) ^ down(w, 2) ^ down(w, 3);
}

/* Does word i follow from those before it? n: words of the key. */
static bool follows(const struct aes_tables *t, const uint32_t *w, size_t i, size_t n)
{
	if (!n) /* no key is that short */
		return false;
	uint32_t last = w[i - 1];
	if (i % n == 0)
		last = substituted(t, down(last, 1)) ^ t->rounds[i / n];
	else if (n == AES_KEY_MAX / WORD && i % n == n / 2)
		last = substituted(t, last);
	return (w[i - n] ^ last) == w[i];
}

/* w: WORDS_MAX of room. */
static bool is_forward(const struct aes_tables *t, const struct aes_guess *g, size_t all,
		       uint32_t *w)
{
	size_t n = g->key_size / WORD;
	for (size_t i = 0; i < all; i++) {
		w[i] = word_at(g, i);
		if (i >= n && !follows(t, w, i, n))
			return false;
	}
	return true;
}

/* From the last round to the first, as they lie there. */
static bool is_inverse(const struct aes_tables *t, const struct aes_guess *g, size_t all,
		       uint32_t *w)
{
	size_t n = g->key_size / WORD;
	for (size_t from = 0; from < all; from += BLOCK) {
		size_t to = all - BLOCK - from;
		for (size_t k = 0; k < BLOCK; k++) {
			uint32_t word = word_at(g, from + k);
			w[to + k] = from == 0 || to == 0 ? word : mixed(word);
		}
		for (size_t i = to + n; i < to + n + BLOCK && i < all; i++)
			if (!follows(t, w, i, n))
				return false;
	}
	return true;
}

bool aes_is_schedule(const struct aes_tables *t, const struct aes_guess *g,
		     uint8_t ret_key[AES_KEY_MAX])
{
	uint32_t w[WORDS_MAX] = { 0 };
	size_t all = aes_schedule_size(g->key_size) / WORD;
	bool is = g->inverse ? is_inverse(t, g, all, w) : is_forward(t, g, all, w);
	for (size_t i = 0; is && i < g->key_size; i++)
		ret_key[i] = (uint8_t)(w[i / WORD] >> 8 * (i % WORD));
	mem_wipe(w, sizeof(w));
	return is;
}
