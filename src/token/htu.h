/* Is the htu of a DPoP proof the address that was asked for (RFC 9449 section 4.3)? */
#pragma once
#include "base/bytes.h"

/* May this stand in an htu? An absolute http or https URL with a host; no user part, no
 * dot segment, plain or escaped, no '\', blank, control or non-ASCII byte, no escape that
 * is broken. Query and fragment may be there. */
bool htu_ok(str s);
/* Both are such URLs, and the same but for query and fragment: scheme and host without
 * case, a default or empty port left out, an empty path as "/", escapes of unreserved
 * characters undone and other escapes without case (RFC 3986 sections 6.2.2 and 6.2.3).
 * Nothing else is mended. */
bool htu_matches(str a, str b);
