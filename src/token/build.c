/* What is signed, written from typed values. Trusts the caller's times and names of
 * claims; must never write a claim twice or text that a verifier reads otherwise. */
#include "token/build.h"

#include "codec/base64url.h"
#include "codec/json.h"
#include "token/verify.h"

enum { JSON_MAX = TOKEN_MAX / 4 * 3 };

static const str nameless = { NULL, 0 };

static const str own_claims[] = {
	{ "iss", 3 },
	{ "iat", 3 },
	{ "exp", 3 },
	{ "jti", 3 },
};

static bool is_own(str name)
{
	for (size_t i = 0; i < COUNT_OF(own_claims); i++)
		if (str_eq(name, own_claims[i]))
			return true;
	return false;
}

static ch_err claims_check(const struct claim *claims, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_own(claims[i].name))
			return ch_fail(CH_E_DUPLICATE, "claim is the builder's own", i);
		for (size_t k = 0; k < i; k++)
			if (str_eq(claims[i].name, claims[k].name))
				return ch_fail(CH_E_DUPLICATE, "claim is given twice", i);
		if (!utf8_ok(claims[i].name) || !utf8_ok(claims[i].text))
			return ch_fail(CH_E_SYNTAX, "claim is not UTF-8", i);
	}
	return CH_DONE;
}

static void put_texts(struct json_out *o, str name, str words)
{
	json_begin(o, name, '[');
	while (words.n) {
		str word = str_cut(&words, ' ');
		if (word.n)
			json_put_str(o, nameless, word);
	}
	json_finish(o, ']');
}

static void put_jkt(struct json_out *o, str name, str thumbprint)
{
	json_begin(o, name, '{');
	json_put_str(o, LIT("jkt"), thumbprint);
	json_finish(o, '}');
}

static void put_claim(struct json_out *o, const struct claim *c)
{
	switch (c->kind) {
	case CLAIM_TEXT:
		json_put_str(o, c->name, c->text);
		break;
	case CLAIM_INT:
		json_put_int(o, c->name, c->number);
		break;
	case CLAIM_BOOL:
		json_put_bool(o, c->name, c->number);
		break;
	case CLAIM_TEXTS:
		put_texts(o, c->name, c->text);
		break;
	case CLAIM_JKT:
		put_jkt(o, c->name, c->text);
		break;
	}
}

static void write_header(struct wr *w, const struct token_header *h)
{
	NOT_ZEROED uint8_t json[1024];
	struct wr text = wr_of(json, sizeof(json));
	struct json_out o = json_out_of(&text);
	json_begin(&o, nameless, '{');
	json_put_str(&o, LIT("typ"), h->typ);
	json_put_str(&o, LIT("alg"), alg_name(h->alg));
	if (h->kid.p)
		json_put_str(&o, LIT("kid"), h->kid);
	json_finish(&o, '}');
	if (text.full)
		w->full = true;
	base64url_write(w, wr_bytes(&text));
}

ch_err token_write_input(struct wr *w, const struct token_header *h, const struct token_stamp *s,
			 const struct claim *claims, size_t n)
{
	NOT_ZEROED uint8_t json[JSON_MAX];
	struct wr text = wr_of(json, sizeof(json));
	struct json_out o = json_out_of(&text);
	TRY(claims_check(claims, n));
	json_begin(&o, nameless, '{');
	json_put_str(&o, LIT("iss"), s->iss);
	json_put_int(&o, LIT("iat"), s->iat);
	json_put_int(&o, LIT("exp"), s->exp);
	json_put_str(&o, LIT("jti"), s->jti);
	for (size_t i = 0; i < n; i++)
		put_claim(&o, &claims[i]);
	json_finish(&o, '}');
	TRY(wr_done(&text));
	write_header(w, h);
	wr_char(w, '.');
	base64url_write(w, wr_bytes(&text));
	return wr_done(w);
}

void token_write_signature(struct wr *w, bytes sig)
{
	wr_char(w, '.');
	base64url_write(w, sig);
}
