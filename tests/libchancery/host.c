/* The host program of the library's tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host.h"

struct ch_issuer issuer_of(struct party *p)
{
	struct ch_issuer i = CH_ISSUER_INIT;
	i.issuer = p->issuer;
	i.realm = p->realm;
	i.typ = p->typ;
	i.audiences = &p->audience;
	i.n_audiences = 1;
	i.jwks = p->jwks;
	i.jwks_size = p->jwks_n;
	i.max_ttl_s = 3600;
	return i;
}

struct ch_verifier *verifier_of_all(void)
{
	struct ch_issuer issuers[ISSUERS];
	struct ch_verifier *v = NULL;
	for (size_t i = 0; i < ISSUERS; i++)
		issuers[i] = issuer_of(&parties()[i]);
	assert_false(ch_failed(ch_verifier_new(issuers, ISSUERS, NULL, 0, &v)));
	return v;
}

ch_text token_with(char out[static TEXT_MAX], const char *more)
{
	char payload[TOKEN_MAX];
	struct wr w = wr_of(payload, sizeof(payload));
	wr_str(&w, str_sub(good_payload, 0, good_payload.n - 1));
	wr_str(&w, str_from_c(more));
	wr_char(&w, '}');
	str t = mint(out, &parties()[0], good_header, wr_text(&w));
	return (ch_text){ t.p, t.n };
}

ch_text good_token(void)
{
	static char out[TEXT_MAX];
	static ch_text token;
	if (!token.p)
		token = token_with(out, "");
	return token;
}
