/* A token from the cache is judged as if there were no cache: at every time, under every
 * policy, at every changed byte; and bounded storage stays bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "counts.h"
#include "fixture.h"
#include "token/cache.h"

enum { STORAGE = 2 << 20, MANY = 40 };

static _Alignas(64) uint8_t storage[STORAGE];

static struct token_cache *cache_of(size_t tokens, size_t token_max)
{
	struct token_cache *c = NULL;
	assert_true(token_cache_size(tokens, token_max) <= STORAGE);
	/* what was there before must not matter */
	memset(storage, 0xa5, sizeof(storage));
	assert_false(failed(token_cache_init(storage, STORAGE, tokens, token_max, &c)));
	return c;
}

static struct token_scratch scratch;

static enum token_code cached_at(struct token_cache *c, const struct policy *p, str token,
				 int64_t at, struct token_verdict *ret_verdict)
{
	struct token_verdict v;
	checks = allocations = 0;
	token_cache_verify(c, p, token, at, &scratch, &v);
	assert_int_equal(allocations, 0);
	assert_true(checks <= 1);
	if (ret_verdict)
		*ret_verdict = v;
	return v.code;
}

static enum token_code cached(struct token_cache *c, const struct policy *p, str token)
{
	return cached_at(c, p, token, now, NULL);
}

static enum token_code plain_at(const struct policy *p, str token, int64_t at)
{
	static struct token_scratch own;
	struct token_verdict v;
	token_verify(p, token, at, &own, &v);
	return v.code;
}

static void expect_same_text(str a, str b)
{
	assert_true(str_eq(a, b));
	assert_int_equal(a.p == NULL, b.p == NULL);
	/* and not in the scratch, which the next token will use */
	assert_false((uintptr_t)b.p >= (uintptr_t)&scratch &&
		     (uintptr_t)b.p < (uintptr_t)(&scratch + 1));
}

static void expect_same(const struct token_verdict *a, const struct token_verdict *b)
{
	assert_int_equal(a->code, b->code);
	expect_same_text(a->where, b->where);
	expect_same_text(a->what, b->what);
	expect_same_text(a->issuer, b->issuer);
	expect_same_text(a->realm, b->realm);
	expect_same_text(a->kid, b->kid);
	expect_same_text(a->audience, b->audience);
	expect_same_text(a->sub, b->sub);
	expect_same_text(a->client_id, b->client_id);
	expect_same_text(a->scope, b->scope);
	expect_same_text(a->username, b->username);
	expect_same_text(a->jti, b->jti);
	expect_same_text(a->claims, b->claims);
	assert_true(a->iat == b->iat && a->exp == b->exp && a->nbf == b->nbf);
	assert_true(a->bound == b->bound && a->binding.has_jkt == b->binding.has_jkt &&
		    a->binding.has_x5t == b->binding.has_x5t &&
		    a->binding.other == b->binding.other);
	assert_memory_equal(a->binding.jkt, b->binding.jkt, 32);
	assert_memory_equal(a->binding.x5t, b->binding.x5t, 32);
	assert_memory_equal(a->identity, b->identity, TOKEN_ID_SIZE);
}

#define JKT "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"

/* home's token number i, with something different in each. */
static str numbered(char out[static TEXT_MAX], size_t i, const char *exp)
{
	static const char *const more[] = {
		"",
		",\"scope\":\"mail.read mail.send\",\"username\":\"alice@home.test\"",
		",\"scope\":\"mail\\u002eread\",\"username\":\"\\u00e9@home.test\"",
		",\"cnf\":{\"jkt\":\"" JKT "\"}",
		",\"cnf\":{\"x5t#S256\":\"" JKT "\",\"jkt\":\"" JKT "\",\"kid\":\"k\"}",
		",\"nbf\":1699999990,\"deep\":{\"a\":[1,2,{\"b\":null}]}",
	};
	static char payload[2048];
	struct wr w = wr_of(payload, sizeof(payload));
	wr_lit(&w, "{\"iss\":\"https://id.test/home\",\"iat\":1699999900,\"exp\":");
	wr_str(&w, str_from_c(exp));
	wr_lit(&w, ",\"jti\":\"j");
	wr_dec(&w, i);
	wr_lit(&w, "\",\"sub\":\"s\\u00e9\",\"client_id\":\"demo\",\"aud\":[\"x\",\"mail\"]");
	wr_str(&w, str_from_c(more[i % COUNT_OF(more)]));
	wr_lit(&w, "}");
	return mint(out, parties(), good_header, wr_text(&w));
}

static char texts[MANY][TEXT_MAX];
static str tokens[MANY];

static void mint_many(void)
{
	for (size_t i = 0; i < MANY; i++)
		tokens[i] = numbered(texts[i], i, "1700000500");
}

