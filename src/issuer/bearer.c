/* An access token on its way in (RFC 6750 section 2, RFC 9449 section 7): in the Authorization
 * field or in a form, never both, never in a URL. And what is told to who has none that is good. */
#include "crypto/alg.h"
#include "rules.h"

/* RFC 9110 section 11.2: what a token may look like. */
static bool is_token68(str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && !(c >= '0' && c <= '9') && !str_has(LIT("-._~+/="), c))
			return false;
	}
	return s.n > 0;
}

ch_err bearer_read(str field, str in_form, str *ret_token, bool *ret_dpop)
{
	str rest = field;
	str scheme = str_cut(&rest, ' ');
	bool dpop = str_eq_nocase(scheme, LIT("DPoP"));
	bool bears = dpop || str_eq_nocase(scheme, LIT("Bearer"));
	if (field.p && in_form.p)
		return ch_fail(CH_E_INVALID_REQUEST, "the token comes in two ways", 0);
	while (rest.n > 0 && rest.p[0] == ' ')
		rest = str_sub(rest, 1, rest.n);
	str token = field.p ? rest : in_form;
	if ((field.p && !bears) || !token.p)
		return ch_fail(CH_E_MISSING, "there is no access token", 0);
	if (!is_token68(token))
		return ch_fail(CH_E_INVALID_REQUEST, "the access token is not well formed", 0);
	*ret_token = token;
	*ret_dpop = dpop;
	return CH_DONE;
}

void challenge_write(struct wr *w, bool dpop, str realm, str error, str scope)
{
	wr_str(w, dpop ? LIT("DPoP realm=\"") : LIT("Bearer realm=\""));
	wr_str(w, realm);
	wr_char(w, '"');
	if (error.n > 0) {
		wr_lit(w, ", error=\"");
		wr_str(w, error);
		wr_char(w, '"');
	}
	if (scope.n > 0) {
		wr_lit(w, ", scope=\"");
		wr_str(w, scope);
		wr_char(w, '"');
	}
	if (dpop) {
		wr_lit(w, ", algs=\"");
		for (size_t i = 0; i < ALG_COUNT; i++) {
			wr_str(w, i > 0 ? LIT(" ") : LIT(""));
			wr_str(w, alg_name((enum alg)i));
		}
		wr_char(w, '"');
	}
}
