/* The installed library is asked, by nothing but its public headers. */
#include <chancery/cache.h>
#include <chancery/chancery.h>
#include <chancery/confirm.h>
#include <stdlib.h>
#include <string.h>

#include "question.h"

enum { PROOFS = 64, REPLAY_ROOM = 1 << 16, TOKENS = 8, TOKEN_SIZE = 8192, CACHE_ROOM = 1 << 18 };

const char *const asked_name = "libchancery";
/* its nonces are made by keys, so that none can be named */
const char *const asked_has[] = {
	"EdDSA",    "PS256",        "payload",      "typ", "iss",  "aud",      "azp",
	"exp",      "exp-required", "nbf",          "iat", "skew", "lifetime", "integer-times",
	"required", "claim-types",  "issuers",      "cnf", "dpop", "mtls",     "periods",
	"load",     "nul",          "confirmation", NULL,
};

static union ch_scratch scratch;
static _Alignas(64) unsigned char replay_room[REPLAY_ROOM];
static struct ch_replay *replay;
static _Alignas(64) unsigned char cache_room[CACHE_ROOM];

struct asked {
	struct ch_verifier *verifier;
};

static ch_text text_of(struct words w)
{
	return (ch_text){ w.p, w.n };
}

bool asked_init(void)
{
	return ch_code_of(ch_scratch_init(&scratch)) == CH_OK;
}

static struct ch_issuer issuer_of(const struct trust_issuer *i, const char **audiences,
				  struct ch_period *periods)
{
	struct ch_issuer out = CH_ISSUER_INIT;
	for (size_t k = 0; k < i->n_audiences; k++)
		audiences[k] = i->audiences[k].p;
	for (size_t k = 0; k < i->n_periods; k++)
		periods[k] = (struct ch_period){ i->periods[k].kid.p, i->periods[k].from_s,
						 i->periods[k].until_s };
	out.issuer = i->issuer.p;
	out.realm = i->realm.p;
	out.typ = i->typ.p;
	out.audiences = audiences;
	out.n_audiences = i->n_audiences;
	out.jwks = i->jwks.p;
	out.jwks_size = i->jwks.n;
	out.periods = i->n_periods ? periods : NULL;
	out.n_periods = i->n_periods;
	out.skew_s = i->skew_s;
	out.max_ttl_s = i->max_ttl_s;
	return out;
}

/* "CH_E_RANGE" without its prefix, as the cases name it. */
static const char *error_of(ch_err e)
{
	const char *name = ch_code_name(ch_code_of(e));
	return strncmp(name, "CH_", 3) == 0 ? name + 3 : name;
}

struct asked *asked_new(const struct trust *t, const char **ret_error)
{
	struct ch_issuer in[TRUST_ISSUERS];
	struct ch_period periods[TRUST_ISSUERS][TRUST_PERIODS];
	const char *audiences[TRUST_ISSUERS][TRUST_AUDIENCES];
	struct asked *a = calloc(1, sizeof(*a));
	*ret_error = "E_NOMEM";
	if (!a)
		return NULL;
	for (size_t i = 0; i < t->n; i++)
		in[i] = issuer_of(&t->issuers[i], audiences[i], periods[i]);
	ch_err e = ch_verifier_new(in, t->n, NULL, 0, &a->verifier);
	if (ch_code_of(e) == CH_OK)
		return a;
	*ret_error = error_of(e);
	free(a);
	return NULL;
}

void asked_free(struct asked *a)
{
	if (a)
		ch_verifier_unref(a->verifier);
	free(a);
}

bool asked_warm(struct asked *a)
{
	return ch_code_of(ch_verifier_warm(a->verifier)) == CH_OK;
}

bool asked_cache(void)
{
	return ch_code_of(ch_cache_use(&scratch, cache_room, sizeof(cache_room), TOKENS,
				       TOKEN_SIZE)) == CH_OK;
}

uint64_t asked_cache_hits(void)
{
	return ch_cache_counts(&scratch).hits;
}

bool asked_begin(void)
{
	ch_cache_clear(&scratch);
	return ch_code_of(ch_replay_init(replay_room, sizeof(replay_room), PROOFS, 0, &replay)) ==
	       CH_OK;
}

struct answer asked_answer(struct asked *a, const struct question *q)
{
	struct ch_options options = CH_OPTIONS_INIT;
	struct ch_request request = CH_REQUEST_INIT;
	struct answer answer = { .code = "misused" };
	struct ch_verified v;
	request.dpop_scheme = q->dpop_scheme;
	request.dpop = text_of(q->dpop);
	request.method = text_of(q->method);
	request.url = text_of(q->url);
	request.window_s = q->window_s;
	request.skew_s = q->skew_s;
	request.replay = replay;
	request.certificate = (const unsigned char *)q->certificate.p;
	request.certificate_size = q->certificate.n;
	options.request = q->has_request ? &request : NULL;
	enum ch_reason r =
		ch_verify(a->verifier, &scratch, text_of(q->token), q->now_s, &options, &v);
	answer.code = ch_reason_name(r);
	if (r == CH_ACCEPTED && v.realm.n < sizeof(answer.realm))
		memcpy(answer.realm, v.realm.p, v.realm.n);
	return answer;
}
