/* X25519 pairs and their text files. A private half is read and written inside secret memory
 * alone; its base64 is libsodium's, which takes no branch on a digit. Files are trusted for
 * nothing but being at most BOX_TEXT_MAX bytes. */
#include "crypto/box_key.h"

#include <sodium.h>

enum {
	TEXT_VARIANT = sodium_base64_VARIANT_URLSAFE_NO_PADDING,
	KEY_TEXT = 43,
};

_Static_assert(BOX_KEY_SIZE == crypto_box_PUBLICKEYBYTES, "public half");
_Static_assert(BOX_KEY_SIZE == crypto_box_SECRETKEYBYTES, "private half");
_Static_assert(KEY_TEXT + 1 == sodium_base64_ENCODED_LEN(BOX_KEY_SIZE, TEXT_VARIANT), "text");

ch_err box_key_new(uint8_t ret_public[static BOX_KEY_SIZE], struct secret **ret_private)
{
	AUTO(secret_done) struct secret *s = NULL;
	TRY(secret_new(BOX_KEY_SIZE, &s));
	if (crypto_box_keypair(ret_public, secret_poke(s)) != 0)
		return ch_fail(CH_E_CRYPTO, "cannot make a key pair", 0);
	*ret_private = TAKE(s);
	return CH_DONE;
}

ch_err box_public_of(const struct secret *private_half, uint8_t ret_public[static BOX_KEY_SIZE])
{
	if (secret_size(private_half) != BOX_KEY_SIZE)
		return ch_fail(CH_E_RANGE, "a private key has 32 bytes", secret_size(private_half));
	if (crypto_scalarmult_base(ret_public, secret_peek(private_half).p) != 0)
		return ch_fail(CH_E_CRYPTO, "no public key belongs to this private key", 0);
	return CH_DONE;
}

void box_public_write(struct wr *w, const struct box_names *names,
		      const uint8_t key[static BOX_KEY_SIZE])
{
	char text[KEY_TEXT + 1];
	(void)sodium_bin2base64(text, sizeof(text), key, BOX_KEY_SIZE, TEXT_VARIANT);
	wr_str(w, names->public_half);
	wr_char(w, ' ');
	wr_str(w, (str){ text, KEY_TEXT });
	wr_char(w, '\n');
}

/* The one line that is neither blank nor a comment. */
static ch_err key_line(bytes text, str *ret_line)
{
	str left = str_of_bytes(text), line = { 0 };
	while (left.n > 0) {
		str next = str_trim(str_cut(&left, '\n'), LIT(" \t\r"));
		if (next.n == 0 || next.p[0] == '#')
			continue;
		if (line.n > 0)
			return ch_fail(CH_E_SYNTAX, "a key file has more than one key", 0);
		line = next;
	}
	*ret_line = line;
	return CH_DONE;
}

static ch_err key_of(bytes text, str wanted, str other, uint8_t *ret_key)
{
	str rest = { 0 };
	size_t n = 0;
	TRY(key_line(text, &rest));
	str name = str_cut(&rest, ' ');
	rest = str_trim(rest, LIT(" \t"));
	if (str_eq(name, other))
		return ch_fail(CH_E_MISMATCH, "this file has the other half of a key pair", 0);
	if (!str_eq(name, wanted))
		return ch_fail(CH_E_SYNTAX, "this file has no key of this kind", 0);
	if (rest.n != KEY_TEXT || sodium_base642bin(ret_key, BOX_KEY_SIZE, rest.p, rest.n, NULL, &n,
						    NULL, TEXT_VARIANT) != 0)
		return ch_fail(CH_E_SYNTAX, "a key is 43 digits of base64url", rest.n);
	return n == BOX_KEY_SIZE ? CH_DONE : ch_fail(CH_E_SYNTAX, "a key has 32 bytes", n);
}

ch_err box_public_read(bytes text, const struct box_names *names,
		       uint8_t ret_key[static BOX_KEY_SIZE])
{
	uint8_t key[BOX_KEY_SIZE];
	TRY(key_of(text, names->public_half, names->private_half, key));
	mem_copy(ret_key, key, sizeof(key));
	return CH_DONE;
}

ch_err box_private_write(const struct secret *private_half, const struct box_names *names,
			 str comment, struct secret **ret_text)
{
	AUTO(secret_done) struct secret *text = NULL;
	if (secret_size(private_half) != BOX_KEY_SIZE)
		return ch_fail(CH_E_RANGE, "a private key has 32 bytes", secret_size(private_half));
	size_t n = comment.n + names->private_half.n + 1 + KEY_TEXT + 1;
	TRY(secret_new(n, &text));
	struct wr w = wr_of(secret_poke(text), n);
	wr_str(&w, comment);
	wr_str(&w, names->private_half);
	wr_char(&w, ' ');
	/* its NUL stands where the line ends */
	char *at = (char *)wr_room(&w, KEY_TEXT + 1);
	TRY(wr_done(&w));
	(void)sodium_bin2base64(at, KEY_TEXT + 1, secret_peek(private_half).p, BOX_KEY_SIZE,
				TEXT_VARIANT);
	at[KEY_TEXT] = '\n';
	*ret_text = TAKE(text);
	return CH_DONE;
}

ch_err box_private_read(const struct secret *text, const struct box_names *names,
			struct secret **ret_private)
{
	AUTO(secret_done) struct secret *key = NULL;
	TRY(secret_new(BOX_KEY_SIZE, &key));
	TRY(key_of(secret_peek(text), names->private_half, names->public_half, secret_poke(key)));
	*ret_private = TAKE(key);
	return CH_DONE;
}
