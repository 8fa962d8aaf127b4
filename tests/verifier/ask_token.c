/* The judge itself is asked, and confirmation where there is a request. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "crypto/key.h"
#include "question.h"
#include "token/cache.h"
#include "token/confirm.h"
#include "token/verify.h"

enum { PROOFS = 64, REPLAY_ROOM = 1 << 16, TOKENS = 8, CACHE_ROOM = 1 << 18 };

const char *const asked_name = "chancery, the judge itself";
const char *const asked_has[] = {
	"EdDSA",    "PS256",        "payload", "typ", "iss",  "aud",      "azp",
	"exp",      "exp-required", "nbf",     "iat", "skew", "lifetime", "integer-times",
	"required", "claim-types",  "issuers", "cnf", "dpop", "mtls",     "nonce",
	"periods",  "load",         "nul",     NULL,
};

/* Used proofs, of one case. */
static _Alignas(64) uint8_t replay_room[REPLAY_ROOM];
static struct replay *replay;
static _Alignas(64) uint8_t cache_room[CACHE_ROOM];
static struct token_cache *cache;

struct asked {
	struct policy *policy;
};

static str str_of(struct words w)
{
	return (str){ w.p, w.n };
}

bool asked_init(void)
{
	return !failed(crypto_init(NULL)) && replay_size(PROOFS) <= sizeof(replay_room);
}

static struct policy_issuer issuer_of(const struct trust_issuer *i, str *audiences,
				      struct policy_period *periods)
{
	for (size_t k = 0; k < i->n_audiences; k++)
		audiences[k] = str_of(i->audiences[k]);
	for (size_t k = 0; k < i->n_periods; k++)
		periods[k] = (struct policy_period){ str_of(i->periods[k].kid),
						     i->periods[k].from_s, i->periods[k].until_s };
	return (struct policy_issuer){
		.issuer = str_of(i->issuer),
		.realm = str_of(i->realm),
		.typ = str_of(i->typ),
		.audiences = audiences,
		.n_audiences = i->n_audiences,
		.jwks = bytes_of_str(str_of(i->jwks)),
		.periods = periods,
		.n_periods = i->n_periods,
		.skew_s = i->skew_s,
		.max_ttl_s = i->max_ttl_s,
	};
}

struct asked *asked_new(const struct trust *t, const char **ret_error)
{
	struct policy_issuer in[TRUST_ISSUERS];
	struct policy_period periods[TRUST_ISSUERS][TRUST_PERIODS];
	str audiences[TRUST_ISSUERS][TRUST_AUDIENCES];
	struct asked *a = calloc(1, sizeof(*a));
	*ret_error = "E_NOMEM";
	if (!a)
		return NULL;
	for (size_t i = 0; i < t->n; i++)
		in[i] = issuer_of(&t->issuers[i], audiences[i], periods[i]);
	ch_err e = policy_new(in, t->n, NULL, &a->policy);
	if (!failed(e))
		return a;
	*ret_error = ch_code_name(ch_code_of(e));
	free(a);
	return NULL;
}

void asked_free(struct asked *a)
{
	if (a)
		policy_free(a->policy);
	free(a);
}

bool asked_warm(struct asked *a)
{
	return !failed(policy_warm(a->policy));
}

bool asked_cache(void)
{
	return !failed(token_cache_init(cache_room, sizeof(cache_room), TOKENS, TOKEN_MAX, &cache));
}

uint64_t asked_cache_hits(void)
{
	return cache ? token_cache_counts(cache).hits : 0;
}

bool asked_begin(void)
{
	if (cache)
		token_cache_clear(cache);
	return !failed(replay_init(replay_room, sizeof(replay_room), PROOFS, &replay));
}

static void confirm(const struct question *q, struct token_verdict *v)
{
	static struct token_scratch scratch;
	str nonces[QUESTION_NONCES];
	const struct token_proofs shown = {
		.dpop = str_of(q->dpop),
		.dpop_scheme = q->dpop_scheme,
		.certificate = bytes_of_str(str_of(q->certificate)),
	};
	const struct proof_request r = {
		.token = str_of(q->token),
		.method = str_of(q->method),
		.url = str_of(q->url),
		.now_s = q->now_s,
		.window_s = q->window_s,
		.skew_s = q->skew_s,
		.nonces = nonces,
		.n_nonces = q->n_nonces,
		.replay = replay,
	};
	for (size_t i = 0; i < q->n_nonces; i++)
		nonces[i] = str_of(q->nonces[i]);
	(void)token_confirm(v, &shown, &r, &scratch);
}

struct answer asked_answer(struct asked *a, const struct question *q)
{
	static struct token_scratch scratch;
	struct answer answer = { .code = "misused" };
	struct token_verdict v;
	if (cache)
		token_cache_verify(cache, a->policy, str_of(q->token), q->now_s, &scratch, &v);
	else
		token_verify(a->policy, str_of(q->token), q->now_s, &scratch, &v);
	if (q->has_request)
		confirm(q, &v);
	answer.code = token_code_name(v.code).p;
	if (v.code == TOKEN_accepted && v.realm.n < sizeof(answer.realm))
		mem_copy(answer.realm, v.realm.p, v.realm.n);
	return answer;
}
