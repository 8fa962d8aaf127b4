/* X25519 pairs (RFC 7748): what is sealed to the public half, only the private half opens.
 * And both as text files, one line of "NAME BASE64URL" beside comments ("#") and blank
 * lines, where NAME says what it is for. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"
#include "base/secret.h"

enum { BOX_KEY_SIZE = 32, BOX_TEXT_MAX = 4096 };

/* What the halves of one kind of pair are called in their files. */
struct box_names {
	str public_half, private_half;
};

/* The private half is BOX_KEY_SIZE bytes. */
ch_err box_key_new(uint8_t ret_public[static BOX_KEY_SIZE], struct secret **ret_private);
/* E_RANGE when it is not of BOX_KEY_SIZE bytes. */
ch_err box_public_of(const struct secret *private_half, uint8_t ret_public[static BOX_KEY_SIZE]);

/* Appends the line, with its end. */
void box_public_write(struct wr *w, const struct box_names *names,
		      const uint8_t key[static BOX_KEY_SIZE]);
/* E_SYNTAX; E_MISMATCH when it is the private half. */
ch_err box_public_read(bytes text, const struct box_names *names,
		       uint8_t ret_key[static BOX_KEY_SIZE]);
/* The file of the private half: `comment` (its lines begin with "#"), then the line. */
ch_err box_private_write(const struct secret *private_half, const struct box_names *names,
			 str comment, struct secret **ret_text);
/* E_SYNTAX; E_MISMATCH when it is the public half. */
ch_err box_private_read(const struct secret *text, const struct box_names *names,
			struct secret **ret_private);
