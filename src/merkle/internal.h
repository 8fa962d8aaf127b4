/* Text in lines, for the formats here. */
#pragma once
#include "base/rw.h"
#include "merkle/tree.h"

/* Takes the line at the start of *left, without its newline; false: there is no whole one. */
bool line_take(str *left, str *ret_line);
/* A hash as its line of base64, and back. */
void hash_write(struct wr *w, const struct merkle_hash *h);
bool hash_read(str base64, struct merkle_hash *ret_h);
