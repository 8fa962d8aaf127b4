/* Paths of mapped files, as the dynamic linker keeps them in memory: debuggers read them there,
 * and some look random. The linker may spell them in another way than the kernel
 * does, so they are known by their last part, and libraries by what all are called. */
#pragma once
#include "elfcore/core.h"

enum { PATH_STRING_MAX = 4096 };

struct paths;
ch_err paths_new(const struct core_file *files, size_t n, struct paths **ret_p);
void paths_done(struct paths **p);
/* A character as paths of libraries have them; anything else keeps nothing back. */
extern const bool path_chars[256];
static inline bool path_char(uint8_t c)
{
	return path_chars[c];
}
/* Is it a whole path of such a file, or of any shared library? */
bool paths_has(const struct paths *p, str path);
