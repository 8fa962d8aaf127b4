/* URLs: their parts, what is no URL here, and which redirects are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/url.h"

static void parts(void **state)
{
	(void)state;
	struct url u;
	assert_false(failed(url_parse(LIT("https://mail.test:8443/a/b?x=1&y"), &u)));
	assert_true(str_eq(u.scheme, LIT("https")) && str_eq(u.host, LIT("mail.test")));
	assert_true(str_eq(u.port, LIT("8443")) && str_eq(u.path, LIT("/a/b")));
	assert_true(str_eq(u.query, LIT("x=1&y")));
	assert_false(failed(url_parse(LIT("http://[::1]:80"), &u)));
	assert_true(str_eq(u.host, LIT("::1")) && str_eq(u.port, LIT("80")));
	assert_int_equal(u.path.n, 0);
	assert_null(u.query.p);
	assert_false(failed(url_parse(LIT("http://h?"), &u)));
	assert_null(u.port.p);
	assert_non_null(u.query.p);
	assert_int_equal(u.query.n, 0);
	assert_false(failed(url_parse(LIT("https://a/%2F:@;,"), &u)));
}

static const char *const refused[] = {
	"",
	"http",
	"http:/",
	"http://",
	"https:///x",
	"ftp://a",
	"HTTP://a",
	"//a",
	"javascript:x",
	"http://a b",
	"http://a/\n",
	"http://user@a/",
	"http://u:p@a/",
	"http://a/#f",
	"http://a#",
	"http://a:",
	"http://a:0",
	"http://a:65536",
	"http://a:080",
	"http://a:8x",
	"http://:80",
	"http://[::1",
	"http://[]",
	"http://[::1]x",
	"http://[v1.a]",
	"http://a\\b",
	"http://a/\\b",
	"http://\xc3\xa9/",
	"http://a/\xc3\xa9",
	"http://a/%",
	"http://a/%2",
	"http://a/%zz",
	"http://a/\x7f",
	"http://a/<",
	"http://a/\"",
	"http://a/^",
	"http://a/{b}",
	"http://a|b",
	"http://a%2eb/",
	"http://a,b/",
	" http://a",
};

static void no_url(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct url u;
		ch_err e = url_parse(str_from_c(refused[i]), &u);
		if (ch_code_of(e) != CH_E_SYNTAX)
			fail_msg("taken: %s", refused[i]);
	}
	struct url u;
	assert_true(failed(url_parse(LIT("http://a/\0"), &u)));
}

static const struct {
	const char *url;
	bool yes;
} loopback[] = {
	{ "http://127.0.0.1/", true },
	{ "http://127.255.0.9:1/", true },
	{ "http://[::1]/", true },
	{ "http://localhost/", true },
	{ "http://LocalHost:5/", true },
	{ "http://127.1/", false },
	{ "http://127.0.0.1.a.test/", false },
	{ "http://127.0.0.256/", false },
	{ "http://127.0.0.01/", false },
	{ "http://127.0.0.", false },
	{ "http://128.0.0.1/", false },
	{ "http://[::2]/", false },
	{ "http://localhost.test/", false },
	{ "http://0.0.0.0/", false },
};

static void loopback_hosts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(loopback); i++) {
		struct url u;
		assert_false(failed(url_parse(str_from_c(loopback[i].url), &u)));
		if (url_is_loopback(&u) != loopback[i].yes)
			fail_msg("wrong: %s", loopback[i].url);
	}
}

static const struct {
	const char *registered, *asked;
	bool yes;
} redirects[] = {
	{ "https://a.test/cb", "https://a.test/cb", true },
	{ "com.example.app:/cb", "com.example.app:/cb", true },
	{ "http://127.0.0.1/cb", "http://127.0.0.1:51000/cb", true },
	{ "http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb", true },
	{ "http://[::1]/cb", "http://[::1]:9/cb", true },
	{ "http://localhost/cb", "http://localhost:9/cb", true },
	{ "http://127.0.0.1/cb?x=1", "http://127.0.0.1:9/cb?x=1", true },
	{ "https://a.test/cb", "https://a.test/cb/", false },
	{ "https://a.test/cb", "https://a.test:443/cb", false },
	{ "https://a.test/cb", "https://A.test/cb", false },
	{ "https://a.test/cb", "https://a.test/cb?x", false },
	{ "https://127.0.0.1/cb", "https://127.0.0.1:9/cb", false },
	{ "http://a.test/cb", "http://a.test:9/cb", false },
	{ "http://127.0.0.1/cb", "http://127.0.0.2:9/cb", false },
	{ "http://127.0.0.1/cb", "http://localhost:9/cb", false },
	{ "http://127.0.0.1/cb", "https://127.0.0.1:9/cb", false },
	{ "http://127.0.0.1/cb", "http://127.0.0.1:9/cb?", false },
	{ "http://127.0.0.1/cb", "http://127.0.0.1:9/cb/../x", false },
	{ "http://127.0.0.1/cb", "http://127.0.0.1:9@evil.test/cb", false },
	{ "http://127.0.0.1/cb", "http://127.0.0.1:9/cb#f", false },
	{ "http://127.0.0.1/cb", "http://127.0.0.1:99999/cb", false },
};

static void same_redirect(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(redirects); i++)
		if (url_redirect_matches(str_from_c(redirects[i].registered),
					 str_from_c(redirects[i].asked)) != redirects[i].yes)
			fail_msg("wrong: %s", redirects[i].asked);
}

/* A prefix of a URL is a shorter URL or none; never one with parts outside it. */
static void every_prefix(void **state)
{
	(void)state;
	static const char whole[] = "https://[fe80::1]:8443/a%20b?x=%41";
	for (size_t n = 0; n < sizeof(whole); n++) {
		struct url u;
		if (failed(url_parse((str){ whole, n }, &u)))
			continue;
		size_t parts_size = u.scheme.n + 3 + u.host.n + 2 + (u.port.p ? u.port.n + 1 : 0) +
				    u.path.n + (u.query.p ? u.query.n + 1 : 0);
		assert_int_equal(parts_size, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts),          cmocka_unit_test(no_url),
		cmocka_unit_test(loopback_hosts), cmocka_unit_test(same_redirect),
		cmocka_unit_test(every_prefix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
