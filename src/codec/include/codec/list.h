/* Lists in one text: items with a blank between them, as OAuth writes scopes (RFC 6749 section
 * 3.3). More blanks than one are one, and there is no empty item: none is found, none is put.
 * What an item may hold is for others to say. */
#pragma once
#include "base/bytes.h"
#include "base/rw.h"

/* Cuts the first item off; empty when there is none. */
str list_cut(str *list);
bool list_has(str list, str item);
/* Adds it to the list that w has written, if it is not in there yet. */
void list_put(struct wr *w, str item);
