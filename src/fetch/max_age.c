/* Cache-Control, of which one thing is asked: how long may this be kept (RFC 9111 section
 * 5.2.2)? What cannot be read means: not at all. */
#include "fetch_internal.h"

static const str blanks = LIT(" \t");

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
		str name = str_trim(str_cut(&value, '='), blanks);
		int64_t age = 0;
		if (str_eq_nocase(name, LIT("max-age")))
			age = seconds_of(str_trim(value, blanks));
		else if (!str_eq_nocase(name, LIT("no-store")) &&
			 !str_eq_nocase(name, LIT("no-cache")))
			continue;
		if (least < 0 || age < least)
			least = age;
	}
	return least;
}
