/* The path that a web server asks about. It chose the place by the path as it reads it; the
 * backend gets the path as it came, and may read it otherwise: /files/..%2fadmin/ is in two
 * places. Must never let such a path through; it mends nothing. */
#include "target.h"

enum { BROKEN = 0x100 };

static unsigned hex_value(char c)
{
	char low = (char)(c | 0x20);
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return low >= 'a' && low <= 'f' ? (unsigned)(low - 'a') + 10 : BROKEN;
}

/* The next character, one escape undone; BROKEN or more for what is none. */
static unsigned next(str *path)
{
	bool escape = path->p[0] == '%';
	unsigned c = (uint8_t)path->p[0];
	if (escape && path->n < 3)
		c = BROKEN;
	else if (escape)
		c = hex_value(path->p[1]) << 4 | hex_value(path->p[2]);
	*path = str_sub(*path, escape ? 3 : 1, path->n);
	return c < ' ' || c == 0x7f ? BROKEN : c;
}

/* What a segment has shown of itself so far. */
struct segment {
	size_t n, dots;
	bool over; /* what follows is a parameter */
};

static bool is_dots(const struct segment *s)
{
	return s->n == s->dots && (s->n == 1 || s->n == 2);
}

bool target_is_plain(str path)
{
	struct segment s = { 0 };
	while (path.n > 0) {
		unsigned c = next(&path);
		bool ends = c == '/' || c == '\\';
		if (c >= BROKEN || (ends && is_dots(&s)))
			return false;
		if (ends)
			s = (struct segment){ 0 };
		else if (c == ';')
			s.over = true;
		s.n += !ends && !s.over;
		s.dots += c == '.' && !s.over;
	}
	return !is_dots(&s);
}
