/* Headers of tar (POSIX ustar) for plain files of root's, of one form alone: what is not what
 * tar_header would have written is none of ours. Pure. */
#pragma once
#include "base/rw.h"

enum { TAR_BLOCK = 512, TAR_NAME_MAX = 100 };
#define TAR_SIZE_MAX ((UINT64_C(1) << 33) - 1)
#define TAR_END ((size_t)2 * TAR_BLOCK) /* zeros behind the last member */

/* Appends one block; w turns full too when name is longer than TAR_NAME_MAX, or size over
 * TAR_SIZE_MAX. */
void tar_header(struct wr *w, str name, uint64_t size, int64_t mtime_s);
/* The zeros that follow so many bytes of content. */
size_t tar_padding(uint64_t size);
/* What a block says; false: it is no such header. Compare it with tar_header's. */
bool tar_size(bytes block, uint64_t *ret_size);
bool tar_mtime(bytes block, int64_t *ret_s);
