/* JSON Web Keys, public ones. Trusts nothing in what it reads: which alg a key has is
 * the key's own statement, checked against kty and crv; the mathematics is checked by
 * crypto when the key is loaded. Must never take private members. */
#include "token/jwk.h"

#include "codec/base64url.h"
#include "crypto/hash.h"

static const str nameless = { NULL, 0 };

/* What each alg's key must say of itself. */
static const struct shape {
	str kty, crv;
} shapes[ALG_COUNT] = {
	[ALG_ES256] = { { "EC", 2 }, { "P-256", 5 } },
	[ALG_EDDSA] = { { "OKP", 3 }, { "Ed25519", 7 } },
	[ALG_RS256] = { { "RSA", 3 }, { NULL, 0 } },
	[ALG_PS256] = { { "RSA", 3 }, { NULL, 0 } },
};

/* RFC 7518 sections 6.2.2, 6.3.2 and 6.4, RFC 8037 section 2 */
static const str private_members[] = {
	{ "d", 1 },  { "p", 1 },  { "q", 1 },   { "dp", 2 },
	{ "dq", 2 }, { "qi", 2 }, { "oth", 3 }, { "k", 1 },
};

static void put_base64url(struct json_out *o, str name, bytes b)
{
	json_put_raw(o, name, LIT("\""));
	base64url_write(o->w, b);
	wr_char(o->w, '"');
}

static bool is_rsa(const struct key_parts *k)
{
	return k->alg == ALG_RS256 || k->alg == ALG_PS256;
}

static ch_err sizes_check(const struct key_parts *k)
{
	if (k->alg >= ALG_COUNT)
		return ch_fail(CH_E_RANGE, "key has an unknown algorithm", k->alg);
	if (is_rsa(k) && (k->n_size > sizeof(k->n) || k->e_size > sizeof(k->e)))
		return ch_fail(CH_E_RANGE, "RSA numbers are too long", k->n_size);
	return CH_DONE;
}

static void put_xy(struct json_out *o, const struct key_parts *k)
{
	put_base64url(o, LIT("x"), BYTES_OF(k->x));
	if (k->alg == ALG_ES256)
		put_base64url(o, LIT("y"), BYTES_OF(k->y));
}

ch_err jwk_write(struct wr *w, const struct key_parts *k, str kid)
{
	return jwk_write_logged(w, k, kid, 0);
}

ch_err jwk_write_logged(struct wr *w, const struct key_parts *k, str kid, int64_t logged_from_s)
{
	TRY(sizes_check(k));
	struct json_out o = json_out_of(w);
	json_begin(&o, nameless, '{');
	json_put_str(&o, LIT("kty"), shapes[k->alg].kty);
	json_put_str(&o, LIT("use"), LIT("sig"));
	json_put_str(&o, LIT("alg"), alg_name(k->alg));
	json_put_str(&o, LIT("kid"), kid);
	if (is_rsa(k)) {
		put_base64url(&o, LIT("n"), (bytes){ k->n, k->n_size });
		put_base64url(&o, LIT("e"), (bytes){ k->e, k->e_size });
	} else {
		json_put_str(&o, LIT("crv"), shapes[k->alg].crv);
		put_xy(&o, k);
	}
	if (logged_from_s > 0)
		json_put_int(&o, LIT("logged_from"), logged_from_s);
	json_finish(&o, '}');
	return wr_done(w);
}

ch_err jwk_write_bare(struct wr *w, const struct key_parts *k)
{
	TRY(sizes_check(k));
	struct json_out o = json_out_of(w);
	json_begin(&o, nameless, '{');
	if (is_rsa(k)) {
		put_base64url(&o, LIT("e"), (bytes){ k->e, k->e_size });
		json_put_str(&o, LIT("kty"), shapes[k->alg].kty);
		put_base64url(&o, LIT("n"), (bytes){ k->n, k->n_size });
	} else {
		json_put_str(&o, LIT("crv"), shapes[k->alg].crv);
		json_put_str(&o, LIT("kty"), shapes[k->alg].kty);
		put_xy(&o, k);
	}
	json_finish(&o, '}');
	return wr_done(w);
}

