/* The two hashes of a window. The quick one goes over every byte of a dump; the slow one only
 * makes sure. Slowness does not protect a weak secret: who guesses has the quick one, which
 * any dump must have at every byte, and the slow one only for each 16 millionth guess. */
#include "fingerprint_internal.h"

static void draw(const uint8_t key[static MAC_KEY_SIZE], str what,
		 uint8_t ret_drawn[static MAC_SIZE])
{
	keyed_hash(key, bytes_of_str(what), ret_drawn);
}

void quick_key_of(const uint8_t key[static MAC_KEY_SIZE], struct quick_key *ret_k)
{
	SECRET_BUF(drawn, MAC_SIZE);
	draw(key, LIT("the quick hash of a window"), drawn);
	for (size_t i = 0; i < COUNT_OF(ret_k->k); i++)
		ret_k->k[i] = load_le64(drawn + 8 * i);
}

void slow_hash(const uint8_t key[static MAC_KEY_SIZE], const uint8_t window[static WINDOW],
	       uint8_t ret_hash[static SLOW_SIZE])
{
	SECRET_BUF(h, MAC_SIZE);
	keyed_hash(key, (bytes){ window, WINDOW }, h);
	for (unsigned i = 1; i < SLOW_ROUNDS; i++)
		keyed_hash(key, (bytes){ h, MAC_SIZE }, h);
	mem_copy(ret_hash, h, SLOW_SIZE);
}
