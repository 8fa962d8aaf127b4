/* Loading what a relying party trusts. Whatever could let one issuer's key speak for
 * another, or one name mean two keys, is refused here, before the first token. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/rw.h"
#include "codec/json.h"
#include "codec/url.h"
#include "policy_internal.h"
#include "token/jwk.h"

enum { JWKS_MEMBERS_MAX = 1024, SKEW_MAX_S = 600, ARENA_ALIGN = 16 };

static const struct json_limits jwks_limits = { .depth = 6, .members = JWKS_MEMBERS_MAX };

struct loader {
	struct policy *policy;
	struct issuer *issuer;          /* the one being loaded … */
	const struct policy_issuer *in; /* … from this */
	struct wr *why;
	struct json_node *nodes;
};

/* For free()d locals. */
static void nodes_done(struct json_node **nodes)
{
	free(*nodes);
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->issuers[i].n_keys; k++)
			public_key_free(p->issuers[i].keys[k].key);
	free(p);
}

void policy_done(struct policy **p)
{
	policy_free(*p);
	*p = NULL;
}

/* A mark of all of the text. The texts in a policy are its author's, so nobody gains from
 * two with the same tag, and what has the same tag is compared in full. */
static uint32_t text_tag(str s)
{
	uint64_t mixed = s.n;
	for (; s.n > 0; s = str_sub(s, 8, s.n)) {
		mixed = (mixed ^ str_head(s)) * UINT64_C(0x9e3779b97f4a7c15);
		mixed ^= mixed >> 32;
	}
	return (uint32_t)mixed;
}

const struct issuer *policy_find_issuer(const struct policy *p, str issuer)
{
	uint32_t tag = text_tag(issuer);
	for (size_t i = 0; i < p->n; i++)
		if (p->tags[i] == tag && str_eq(p->issuers[i].issuer, issuer))
			return &p->issuers[i];
	return NULL;
}

/* Several at a time, hence without an early end. */
static bool tag_among(const uint32_t tags[static ISSUER_KEYS_MAX], uint32_t tag)
{
	uint32_t found = 0;
	for (size_t k = 0; k < ISSUER_KEYS_MAX; k++)
		found |= tags[k] == tag;
	return found;
}

static const struct issuer_key *key_tagged(const struct policy *p, size_t issuer, uint32_t tag,
					   str kid)
{
	const struct issuer *i = &p->issuers[issuer];
	if (!tag_among(p->kid_tags[issuer], tag))
		return NULL;
	for (size_t k = 0; k < i->n_keys; k++)
		if (str_eq(i->keys[k].kid, kid))
			return &i->keys[k];
	return NULL;
}

const struct issuer_key *policy_find_key(const struct policy *p, const struct issuer *i, str kid)
{
	return key_tagged(p, (size_t)(i - p->issuers), text_tag(kid), kid);
}

bool policy_has_kid(const struct policy *p, str kid)
{
	uint32_t tag = text_tag(kid);
	for (size_t i = 0; i < p->n; i++)
		if (key_tagged(p, i, tag, kid))
			return true;
	return false;
}

bool key_valid_at(const struct issuer_key *k, int64_t skew_s, int64_t now_s)
{
	return now_s >= k->from_s - skew_s && now_s < k->until_s;
}

/* `issuer "…": key "…": what` */
static ch_err explain(const struct loader *l, str issuer, str kid, ch_err e)
{
	if (!l->why)
		return e;
	wr_lit(l->why, "issuer ");
	json_write_str(l->why, issuer);
	if (kid.p) {
		wr_lit(l->why, ": key ");
		json_write_str(l->why, kid);
	}
	wr_lit(l->why, ": ");
	wr_str(l->why, str_from_c(e.site->what));
	return e;
}

static bool thumbprint_known(const struct policy *p, const uint8_t *thumbprint)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->issuers[i].n_keys; k++)
			if (mem_eq(p->issuers[i].keys[k].thumbprint, thumbprint, THUMBPRINT_SIZE))
				return true;
	return false;
}

/* The narrower of what the key says of itself and what the policy says of it. */
static void period_narrow(const struct policy_issuer *in, struct issuer_key *k)
{
	for (size_t i = 0; i < in->n_periods; i++) {
		const struct policy_period *p = &in->periods[i];
		if (!str_eq(p->kid, k->kid))
			continue;
		if (p->from_s > k->from_s)
			k->from_s = p->from_s;
		if (p->until_s && p->until_s < k->until_s)
			k->until_s = p->until_s;
	}
}

