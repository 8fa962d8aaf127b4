/* The keys of an authority, from the plain part of their sealed files. */
#pragma once
#include "authority.h"

struct key_list_wish {
	str realm; /* empty: all */
	bool json;
	bool all; /* those that have left as well */
};

/* To standard output. The exit status. */
int key_list(const struct authority *a, const struct key_list_wish *w);
