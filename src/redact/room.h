/* Large tables of finders: zeroed, in no dump of this process, and given back to the kernel,
 * which clears them, at the end. */
#pragma once
#include "base/err.h"

ch_err room_new(size_t size, void **ret_p);
void room_done(void *p, size_t size);