static ch_err key_add(struct loader *l, const struct json_node *jwk, const struct key_parts *parts,
		      str kid)
{
	struct issuer *i = l->issuer;
	if (!kid.n || kid.n > KID_MAX)
		return ch_fail(CH_E_RANGE, "kid is empty or longer than 64 bytes", kid.n);
	if (policy_find_key(l->policy, i, kid))
		return ch_fail(CH_E_DUPLICATE, "two keys of the issuer have this kid", i->n_keys);
	if (i->n_keys == ISSUER_KEYS_MAX)
		return ch_fail(CH_E_LIMIT, "issuer has too many keys", ISSUER_KEYS_MAX);
	struct issuer_key key = { .alg = parts->alg };
	TRY(jwk_period(jwk, &key.from_s, &key.until_s));
	TRY(jwk_logged_from(jwk, &key.logged_from_s));
	TRY(jwk_thumbprint(parts, key.thumbprint));
	if (thumbprint_known(l->policy, key.thumbprint))
		return ch_fail(CH_E_DUPLICATE, "this public key stands in the policy already", 0);
	TRY(arena_str(&l->policy->text, kid, &key.kid));
	period_narrow(l->in, &key);
	TRY(public_key_new(parts, &key.key));
	l->policy->kid_tags[i - l->policy->issuers][i->n_keys] = text_tag(kid);
	i->keys[i->n_keys++] = key;
	return CH_DONE;
}

/* A key that says it is for something else, or for an algorithm that is not here, is
 * passed over (RFC 7517 section 5); anything contradictory is an error. */
static ch_err key_load(struct loader *l, const struct json_node *jwk)
{
	struct key_parts parts;
	str kid = { NULL, 0 };
	ch_err e = jwk_read(jwk, &parts, &kid);
	if (ch_code_of(e) == CH_E_UNSUPPORTED)
		return CH_DONE;
	if (!failed(e))
		e = key_add(l, jwk, &parts, kid);
	if (!failed(e))
		return CH_DONE;
	const struct json_node *name = json_member(jwk, LIT("kid"));
	if (name && name->type == JSON_STRING)
		kid = name->text;
	return explain(l, l->issuer->issuer, str_sub(kid, 0, KID_MAX), e);
}

static ch_err jwks_read(struct loader *l, bytes jwks, const struct json_node **ret_keys)
{
	size_t count = 0;
	if (jwks.n > JWKS_TEXT_MAX)
		return ch_fail(CH_E_LIMIT, "JWK set is over 64 KiB", jwks.n);
	TRY(json_parse(jwks, jwks_limits, l->nodes, JWKS_MEMBERS_MAX + 1, &count));
	const struct json_node *keys = json_member(l->nodes, LIT("keys"));
	if (!keys || keys->type != JSON_ARRAY)
		return ch_fail(CH_E_SYNTAX, "is no JWK set: no array named keys", 0);
	*ret_keys = keys;
	return CH_DONE;
}

static ch_err keys_load(struct loader *l, bytes jwks)
{
	const struct json_node *keys = NULL;
	ch_err e = jwks_read(l, jwks, &keys);
	if (failed(e))
		return explain(l, l->issuer->issuer, (str){ NULL, 0 }, e);
	for (const struct json_node *k = json_first(keys); k; k = json_next(keys, k))
		TRY(key_load(l, k));
	return CH_DONE;
}

static ch_err url_check(str issuer)
{
	struct url u;
	TRY(url_parse(issuer, &u));
	if (u.query.p)
		return ch_fail(CH_E_SYNTAX, "issuer has a query (RFC 8414 section 2)", issuer.n);
	if (str_eq(u.scheme, LIT("http")) && !url_is_loopback(&u))
		return ch_fail(CH_E_DENIED, "http is for loopback only: use https", issuer.n);
	return CH_DONE;
}

static ch_err periods_check(const struct policy_issuer *in)
{
	for (size_t i = 0; i < in->n_periods; i++) {
		const struct policy_period *p = &in->periods[i];
		if (p->from_s < 0 || p->from_s > TOKEN_TIME_MAX || p->until_s < 0 ||
		    p->until_s > TOKEN_TIME_MAX)
			return ch_fail(CH_E_RANGE, "a key's period is out of range", i);
		if (p->until_s && p->until_s <= p->from_s)
			return ch_fail(CH_E_RANGE, "a key's period ends before it begins", i);
	}
	return CH_DONE;
}

static ch_err terms_check(const struct policy_issuer *in)
{
	if (!in->realm.n)
		return ch_fail(CH_E_MISSING, "has no realm", 0);
	if (!token_profile_of(in->typ))
		return ch_fail(CH_E_UNSUPPORTED, "typ is neither at+jwt nor JWT", in->typ.n);
	if (!in->n_audiences || in->n_audiences > ISSUER_AUDIENCES_MAX)
		return ch_fail(CH_E_RANGE, "needs one to eight audiences", in->n_audiences);
	for (size_t i = 0; i < in->n_audiences; i++)
		if (!in->audiences[i].n)
			return ch_fail(CH_E_MISSING, "has an empty audience", i);
	if (in->skew_s < 0 || in->skew_s > SKEW_MAX_S)
		return ch_fail(CH_E_RANGE, "skew must be 0 to 600 seconds", in->skew_s);
	if (in->max_ttl_s <= 0)
		return ch_fail(CH_E_RANGE, "longest lifetime must be positive", in->max_ttl_s);
	return periods_check(in);
}

