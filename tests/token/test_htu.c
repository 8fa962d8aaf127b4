/* The address in a proof: what is the same, what is not, and what is no address. Beside
 * the tables, a plain reference that writes the normal form down is asked about random
 * pairs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rw.h"
#include "htu.h"

/* clang-format off */
static const char *const same[][2] = {
	{ "https://rs.test/a", "https://rs.test/a" },
	{ "https://rs.test", "https://rs.test/" },
	{ "https://rs.test?x", "https://rs.test/" },
	{ "https://rs.test#x", "https://rs.test" },
	{ "HTTPS://RS.Test/a", "https://rs.test/a" },
	{ "hTTp://rs.test/a", "http://rs.test/a" },
	{ "https://rs.test:443/a", "https://rs.test/a" },
	{ "https://rs.test:/a", "https://rs.test/a" },
	{ "http://rs.test:80/a", "http://rs.test/a" },
	{ "http://rs.test:8080/a", "http://rs.test:8080/a" },
	{ "https://rs.test/a?b=c", "https://rs.test/a" },
	{ "https://rs.test/a?b=c", "https://rs.test/a?d" },
	{ "https://rs.test/a#frag", "https://rs.test/a?q#other" },
	{ "https://rs.test/a#x?y", "https://rs.test/a" },
	{ "https://rs.test/a?x/../y", "https://rs.test/a" },
	{ "https://rs.test/%61%2D%2e%5F%7e%39", "https://rs.test/a-._~9" },
	{ "https://rs.test/a%2fb", "https://rs.test/a%2Fb" },
	{ "https://rs.test/%c3%a9", "https://rs.test/%C3%A9" },
	{ "https://rs.test/a//b", "https://rs.test/a//b" },
	{ "https://rs.test/...", "https://rs.test/..." },
	{ "https://rs.test/.a/..b/c.", "https://rs.test/.a/..b/c." },
	{ "https://rs.test/a;v=1,2:3@4", "https://rs.test/a;v=1,2:3@4" },
	{ "https://127.0.0.1:8443/", "https://127.0.0.1:8443" },
	{ "https://[::1]:8443/", "https://[::1]:8443" },
	{ "https://[2001:DB8::A]/", "https://[2001:db8::a]:443" },
};

static const char *const different[][2] = {
	{ "https://rs.test/a", "https://rs.test/b" },
	{ "https://rs.test/a", "https://rs.test/A" },
	{ "https://rs.test/a", "https://rs.test/a/" },
	{ "https://rs.test/a/", "https://rs.test/a" },
	{ "https://rs.test/a//b", "https://rs.test/a/b" },
	{ "https://rs.test/a", "https://rs.test/ab" },
	{ "https://rs.test/ab", "https://rs.test/a" },
	{ "https://rs.test/a", "http://rs.test/a" },
	{ "https://rs.test/a", "https://other.test/a" },
	{ "https://rs.test/a", "https://rs.test.evil.test/a" },
	{ "https://rs.test/a", "https://rs.tes/a" },
	{ "https://rs.test/a", "https://rs.test./a" },
	{ "https://rs.test:8443/a", "https://rs.test/a" },
	{ "https://rs.test:80/a", "https://rs.test/a" },
	{ "http://rs.test:443/a", "http://rs.test/a" },
	{ "https://rs.test/a%2Fb", "https://rs.test/a/b" },
	{ "https://rs.test/a%3Fb", "https://rs.test/a" },
	{ "https://rs.test/a%23b", "https://rs.test/a" },
	{ "https://rs.test/%2561", "https://rs.test/a" },
	{ "https://rs.test/%2561", "https://rs.test/%61" },
	{ "https://rs.test/a%00", "https://rs.test/a" },
	{ "https://rs.test/a%20", "https://rs.test/a" },
	{ "https://rs.test/a+b", "https://rs.test/a%20b" },
	{ "https://rs.test/a;v=1", "https://rs.test/a" },
	{ "https://[::1]/", "https://[::2]/" },
};