static void a_hit_is_as_a_miss(void **state)
{
	(void)state;
	AUTO(policy_done) struct policy *p = policy_of_all();
	struct token_cache *c = cache_of(256, 2048);
	static struct token_scratch own;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < MANY; i++) {
			struct token_verdict fresh, v;
			token_verify(p, tokens[i], now, &own, &fresh);
			assert_int_equal(fresh.code, TOKEN_accepted);
			assert_int_equal(cached_at(c, p, tokens[i], now, &v), TOKEN_accepted);
			assert_int_equal(checks, pass == 0 ? 1 : 0);
			memset(&scratch, 0x5a, sizeof(scratch));
			scratch.work = NULL;
			if (pass == 1)
				expect_same(&fresh, &v);
		}
	struct token_cache_counts n = token_cache_counts(c);
	assert_true(n.hits == MANY && n.misses == MANY && n.evicted == 0);
	/* the same characters elsewhere, and forgotten */
	char copy[TEXT_MAX];
	mem_copy(copy, tokens[3].p, tokens[3].n);
	assert_int_equal(cached(c, p, (str){ copy, tokens[3].n }), TOKEN_accepted);
	assert_int_equal(checks, 0);
	token_cache_clear(c);
	assert_int_equal(cached(c, p, tokens[3]), TOKEN_accepted);
	assert_int_equal(checks, 1);
}

/* All kinds of keys. */
static void every_party(void **state)
{
	(void)state;
	AUTO(policy_done) struct policy *p = policy_of_all();
	struct token_cache *c = cache_of(16, 2048);
	for (size_t i = 0; i < ISSUERS; i++) {
		static char text[TEXT_MAX], header[128], payload[256];
		const struct party *of = &parties()[i];
		struct wr h = wr_of(header, sizeof(header)), b = wr_of(payload, sizeof(payload));
		wr_lit(&h, "{\"typ\":\"");
		wr_str(&h, str_from_c(of->typ));
		wr_lit(&h, "\",\"alg\":\"");
		wr_str(&h, alg_name(of->alg));
		wr_lit(&h, "\",\"kid\":\"");
		wr_str(&h, str_from_c(of->kid));
		wr_lit(&h, "\"}");
		wr_lit(&b, "{\"iss\":\"");
		wr_str(&b, str_from_c(of->issuer));
		wr_lit(&b, "\",\"aud\":\"");
		wr_str(&b, str_from_c(of->audience));
		wr_lit(&b, "\",\"iat\":1700000000,\"exp\":1700000060,\"sub\":\"s\","
			   "\"jti\":\"j\",\"client_id\":\"c\"}");
		str token = mint(text, &parties()[i], wr_text(&h), wr_text(&b));
		struct token_verdict v;
		for (size_t pass = 0; pass < 2; pass++) {
			assert_int_equal(cached_at(c, p, token, now, &v), TOKEN_accepted);
			assert_int_equal(checks, 1 - pass);
			assert_true(str_eq(v.realm, str_from_c(of->realm)));
		}
	}
}

/* A policy without the key, and even one like it, starts anew. */
static void another_policy(void **state)
{
	(void)state;
	struct policy *p = policy_of_all();
	AUTO(policy_done) struct policy *same = policy_of_all();
	struct token_cache *c = cache_of(16, 2048);
	assert_int_equal(cached(c, p, tokens[0]), TOKEN_accepted);
	assert_int_equal(cached(c, p, tokens[0]), TOKEN_accepted);
	assert_int_equal(checks, 0);
	policy_free(p);
	assert_int_equal(cached(c, same, tokens[0]), TOKEN_accepted);
	assert_int_equal(checks, 1);
	assert_int_equal(cached(c, same, tokens[0]), TOKEN_accepted);
	assert_int_equal(checks, 0);
	static const str audience = LIT("mail");
	struct policy_issuer without = { .issuer = LIT("https://id.test/home"),
					 .realm = LIT("home"),
					 .typ = LIT("at+jwt"),
					 .audiences = &audience,
					 .n_audiences = 1,
					 .jwks = bytes_of_str(LIT("{\"keys\":[]}")),
					 .max_ttl_s = 3600 };
	AUTO(policy_done) struct policy *removed = NULL;
	assert_false(failed(policy_new(&without, 1, NULL, &removed)));
	assert_int_equal(cached(c, removed, tokens[0]), TOKEN_unknown_key);
	/* what was refused is not kept, and nobody else's answer is spoilt */
	assert_int_equal(cached(c, removed, tokens[0]), TOKEN_unknown_key);
	assert_int_equal(cached(c, same, tokens[0]), TOKEN_accepted);
}

