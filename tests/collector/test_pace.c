/* So much at once, and no more than so much for long; each key has a pace of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector_internal.h"

static const uint64_t s_ns = 1000000000;

static void a_burst_and_then_its_pace(void **unused)
{
	struct pace p = { 0 };
	uint64_t now = 5000 * s_ns;
	size_t n = 0;
	(void)unused;
	while (pace_take(&p, 16, s_ns / 2, now))
		n++;
	assert_int_equal(n, 16);
	for (n = 0; now < 5100 * s_ns; now += s_ns / 100)
		n += pace_take(&p, 16, s_ns / 2, now);
	assert_in_range(n, 199, 201);
}

static void a_key_s_pace_is_its_own(void **unused)
{
	struct key_pace paces[KEY_PACES] = { 0 };
	uint64_t now = 5000 * s_ns;
	(void)unused;
	str home = LIT("home"), corp = LIT("corp"), kid = LIT("k-1");
	while (pace_take(pace_of_key(paces, home, kid), 64, 60 * s_ns, now))
		;
	assert_false(pace_take(pace_of_key(paces, home, kid), 64, 60 * s_ns, now));
	assert_true(pace_take(pace_of_key(paces, corp, kid), 64, 60 * s_ns, now));
	assert_true(pace_take(pace_of_key(paces, home, LIT("k-11")), 64, 60 * s_ns, now));
	assert_true(pace_take(pace_of_key(paces, home, LIT("k-")), 64, 60 * s_ns, now));
	assert_false(pace_take(pace_of_key(paces, home, kid), 64, 60 * s_ns, now));
	/* what was used least is forgotten first, and a long name is cut */
	char name[2 * KEY_NAME_MAX];
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = 'a';
	for (size_t i = 1; i < KEY_PACES; i++)
		(void)pace_take(pace_of_key(paces, home, (str){ name, i }), 64, 60 * s_ns, now);
	assert_false(pace_take(pace_of_key(paces, home, kid), 64, 60 * s_ns, now));
	assert_ptr_equal(pace_of_key(paces, home, (str){ name, KEY_NAME_MAX }),
			 pace_of_key(paces, home, (str){ name, sizeof(name) }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_and_then_its_pace),
		cmocka_unit_test(a_key_s_pace_is_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
