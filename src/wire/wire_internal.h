/* Shared by the decoders of this folder. */
#pragma once
#include "base/rw.h"

/* All was read, nothing is left, no limit was passed; else E_PROTOCOL. */
static inline ch_err wire_done(const struct rd *r)
{
	return rd_end(r) ? CH_DONE
			 : ch_fail(CH_E_PROTOCOL, "a message is not well formed", rd_left(r));
}
