/* Comparing the address in a proof with the one that was asked for. Both are strangers'
 * text; normalised while they are compared, never written down. What two programs could
 * read as two addresses, like dot segments or a backslash, is refused, not mended. */
#include "htu.h"

struct place {
	bool tls;
	str host;
	uint64_t port;
	str path;
};

enum { ESCAPED = 0x100 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	char low = (char)(c | 0x20);
	return low >= 'a' && low <= 'z';
}

/* RFC 3986 section 2.3 */
static bool is_unreserved(char c)
{
	return is_letter(c) || is_digit(c) || str_has(LIT("-._~"), c);
}

/* The value of a hexadecimal digit; over 15: it is none. */
static unsigned hex_value(char c)
{
	char low = (char)(c | 0x20);
	if (is_digit(c))
		return (unsigned)(c - '0');
	return low >= 'a' && low <= 'f' ? (unsigned)(low - 'a') + 10 : 16;
}

static bool text_ok(str s)
{
	for (size_t at = 0; at < s.n; at++) {
		char c = s.p[at];
		if (c <= ' ' || c > '~' || str_has(LIT("\\\"<>^`{|}"), c))
			return false;
		if (c == '%' &&
		    (s.n - at < 3 || hex_value(s.p[at + 1]) > 15 || hex_value(s.p[at + 2]) > 15))
			return false;
	}
	return true;
}

/* Cuts off what stands before the first of these, which stays. */
static str cut_before(str *s, str any)
{
	size_t n = 0;
	while (n < s->n && !str_has(any, s->p[n]))
		n++;
	str before = str_sub(*s, 0, n);
	*s = str_sub(*s, n, s->n);
	return before;
}

/* The next character of a path: an escape of an unreserved one is that one, any other
 * escape never the same as what it stands for. */
static unsigned unit_next(str *path)
{
	char c = path->p[0];
	bool escape = c == '%';
	unsigned unit = (uint8_t)c;
	if (escape) {
		unit = hex_value(path->p[1]) << 4 | hex_value(path->p[2]);
		if (unit > '~' || !is_unreserved((char)unit))
			unit |= ESCAPED;
	}
	*path = str_sub(*path, escape ? 3 : 1, path->n);
	return unit;
}

/* "." or ".." between slashes, however written */
static bool has_dot_segment(str path)
{
	size_t n = 0, dots = 0;
	while (path.n) {
		unsigned unit = unit_next(&path);
		n += unit != '/';
		dots += unit == '.';
		if (unit != '/' && path.n)
			continue;
		if (n == dots && (n == 1 || n == 2))
			return true;
		n = dots = 0;
	}
	return false;
}

static bool is_host(str host, bool literal)
{
	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];
		bool fine = literal ? hex_value(c) < 16 || c == ':' || c == '.'
				    : is_letter(c) || is_digit(c) || str_has(LIT("-._"), c);
		if (!fine)
			return false;
	}
	return host.n && (!literal || str_has(host, ':'));
}

static bool authority_read(str s, struct place *p)
{
	bool literal = str_starts(s, LIT("["));
	str rest = str_sub(s, literal, s.n);
	p->port = p->tls ? 443 : 80;
	p->host = cut_before(&rest, literal ? LIT("]") : LIT(":"));
	if (!is_host(p->host, literal) || (literal && !rest.n))
		return false;
	rest = str_sub(rest, literal, rest.n);
	if (!rest.n || str_eq(rest, LIT(":")))
		return true;
	return rest.p[0] == ':' && str_to_u64(str_sub(rest, 1, rest.n), UINT16_MAX, &p->port) &&
	       p->port;
}

static bool place_of(str s, struct place *ret_place)
{
	static const str schemes[] = { { "http://", 7 }, { "https://", 8 } };
	struct place p = { .tls = str_eq_nocase(str_sub(s, 0, 8), schemes[1]) };
	str scheme = schemes[p.tls];
	str rest = str_sub(s, scheme.n, s.n);
	if (!str_eq_nocase(str_sub(s, 0, scheme.n), scheme) || !text_ok(s))
		return false;
	if (!authority_read(cut_before(&rest, LIT("/?#")), &p))
		return false;
	p.path = cut_before(&rest, LIT("?#"));
	if (!p.path.n)
		p.path = LIT("/");
	*ret_place = p;
	return !has_dot_segment(p.path);
}

bool htu_ok(str s)
{
	struct place p;
	return place_of(s, &p);
}

static bool same_path(str a, str b)
{
	while (a.n && b.n)
		if (unit_next(&a) != unit_next(&b))
			return false;
	return !a.n && !b.n;
}

bool htu_matches(str a, str b)
{
	struct place p, q;
	return place_of(a, &p) && place_of(b, &q) && p.tls == q.tls && p.port == q.port &&
	       str_eq_nocase(p.host, q.host) && same_path(p.path, q.path);
}