static ch_err issuer_check(const struct loader *l, const struct policy_issuer *in)
{
	TRY(url_check(in->issuer));
	TRY(terms_check(in));
	if (policy_find_issuer(l->policy, in->issuer))
		return ch_fail(CH_E_DUPLICATE, "issuer stands in the policy twice", 0);
	return CH_DONE;
}

static ch_err issuer_load(struct loader *l, const struct policy_issuer *in)
{
	ch_err e = issuer_check(l, in);
	if (failed(e))
		return explain(l, in->issuer, (str){ NULL, 0 }, e);
	l->policy->tags[l->policy->n] = text_tag(in->issuer);
	struct issuer *i = l->issuer = &l->policy->issuers[l->policy->n++];
	l->in = in;
	i->profile = token_profile_of(in->typ);
	i->n_audiences = in->n_audiences;
	i->skew_s = in->skew_s;
	i->max_ttl_s = in->max_ttl_s;
	TRY(arena_str(&l->policy->text, in->issuer, &i->issuer));
	TRY(arena_str(&l->policy->text, in->realm, &i->realm));
	for (size_t k = 0; k < in->n_audiences; k++)
		TRY(arena_str(&l->policy->text, in->audiences[k], &i->audiences[k]));
	return keys_load(l, in->jwks);
}

/* Room for every text that will be kept. */
static size_t text_room(const struct policy_issuer *issuers, size_t n)
{
	size_t room = n * ISSUER_KEYS_MAX * (KID_MAX + ARENA_ALIGN);
	for (size_t i = 0; i < n; i++) {
		room += issuers[i].issuer.n + issuers[i].realm.n + 3 * ARENA_ALIGN;
		for (size_t k = 0; k < issuers[i].n_audiences; k++)
			room += issuers[i].audiences[k].n + ARENA_ALIGN;
	}
	return room;
}

ch_err policy_new(const struct policy_issuer *issuers, size_t n, struct wr *why,
		  struct policy **ret_policy)
{
	if (n > POLICY_ISSUERS_MAX)
		return ch_fail(CH_E_LIMIT, "policy has too many issuers", n);
	size_t room = text_room(issuers, n);
	AUTO(policy_done) struct policy *p = calloc(1, sizeof(*p) + room);
	AUTO(nodes_done) struct json_node *nodes = calloc(JWKS_MEMBERS_MAX + 1, sizeof(*nodes));
	if (!p || !nodes)
		return ch_fail(CH_E_NOMEM, "no memory for a policy", room);
	arena_init(&p->text, p + 1, room);
	struct loader l = { .policy = p, .why = why, .nodes = nodes };
	for (size_t i = 0; i < n; i++)
		TRY(issuer_load(&l, &issuers[i]));
	static _Atomic uint64_t last_id;
	p->id = ++last_id;
	*ret_policy = TAKE(p);
	return CH_DONE;
}

uint64_t policy_id(const struct policy *p)
{
	return p->id;
}

size_t policy_keys(const struct policy *p, str issuer)
{
	const struct issuer *i = policy_find_issuer(p, issuer);
	return i ? i->n_keys : 0;
}

static bool same_terms(const struct issuer *a, const struct issuer *b)
{
	bool same = str_eq(a->issuer, b->issuer) && str_eq(a->realm, b->realm) &&
		    a->profile == b->profile && a->n_audiences == b->n_audiences &&
		    a->skew_s == b->skew_s && a->max_ttl_s == b->max_ttl_s &&
		    a->n_keys == b->n_keys;
	for (size_t i = 0; same && i < a->n_audiences; i++)
		same = str_eq(a->audiences[i], b->audiences[i]);
	return same;
}

static bool same_key(const struct issuer_key *a, const struct issuer_key *b)
{
	return b && a->alg == b->alg && a->from_s == b->from_s && a->until_s == b->until_s &&
	       a->logged_from_s == b->logged_from_s &&
	       mem_eq(a->thumbprint, b->thumbprint, THUMBPRINT_SIZE);
}

bool policy_same(const struct policy *a, const struct policy *b)
{
	bool same = a->n == b->n;
	for (size_t i = 0; same && i < a->n; i++) {
		const struct issuer *x = &a->issuers[i], *y = &b->issuers[i];
		same = same_terms(x, y);
		for (size_t k = 0; same && k < x->n_keys; k++)
			same = same_key(&x->keys[k], policy_find_key(b, y, x->keys[k].kid));
	}
	return same;
}

bool policy_warm_step(struct policy *p, size_t *step)
{
	size_t at = (*step)++;
	for (size_t i = 0; i < p->n; i++) {
		if (at < p->issuers[i].n_keys) {
			(void)public_key_warm(p->issuers[i].keys[at].key);
			return true;
		}
		at -= p->issuers[i].n_keys;
	}
	return false;
}

ch_err policy_warm(struct policy *p)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->issuers[i].n_keys; k++)
			TRY(public_key_warm(p->issuers[i].keys[k].key));
	return CH_DONE;
}
