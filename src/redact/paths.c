/* The last parts of the paths of NT_FILE, by hash. What the core says is only used to let
 * a string of path characters stay that is named like one of its libraries. */
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

/* "libc.so" of "/lib/libc.so.6" and "/usr/lib/libc.so.6.1"; else all behind the last slash. */
static str last_part(str path)
{
	static const str so = LIT(".so");
	while (str_has(path, '/'))
		str_cut(&path, '/');
	for (size_t i = 1; i + so.n <= path.n; i++) {
		if (str_eq(str_sub(path, i, so.n), so))
			return str_sub(path, 0, i + so.n);
	}
	return path;
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

bool path_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '/' || c == '.' || c == '-' || c == '_' || c == '+' || c == '@';
}

bool paths_has(const struct paths *p, str path)
{
	return path.n > 1 && path.p[0] == '/' && p->slots[slot_of(p, hash_of(p, path))];
}
