/* The token of an Authorization field (RFC 9110 section 11.4, RFC 6750 section 2.1, RFC
 * 9449 section 7.1). What a field holds is a stranger's text; whatever is not exactly a
 * scheme, a blank and one word gives no token. */
#include "inside.h"

static const str blanks = LIT(" \t");

ch_text ch_bearer_token(ch_text authorization, bool *ret_dpop)
{
	const ch_text none = { NULL, 0 };
	str token = str_trim(str_of_text(authorization), blanks);
	str scheme = str_cut(&token, ' ');
	bool dpop = str_eq_nocase(scheme, LIT("DPoP"));
	if (ret_dpop)
		*ret_dpop = dpop;
	if (dpop ? !ret_dpop : !str_eq_nocase(scheme, LIT("Bearer")))
		return none;
	while (token.n && token.p[0] == ' ')
		token = str_sub(token, 1, token.n);
	if (!token.n || str_has(token, ' ') || str_has(token, '\t') || str_has(token, ','))
		return none;
	return text_of_str(token);
}