ch_err jwk_thumbprint(const struct key_parts *k, uint8_t ret_hash[static THUMBPRINT_SIZE])
{
	uint8_t text[JWK_TEXT_MAX];
	struct wr w = wr_of(text, sizeof(text));
	TRY(jwk_write_bare(&w, k));
	sha256(wr_bytes(&w), ret_hash);
	return CH_DONE;
}

/* The member's text; no escape is needed in any of them, so none is taken. The errors
 * come from the caller, as literals that name the member. */
static ch_err text_of(const struct json_node *m, ch_err missing, ch_err malformed, str *ret_text)
{
	if (!m)
		return missing;
	if (m->type != JSON_STRING || m->escaped)
		return malformed;
	*ret_text = m->text;
	return CH_DONE;
}

#define TEXT_OF(jwk, name, ret_text)                                                       \
	text_of(json_member(jwk, LIT(name)), ch_fail(CH_E_MISSING, "key has no " name, 0), \
		ch_fail(CH_E_SYNTAX, name " of a key is no plain string", 0), ret_text)

static ch_err number_of(str text, struct wr *w)
{
	ch_err e = base64url_read(text, w);
	if (ch_code_of(e) == CH_E_FULL)
		return ch_fail(CH_E_RANGE, "key number is too long", text.n);
	TRY(e);
	return w->n ? CH_DONE : ch_fail(CH_E_SYNTAX, "key number is empty", 0);
}

static ch_err exact_number_of(str text, uint8_t ret_number[static 32])
{
	uint8_t number[32];
	struct wr w = wr_of(number, sizeof(number));
	TRY(number_of(text, &w));
	if (w.n != sizeof(number))
		return ch_fail(CH_E_RANGE, "key number has not 32 bytes", w.n);
	mem_copy(ret_number, number, sizeof(number));
	return CH_DONE;
}

static ch_err rsa_read(const struct json_node *jwk, struct key_parts *k)
{
	struct wr n = wr_of(k->n, sizeof(k->n));
	struct wr e = wr_of(k->e, sizeof(k->e));
	str n_text = { NULL, 0 }, e_text = { NULL, 0 };
	TRY(TEXT_OF(jwk, "n", &n_text));
	TRY(TEXT_OF(jwk, "e", &e_text));
	TRY(number_of(n_text, &n));
	TRY(number_of(e_text, &e));
	if (!k->n[0] || !k->e[0])
		return ch_fail(CH_E_RANGE, "RSA number begins with a zero byte", n.n);
	k->n_size = n.n;
	k->e_size = e.n;
	return CH_DONE;
}

static ch_err point_read(const struct json_node *jwk, struct key_parts *k)
{
	str x = { NULL, 0 }, y = { NULL, 0 };
	TRY(TEXT_OF(jwk, "x", &x));
	TRY(exact_number_of(x, k->x));
	if (k->alg != ALG_ES256)
		return CH_DONE;
	TRY(TEXT_OF(jwk, "y", &y));
	return exact_number_of(y, k->y);
}

/* key_ops, if there: an array of strings with "verify" among them */
static ch_err ops_check(const struct json_node *jwk)
{
	const struct json_node *ops = json_member(jwk, LIT("key_ops"));
	bool verify = !ops;
	if (ops && ops->type != JSON_ARRAY)
		return ch_fail(CH_E_SYNTAX, "key_ops is no array", ops->type);
	for (const struct json_node *op = ops ? json_first(ops) : NULL; op;
	     op = json_next(ops, op)) {
		if (op->type != JSON_STRING)
			return ch_fail(CH_E_SYNTAX, "key_ops has something that is no string",
				       op->type);
		verify |= json_is_str(op, LIT("verify"));
	}
	return verify ? CH_DONE : ch_fail(CH_E_UNSUPPORTED, "key is not for verifying", 0);
}

static ch_err purpose_check(const struct json_node *jwk)
{
	const struct json_node *use = json_member(jwk, LIT("use"));
	if (jwk->type != JSON_OBJECT)
		return ch_fail(CH_E_SYNTAX, "key is no JSON object", jwk->type);
	for (size_t i = 0; i < COUNT_OF(private_members); i++)
		if (json_member(jwk, private_members[i]))
			return ch_fail(CH_E_MISMATCH, "key is private or symmetric", i);
	if (json_member(jwk, LIT("revoked")))
		return ch_fail(CH_E_UNSUPPORTED, "key is revoked", 0);
	if (use && use->type != JSON_STRING)
		return ch_fail(CH_E_SYNTAX, "use is no string", use->type);
	if (use && !json_is_str(use, LIT("sig")))
		return ch_fail(CH_E_UNSUPPORTED, "key is not for signatures", 0);
	return ops_check(jwk);
}

