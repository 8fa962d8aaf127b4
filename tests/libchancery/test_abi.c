/* What programs that are compiled already rely on: sizes and places of the installed
 * structs, on the machines that we build for. A struct may only grow, at its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chancery/chancery.h"

#define AT(type, member, place)                                  \
	{                                                        \
#type "." #member, offsetof(type, member), place \
	}
#define SIZE(type, size)                  \
	{                                 \
#type, sizeof(type), size \
	}

static const struct row {
	const char *name;
	size_t is, was;
} rows[] = {
	SIZE(struct ch_issuer, 96),
	AT(struct ch_issuer, jwks, 48),
	AT(struct ch_issuer, max_ttl_s, 88),
	SIZE(struct ch_period, 24),
	SIZE(struct ch_options, 40),
	AT(struct ch_options, revoked, 16),
	AT(struct ch_options, request, 32),
	SIZE(struct ch_request, 120),
	AT(struct ch_request, dpop, 16),
	AT(struct ch_request, window_s, 64),
	AT(struct ch_request, replay, 80),
	AT(struct ch_request, certificate_sha256, 112),
	SIZE(struct ch_nonces, 40),
	SIZE(struct ch_verified, 352),
	AT(struct ch_verified, subject, 64),
	AT(struct ch_verified, iat, 144),
	AT(struct ch_verified, identity, 168),
	AT(struct ch_verified, confirmed, 200),
	AT(struct ch_verified, claims, 272),
	AT(struct ch_verified, reserved, 288),
	SIZE(struct ch_counts, 24),
	SIZE(union ch_scratch, 49152),
	SIZE(ch_text, 16),
	SIZE(ch_err, 16),
};

static void test_structs_are_where_they_were(void **state)
{
	(void)state;
	if (sizeof(void *) != 8)
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].is != rows[i].was)
			fail_msg("%s: %zu, was %zu", rows[i].name, rows[i].is, rows[i].was);
}

static void test_numbers_are_what_they_were(void **state)
{
	(void)state;
	assert_int_equal(CH_ACCEPTED, 0);
	assert_int_equal(CH_BAD_SIGNATURE, 9);
	assert_int_equal(CH_NONCE_NEEDED, 23);
	assert_int_equal(CH_REVOCATION_UNKNOWN, 24);
	assert_int_equal(CH_NOT_LOGGED, 25);
	assert_int_equal(CH_LOG_STALE, 26);
	assert_int_equal(CH_LOG_BROKEN, 27);
	assert_int_equal(CH_MISUSED, 255);
	assert_int_equal(CH_E_USAGE, 2);
	assert_int_equal(CH_E_LIMIT, 20);
	assert_int_equal(CH_BY_DPOP | CH_BY_TLS, 3);
	assert_int_equal(CH_NONCE_SIZE, 33);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_structs_are_where_they_were),
		cmocka_unit_test(test_numbers_are_what_they_were),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
