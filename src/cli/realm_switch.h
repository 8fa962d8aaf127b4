/* `chancery realm disable|enable`. */
#pragma once
#include "authority.h"

/* Writes `issues: false` or `true` into the realm's block of chancery.yaml, and changes nothing
 * else of it. Says what it did, or why it could not; the exit status. */
int realm_switch(const struct authority *a, str name, bool issues, bool json);