/* kty and crv must agree with the algorithm. */
static ch_err shape_check(const struct json_node *jwk, enum alg a)
{
	str kty = { NULL, 0 }, crv = { NULL, 0 };
	TRY(TEXT_OF(jwk, "kty", &kty));
	if (!str_eq(kty, shapes[a].kty))
		return ch_fail(CH_E_MISMATCH, "kty and alg contradict each other", a);
	if (!shapes[a].crv.n && json_member(jwk, LIT("crv")))
		return ch_fail(CH_E_MISMATCH, "crv and kty contradict each other", a);
	if (shapes[a].crv.n)
		TRY(TEXT_OF(jwk, "crv", &crv));
	if (!str_eq(crv, shapes[a].crv))
		return ch_fail(CH_E_MISMATCH, "crv and alg contradict each other", a);
	return CH_DONE;
}

static ch_err alg_read(const struct json_node *jwk, enum alg *ret_alg)
{
	str alg = { NULL, 0 };
	TRY(TEXT_OF(jwk, "alg", &alg));
	if (!alg_by_name(alg, ret_alg))
		return ch_fail(CH_E_UNSUPPORTED, "key is for an algorithm that is not supported",
			       0);
	return CH_DONE;
}

static ch_err numbers_read(const struct json_node *jwk, struct key_parts *k)
{
	return is_rsa(k) ? rsa_read(jwk, k) : point_read(jwk, k);
}

ch_err jwk_read(const struct json_node *jwk, struct key_parts *ret_k, str *ret_kid)
{
	struct key_parts k = { .alg = ALG_COUNT };
	str kid = { NULL, 0 };
	TRY(purpose_check(jwk));
	TRY(alg_read(jwk, &k.alg)); /* required, since one key must serve one algorithm */
	TRY(shape_check(jwk, k.alg));
	TRY(TEXT_OF(jwk, "kid", &kid));
	TRY(numbers_read(jwk, &k));
	*ret_k = k;
	*ret_kid = kid;
	return CH_DONE;
}

static ch_err time_of(const struct json_node *m, int64_t otherwise, int64_t *ret_time)
{
	int64_t v = otherwise;
	if (m && (failed(json_to_int(m, &v)) || v < 0))
		return ch_fail(CH_E_SYNTAX, "nbf or exp of a key is no whole number of seconds",
			       m->text.n);
	*ret_time = v;
	return CH_DONE;
}

ch_err jwk_period(const struct json_node *jwk, int64_t *ret_from_s, int64_t *ret_until_s)
{
	int64_t from = 0, until = 0;
	TRY(time_of(json_member(jwk, LIT("nbf")), 0, &from));
	TRY(time_of(json_member(jwk, LIT("exp")), INT64_MAX, &until));
	if (until <= from)
		return ch_fail(CH_E_RANGE, "key is never valid: its exp is not after its nbf",
			       until);
	*ret_from_s = from;
	*ret_until_s = until;
	return CH_DONE;
}

ch_err jwk_logged_from(const struct json_node *jwk, int64_t *ret_from_s)
{
	const struct json_node *m = json_member(jwk, LIT("logged_from"));
	int64_t from = 0;
	if (m && (failed(json_to_int(m, &from)) || from < 0))
		return ch_fail(CH_E_SYNTAX, "logged_from of a key is no whole number of seconds",
			       m->text.n);
	*ret_from_s = from;
	return CH_DONE;
}

ch_err jwk_read_for(const struct json_node *jwk, enum alg alg, struct key_parts *ret_k)
{
	struct key_parts k = { .alg = alg };
	enum alg own = alg;
	TRY(purpose_check(jwk));
	if (json_member(jwk, LIT("alg")))
		TRY(alg_read(jwk, &own));
	if (own != alg)
		return ch_fail(CH_E_MISMATCH, "key is for another algorithm", own);
	TRY(shape_check(jwk, alg));
	TRY(numbers_read(jwk, &k));
	*ret_k = k;
	return CH_DONE;
}
