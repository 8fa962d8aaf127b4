/* The keys of an authority, from the plain part of their sealed files. */
#pragma once
#include "authority.h"

/* To standard output; an empty realm means all. The exit status. */
int key_list(const struct authority *a, str realm, bool json);
