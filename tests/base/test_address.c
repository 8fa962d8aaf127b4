/* Addresses: what counts as one, how it is written back, who is one client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/address.h"

static void test_text(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: none */
	} rows[] = {
		{ "192.0.2.7", "192.0.2.7" },
		{ "2001:DB8::0001", "2001:db8::1" },
		{ "::ffff:192.0.2.7", "192.0.2.7" },
		{ "::", "::" },
		{ "", NULL },
		{ "192.0.2", NULL },
		{ "192.0.2.256", NULL },
		{ "192.0.2.7 ", NULL },
		{ "192.0.2.7:80", NULL },
		{ "fe80::1%eth0", NULL },
		{ "[::1]", NULL },
		{ "localhost", NULL },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc", NULL },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct address a;
		uint8_t room[64];
		struct wr w = wr_of(room, sizeof(room));
		assert_int_equal(address_of(str_from_c(rows[i].in), &a), rows[i].out != NULL);
		address_print(&w, &a);
		assert_true(str_eq(wr_text(&w), str_from_c(rows[i].out ? rows[i].out : "-")));
	}
	struct address a;
	assert_false(address_of((str){ "1.2.3.4\0", 8 }, &a));
}

static bool same_client(const char *a, const char *b)
{
	struct address x, y;
	assert_true(address_of(str_from_c(a), &x) && address_of(str_from_c(b), &y));
	x = address_client(&x);
	y = address_client(&y);
	return x.family == y.family && mem_eq(x.ip, y.ip, sizeof(x.ip));
}

static void test_client(void **state)
{
	(void)state;
	assert_true(same_client("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
	assert_false(same_client("2001:db8:1:2::1", "2001:db8:1:3::1"));
	assert_false(same_client("192.0.2.1", "192.0.2.2"));
	assert_true(same_client("192.0.2.1", "::ffff:192.0.2.1"));
	assert_false(same_client("192.0.2.1", "c000:0201::"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_text),
					    cmocka_unit_test(test_client) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
