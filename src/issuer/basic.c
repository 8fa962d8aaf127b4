/* HTTP Basic as OAuth has it: base64 of two form-encoded halves. One spelling only. */
#include "codec/base64url.h"
#include "rules.h"

/* The standard alphabet to the one of base64url; E_SYNTAX when it is that already. */
static ch_err standard_read(str text, struct arena *a, struct wr *ret_w)
{
	char *other = arena_alloc(a, text.n);
	uint8_t *plain = arena_alloc(a, text.n);
	size_t pads = text.n % 4 == 0 && str_ends(text, LIT("=="))  ? 2
		      : text.n % 4 == 0 && str_ends(text, LIT("=")) ? 1
								    : 0;
	if (!other || !plain)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", a->cap);
	if (text.n % 4 != 0)
		return ch_fail(CH_E_SYNTAX, "base64 without its padding", text.n);
	for (size_t i = 0; i < text.n - pads; i++) {
		char c = text.p[i];
		if (c == '-' || c == '_')
			return ch_fail(CH_E_SYNTAX, "base64 of another alphabet", i);
		other[i] = c == '+' ? '-' : c == '/' ? '_' : c;
	}
	*ret_w = wr_of(plain, text.n);
	return base64url_read((str){ other, text.n - pads }, ret_w);
}

ch_err basic_read(str field, struct arena *a, str *ret_id, struct secret_bytes *ret_secret)
{
	str rest = field;
	str id = { 0 }, secret = { 0 };
	struct wr plain = { 0 };
	str scheme = str_cut(&rest, ' ');
	while (rest.n > 0 && rest.p[0] == ' ')
		rest = str_sub(rest, 1, rest.n);
	if (!str_eq_nocase(scheme, LIT("Basic")) || rest.n == 0 ||
	    failed(standard_read(rest, a, &plain)))
		return ch_fail(CH_E_INVALID_CLIENT, "the Authorization field is no HTTP Basic", 0);
	str both = wr_text(&plain);
	str name = str_cut(&both, ':');
	if (!both.p || failed(url_decode(name, true, a, &id)) ||
	    failed(url_decode(both, true, a, &secret)))
		return ch_fail(CH_E_INVALID_CLIENT, "HTTP Basic holds no client id and secret", 0);
	*ret_id = id;
	*ret_secret = secret_bytes_of(bytes_of_str(secret));
	return CH_DONE;
}
