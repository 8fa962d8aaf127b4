/* Key files that come, change, break and go while the gate runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "gate_internal.h"

static char folder[] = "/tmp/chancery-keys-XXXXXX";
static char paths[2][64];
static struct gate_config config;
static struct keys keys;
static uint8_t sets[3][JWK_TEXT_MAX];
static bytes set[3];

static bytes new_set(uint8_t *room)
{
	struct private_key *k = NULL;
	struct key_parts parts;
	struct wr w = wr_of(room, JWK_TEXT_MAX);
	assert_false(failed(private_key_generate(ALG_EDDSA, &k)));
	assert_false(failed(private_key_public(k, &parts)));
	private_key_free(k);
	wr_lit(&w, "{\"keys\":[");
	assert_false(failed(jwk_write(&w, &parts, LIT("k1"))));
	wr_lit(&w, "]}");
	return wr_bytes(&w);
}

static int make_config(void **state)
{
	(void)state;
	static const char *const issuers[] = { "https://a.test/home", "https://a.test/corp" };
	static const char *const realms[] = { "home", "corp" };
	log_min_level(LOG_ALARM);
	assert_false(failed(crypto_init(NULL)));
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < 3; i++)
		set[i] = new_set(sets[i]);
	config.n_issuers = 2;
	for (size_t i = 0; i < 2; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%s.json", folder, realms[i]);
		config.issuers[i] = (struct gate_issuer){ .issuer = str_from_c(issuers[i]),
							  .realm = str_from_c(realms[i]),
							  .jwks = str_from_c(paths[i]),
							  .n_audiences = 1,
							  .audiences = { LIT("mail") },
							  .max_ttl_s = 3600 };
	}
	return 0;
}

static int drop_config(void **state)
{
	(void)state;
	keys_done(&keys);
	(void)unlink(paths[0]);
	(void)unlink(paths[1]);
	(void)rmdir(folder);
	return 0;
}

static void write_set(size_t i, bytes b)
{
	assert_false(failed(file_replace(AT_FDCWD, paths[i], b, 0644)));
}

static void look_now(void)
{
	keys.checked_ns = 0;
	keys_refresh(&keys);
}

/* Which issuers have a key: told apart by bad_signature, foreign_key (the other one has
 * the kid) and unknown_key. */
static enum token_code judged(size_t issuer)
{
	static struct token_scratch scratch;
	struct token_verdict v;
	static const str tokens[] = {
		/* {"typ":"at+jwt","alg":"EdDSA","kid":"k1"} {"iss":"https://a.test/…"} */
		{ "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSIsImtpZCI6ImsxIn0."
		  "eyJpc3MiOiJodHRwczovL2EudGVzdC9ob21lIn0."
		  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAA",
		  58 + 40 + 86 },
		{ "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSIsImtpZCI6ImsxIn0."
		  "eyJpc3MiOiJodHRwczovL2EudGVzdC9jb3JwIn0."
		  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAA",
		  58 + 40 + 86 },
	};
	str t = tokens[issuer];
	t.n = strlen(t.p);
	token_verify(keys.policy, t, 1, &scratch, &v);
	return v.code;
}

static void expect(enum token_code home, enum token_code corp, bool any)
{
	assert_int_equal(judged(0), home);
	assert_int_equal(judged(1), corp);
	assert_int_equal(keys.any, any);
}

static void files_come_change_break_and_go(void **state)
{
	(void)state;
	/* nothing there: nothing can be judged, but the gate runs */
	assert_false(failed(keys_open(&keys, &config, -1)));
	assert_non_null(keys.policy);
	expect(TOKEN_unknown_key, TOKEN_unknown_key, false);
	write_set(0, set[0]);
	look_now();
	expect(TOKEN_bad_signature, TOKEN_foreign_key, true);
	/* the same key under two issuers: the newcomer is refused */
	write_set(1, set[0]);
	look_now();
	expect(TOKEN_bad_signature, TOKEN_foreign_key, true);
	/* …until the other gives it up, in the same look */
	write_set(0, set[1]);
	look_now();
	expect(TOKEN_bad_signature, TOKEN_bad_signature, true);
	/* a bad file keeps what was good; and holds nobody else up */
	write_set(0, bytes_of_str(LIT("{\"keys\":[{\"kty\":\"oct\"}")));
	write_set(1, set[2]);
	look_now();
	expect(TOKEN_bad_signature, TOKEN_bad_signature, true);
	assert_true(bytes_eq((bytes){ keys.files[0].text, keys.files[0].n }, set[1]));
	assert_true(bytes_eq((bytes){ keys.files[1].text, keys.files[1].n }, set[2]));
	/* an empty set and a missing file close the issuer */
	write_set(0, bytes_of_str(LIT("{\"keys\":[]}")));
	look_now();
	expect(TOKEN_foreign_key, TOKEN_bad_signature, true);
	assert_int_equal(unlink(paths[1]), 0);
	look_now();
	expect(TOKEN_unknown_key, TOKEN_unknown_key, false);
	/* and it comes back */
	write_set(1, set[2]);
	look_now();
	expect(TOKEN_foreign_key, TOKEN_bad_signature, true);
}

static void too_large_a_file_is_bad(void **state)
{
	(void)state;
	static uint8_t blanks[JWKS_TEXT_MAX + 1];
	memset(blanks, ' ', sizeof(blanks));
	write_set(1, BYTES_OF(blanks));
	look_now();
	expect(TOKEN_foreign_key, TOKEN_bad_signature, true);
}

static void not_looked_at_too_often(void **state)
{
	(void)state;
	write_set(1, set[0]);
	keys_refresh(&keys); /* the test before has just looked */
	assert_true(bytes_eq((bytes){ keys.files[1].text, keys.files[1].n }, set[2]));
	look_now();
	assert_true(bytes_eq((bytes){ keys.files[1].text, keys.files[1].n }, set[0]));
}

/* What an issuer publishes in other words leaves tables and kept tokens as they are. */
static void the_same_in_other_words(void **state)
{
	uint8_t room[JWK_TEXT_MAX + 64];
	struct wr w = wr_of(room, sizeof(room));
	(void)state;
	(void)unlink(paths[1]);
	write_set(0, set[0]);
	look_now();
	assert_true(keys_has(&keys, 0, set[0]));
	uint64_t before = policy_id(keys.policy);
	wr_lit(&w, "{\"made\":7, ");
	wr_put(&w, (bytes){ set[0].p + 1, set[0].n - 1 });
	write_set(0, wr_bytes(&w));
	look_now();
	assert_int_equal(policy_id(keys.policy), before);
	assert_true(keys_has(&keys, 0, wr_bytes(&w)));
	write_set(0, set[2]);
	look_now();
	assert_int_not_equal(policy_id(keys.policy), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_come_change_break_and_go),
		cmocka_unit_test(too_large_a_file_is_bad),
		cmocka_unit_test(not_looked_at_too_often),
		cmocka_unit_test(the_same_in_other_words),
	};
	return cmocka_run_group_tests(tests, make_config, drop_config);
}
