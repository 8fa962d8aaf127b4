/* base64url without padding (RFC 4648 section 5, RFC 7515 section 2), canonical
 * only: one text per value, so that a token has one spelling. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"

/* Exact sizes: of the text for n bytes, and of the bytes for a text of n (an upper
 * bound when n % 4 == 1, which never decodes). */
size_t base64url_text_size(size_t n);
size_t base64url_byte_size(size_t n);

/* Appends the text of b; w turns full when it does not fit. */
void base64url_write(struct wr *w, bytes b);
/* Appends the decoded bytes to w. E_SYNTAX (detail = offset) for a character
 * outside the alphabet, padding, a length of 4k+1 or unused bits that are not zero;
 * E_FULL when w has no room. */
ch_err base64url_read(str text, struct wr *w);
