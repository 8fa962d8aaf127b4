/* What judging a token costs beyond its signature. Linked so that checking a signature and
 * hashing the signing input do nothing: the rest, which is ours, is measured alone, and so
 * are the refusals that never get as far. Every time is the best of many rounds and stands
 * beside SHA-256 of the same token, measured in turn in the same process.
 *
 * usage: verify_parse [MILLISECONDS] [CASE]   prints name, ns, ratio to SHA-256, mallocs */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rand.h"
#include "codec/base64url.h"
#include "codec/json.h"
#include "counts.h"
#include "crypto/key.h"
#include "token/cache.h"
#include "token/jwk.h"
#include "token/verify.h"

enum { CACHED = 4096, CACHE_STORAGE = CACHED * 4096 };
enum { NOW = 1700000000, JUNK = TOKEN_MAX, BATCH = 4096, TOKEN = 639 };
enum { ISSUERS = POLICY_ISSUERS_MAX, KEYS = ISSUER_KEYS_MAX };

ch_err __wrap_public_key_verify(const struct public_key *k, struct key_work *work_or_null,
				struct signed_text text, bytes sig);
struct signed_text __wrap_signed_text_of(bytes text);

ch_err __wrap_public_key_verify(const struct public_key *k, struct key_work *work_or_null,
				struct signed_text text, bytes sig)
{
	(void)work_or_null;
	return k && text.text.n && sig.n == 64 ? CH_DONE
					       : ch_fail(CH_E_MISMATCH, "no such signature", 0);
}

struct signed_text __wrap_signed_text_of(bytes text)
{
	return (struct signed_text){ .text = text };
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "verify_parse: %s\n", what);
	exit(3);
}

/* As full a policy as there may be, so that looking something up in vain costs the most;
 * the keys are strangers' as far as anybody knows. */
static void jwks_write(struct wr *w, size_t issuer)
{
	wr_lit(w, "{\"keys\":[");
	for (size_t k = 0; k < KEYS; k++) {
		AUTO(private_key_done) struct private_key *key = NULL;
		struct key_parts parts;
		char kid[64];
		struct wr name = wr_of(kid, sizeof(kid));
		enum alg alg = issuer == 0 && k == 0 ? ALG_ES256 : ALG_EDDSA;
		must(!failed(private_key_generate(alg, &key)) &&
			     !failed(private_key_public(key, &parts)),
		     "no key");
		wr_lit(&name, "2026-11-");
		wr_dec(&name, 100 + k);
		wr_lit(&name, "-realm-");
		wr_dec(&name, 10 + issuer);
		if (k)
			wr_char(w, ',');
		must(!failed(jwk_write(w, &parts, wr_text(&name))), "no room for a key");
	}
	wr_lit(w, "]}");
}

static struct policy *full_policy(void)
{
	static char sets[ISSUERS][JWKS_TEXT_MAX], names[ISSUERS][64];
	static const str audience = { "mail", 4 };
	struct policy_issuer in[ISSUERS];
	struct policy *p = NULL;
	for (size_t i = 0; i < ISSUERS; i++) {
		struct wr set = wr_of(sets[i], sizeof(sets[i]));
		struct wr name = wr_of(names[i], sizeof(names[i]));
		jwks_write(&set, i);
		wr_lit(&name, "https://login.example/");
		wr_dec(&name, 10 + i);
		in[i] = (struct policy_issuer){ .issuer = wr_text(&name),
						.realm = LIT("realm"),
						.typ = LIT("at+jwt"),
						.audiences = &audience,
						.n_audiences = 1,
						.jwks = wr_bytes(&set),
						.skew_s = 30,
						.max_ttl_s = 3600 };
	}
	must(!failed(policy_new(in, ISSUERS, NULL, &p)), "no policy");
	return p;
}

static uint8_t sig[64] = { 1 };

