/* Tokens that were accepted, so that meeting one again costs a hash and a compare. What is
 * found is believed only when the whole text is the same, under the same policy and inside
 * the time that token and key allow; all else goes to the judge. Must never hold a token
 * that was refused, nor answer for what is not the token's own matter.
 *
 *   storage:  struct token_cache | sets | entries, WAYS of them a set
 *   an entry: struct entry | token | payload | texts whose escapes were undone */
#include "token/cache.h"

#include "base/ck.h"
#include "base/rand.h"
#include "crypto/short_hash.h"
#include "policy_internal.h"

enum { WAYS = 8, LINE = 64, TOKENS_MAX = 1 << 24, HASHED = 64 };

/* What a look-up (the tags) and an eviction (the rest) need to know of a set's entries, side
 * by side. */
struct set {
	uint64_t tag[WAYS]; /* 0: empty */
	uint64_t policy[WAYS];
	int64_t until_s[WAYS];
	uint64_t stamp[WAYS]; /* counts insertions: the smallest is the oldest */
};

struct entry {
	uint64_t policy;
	int64_t from_s, until_s; /* to be believed from <= now < until */
	size_t token_n;
	struct token_verdict v; /* its slices point below, or into the policy */
	uint8_t text[];
};

struct token_cache {
	uint8_t key[SHORT_HASH_KEY_SIZE];
	size_t n_sets, token_max, stride;
	struct set *sets;
	uint8_t *entries;
	uint64_t stamp;
	struct token_cache_counts counts;
};

_Static_assert(sizeof(struct set) % LINE == 0, "sets begin on a line of their own");

static size_t round_up(size_t n)
{
	return (n + LINE - 1) / LINE * LINE;
}

/* Room for the payload, which is three quarters of the text, and some for texts that had
 * escapes; a token for which it is too little is not kept. */
static size_t stride_of(size_t token_max)
{
	return round_up(sizeof(struct entry) + 2 * token_max);
}

static size_t sets_of(size_t tokens)
{
	return (tokens + WAYS - 1) / WAYS;
}

size_t token_cache_size(size_t tokens, size_t token_max)
{
	size_t entries = 0, sets = 0, all = 0;
	if (!tokens || tokens > TOKENS_MAX || !token_max || token_max > TOKEN_MAX)
		return 0;
	if (!ck_mul(sets_of(tokens) * WAYS, stride_of(token_max), &entries) ||
	    !ck_mul(sets_of(tokens), sizeof(struct set), &sets) || !ck_add(entries, sets, &all) ||
	    !ck_add(all, round_up(sizeof(struct token_cache)), &all))
		return 0;
	return all;
}

ch_err token_cache_init(void *storage, size_t n, size_t tokens, size_t token_max,
			struct token_cache **ret_c)
{
	size_t need = token_cache_size(tokens, token_max);
	struct token_cache *c = storage;
	if (!need || n < need)
		return ch_fail(CH_E_RANGE, "too little storage for so many tokens", need);
	if ((uintptr_t)storage % LINE)
		return ch_fail(CH_E_USAGE, "storage must be aligned to 64 bytes", 0);
	*c = (struct token_cache){
		.n_sets = sets_of(tokens),
		.token_max = token_max,
		.stride = stride_of(token_max),
	};
	rand_fill(c->key, sizeof(c->key));
	c->sets = (struct set *)((uint8_t *)storage + round_up(sizeof(*c)));
	c->entries = (uint8_t *)(c->sets + c->n_sets);
	mem_zero(c->sets, c->n_sets * sizeof(*c->sets));
	*ret_c = c;
	return CH_DONE;
}

void token_cache_clear(struct token_cache *c)
{
	mem_zero(c->sets, c->n_sets * sizeof(*c->sets));
	mem_wipe(c->entries, c->n_sets * WAYS * c->stride);
}

struct token_cache_counts token_cache_counts(const struct token_cache *c)
{
	return c->counts;
}

static struct entry *entry_at(const struct token_cache *c, size_t set, size_t way)
{
	return (struct entry *)(c->entries + (set * WAYS + way) * c->stride);
}

/* Of the end, which is the signature: nobody without the issuer's key makes a second token
 * with the same one, and what only ends alike fails the compare and is judged. */
static uint64_t tag_of(const struct token_cache *c, str token)
{
	size_t n = token.n < HASHED ? token.n : HASHED;
	uint64_t tag = short_hash(c->key, bytes_of_str(str_sub(token, token.n - n, n)));
	return tag ? tag : 1;
}

/* The tag's upper half times the number of sets: evenly spread without a division. */
static size_t set_of(const struct token_cache *c, uint64_t tag)
{
	return (size_t)((tag >> 32) * c->n_sets >> 32);
}

/* The way of this tag, or WAYS. */
static size_t way_of(const struct set *s, uint64_t tag)
{
	size_t way = 0;
	while (way < WAYS && s->tag[way] != tag)
		way++;
	return way;
}

