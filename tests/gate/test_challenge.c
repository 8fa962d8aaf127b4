/* What is said to whom was not let in: the standards' words, and never a 2xx. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "challenge.h"

static const struct gate_location both = { .name = { "api", 3 },
					   .n_scopes = 2,
					   .scopes = { { "a", 1 }, { "b", 1 } } };
static const struct gate_location plain = { .name = { "p", 1 }, .binding = BINDING_REFUSED };

#define ALGS "algs=\"ES256 EdDSA RS256 PS256\""

static void words(void **state)
{
	(void)state;
	static const struct {
		const struct gate_location *place;
		enum told told;
		bool dpop;
		unsigned status;
		const char *says;
	} cases[] = {
		{ &both, TOLD_NO_TOKEN, false, 401,
		  "Bearer realm=\"api\", DPoP realm=\"api\", " ALGS },
		{ &plain, TOLD_NO_TOKEN, false, 401, "Bearer realm=\"p\"" },
		{ &both, TOLD_BAD_TOKEN, false, 401,
		  "Bearer realm=\"api\", error=\"invalid_token\", error_description=\"The access "
		  "token is not valid here\"" },
		{ &both, TOLD_BAD_TOKEN, true, 401,
		  "DPoP realm=\"api\", error=\"invalid_token\", error_description=\"The access "
		  "token is not valid here\", " ALGS },
		{ &plain, TOLD_BAD_TOKEN, true, 401,
		  "Bearer realm=\"p\", error=\"invalid_token\", error_description=\"The access "
		  "token is not valid here\"" },
		{ &both, TOLD_EXPIRED, false, 401,
		  "Bearer realm=\"api\", error=\"invalid_token\", error_description=\"The access "
		  "token expired\"" },
		{ &both, TOLD_NONCE, true, 401,
		  "DPoP realm=\"api\", error=\"use_dpop_nonce\", error_description=\"The DPoP "
		  "proof must carry the nonce given here\", " ALGS },
		{ &both, TOLD_SCOPE, false, 403,
		  "Bearer realm=\"api\", error=\"insufficient_scope\", error_description=\"The "
		  "access token lacks a scope\", scope=\"a b\"" },
		{ &both, TOLD_FORBIDDEN, false, 403, "" },
		{ &both, TOLD_TROUBLE, true, 503, "" },
		{ &both, TOLD_PASS, false, 200, "" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint8_t room[CHALLENGE_MAX];
		struct wr w = wr_of(room, sizeof(room));
		challenge_write(&w, cases[i].place, cases[i].told, cases[i].dpop);
		assert_false(w.full);
		if (!str_eq(wr_text(&w), str_from_c(cases[i].says)))
			fail_msg("%zu: %.*s", i, (int)w.n, (const char *)w.p);
		assert_int_equal(challenge_status(cases[i].told), cases[i].status);
	}
}

static void only_one_of_them_lets_in(void **state)
{
	(void)state;
	for (int t = 0; t < TOLD_COUNT; t++) {
		unsigned status = challenge_status((enum told)t);
		assert_true(t == TOLD_PASS ? status == 200 : status >= 400 && status < 600);
	}
}

/* The longest policy there can be. */
static void it_always_fits(void **state)
{
	(void)state;
	static char longest[NAME_MAX_BYTES];
	struct gate_location l = { .name = { longest, sizeof(longest) }, .n_scopes = SCOPES_MAX };
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = 'x';
	for (size_t i = 0; i < SCOPES_MAX; i++)
		l.scopes[i] = l.name;
	for (int t = 0; t < TOLD_COUNT; t++) {
		uint8_t room[CHALLENGE_MAX];
		struct wr w = wr_of(room, sizeof(room));
		challenge_write(&w, &l, (enum told)t, true);
		assert_false(w.full);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(only_one_of_them_lets_in),
		cmocka_unit_test(it_always_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
