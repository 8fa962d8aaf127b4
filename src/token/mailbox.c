/* Which mailbox a realm may name. Fails closed: a username that a mail server could
 * split otherwise (two '@', blanks, control bytes) matches no pattern. */
#include "token/mailbox.h"

/* One '@' with something on both sides, and nothing below or at the blank. */
static bool is_address(str s)
{
	str domain = s;
	str local = str_cut(&domain, '@');
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return local.n && domain.n && !str_has(domain, '@');
}

bool mailbox_pattern_ok(str pattern)
{
	return is_address(pattern) && !str_has(str_sub(pattern, 1, pattern.n), '*');
}

bool mailbox_matches(str pattern, str username)
{
	if (!mailbox_pattern_ok(pattern) || !is_address(username))
		return false;
	if (pattern.p[0] != '*')
		return str_eq_nocase(pattern, username);
	str tail = str_sub(pattern, 1, pattern.n);
	/* the star stands for at least one character, and there is one '@' in all */
	return username.n > tail.n &&
	       str_eq_nocase(tail, str_sub(username, username.n - tail.n, tail.n));
}
