/* The last parts of the paths of NT_FILE, by hash. What the core says is only used to let
 * a string of path characters stay that is named like one of its files. */
#include "paths.h"

#include <errno.h>
#include <stdlib.h>

#include "base/rand.h"
#include "crypto/short_hash.h"

struct paths {
	uint8_t key[SHORT_HASH_KEY_SIZE];
	size_t mask;
	uint64_t slots[]; /* hashes; 0 is free */
};

static str last_part(str path)
{
	while (str_has(path, '/'))
		str_cut(&path, '/');
	return path;
}

/* "libc.so", "libc.so.6": the head's path of it may be masked, as of all below a home. */
static bool is_library(str name)
{
	static const str so = LIT(".so");
	for (size_t i = 1; i + so.n <= name.n; i++) {
		bool ends = i + so.n == name.n || name.p[i + so.n] == '.';
		if (ends && str_eq(str_sub(name, i, so.n), so))
			return true;
	}
	return false;
}

static uint64_t hash_of(const struct paths *p, str path)
{
	return short_hash(p->key, bytes_of_str(last_part(path))) | 1;
}

static size_t slot_of(const struct paths *p, uint64_t hash)
{
	size_t at = (size_t)(hash >> 1) & p->mask;
	while (p->slots[at] && p->slots[at] != hash)
		at = (at + 1) & p->mask;
	return at;
}

ch_err paths_new(const struct core_file *files, size_t n, struct paths **ret_p)
{
	size_t slots = 64;
	while (slots / 2 < n)
		slots *= 2;
	struct paths *p = calloc(1, sizeof(*p) + slots * sizeof(p->slots[0]));
	if (!p)
		return ch_fail(CH_E_NOMEM, "no memory for paths", ENOMEM);
	rand_fill(p->key, sizeof(p->key));
	p->mask = slots - 1;
	for (size_t i = 0; i < n; i++) {
		uint64_t hash = hash_of(p, files[i].path);
		p->slots[slot_of(p, hash)] = hash;
	}
	*ret_p = p;
	return CH_DONE;
}

void paths_done(struct paths **p)
{
	free(*p);
	*p = NULL;
}

const bool path_chars[256] = {
	['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true,
	['/'] = true,         ['.'] = true,         ['-'] = true,
	['_'] = true,         ['+'] = true,         ['@'] = true,
};

bool paths_has(const struct paths *p, str path)
{
	if (path.n < 2 || path.p[0] != '/')
		return false;
	return is_library(last_part(path)) || p->slots[slot_of(p, hash_of(p, path))];
}