/* Twelve claims, padded in the subject until the token has 639 bytes. */
static str token_write(struct wr *w, str iss, str kid, size_t pad)
{
	char header[256], payload[1024];
	struct wr h = wr_of(header, sizeof(header)), b = wr_of(payload, sizeof(payload));
	wr_lit(&h, "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"");
	wr_str(&h, kid);
	wr_lit(&h, "\"}");
	wr_lit(&b, "{\"iss\":\"");
	wr_str(&b, iss);
	wr_lit(&b, "\",\"iat\":1699999900,\"exp\":1700000500,\"jti\":\"3q2-7wAAAAAAAAAAAAAAAA\","
		   "\"sub\":\"");
	for (size_t i = 0; i < pad; i++)
		wr_char(&b, 's');
	wr_lit(&b, "\",\"client_id\":\"webmail-production\",\"aud\":\"mail\","
		   "\"scope\":\"openid mail.read mail.send\",\"username\":\"alice@home.test\","
		   "\"auth_time\":1699990000,\"acr\":\"passkey\",\"amr\":[\"hwk\",\"user\"]}");
	w->n = 0;
	base64url_write(w, wr_bytes(&h));
	wr_char(w, '.');
	base64url_write(w, wr_bytes(&b));
	wr_char(w, '.');
	base64url_write(w, BYTES_OF(sig));
	return wr_text(w);
}

static str token_of(char room[static TOKEN_MAX], str iss, str kid)
{
	struct wr w = wr_of(room, TOKEN_MAX);
	size_t pad = 1;
	while (token_write(&w, iss, kid, pad).n < TOKEN)
		pad++;
	return wr_text(&w);
}

static str filled(char room[static TOKEN_MAX], char c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		room[i] = c;
	return (str){ room, n };
}

/* Letters that decode, with dots where they belong. */
static str dotted(char room[static TOKEN_MAX], char c, size_t n)
{
	(void)filled(room, c, n);
	room[n / 4 / 4 * 4] = '.';
	room[n - 87] = '.';
	return (str){ room, n };
}

struct test {
	const char *name;
	str token;
	enum token_code code;
	struct token_cache *cache; /* NULL: none */
	const str *tokens;         /* with a cache: so many in turn */
	size_t n_tokens;
	uint64_t best_ns, best_hash_ns; /* of a batch */
	size_t allocations;
};

static struct test tests[16];
static size_t n_tests;

static void add(const char *name, str token, enum token_code code)
{
	must(n_tests < COUNT_OF(tests), "too many cases");
	tests[n_tests++] = (struct test){ .name = name,
					  .token = token,
					  .code = code,
					  .best_ns = UINT64_MAX,
					  .best_hash_ns = UINT64_MAX };
}

static void add_all(void)
{
	static char room[10][TOKEN_MAX];
	const str iss = LIT("https://login.example/10"), kid = LIT("2026-11-100-realm-10");
	add("accepted", token_of(room[0], iss, kid), TOKEN_accepted);
	add("wrong_issuer", token_of(room[1], LIT("https://login.example/99"), kid),
	    TOKEN_bad_issuer);
	add("unknown_kid", token_of(room[2], iss, LIT("2026-11-199-realm-10")), TOKEN_unknown_key);
	add("foreign_kid", token_of(room[3], iss, LIT("2026-11-131-realm-25")), TOKEN_foreign_key);
	add("junk_639", filled(room[4], 'x', TOKEN), TOKEN_malformed);
	add("junk_8k", filled(room[5], 'x', JUNK), TOKEN_malformed);
	add("junk_dots_8k", filled(room[6], '.', JUNK), TOKEN_malformed);
	add("junk_parts_639", dotted(room[7], 'x', TOKEN), TOKEN_malformed);
	add("junk_parts_8k", dotted(room[8], 'x', JUNK), TOKEN_malformed);
	add("junk_over", (str){ room[9], TOKEN_MAX + 1 }, TOKEN_too_large);
}

/* Tokens in turn from a cache that holds them all: one that stays near the processor, and
 * as many as do not. */
static void add_cached(void)
{
	static _Alignas(64) uint8_t storage[3][CACHE_STORAGE];
	static char room[TOKEN_MAX], packed[CACHED][TOKEN];
	static str tokens[CACHED];
	static const struct {
		const char *name;
		size_t n;
	} caches[] = { { "cached_1", 1 }, { "cached_64", 64 }, { "cached_4096", CACHED } };
	for (size_t i = 0; i < CACHED; i++) {
		rand_fill(sig, sizeof(sig));
		str t = token_of(room, LIT("https://login.example/10"),
				 LIT("2026-11-100-realm-10"));
		must(t.n == TOKEN, "no token of that size");
		mem_copy(packed[i], t.p, TOKEN);
		tokens[i] = (str){ packed[i], TOKEN };
	}
	for (size_t i = 0; i < COUNT_OF(caches); i++) {
		add(caches[i].name, tokens[0], TOKEN_accepted);
		struct test *t = &tests[n_tests - 1];
		t->tokens = tokens;
		t->n_tokens = caches[i].n;
		/* twice as much room, so that no set is too small for its share */
		must(!failed(token_cache_init(storage[i], CACHE_STORAGE, 2 * t->n_tokens, 700,
					      &t->cache)),
		     "no cache");
	}
}

static void judge_all(const struct policy *p, const struct test *t, struct token_verdict *v)
{
	static struct token_scratch scratch;
	for (size_t i = 0; i < BATCH && !t->cache; i++)
		token_verify(p, t->token, NOW, &scratch, v);
	for (size_t i = 0, k = 0; i < BATCH && t->cache; i++) {
		token_cache_verify(t->cache, p, t->tokens[k], NOW, &scratch, v);
		k = k + 1 < t->n_tokens ? k + 1 : 0;
	}
}

static void round_of(const struct policy *p, struct test *t)
{
	struct token_verdict v;
	uint8_t hash[SHA256_SIZE];
	size_t before = allocations;
	uint64_t start = clock_mono_ns();
	judge_all(p, t, &v);
	uint64_t middle = clock_mono_ns();
	t->allocations += allocations - before;
	must(v.code == t->code, t->name);
	for (size_t i = 0; i < BATCH / 4; i++)
		sha256((bytes){ (const uint8_t *)tests[0].token.p, TOKEN }, hash);
	uint64_t hash_ns = (clock_mono_ns() - middle) * 4;
	if (middle - start < t->best_ns)
		t->best_ns = middle - start;
	if (hash_ns < t->best_hash_ns)
		t->best_hash_ns = hash_ns;
}

int main(int argc, char **argv)
{
	uint64_t ms = 1000;
	if (argc > 3 || (argc > 1 && !str_to_u64(str_from_c(argv[1]), 60000, &ms))) {
		(void)fputs("usage: verify_parse [MILLISECONDS] [CASE]\n", stderr);
		return 2;
	}
	must(!failed(crypto_init(NULL)), "no crypto");
	AUTO(policy_done) struct policy *p = full_policy();
	add_all();
	add_cached();
	uint64_t end = clock_mono_ns() + ms * 1000000;
	do {
		for (size_t i = 0; i < n_tests; i++)
			if (argc < 3 || str_eq(str_from_c(argv[2]), str_from_c(tests[i].name)))
				round_of(p, &tests[i]);
	} while (clock_mono_ns() < end);
	for (size_t i = 0; i < n_tests; i++)
		if (tests[i].best_ns < UINT64_MAX)
			(void)printf("%-16s %8.1f ns %8.3f x SHA-256 of %d bytes %6zu mallocs\n",
				     tests[i].name, (double)tests[i].best_ns / BATCH,
				     (double)tests[i].best_ns / (double)tests[i].best_hash_ns,
				     TOKEN, tests[i].allocations);
	return 0;
}
