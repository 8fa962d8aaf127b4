/* Tokens and keys of JOSE in memory, which often are in pieces: JavaScript keeps the parts of
 * a token as strings of their own. A header alone is no secret; claims and signatures are. */
#include "text_internal.h"

enum { CLAIMS_SEEN = 768, NUMBER_MAX = 1100, OBJECT_MAX = 2 * 1024 };

static bool has_any(bytes json, const str *names, size_t n)
{
	size_t at = 0;
	for (size_t i = 0; i < n; i++)
		if (bytes_find(json, names[i], &at))
			return true;
	return false;
}

enum json_is { IS_NOTHING, IS_HEADER, IS_CLAIMS };

static enum json_is json_of(bytes part)
{
	static const str header[] = { LIT("\"alg\""), LIT("\"enc\""), LIT("\"typ\"") };
	static const str claims[] = { LIT("\"iss\""),       LIT("\"sub\""),   LIT("\"exp\""),
				      LIT("\"iat\""),       LIT("\"aud\""),   LIT("\"jti\""),
				      LIT("\"client_id\""), LIT("\"scope\""), LIT("\"azp\"") };
	NOT_ZEROED uint8_t json[CLAIMS_SEEN];
	size_t n = text_unbase64(part, json, sizeof(json));
	for (size_t i = 0; i < n; i++)
		if (json[i] < 0x20 && json[i] != '\n' && json[i] != '\r' && json[i] != '\t')
			return IS_NOTHING;
	bytes text = { json, n };
	if (n < 8 || json[0] != '{')
		return IS_NOTHING;
	if (has_any(text, header, COUNT_OF(header)))
		return IS_HEADER;
	return has_any(text, claims, COUNT_OF(claims)) ? IS_CLAIMS : IS_NOTHING;
}

/* A string of just a signature's length soon behind the claims, on its own. */
static ch_err signature_near(struct text_job *j, size_t from)
{
	static const size_t sizes[] = { 43, 64, 86, 128, 171, 342, 512, 683 };
	size_t last = from + 96 < j->v.n ? from + 96 : j->v.n;
	j->kind = VALUE_TOKEN_PART;
	j->open = j->open || last == j->v.n;
	for (size_t at = from; at < last; at++) {
		size_t end = at;
		while (end < j->v.n && text_is(j->v.p[end], AL_URL))
			end++;
		j->open = j->open || end == j->v.n;
		j->work += end - at;
		for (size_t i = 0; i < COUNT_OF(sizes); i++)
			if (end - at == sizes[i] &&
			    text_looks_random((bytes){ j->v.p + at, end - at }))
				return text_secret(j, at, end, TEXT_EVERYWHERE);
		at = end;
	}
	return CH_DONE;
}

struct parts {
	bytes last, longest;
	size_t n;
};

static struct parts parts_of(str token)
{
	struct parts p = { .n = 0 };
	while (token.p) {
		bytes part = bytes_of_str(str_cut(&token, '.'));
		p.longest = part.n > p.longest.n ? part : p.longest;
		p.last = part;
		p.n++;
	}
	return p;
}

/* Without its signature a token is of no use, and one value is enough. */
static ch_err say_token(struct text_job *j, size_t from, size_t end, enum json_is what)
{
	struct parts p = parts_of((str){ (const char *)j->v.p + from, end - from });
	/* a header alone, and perhaps its dot */
	if (what == IS_HEADER && (p.n < 2 || (p.n == 2 && p.last.n < 8)))
		return CH_DONE;
	if (p.n == 1)
		j->kind = VALUE_TOKEN_PART;
	TRY(text_secret(j, from, end, p.n == 1 ? TEXT_EVERYWHERE : TEXT_HERE));
	if (p.n > 1) {
		bytes key = p.n == 5 ? p.longest : p.last;
		return key.n >= 22 ? text_value(j, VALUE_TOKEN_PART, false, key) : CH_DONE;
	}
	return signature_near(j, end);
}

