/* Which usernames a pattern covers, and which patterns there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "token/mailbox.h"

/* LIT for tables */
#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static const struct {
	str pattern, username;
	bool yes;
} rows[] = {
	{ S("*@corp.test"), S("carol@corp.test"), true },
	{ S("*@corp.test"), S("Carol@CORP.Test"), true },
	{ S("*@corp.test"), S("carol@home.test"), false },
	{ S("*@corp.test"), S("carol@xcorp.test"), false },
	{ S("*@corp.test"), S("carol@corp.test.evil"), false },
	{ S("*@corp.test"), S("carol@sub.corp.test"), false },
	{ S("*@corp.test"), S("@corp.test"), false },
	{ S("*@corp.test"), S("carol"), false },
	{ S("*@corp.test"), S(""), false },
	{ S("*@corp.test"), S("carol@evil.test@corp.test"), false },
	{ S("*@corp.test"), S("ca rol@corp.test"), false },
	{ S("*@corp.test"), S("carol@corp.test\n"), false },
	{ S("*@corp.test"), S("carol\0@corp.test"), false },
	{ S("*@corp.test"), S("carol@corp.test\0"), false },
	{ S("carol@corp.test"), S("CAROL@corp.test"), true },
	{ S("carol@corp.test"), S("xcarol@corp.test"), false },
	{ S("*-admin@corp.test"), S("carol-admin@corp.test"), true },
	{ S("*-admin@corp.test"), S("-admin@corp.test"), false },
	{ S("*@corp.test"), S("*@corp.test"), true },
	{ S("corp.test"), S("corp.test"), false },
	{ S("*"), S("carol@corp.test"), false },
};

static void matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (mailbox_matches(rows[i].pattern, rows[i].username) != rows[i].yes)
			fail_msg("wrong: %s %s", rows[i].pattern.p, rows[i].username.p);
	assert_false(mailbox_matches(LIT("*@corp.test"), (str){ NULL, 0 }));
}

static const struct {
	str pattern;
	bool yes;
} patterns[] = {
	{ S("*@corp.test"), true },
	{ S("carol@corp.test"), true },
	{ S("*x@corp.test"), true },
	{ S("*"), false },
	{ S(""), false },
	{ S("*@"), false },
	{ S("@corp.test"), false },
	{ S("*corp.test"), false },
	{ S("**@corp.test"), false },
	{ S("a*@corp.test"), false },
	{ S("*@*.test"), false },
	{ S("*@a@corp.test"), false },
	{ S("* @corp.test"), false },
};

static void which_patterns_there_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(patterns); i++)
		if (mailbox_pattern_ok(patterns[i].pattern) != patterns[i].yes)
			fail_msg("wrong: %s", patterns[i].pattern.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches),
		cmocka_unit_test(which_patterns_there_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
