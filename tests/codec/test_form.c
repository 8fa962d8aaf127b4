/* Forms, percent escapes and HTML text, both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/form.h"

/* LIT for tables */
#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static uint8_t room[1024];
static struct arena a;

static enum ch_code parse(str body, struct form *ret_form)
{
	arena_init(&a, room, sizeof(room));
	return ch_code_of(form_parse(body, &a, ret_form));
}

static void fields(void **state)
{
	(void)state;
	struct form f;
	assert_int_equal(parse(LIT(""), &f), CH_OK);
	assert_int_equal(f.n, 0);
	assert_int_equal(parse(LIT("grant_type=client_credentials&scope=a+b%2Fc&empty=&bare&"
				   "u=%C3%A9&eq=a=b"),
			       &f),
			 CH_OK);
	assert_int_equal(f.n, 6);
	assert_true(str_eq(form_get(&f, LIT("grant_type")), LIT("client_credentials")));
	assert_true(str_eq(form_get(&f, LIT("scope")), LIT("a b/c")));
	assert_true(str_eq(form_get(&f, LIT("u")), LIT("\xc3\xa9")));
	assert_true(str_eq(form_get(&f, LIT("eq")), LIT("a=b")));
	assert_null(form_get(&f, LIT("empty")).p);
	assert_null(form_get(&f, LIT("bare")).p);
	assert_null(form_get(&f, LIT("none")).p);
	assert_int_equal(parse(LIT("&a=1&&b=2&"), &f), CH_OK);
	assert_int_equal(f.n, 2);
}

static const struct {
	str body;
	enum ch_code code;
} refused[] = {
	{ S("a=1&a=2"), CH_E_DUPLICATE }, { S("a=1&%61=2"), CH_E_DUPLICATE },
	{ S("a&a"), CH_E_DUPLICATE },     { S("=1"), CH_E_SYNTAX },
	{ S("a=%"), CH_E_SYNTAX },        { S("a=%4"), CH_E_SYNTAX },
	{ S("a=%4g"), CH_E_SYNTAX },      { S("a=%00"), CH_E_SYNTAX },
	{ S("a=%ff"), CH_E_SYNTAX },      { S("a=%c0%80"), CH_E_SYNTAX },
	{ S("a=\xc3\xa9"), CH_E_SYNTAX }, { S("a=1\r\n"), CH_E_SYNTAX },
	{ S("a=1 "), CH_E_SYNTAX },       { S("a=\0"), CH_E_SYNTAX },
};

static void ambiguous_forms_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct form f = { .n = 99 };
		assert_int_equal(parse(refused[i].body, &f), refused[i].code);
		assert_int_equal(f.n, 99);
	}
}

static void limits_hold(void **state)
{
	(void)state;
	char body[256];
	struct form f;
	struct wr w = wr_of(body, sizeof(body));
	for (size_t i = 0; i <= FORM_FIELDS_MAX; i++) {
		assert_int_equal(parse(wr_text(&w), &f), CH_OK);
		assert_int_equal(f.n, i);
		form_write(&w, (str){ (const char[]){ (char)('A' + i) }, 1 }, LIT("v"));
	}
	assert_int_equal(parse(wr_text(&w), &f), CH_E_LIMIT);
	arena_init(&a, room, 20);
	assert_int_equal(ch_code_of(form_parse(LIT("name=value&second=v"), &a, &f)), CH_E_LIMIT);
}

static void every_byte_comes_back(void **state)
{
	(void)state;
	for (unsigned c = 1; c < 128; c++) {
		char value[] = { 'x', (char)c };
		char body[32];
		struct form f;
		struct wr w = wr_of(body, sizeof(body));
		form_write(&w, (str){ value, 2 }, (str){ value, 2 });
		assert_int_equal(parse(wr_text(&w), &f), CH_OK);
		assert_true(str_eq(form_get(&f, (str){ value, 2 }), (str){ value, 2 }));
	}
}

static void writing(void **state)
{
	(void)state;
	char buf[128];
	struct wr w = wr_of(buf, sizeof(buf));
	wr_lit(&w, "https://a.test/cb?");
	form_write(&w, LIT("code"), LIT("a b+c"));
	form_write(&w, LIT("state"), LIT("\xc3\xa9~-._&="));
	assert_true(str_eq(wr_text(&w),
			   LIT("https://a.test/cb?code=a%20b%2Bc&state=%C3%A9~-._%26%3D")));
	w = wr_of(buf, sizeof(buf));
	html_write(&w, LIT("<a href=\"x\" id='y'>&amp;"));
	assert_true(
		str_eq(wr_text(&w), LIT("&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;")));
}

static void plus_only_where_asked(void **state)
{
	(void)state;
	str s = { NULL, 0 };
	arena_init(&a, room, sizeof(room));
	assert_false(failed(url_decode(LIT("a+b%2b"), false, &a, &s)));
	assert_true(str_eq(s, LIT("a+b+")));
	assert_false(failed(url_decode(LIT("a+b%2b"), true, &a, &s)));
	assert_true(str_eq(s, LIT("a b+")));
	ch_err e = url_decode(LIT("ab%zz"), true, &a, &s);
	assert_int_equal(ch_code_of(e), CH_E_SYNTAX);
	assert_int_equal(e.detail, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),      cmocka_unit_test(ambiguous_forms_are_refused),
		cmocka_unit_test(limits_hold), cmocka_unit_test(every_byte_comes_back),
		cmocka_unit_test(writing),     cmocka_unit_test(plus_only_where_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