ch_err check_jwt(struct text_job *j)
{
	size_t from = j->at - j->row->back;
	uint8_t before = from ? j->v.p[from - 1] : 0;
	if (text_is(before, AL_URL) || before == '+' || before == '/')
		return CH_DONE;
	size_t end = text_run(j, from, 0), dot = from;
	while (dot < end && j->v.p[dot] != '.')
		dot++;
	enum json_is what = json_of((bytes){ j->v.p + from, dot - from });
	/* header..signature, or a name with dots behind it, is no token */
	bool empty = dot + 1 < end && !text_is(j->v.p[dot + 1], AL_URL);
	if (what == IS_NOTHING || end - from < j->row->min || (what == IS_CLAIMS && empty))
		return CH_DONE;
	return say_token(j, from, end, what);
}

/* map (tagged pointer, 8) | hash (4) | length (4) | characters: V8's header of a string. Of
 * 43 characters, those of HS256 and of opaque tokens, much else is made, hex and long names
 * too: so all of the header is asked for, and more than a name has of changes and of characters
 * that are no small letters (some 27 in camel case, 51 by chance). */
static bool is_short_signature(const struct text_job *j, bytes is)
{
	bool lower = false, upper = false;
	unsigned others = 0;
	if (j->at < 16)
		return false;
	uint64_t map = load_le64(j->v.p + j->at - 16);
	for (size_t i = 0; i < is.n; i++) {
		bool small = is.p[i] >= 'a' && is.p[i] <= 'z';
		lower = lower || small;
		upper = upper || (is.p[i] >= 'A' && is.p[i] <= 'Z');
		others += !small;
	}
	return (map & 3) == 1 && map >> 16 && !(map >> 47) && lower && upper &&
	       text_changes(is) + others >= 33;
}

ch_err check_signature(struct text_job *j)
{
	size_t from = j->at;
	if (from < 4)
		return CH_DONE;
	size_t n = load_le32(j->v.p + from - 4);
	size_t end = text_run(j, from, n + 1);
	bytes is = { j->v.p + from, end - from };
	if (is.n != n || !text_looks_random(is))
		return CH_DONE;
	if (n == 43 ? !is_short_signature(j, is) : text_distinct(is) < 36)
		return CH_DONE;
	return text_secret(j, from, end, TEXT_EVERYWHERE);
}

/* --- JWK --- */

struct jwk {
	bytes object; /* around the member */
	str name;
	bool rsa, okp, oct, oth;
};

/* "d" : " before the value, quotes as \" in JSON in JSON */
static str name_before(bytes v, size_t value)
{
	size_t at = value;
	while (at && text_is(v.p[at - 1], AL_ALNUM) == false && value - at < 20)
		at--;
	size_t end = at;
	while (at && end - at < 3 && text_is(v.p[at - 1], AL_ALNUM))
		at--;
	return (str){ (const char *)v.p + at, end - at };
}

static bool jwk_around(struct text_job *j, size_t from, size_t to, struct jwk *ret_k)
{
	size_t start = from, end = to, at = 0;
	while (start && from - start < OBJECT_MAX && j->v.p[start - 1] != '{')
		start--;
	while (end < j->v.n && end - to < 2 * OBJECT_MAX && j->v.p[end] != '}')
		end++;
	if (end == j->v.n)
		j->open = true;
	j->work += 2 * (end - start) + OBJECT_MAX;
	size_t wide = from > OBJECT_MAX ? from - OBJECT_MAX : 0;
	bytes object = { j->v.p + start, end - start }, before = { j->v.p + wide, from - wide };
	ret_k->oth = bytes_find(before, LIT("\"oth"), &at);
	ret_k->object = ret_k->oth ? (bytes){ j->v.p + wide, end - wide } : object;
	ret_k->name = name_before(j->v, from);
	ret_k->rsa = bytes_find(ret_k->object, LIT("\"RSA"), &at);
	ret_k->okp = bytes_find(ret_k->object, LIT("\"OKP"), &at);
	ret_k->oct = bytes_find(ret_k->object, LIT("\"oct"), &at);
	return bytes_find(ret_k->object, LIT("\"kty"), &at);
}

