/* JSON of a case to a question. Trusts cases.json, which its own test compares with what
 * its scripts make. */
#include "read.h"

#include "codec/base64url.h"

static bool node_read(const struct json_node *n, struct arena *a, struct words *ret_w)
{
	str s = { NULL, 0 };
	if (!n || failed(json_to_str(n, a, &s)))
		return false;
	char *copy = arena_alloc(a, s.n + 1);
	if (!copy)
		return false;
	mem_copy(copy, s.p, s.n);
	*ret_w = (struct words){ copy, s.n };
	return true;
}

bool words_read(const struct json_node *object, str name, struct arena *a, struct words *ret_w)
{
	const struct json_node *n = json_member(object, name);
	*ret_w = (struct words){ NULL, 0 };
	return !n || node_read(n, a, ret_w);
}

static int64_t number_of(const struct json_node *object, str name)
{
	const struct json_node *n = json_member(object, name);
	int64_t v = 0;
	return n && !failed(json_to_int(n, &v)) ? v : 0;
}

/* An array of strings; fine when absent. */
static bool list_read(const struct json_node *list, size_t cap, struct arena *a,
		      struct words *words, size_t *ret_n)
{
	size_t n = 0;
	for (const struct json_node *i = list ? json_first(list) : NULL; i; i = json_next(list, i))
		if (n == cap || !node_read(i, a, &words[n++]))
			return false;
	*ret_n = n;
	return true;
}

static bool periods_read(const struct json_node *list, struct arena *a, struct trust_issuer *ret_i)
{
	size_t n = 0;
	for (const struct json_node *i = list ? json_first(list) : NULL; i;
	     i = json_next(list, i), n++) {
		if (n == TRUST_PERIODS || !words_read(i, LIT("kid"), a, &ret_i->periods[n].kid))
			return false;
		ret_i->periods[n].from_s = number_of(i, LIT("from_s"));
		ret_i->periods[n].until_s = number_of(i, LIT("until_s"));
	}
	ret_i->n_periods = n;
	return true;
}

static bool issuer_read(const struct json_node *in, struct arena *a, struct trust_issuer *ret_i)
{
	ret_i->skew_s = number_of(in, LIT("skew_s"));
	ret_i->max_ttl_s = number_of(in, LIT("max_ttl_s"));
	return words_read(in, LIT("issuer"), a, &ret_i->issuer) &&
	       words_read(in, LIT("realm"), a, &ret_i->realm) &&
	       words_read(in, LIT("typ"), a, &ret_i->typ) &&
	       words_read(in, LIT("jwks"), a, &ret_i->jwks) &&
	       list_read(json_member(in, LIT("audiences")), TRUST_AUDIENCES, a, ret_i->audiences,
			 &ret_i->n_audiences) &&
	       periods_read(json_member(in, LIT("periods")), a, ret_i);
}

bool trust_read(const struct json_node *issuers, struct arena *a, struct trust *ret_t)
{
	size_t n = 0;
	*ret_t = (struct trust){ .n = 0 };
	for (const struct json_node *i = issuers ? json_first(issuers) : NULL; i;
	     i = json_next(issuers, i))
		if (n == TRUST_ISSUERS || !issuer_read(i, a, &ret_t->issuers[n++]))
			return false;
	ret_t->n = n;
	return issuers;
}

static bool certificate_read(const struct json_node *request, struct arena *a,
			     struct words *ret_der)
{
	struct words text;
	if (!words_read(request, LIT("certificate"), a, &text))
		return false;
	if (!text.p)
		return true;
	size_t room = base64url_byte_size(text.n);
	uint8_t *der = arena_alloc(a, room + 1);
	struct wr w = wr_of(der, room);
	if (!der || failed(base64url_read((str){ text.p, text.n }, &w)))
		return false;
	*ret_der = (struct words){ (char *)der, w.n };
	return true;
}

static bool request_read(const struct json_node *r, struct arena *a, struct question *ret_q)
{
	struct words scheme;
	ret_q->has_request = true;
	ret_q->window_s = number_of(r, LIT("window_s"));
	ret_q->skew_s = number_of(r, LIT("skew_s"));
	if (!words_read(r, LIT("scheme"), a, &scheme))
		return false;
	ret_q->dpop_scheme = str_eq((str){ scheme.p, scheme.n }, LIT("DPoP"));
	return words_read(r, LIT("method"), a, &ret_q->method) &&
	       words_read(r, LIT("url"), a, &ret_q->url) &&
	       words_read(r, LIT("dpop"), a, &ret_q->dpop) &&
	       certificate_read(r, a, &ret_q->certificate) &&
	       list_read(json_member(r, LIT("nonces")), QUESTION_NONCES, a, ret_q->nonces,
			 &ret_q->n_nonces);
}

bool question_read(const struct json_node *step, struct arena *a, struct question *ret_q)
{
	const struct json_node *request = json_member(step, LIT("request"));
	*ret_q = (struct question){ .now_s = number_of(step, LIT("now")) };
	return words_read(step, LIT("token"), a, &ret_q->token) && ret_q->token.p &&
	       (!request || request_read(request, a, ret_q));
}

static bool has(str word)
{
	for (size_t i = 0; asked_has[i]; i++)
		if (str_eq(word, str_from_c(asked_has[i])))
			return true;
	return false;
}

bool asked_knows(const struct json_node *needs)
{
	for (const struct json_node *n = json_first(needs); n; n = json_next(needs, n)) {
		bool unless = str_starts(n->text, LIT("!"));
		if (has(str_sub(n->text, unless, n->text.n)) == unless)
			return false;
	}
	return true;
}