/* Where a new token goes: over itself, else where nothing is, else over what cannot be
 * believed any more, else over the oldest. */
static size_t way_for(const struct set *s, uint64_t tag, const struct policy *p, int64_t now_s)
{
	size_t way = way_of(s, tag), oldest = 0;
	if (way == WAYS)
		way = way_of(s, 0);
	for (size_t i = 0; i < WAYS && way == WAYS; i++)
		if (s->until_s[i] <= now_s || s->policy[i] != p->id)
			way = i;
	for (size_t i = 1; i < WAYS; i++)
		if (s->stamp[i] < s->stamp[oldest])
			oldest = i;
	return way < WAYS ? way : oldest;
}

/* Moves a slice from the scratch to the entry: of the payload by its place in it, else by
 * copying. What is absent stays so. */
static void text_move(str from_payload, str to_payload, struct wr *w, str *text)
{
	size_t at = (size_t)((uintptr_t)text->p - (uintptr_t)from_payload.p);
	if (!text->p)
		return;
	if (at < from_payload.n && text->n <= from_payload.n - at) {
		text->p = to_payload.p + at;
		return;
	}
	const uint8_t *to = w->p + w->n;
	wr_str(w, *text);
	text->p = (const char *)to;
}

/* False: it does not fit. The slices into the policy stay as they are. */
static bool entry_write(const struct token_cache *c, struct entry *e, str token,
			const struct token_verdict *v)
{
	struct wr w = wr_of(e->text, c->stride - sizeof(*e));
	e->v = *v;
	e->token_n = token.n;
	wr_str(&w, token);
	str payload = { (const char *)w.p + w.n, v->claims.n };
	wr_str(&w, v->claims);
	str *const texts[] = { &e->v.claims,   &e->v.sub, &e->v.client_id, &e->v.scope,
			       &e->v.username, &e->v.jti, &e->v.grant_id };
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		text_move(v->claims, payload, &w, texts[i]);
	return !w.full;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void keep(struct token_cache *c, const struct policy *p, str token, uint64_t tag,
		 int64_t now_s, const struct token_verdict *v)
{
	const struct issuer *i = policy_find_issuer(p, v->issuer);
	const struct issuer_key *k = i ? policy_find_key(p, i, v->kid) : NULL;
	size_t set = set_of(c, tag);
	struct set *s = &c->sets[set];
	size_t way = way_for(s, tag, p, now_s);
	struct entry *e = entry_at(c, set, way);
	bool live = s->tag[way] && s->tag[way] != tag && s->until_s[way] > now_s &&
		    s->policy[way] == p->id;
	s->tag[way] = 0;
	if (!k)
		return;
	c->counts.evicted += live;
	if (!entry_write(c, e, token, v))
		return;
	e->from_s = later(later(v->iat, v->nbf), k->from_s) - i->skew_s;
	s->until_s[way] = e->until_s = v->exp < k->until_s ? v->exp : k->until_s;
	s->policy[way] = e->policy = p->id;
	s->stamp[way] = ++c->stamp;
	s->tag[way] = tag;
}

/* The verdict of this very token, if it may be believed now; else NULL. */
static const struct token_verdict *find(const struct token_cache *c, const struct policy *p,
					str token, uint64_t tag, int64_t now_s)
{
	size_t set = set_of(c, tag);
	const struct set *s = &c->sets[set];
	size_t way = way_of(s, tag);
	if (way == WAYS)
		return NULL;
	const struct entry *e = entry_at(c, set, way);
	bool fit = e->policy == p->id && now_s >= e->from_s && now_s < e->until_s;
	return fit && e->token_n == token.n && mem_eq(e->text, token.p, token.n) ? &e->v : NULL;
}

static bool fits(const struct token_cache *c, str token)
{
	return token.n > 0 && token.n <= c->token_max;
}

static bool take_kept(struct token_cache *c, const struct token_verdict *v,
		      struct token_verdict *ret_verdict)
{
	if (!v)
		return false;
	c->counts.hits++;
	mem_copy(ret_verdict, v, sizeof(*v));
	return true;
}

bool token_cache_find(struct token_cache *c, const struct policy *p, str token, int64_t now_s,
		      struct token_verdict *ret_verdict)
{
	return fits(c, token) &&
	       take_kept(c, find(c, p, token, tag_of(c, token), now_s), ret_verdict);
}

void token_cache_verify(struct token_cache *c, const struct policy *p, str token, int64_t now_s,
			struct token_scratch *scratch, struct token_verdict *ret_verdict)
{
	bool may = fits(c, token);
	uint64_t tag = may ? tag_of(c, token) : 0;
	if (may && take_kept(c, find(c, p, token, tag, now_s), ret_verdict))
		return;
	c->counts.misses++;
	token_verify(p, token, now_s, scratch, ret_verdict);
	if (may && ret_verdict->code == TOKEN_accepted)
		keep(c, p, token, tag, now_s, ret_verdict);
}
