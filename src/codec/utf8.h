/* UTF-8 as RFC 3629 has it: no overlong form, no surrogate, nothing past U+10FFFF. */
#pragma once
#include "base/bytes.h"

/* The size of the character at s.p[at] (at < s.n), 1 to 4; 0 when it is none. */
size_t utf8_size(str s, size_t at);
/* Writes a code point that is no surrogate; how many bytes. */
size_t utf8_put(uint32_t point, char ret_text[static 4]);
