/* What every message is put to: there and back, every prefix, every flip. */
#pragma once
#include "base/rw.h"

/* Reads one kind and writes what was read. */
typedef ch_err (*reader)(bytes b, struct wr *w);

/* What is read is what was written; a prefix and a byte too many are refused; a flip is
 * refused or is another message, and then exactly the one that stands there. w is over
 * storage with a byte of room behind what was written. */
void there_and_back(reader redo, struct wr *w);
