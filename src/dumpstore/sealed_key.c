/* Keys that dumps are sealed to: what they are called in files, and their ids. The private
 * half stays in secret memory and is only passed on. */
#include "crypto/hash.h"
#include "sealed_internal.h"

static const struct box_names names = {
	{ "chancery-dump-public-key-1", 26 },
	{ "chancery-dump-private-key-1", 27 },
};

_Static_assert((int)DUMP_PUBLIC_SIZE == (int)BOX_KEY_SIZE, "key size");

ch_err dump_key_new(struct dump_public_key *ret_public, struct secret **ret_private)
{
	return box_key_new(ret_public->p, ret_private);
}

void dump_public_key_write(struct wr *w, const struct dump_public_key *key)
{
	box_public_write(w, &names, key->p);
}

ch_err dump_private_key_write(const struct secret *private_key, struct secret **ret_text)
{
	return box_private_write(
		private_key, &names,
		LIT("# Opens crash dumps. Keep it away from the hosts that crash.\n"), ret_text);
}

ch_err dump_public_key_read(bytes text, struct dump_public_key *ret_key)
{
	return box_public_read(text, &names, ret_key->p);
}

ch_err dump_private_key_read(const struct secret *text, struct secret **ret_private)
{
	return box_private_read(text, &names, ret_private);
}

ch_err dump_public_key_of(const struct secret *private_key, struct dump_public_key *ret_public)
{
	return box_public_of(private_key, ret_public->p);
}

void dump_key_id(const struct dump_public_key *key, uint8_t ret_id[static KEY_ID_SIZE])
{
	uint8_t hash[SHA256_SIZE];
	sha256(BYTES_OF(key->p), hash);
	mem_copy(ret_id, hash, KEY_ID_SIZE);
}
