/* Secrets out of files that people have them in. The text is the caller's own and secret:
 * whatever is decoded of it lies in secret memory or in storage that is wiped. */
#include "fingerprint/inputs.h"

#include <string.h>

#include "codec/base64url.h"
#include "codec/json.h"
#include "crypto/key_secrets.h"

enum { NODES_MAX = 2048, MEMBER_MAX = 2048 };

struct from_keys {
	struct key_secret_taker taker;
	struct input_taker *to;
	size_t key;
};

static ch_err take_key_secret(struct key_secret_taker *t, const struct key_secret *s)
{
	struct from_keys *f = (struct from_keys *)t;
	const struct input_secret one = { s->number ? REGISTERED_NUMBER : REGISTERED_BYTES, s->is,
					  f->key };
	return f->to->take(f->to, &one);
}

static ch_err read_pem(const struct secret *input, struct input_taker *t)
{
	struct from_keys f = { { take_key_secret }, t, 1 };
	size_t keys = 0;
	return key_secrets_of_pem(input, &f.taker, &keys);
}

static ch_err give(struct input_taker *t, enum registered_kind kind, bytes b, size_t line)
{
	AUTO(secret_done) struct secret *s = NULL;
	if (b.n == 0)
		return ch_fail(CH_E_RANGE, "an empty secret", line);
	TRY(secret_copy(secret_bytes_of(b), &s));
	return t->take(t, &(struct input_secret){ kind, s, line });
}

static ch_err give_member(struct input_taker *t, const struct json_node *key,
			  const struct json_node *member, size_t number)
{
	SECRET_BUF(decoded, MEMBER_MAX);
	struct wr w = wr_of(decoded, MEMBER_MAX);
	const struct json_node *kty = json_member(key, LIT("kty"));
	const struct json_node *crv = json_member(key, LIT("crv"));
	if (member->type != JSON_STRING || member->escaped)
		return ch_fail(CH_E_SYNTAX, "a private member of a JWK is no plain string", number);
	TRY(base64url_read(member->text, &w));
	if (json_is_str(kty, LIT("OKP")) && crv && json_is_str(crv, LIT("Ed25519"))) {
		struct from_keys f = { { take_key_secret }, t, number };
		return key_secrets_of_seed(wr_bytes(&w), &f.taker);
	}
	bool is_number = json_is_str(kty, LIT("RSA")) || json_is_str(kty, LIT("EC"));
	return give(t, is_number ? REGISTERED_NUMBER : REGISTERED_BYTES, wr_bytes(&w), number);
}

static ch_err read_jwk(struct input_taker *t, const struct json_node *key, size_t number,
		       size_t *found)
{
	static const str secret[] = { { "d", 1 },  { "p", 1 },  { "q", 1 }, { "dp", 2 },
				      { "dq", 2 }, { "qi", 2 }, { "k", 1 } };
	if (key->type != JSON_OBJECT || !json_member(key, LIT("kty")))
		return ch_fail(CH_E_SYNTAX, "JSON that is no JWK: it has no kty", number);
	if (json_member(key, LIT("oth")))
		return ch_fail(CH_E_UNSUPPORTED, "an RSA key of more than two primes", number);
	for (size_t i = 0; i < COUNT_OF(secret); i++) {
		const struct json_node *m = json_member(key, secret[i]);
		if (!m)
			continue;
		TRY(give_member(t, key, m, number));
		++*found;
	}
	return CH_DONE;
}

static ch_err read_json(bytes text, struct input_taker *t)
{
	static struct json_node nodes[NODES_MAX];
	size_t n = 0, found = 0, number = 0;
	TRY(json_parse(text, (struct json_limits){ 8, NODES_MAX - 1 }, nodes, NODES_MAX, &n));
	const struct json_node *keys = json_member(nodes, LIT("keys"));
	if (!keys)
		TRY(read_jwk(t, nodes, 1, &found));
	for (const struct json_node *k = keys ? json_first(keys) : NULL; k; k = json_next(keys, k))
		TRY(read_jwk(t, k, ++number, &found));
	if (found == 0)
		return ch_fail(CH_E_MISSING, "there is no private key in this JWK", number);
	return CH_DONE;
}

static ch_err read_lines(bytes text, struct input_taker *t)
{
	static const str ends = { "\r", 1 };
	str left = str_of_bytes(text);
	size_t number = 0, found = 0;
	while (left.p) {
		str line = str_trim(str_cut(&left, '\n'), ends);
		number++;
		if (line.n == 0)
			continue;
		TRY(give(t, REGISTERED_TEXT, bytes_of_str(line), number));
		found++;
	}
	if (found == 0)
		return ch_fail(CH_E_MISSING, "there is no line with a secret", number);
	return CH_DONE;
}

static bool is_pem(bytes text)
{
	static const char sign[] = "PRIVATE KEY-----";
	return memmem(text.p, text.n, sign, sizeof(sign) - 1);
}

ch_err input_read(const struct secret *input, struct input_taker *t, enum input_kind *ret_kind)
{
	bytes text = secret_peek(input);
	size_t at = 0;
	while (at < text.n && str_has(LIT(" \t\r\n"), (char)text.p[at]))
		at++;
	if (is_pem(text)) {
		*ret_kind = INPUT_PEM;
		return read_pem(input, t);
	}
	if (at < text.n && text.p[at] == '{') {
		*ret_kind = INPUT_JWK;
		return read_json(text, t);
	}
	*ret_kind = INPUT_LINES;
	return read_lines(text, t);
}
