/* What people have secrets in: PEM, JWK, lines of text. */
#pragma once
#include "fingerprint/fingerprint.h"

enum { INPUT_MAX = 64 * 1024 };

enum input_kind { INPUT_PEM, INPUT_JWK, INPUT_LINES };
struct input_secret {
	enum registered_kind kind;
	const struct secret *is;
	size_t line; /* of lines, from 1; else the number of the key */
};
struct input_taker {
	ch_err (*take)(struct input_taker *t, const struct input_secret *s);
};
/* Gives each secret in it. PEM (something says BEGIN … PRIVATE KEY): the numbers of each private
 * key. JSON (the first character is a brace): the private members of a JWK or of each
 * key of a JWK set. Else each line that is not empty, as it stands. E_MISSING when there is
 * no secret in it, E_UNSUPPORTED for a key that cannot be read, E_SYNTAX; or what the
 * taker says. crypto_init must have been called. */
ch_err input_read(const struct secret *input, struct input_taker *t, enum input_kind *ret_kind);
