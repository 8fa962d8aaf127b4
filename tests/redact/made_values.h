/* Values of any size, added to those of a test. */
#pragma once
#include "redact/value.h"

/* 0 to below - 1. */
unsigned any_below(unsigned below);
/* The copy that `to` keeps. */
bytes value_made(struct values *to, enum value_kind kind, bool number, bytes is);
/* At most 4,096 random bytes, of which the first is not 0. */
bytes value_random(struct values *to, enum value_kind kind, bool number, size_t n);