static enum value_kind jwk_kind(const struct jwk *k)
{
	size_t at = 0;
	if (str_eq(k->name, LIT("k")))
		return VALUE_HMAC_KEY;
	if (k->okp)
		return bytes_find(k->object, LIT("X25519"), &at) ? VALUE_X25519
								 : VALUE_ED25519_SEED;
	if (!k->rsa)
		return VALUE_EC_SCALAR;
	if (str_eq(k->name, LIT("d")))
		return k->oth ? VALUE_RSA_CRT : VALUE_RSA_EXPONENT;
	bool prime = str_eq(k->name, LIT("p")) || str_eq(k->name, LIT("q")) ||
		     str_eq(k->name, LIT("r"));
	return prime ? VALUE_RSA_PRIME : VALUE_RSA_CRT;
}

/* Only k is of an oct key, r and t only of oth. */
static bool jwk_fits(const struct jwk *k)
{
	bool other = str_eq(k->name, LIT("r")) || str_eq(k->name, LIT("t"));
	return str_eq(k->name, LIT("k")) ? k->oct : !k->oct && (!other || k->oth);
}

static ch_err learn_jwk(struct text_job *j, const struct jwk *k, bytes value)
{
	uint8_t xy[132];
	size_t at = 0, n = text_unbase64(value, xy, sizeof(xy));
	if (k->okp)
		return n != 32 ? CH_DONE
			       : text_learn(j,
					    bytes_find(k->object, LIT("X25519"), &at)
						    ? PUBLIC_X25519
						    : PUBLIC_ED25519,
					    (bytes){ xy, 32 });
	if (!bytes_find(k->object, LIT("\"y"), &at))
		return CH_DONE;
	bytes y = { k->object.p + at + 2, k->object.n - at - 2 };
	while (y.n && !text_is(y.p[0], AL_URL))
		y = (bytes){ y.p + 1, y.n - 1 };
	if (text_unbase64(y, xy + n, n <= 66 ? n : 0) != n)
		return CH_DONE;
	bool k1 = bytes_find(k->object, LIT("secp256k1"), &at);
	if (n == 32)
		return text_learn(j, k1 ? PUBLIC_SECP256K1 : PUBLIC_P256, (bytes){ xy, 64 });
	if (n == 48)
		return text_learn(j, PUBLIC_P384, (bytes){ xy, 96 });
	return n == 66 ? text_learn(j, PUBLIC_P521, (bytes){ xy, 132 }) : CH_DONE;
}

static ch_err learn_member(struct text_job *j, const struct jwk *k, bytes value)
{
	uint8_t number[NUMBER_MAX];
	if (!k->rsa)
		return learn_jwk(j, k, value);
	size_t n = text_unbase64(value, number, sizeof(number));
	if (n < 128 || n > 1024 || !number[0])
		return CH_DONE;
	return text_learn(j, PUBLIC_RSA_MODULUS, (bytes){ number, n });
}

ch_err check_jwk(struct text_job *j)
{
	struct jwk k = { 0 };
	NOT_ZEROED uint8_t number[NUMBER_MAX];
	size_t from = j->at - j->row->back;
	size_t end = text_run(j, from, j->row->max);
	bytes value = { j->v.p + from, end - from };
	bool closed = end < j->v.n && (j->v.p[end] == '"' || j->v.p[end] == '\\');
	if ((!closed && end < j->v.n) || !jwk_around(j, from, end, &k))
		return CH_DONE;
	if (j->row->flags & ROW_PUBLIC)
		return closed ? learn_member(j, &k, value) : CH_DONE;
	if (!jwk_fits(&k) || text_distinct(value) < 8)
		return CH_DONE;
	j->kind = jwk_kind(&k);
	TRY(text_secret(j, from, end, TEXT_EVERYWHERE));
	if (!closed || !j->sink->value)
		return CH_DONE;
	size_t n = text_unbase64(value, number, sizeof(number));
	bool is_number = j->kind != VALUE_HMAC_KEY && !k.okp;
	ch_err e = text_value(j, j->kind, is_number, (bytes){ number, n });
	mem_wipe(number, sizeof(number));
	return e;
}
