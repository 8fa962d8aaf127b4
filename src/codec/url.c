/* URLs that we compare. Compared as text, never normalised: what a browser would
 * read as another address than we do is refused, not mended. */
#include "codec/url.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	char low = (char)(c | 0x20);
	return is_digit(c) || (low >= 'a' && low <= 'f');
}

static bool is_name(char c)
{
	char low = (char)(c | 0x20);
	return is_digit(c) || (low >= 'a' && low <= 'z') || c == '-' || c == '.' || c == '_';
}

static bool is_ip6(char c)
{
	return is_hex(c) || c == ':' || c == '.';
}

/* RFC 3986 allows none of these bare; browsers read '\' as '/'. */
static bool is_refused(char c)
{
	return c <= ' ' || c > '~' || str_has(LIT("#\\\"<>^`{|}"), c);
}

static ch_err text_check(str s)
{
	for (size_t at = 0; at < s.n; at++) {
		if (is_refused(s.p[at]))
			return ch_fail(CH_E_SYNTAX, "URL has a character that it may not have", at);
		if (s.p[at] == '%' &&
		    (s.n - at < 3 || !is_hex(s.p[at + 1]) || !is_hex(s.p[at + 2])))
			return ch_fail(CH_E_SYNTAX, "URL has a broken percent escape", at);
	}
	return CH_DONE;
}

static size_t span(str s, size_t at, bool (*of_kind)(char))
{
	while (at < s.n && of_kind(s.p[at]))
		at++;
	return at;
}

/* The host from *at on; leaves *at behind it. */
static ch_err host_read(str s, size_t *at, str *ret_host)
{
	bool literal = *at < s.n && s.p[*at] == '[';
	size_t from = *at + literal;
	size_t to = span(s, from, literal ? is_ip6 : is_name);
	if (to == from)
		return ch_fail(CH_E_SYNTAX, "URL has no host", from);
	if (literal && (to >= s.n || s.p[to] != ']'))
		return ch_fail(CH_E_SYNTAX, "URL has a bracket that is not closed", to);
	*ret_host = str_sub(s, from, to - from);
	*at = to + literal;
	return CH_DONE;
}

static ch_err port_read(str s, size_t *at, str *ret_port)
{
	uint64_t number = 0;
	if (*at >= s.n || s.p[*at] != ':')
		return CH_DONE;
	size_t to = span(s, *at + 1, is_digit);
	str port = str_sub(s, *at + 1, to - *at - 1);
	if (!str_to_u64(port, UINT16_MAX, &number) || !number)
		return ch_fail(CH_E_SYNTAX, "URL has no port number behind the colon", *at);
	*ret_port = port;
	*at = to;
	return CH_DONE;
}

ch_err url_parse(str s, struct url *ret_url)
{
	struct url u = { .scheme = str_starts(s, LIT("https://")) ? LIT("https") : LIT("http") };
	if (!str_starts(s, LIT("https://")) && !str_starts(s, LIT("http://")))
		return ch_fail(CH_E_SYNTAX, "URL does not begin with http:// or https://", 0);
	TRY(text_check(s));
	u.scheme.p = s.p;
	size_t at = u.scheme.n + 3;
	TRY(host_read(s, &at, &u.host));
	TRY(port_read(s, &at, &u.port));
	if (at < s.n && s.p[at] != '/' && s.p[at] != '?')
		return ch_fail(CH_E_SYNTAX, "URL has something odd behind its host", at);
	str rest = str_sub(s, at, s.n);
	u.path = str_cut(&rest, '?');
	u.query = rest;
	*ret_url = u;
	return CH_DONE;
}

/* 127.0.0.0/8 in four decimal parts: the one spelling that nobody reads otherwise. */
static bool is_ip4_loopback(str host)
{
	uint64_t part = 0;
	str rest = host;
	if (!str_eq(str_cut(&rest, '.'), LIT("127")))
		return false;
	for (int i = 0; i < 3; i++)
		if (!str_to_u64(str_cut(&rest, '.'), 255, &part))
			return false;
	return !rest.p;
}

bool url_is_loopback(const struct url *u)
{
	return is_ip4_loopback(u->host) || str_eq(u->host, LIT("::1")) ||
	       str_eq_nocase(u->host, LIT("localhost"));
}

static bool same_query(str a, str b)
{
	return !a.p == !b.p && str_eq(a, b);
}

bool url_redirect_matches(str registered, str asked)
{
	struct url r, q;
	if (str_eq(registered, asked))
		return true;
	if (failed(url_parse(registered, &r)) || failed(url_parse(asked, &q)))
		return false;
	return str_eq(r.scheme, LIT("http")) && str_eq(q.scheme, LIT("http")) &&
	       url_is_loopback(&r) && str_eq(r.host, q.host) && str_eq(r.path, q.path) &&
	       same_query(r.query, q.query);
}