/* Forth and back in time, with a key that has a period: never another answer. */
static void at_every_time(void **state)
{
	(void)state;
	struct party *home = parties();
	static const str audience = LIT("mail");
	struct policy_period period = { LIT("home-1"), 1699999890, 1700000400 };
	struct policy_issuer in = { .issuer = LIT("https://id.test/home"),
				    .realm = LIT("home"),
				    .typ = LIT("at+jwt"),
				    .audiences = &audience,
				    .n_audiences = 1,
				    .jwks = bytes_of_str((str){ home->jwks, home->jwks_n }),
				    .skew_s = 30,
				    .max_ttl_s = 3600,
				    .periods = &period,
				    .n_periods = 1 };
	for (size_t round = 0; round < 3; round++) {
		AUTO(policy_done) struct policy *p = NULL;
		struct token_cache *c = cache_of(64, 2048);
		size_t hits = 0;
		in.n_periods = round > 0;
		period.from_s = round == 2 ? 1699999930 : 0;
		assert_false(failed(policy_new(&in, 1, NULL, &p)));
		for (size_t i = 0; i < 6; i++) {
			static const int64_t times[] = {
				1700000000, 1699999869, 1699999870, 1699999899, 1699999900,
				1699999960, 1699999959, 1700000399, 1700000400, 1700000499,
				1700000500, 1700000501, 1700000000, 0,          1699999870,
				1700000000, INT64_MAX,  1700000000,
			};
			for (size_t t = 0; t < COUNT_OF(times); t++) {
				enum token_code code = cached_at(c, p, tokens[i], times[t], NULL);
				hits += !checks && code == TOKEN_accepted;
				assert_int_equal(code, plain_at(p, tokens[i], times[t]));
			}
		}
		assert_true(hits > 12);
	}
}

/* One set of eight: the newest eight are known, and what is over goes first. */
static void a_full_set(void **state)
{
	(void)state;
	AUTO(policy_done) struct policy *p = policy_of_all();
	struct token_cache *c = cache_of(8, 2048);
	static char text[2][TEXT_MAX];
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(cached(c, p, tokens[i]), TOKEN_accepted);
	assert_int_equal(token_cache_counts(c).evicted, MANY - 8);
	for (size_t i = MANY - 8; i < MANY; i++) {
		assert_int_equal(cached(c, p, tokens[i]), TOKEN_accepted);
		assert_int_equal(checks, 0);
	}
	assert_int_equal(cached(c, p, tokens[MANY - 9]), TOKEN_accepted);
	assert_int_equal(checks, 1);
	/* the oldest made room for it, and only the oldest */
	assert_int_equal(cached(c, p, tokens[MANY - 7]), TOKEN_accepted);
	assert_int_equal(checks, 0);
	/* one that expires soon comes; when it is over, the next takes its place */
	str brief = numbered(text[0], 90, "1700000010"), next = numbered(text[1], 91, "1700000500");
	assert_int_equal(cached(c, p, brief), TOKEN_accepted);
	uint64_t evicted = token_cache_counts(c).evicted;
	assert_int_equal(cached_at(c, p, next, now + 10, NULL), TOKEN_accepted);
	assert_int_equal(token_cache_counts(c).evicted, evicted);
	assert_int_equal(cached_at(c, p, brief, now + 10, NULL), TOKEN_expired);
	assert_int_equal(cached_at(c, p, tokens[MANY - 6], now + 10, NULL), TOKEN_accepted);
	assert_int_equal(checks, 0);
}

/* Of what begins and ends like a known token nothing is believed. */
static void every_byte_changed(void **state)
{
	(void)state;
	AUTO(policy_done) struct policy *p = policy_of_all();
	struct token_cache *c = cache_of(8, 2048);
	char copy[TEXT_MAX];
	str t = { copy, tokens[1].n };
	mem_copy(copy, tokens[1].p, t.n);
	assert_int_equal(cached(c, p, t), TOKEN_accepted);
	for (size_t i = 0; i < t.n; i++) {
		copy[i] = (char)(copy[i] ^ 1);
		assert_int_not_equal(cached(c, p, t), TOKEN_accepted);
		copy[i] = (char)(copy[i] ^ 1);
	}
	for (size_t n = 0; n < t.n; n++) {
		assert_int_not_equal(cached(c, p, str_sub(t, 0, n)), TOKEN_accepted);
		assert_int_not_equal(cached(c, p, str_sub(t, t.n - n, n)), TOKEN_accepted);
	}
	assert_int_equal(token_cache_counts(c).hits, 0);
	assert_int_equal(cached(c, p, t), TOKEN_accepted);
	assert_int_equal(checks, 0);
}

