/* Which usernames a realm may claim: patterns like '*@corp.test', '*' only in front,
 * ASCII case ignored. */
#pragma once
#include "base/bytes.h"

/* May this pattern stand in a policy? One '*' at most, in front, and an '@'. */
bool mailbox_pattern_ok(str pattern);
bool mailbox_matches(str pattern, str username);
