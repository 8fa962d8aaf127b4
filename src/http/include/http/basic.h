/* HTTP Basic (RFC 7617): the one value that Authorization may have for one client. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

struct basic {
	size_t n;
	uint8_t expected[512];
};
/* E_RANGE: the secret has fewer than 8 bytes; E_FULL. */
ch_err basic_init(struct basic *b, str id, str secret);
/* In time that does not depend on what differs. */
bool basic_ok(const struct basic *b, str field);