static const char *const refused[] = {
	"", "https", "https:", "https:/", "https://", "http://", "https:///a", "https://?x",
	"https://#x", "https://:443/a", "/a", "//rs.test/a", "rs.test/a", "ftp://rs.test/a",
	"ws://rs.test/a", "httpss://rs.test/a", " https://rs.test/a", "https ://rs.test/a",
	"https:\\\\rs.test\\a", "https:/\\rs.test/a",
	/* user part */
	"https://u@rs.test/a", "https://u:p@rs.test/a", "https://@rs.test/a", "https://rs.test@evil.test/a",
	"https://rs.test:443@evil.test/", "https://u%40rs.test/a",
	/* dot segments, however written */
	"https://rs.test/.", "https://rs.test/..", "https://rs.test/./a", "https://rs.test/../a",
	"https://rs.test/a/.", "https://rs.test/a/..", "https://rs.test/a/../b", "https://rs.test/a/./b",
	"https://rs.test/a/%2e%2e/b", "https://rs.test/a/%2E/b", "https://rs.test/a/.%2e", "https://rs.test/%2E.?x",
	"https://rs.test/a/..#x", "https://rs.test//..//",
	/* bytes */
	"https://rs.test/a b", "https://rs.test/a\tb", "https://rs.test/a\n", "https://rs.test/a\r\n",
	"https://rs.test/\x7f", "https://rs.test/\x01", "https://rs.test/caf\xc3\xa9", "https://r\xc3\xa9.test/",
	"https://rs.test/a\\b", "https://rs.test\\@evil.test/", "https://rs.test/\"", "https://rs.test/<a>",
	"https://rs.test/a|b", "https://rs.test/a^b", "https://rs.test/a`b", "https://rs.test/{a}",
	"https://rs.test/a?b c", "https://rs.test/a#b\n", "https://rs.test/a?\\",
	/* escapes */
	"https://rs.test/%", "https://rs.test/%4", "https://rs.test/%4g", "https://rs.test/%g4", "https://rs.test/%%34",
	"https://rs.test/a?%", "https://rs.test/a#%zz", "https://rs%2etest/a", "https://rs.test%2fa/",
	/* host and port */
	"https://rs_test!/a", "https://rs.test:x/a", "https://rs.test:0/a", "https://rs.test:65536/a",
	"https://rs.test:0443/a", "https://rs.test:443:443/a", "https://rs.test:-1/a", "https://rs.test:+443/a",
	"https://[::1/a", "https://[]/a", "https://::1/a", "https://[::1]x/a", "https://[::1]]/a", "https://[::g]/a",
	"https://[::1%25eth0]/a", "https://[1.2.3.4]/a", "https://[v1.a]/a", "https://rs.test,evil.test/a",
};
/* clang-format on */

static bool matches(const char *a, const char *b)
{
	bool ab = htu_matches(str_from_c(a), str_from_c(b));
	assert_int_equal(ab, htu_matches(str_from_c(b), str_from_c(a)));
	return ab;
}

static void the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(same); i++)
		if (!matches(same[i][0], same[i][1]))
			fail_msg("differ: %s %s", same[i][0], same[i][1]);
}

static void not_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(different); i++) {
		assert_true(htu_ok(str_from_c(different[i][0])));
		assert_true(htu_ok(str_from_c(different[i][1])));
		if (matches(different[i][0], different[i][1]))
			fail_msg("the same: %s %s", different[i][0], different[i][1]);
	}
}

/* Not even the same as itself. */
static void no_address(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused); i++)
		if (htu_ok(str_from_c(refused[i])) || matches(refused[i], refused[i]))
			fail_msg("taken: %s", refused[i]);
	assert_false(htu_ok((str){ NULL, 0 }));
	assert_false(htu_ok(LIT("https://rs.test/\0")));
}

/* The reference: the path with unreserved escapes undone and others in upper case. */
static str normal(str path, char *out)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;
	for (size_t i = 0; i < path.n; i++) {
		if (path.p[i] != '%') {
			out[n++] = path.p[i];
			continue;
		}
		char digits[3] = { path.p[i + 1], path.p[i + 2], 0 };
		unsigned v = (unsigned)strtoul(digits, NULL, 16);
		i += 2;
		if ((v >= 'a' && v <= 'z') || (v >= 'A' && v <= 'Z') || (v >= '0' && v <= '9') ||
		    v == '-' || v == '.' || v == '_' || v == '~') {
			out[n++] = (char)v;
			continue;
		}
		out[n++] = '%';
		out[n++] = hex[v >> 4];
		out[n++] = hex[v & 15];
	}
	return (str){ out, n };
}

static bool dotted(str path)
{
	while (path.p && path.n) {
		str part = str_cut(&path, '/');
		if (str_eq(part, LIT(".")) || str_eq(part, LIT("..")))
			return true;
	}
	return false;
}

static uint32_t draw(uint32_t n)
{
	static uint64_t seed = 1;
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(seed >> 33) % n;
}

/* A short path of few different pieces, so that pairs are often the same. */
static str any_path(char *out)
{
	static const char *const pieces[] = { "a",   "%61", "/",   "%2f", "%2F", ".",
					      "%2e", "%2E", "%5c", "%5C", "A",   "%41" };
	struct wr w = wr_of(out, 64);
	wr_char(&w, '/');
	for (uint32_t n = draw(4); n; n--)
		wr_str(&w, str_from_c(pieces[draw(COUNT_OF(pieces))]));
	return wr_text(&w);
}

static str url_with(char *out, str path)
{
	struct wr w = wr_of(out, 128);
	wr_lit(&w, "https://rs.test");
	wr_str(&w, path);
	return wr_text(&w);
}

static void as_the_reference(void **state)
{
	size_t equal = 0, refusals = 0;
	(void)state;
	for (size_t i = 0; i < 200000; i++) {
		char a[64], b[64], na[64], nb[64], ua[128], ub[128];
		str pa = any_path(a), pb = any_path(b);
		str ra = normal(pa, na), rb = normal(pb, nb);
		bool expected = !dotted(ra) && !dotted(rb) && str_eq(ra, rb);
		assert_int_equal(htu_ok(url_with(ua, pa)), !dotted(ra));
		assert_int_equal(htu_matches(url_with(ua, pa), url_with(ub, pb)), expected);
		equal += expected;
		refusals += dotted(ra);
	}
	assert_true(equal > 10000 && refusals > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same),
		cmocka_unit_test(not_the_same),
		cmocka_unit_test(no_address),
		cmocka_unit_test(as_the_reference),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
