/* Cache-Control, of which one thing is asked: how long may this be kept (RFC 9111 section
 * 5.2.2)? What cannot be read means: not at all. */
#include "fetch_internal.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static str trimmed(str s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = str_sub(s, 1, s.n);
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Up to the next comma outside quotes. */
static str directive_cut(str *rest)
{
	bool quoted = false;
	size_t at = 0;
	for (; at < rest->n && (quoted || rest->p[at] != ','); at++) {
		if (quoted && rest->p[at] == '\\' && at + 1 < rest->n)
			at++;
		else if (rest->p[at] == '"')
			quoted = !quoted;
	}
	str one = str_sub(*rest, 0, at);
	*rest = at < rest->n ? str_sub(*rest, at + 1, rest->n) : (str){ 0 };
	return one;
}

/* Digits, quoted perhaps; a number too large to hold is the largest. */
static int64_t seconds_of(str value)
{
	int64_t seconds = 0;
	if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
		value = str_sub(value, 1, value.n - 2);
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return 0;
		seconds = seconds * 10 + (value.p[i] - '0');
		if (seconds > FETCH_AGE_MAX)
			seconds = FETCH_AGE_MAX;
	}
	return seconds;
}

int64_t max_age_read(str field, int64_t so_far)
{
	int64_t least = so_far;
	while (field.n > 0) {
		str value = directive_cut(&field);
		str name = trimmed(str_cut(&value, '='));
		int64_t age = 0;
		if (str_eq_nocase(name, LIT("max-age")))
			age = seconds_of(trimmed(value));
		else if (!str_eq_nocase(name, LIT("no-store")) &&
			 !str_eq_nocase(name, LIT("no-cache")))
			continue;
		if (least < 0 || age < least)
			least = age;
	}
	return least;
}
