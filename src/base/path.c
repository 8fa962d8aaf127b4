/* Paths for the kernel: bounded, NUL-terminated, without NUL inside. */
#include "base/path.h"

#include "base/rw.h"

static void add_part(struct wr *w, str part)
{
	if (part.n == 0)
		return;
	if (w->n > 0 && w->p[w->n - 1] != '/')
		wr_char(w, '/');
	wr_str(w, part);
}

ch_err path_join(struct path *ret_path, str a, str b, str c)
{
	struct wr w = wr_of(ret_path->p, sizeof(ret_path->p) - 1);
	if (str_has(a, 0) || str_has(b, 0) || str_has(c, 0))
		return ch_fail(CH_E_SYNTAX, "a path holds a NUL byte", 0);
	add_part(&w, a);
	add_part(&w, b);
	add_part(&w, c);
	if (w.full)
		return ch_fail(CH_E_FULL, "the path is too long", PATH_CAP - 1);
	ret_path->p[w.n] = 0;
	return CH_DONE;
}

ch_err path_of(struct path *ret_path, str s)
{
	return path_join(ret_path, s, (str){ 0 }, (str){ 0 });
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool name_ok(str s, size_t max)
{
	if (s.n == 0 || s.n > max || !is_alnum(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!is_alnum(s.p[i]) && !str_has(LIT("._-"), s.p[i]))
			return false;
	return true;
}

str path_folder(str file)
{
	size_t n = file.n;
	while (n > 0 && file.p[n - 1] != '/')
		n--;
	return n > 1 ? str_sub(file, 0, n - 1) : LIT("/");
}
