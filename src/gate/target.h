/* The target of the request that is to be let through. */
#pragma once
#include "base/bytes.h"

/* Is the path in its one spelling, so that no two programs see different places in it? False:
 * a segment is "." or ".." (with a parameter behind it or without, '\' or an escape in place
 * of what it stands for), an escape is broken, or one stands for a control byte. */
bool target_is_plain(str path);
