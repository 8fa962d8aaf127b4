/* base64 with padding (RFC 4648 section 4), canonical only: one text per value. For the
 * formats of transparency logs, which have no other. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"

/* Exact size of the text of n bytes. */
size_t base64_text_size(size_t n);
/* Appends the text of b; w turns full when it does not fit. */
void base64_write(struct wr *w, bytes b);
/* Appends the decoded bytes to w. E_SYNTAX (detail = offset) for a character outside the
 * alphabet, missing or misplaced padding, or unused bits that are not zero; E_FULL when w has
 * no room. Nothing is appended on failure. */
ch_err base64_read(str text, struct wr *w);
/* Would base64_read take it, and how many bytes would it give? */
bool base64_ok(str text, size_t *ret_n);