/* To find is never to judge: only what is kept and may be believed now. */
static void only_finding(void **state)
{
	(void)state;
	AUTO(policy_done) struct policy *p = policy_of_all();
	AUTO(policy_done) struct policy *same = policy_of_all();
	struct token_cache *c = cache_of(8, 2048);
	struct token_verdict v = { .code = TOKEN_malformed }, judged;
	checks = 0;
	assert_false(token_cache_find(c, p, tokens[2], now, &v));
	assert_int_equal(v.code, TOKEN_malformed);
	assert_int_equal(checks, 0);
	assert_int_equal(cached_at(c, p, tokens[2], now, &judged), TOKEN_accepted);
	assert_false(token_cache_find(c, same, tokens[2], now, &v));
	assert_false(token_cache_find(c, p, tokens[2], now + 500, &v));
	assert_false(token_cache_find(c, p, tokens[2], now - 131, &v));
	assert_false(token_cache_find(c, p, tokens[3], now, &v));
	assert_false(token_cache_find(c, p, (str){ NULL, 0 }, now, &v));
	assert_false(token_cache_find(c, p, (str){ texts[2], 2049 }, now, &v));
	assert_int_equal(v.code, TOKEN_malformed);
	checks = 0;
	assert_true(token_cache_find(c, p, tokens[2], now + 499, &v));
	assert_true(token_cache_find(c, p, tokens[2], now - 130, &v));
	assert_int_equal(checks, 0);
	assert_int_equal(v.code, TOKEN_accepted);
	assert_true(str_eq(v.claims, judged.claims) && str_eq(v.username, judged.username));
	struct token_cache_counts n = token_cache_counts(c);
	assert_true(n.hits == 2 && n.misses == 1);
}

/* Judged, but not kept: too long, or with more undone escapes than there is room for. */
static void what_does_not_fit(void **state)
{
	(void)state;
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char text[TEXT_MAX], payload[2048];
	struct token_cache *c = cache_of(8, tokens[0].n - 1);
	for (size_t pass = 0; pass < 2; pass++) {
		assert_int_equal(cached(c, p, tokens[0]), TOKEN_accepted);
		assert_int_equal(checks, 1);
	}
	c = cache_of(8, tokens[0].n);
	for (size_t pass = 0; pass < 2; pass++) {
		assert_int_equal(cached(c, p, tokens[0]), TOKEN_accepted);
		assert_int_equal(checks, 1 - pass);
	}
	struct wr w = wr_of(payload, sizeof(payload));
	wr_lit(&w, "{\"iss\":\"https://id.test/home\",\"iat\":1700000000,\"exp\":1700000060,"
		   "\"jti\":\"j\",\"client_id\":\"c\",\"aud\":\"mail\",\"sub\":\"");
	for (size_t i = 0; i < 800; i++)
		wr_char(&w, 'x');
	wr_lit(&w, "\\u0041\"}");
	str escaped = mint(text, parties(), good_header, wr_text(&w));
	c = cache_of(8, escaped.n);
	for (size_t pass = 0; pass < 2; pass++) {
		assert_int_equal(cached(c, p, escaped), TOKEN_accepted);
		assert_int_equal(checks, 1);
	}
	c = cache_of(8, 2 * escaped.n);
	for (size_t pass = 0; pass < 2; pass++) {
		assert_int_equal(cached(c, p, escaped), TOKEN_accepted);
		assert_int_equal(checks, 1 - pass);
	}
}

static void sizes(void **state)
{
	(void)state;
	struct token_cache *c = NULL;
	assert_int_equal(token_cache_size(0, 100), 0);
	assert_int_equal(token_cache_size(100, 0), 0);
	assert_int_equal(token_cache_size(100, TOKEN_MAX + 1), 0);
	assert_int_equal(token_cache_size(SIZE_MAX, 100), 0);
	assert_int_equal(token_cache_size(SIZE_MAX / 100, 100), 0);
	assert_true(token_cache_size(1000, 1000) > 1000 * 1000);
	size_t need = token_cache_size(10, 1000);
	assert_int_equal(ch_code_of(token_cache_init(storage, need - 1, 10, 1000, &c)), CH_E_RANGE);
	assert_int_equal(ch_code_of(token_cache_init(storage, STORAGE, 0, 1000, &c)), CH_E_RANGE);
	assert_int_equal(ch_code_of(token_cache_init(storage + 8, STORAGE - 8, 10, 1000, &c)),
			 CH_E_USAGE);
	assert_null(c);
	assert_false(failed(token_cache_init(storage, need, 10, 1000, &c)));
	assert_non_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hit_is_as_a_miss),
		cmocka_unit_test(every_party),
		cmocka_unit_test(another_policy),
		cmocka_unit_test(at_every_time),
		cmocka_unit_test(a_full_set),
		cmocka_unit_test(every_byte_changed),
		cmocka_unit_test(only_finding),
		cmocka_unit_test(what_does_not_fit),
		cmocka_unit_test(sizes),
	};
	assert_false(failed(crypto_init(NULL)));
	mint_many();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
