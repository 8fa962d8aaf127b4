/* Paths and other short NUL-terminated strings for the kernel. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum { PATH_CAP = 512 };

struct path {
	char p[PATH_CAP]; /* NUL-terminated */
};

/* Joins with '/'; an empty or NULL-pointer part is left out. E_FULL when too
 * long, E_SYNTAX when a part holds a NUL byte. */
ch_err path_join(struct path *ret_path, str a, str b, str c);
/* A copy with the NUL that the C library wants. */
ch_err path_of(struct path *ret_path, str s);
/* The folder of a file by its absolute path. */
str path_folder(str file);
/* May it name a realm, a client, a kid, a file of ours: [A-Za-z0-9][A-Za-z0-9._-]*, at most max. */
bool name_ok(str s, size_t max);
