/* Where we send a browser on this host after a sign-in. Must never let a text through that
 * leads to another host, by any browser's reading of it. */
#include "rules.h"

enum { PATH_MAX_BYTES = 1024 };

/* RFC 3986 section 3.3 without what browsers fold (backslash) or strip (blanks, controls). */
static bool char_ok(char c)
{
	char low = (char)(c | 0x20);
	return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
	       str_has(LIT("-._~!$&'()*+,;=:@%/?"), c);
}

bool path_is_ours(const struct issuer_realm *realm, str path)
{
	if (path.n < realm->name.n + 2 || path.n > PATH_MAX_BYTES || path.p[0] != '/' ||
	    !str_starts(str_sub(path, 1, path.n), realm->name) || path.p[realm->name.n + 1] != '/')
		return false;
	for (size_t i = 0; i < path.n; i++) {
		bool dots = i + 1 < path.n && path.p[i] == '.' && path.p[i + 1] == '.';
		bool slashes = i + 1 < path.n && path.p[i] == '/' && path.p[i + 1] == '/';
		if (!char_ok(path.p[i]) || dots || slashes)
			return false;
	}
	return true;
}
