/* The JSON parser: what it takes, what it refuses and why, and where it says it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/json.h"
#include "plain.h"

/* LIT for tables */
#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

enum { NODES = 65 };

static const struct json_limits limits = { .depth = 4, .members = 64 };

static enum ch_code parse(str text, struct json_node *nodes, size_t *ret_count)
{
	return ch_code_of(json_parse(bytes_of_str(text), limits, nodes, NODES, ret_count));
}

static const str accepted[] = {
	S("null"),
	S(" true "),
	S("false\n"),
	S("0"),
	S("-0"),
	S("1.5e-3"),
	S("1E+2"),
	S("\"\""),
	S("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""),
	S("\"\\ud83d\\ude00\""),
	S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\""),
	S("\"\x7f\""),
	S("[]"),
	S("{}"),
	S("[ ]"),
	S("\t{\r\n}"),
	S("[1,2,[3,{}],\"a\"]"),
	S("{\"a\":{\"b\":[{}]}}"),
	S("{\"\":0}"),
	S("{\"a\":{\"a\":1},\"b\":{\"a\":2}}"),
};

static void well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(accepted); i++) {
		struct json_node nodes[NODES];
		size_t count = 0;
		assert_int_equal(parse(accepted[i], nodes, &count), CH_OK);
		assert_int_equal(nodes[0].next, count);
	}
}

static const struct {
	str text;
	enum ch_code code;
} refused[] = {
	{ S(""), CH_E_TRUNCATED },
	{ S(" "), CH_E_TRUNCATED },
	{ S("\xef\xbb\xbf{}"), CH_E_SYNTAX },
	{ S("nul"), CH_E_SYNTAX },
	{ S("nulll"), CH_E_TRAILING },
	{ S("True"), CH_E_SYNTAX },
	{ S("NaN"), CH_E_SYNTAX },
	{ S("Infinity"), CH_E_SYNTAX },
	{ S("01"), CH_E_TRAILING },
	{ S("-"), CH_E_TRUNCATED },
	{ S("-a"), CH_E_SYNTAX },
	{ S("+1"), CH_E_SYNTAX },
	{ S(".5"), CH_E_SYNTAX },
	{ S("1."), CH_E_TRUNCATED },
	{ S("1.e1"), CH_E_SYNTAX },
	{ S("1e"), CH_E_TRUNCATED },
	{ S("1e+"), CH_E_TRUNCATED },
	{ S("0x10"), CH_E_TRAILING },
	{ S("1 2"), CH_E_TRAILING },
	{ S("{} {}"), CH_E_TRAILING },
	{ S("{}\0"), CH_E_TRAILING },
	{ S("'a'"), CH_E_SYNTAX },
	{ S("\"a"), CH_E_TRUNCATED },
	{ S("\"\n\""), CH_E_SYNTAX },
	{ S("\"\0\""), CH_E_SYNTAX },
	{ S("\"\\x41\""), CH_E_SYNTAX },
	{ S("\"\\u12g4\""), CH_E_SYNTAX },
	{ S("\"\\ud800\""), CH_E_SYNTAX },
	{ S("\"\\udc00\""), CH_E_SYNTAX },
	{ S("\"\\ud800\\u0041\""), CH_E_SYNTAX },
	{ S("\"\\ud800\\ud800\""), CH_E_SYNTAX },
	{ S("\"\x80\""), CH_E_SYNTAX },
	{ S("\"\xc0\x80\""), CH_E_SYNTAX },
	{ S("\"\xe0\x80\x80\""), CH_E_SYNTAX },
	{ S("\"\xed\xa0\x80\""), CH_E_SYNTAX },
	{ S("\"\xf0\x80\x80\x80\""), CH_E_SYNTAX },
	{ S("\"\xf4\x90\x80\x80\""), CH_E_SYNTAX },
	{ S("\"\xf5\x80\x80\x80\""), CH_E_SYNTAX },
	{ S("\"\xc3\""), CH_E_SYNTAX },
	{ S("["), CH_E_TRUNCATED },
	{ S("[1"), CH_E_TRUNCATED },
	{ S("[1,"), CH_E_TRUNCATED },
	{ S("[1,]"), CH_E_SYNTAX },
	{ S("[,1]"), CH_E_SYNTAX },
	{ S("[1 2]"), CH_E_SYNTAX },
	{ S("[1}"), CH_E_SYNTAX },
	{ S("]"), CH_E_SYNTAX },
	{ S("{"), CH_E_TRUNCATED },
	{ S("{\"a\"}"), CH_E_SYNTAX },
	{ S("{\"a\":}"), CH_E_SYNTAX },
	{ S("{\"a\":1,}"), CH_E_SYNTAX },
	{ S("{\"a\":1]"), CH_E_SYNTAX },
	{ S("{a:1}"), CH_E_SYNTAX },
	{ S("{1:1}"), CH_E_SYNTAX },
	{ S("{\"a\" 1}"), CH_E_SYNTAX },
	{ S("{/**/}"), CH_E_SYNTAX },
	{ S("{\"\\u0061\":1}"), CH_E_SYNTAX },
	{ S("{\"a\":1,\"a\":1}"), CH_E_DUPLICATE },
	{ S("{\"a\":[1,{}],\"b\":2,\"a\":1}"), CH_E_DUPLICATE },
	{ S("[{\"x\":{\"\":1,\"\":2}}]"), CH_E_DUPLICATE },
	{ S("[[[[[]]]]]"), CH_E_LIMIT },
	{ S("{\"a\":[{\"b\":[{}]}]}"), CH_E_LIMIT },
};

static void malformed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct json_node nodes[NODES];
		size_t count = 99;
		assert_int_equal(parse(refused[i].text, nodes, &count), refused[i].code);
		assert_int_equal(count, 99);
	}
}

static const char sample[] =
	" {\"iss\" : \"https://a.test/\\u00e9\", \"aud\":[\"x\",\"y\"],\"exp\":-12,"
	"\"n\":{\"deep\":[true,null,1.0]},\"big\":9223372036854775808}";

static void every_prefix_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n + 1 < sizeof(sample); n++) {
		struct json_node nodes[NODES];
		size_t count = 0;
		assert_int_not_equal(parse((str){ sample, n }, nodes, &count), CH_OK);
	}
}

/* No flipped byte may crash, and what is still accepted has sound nodes. */
static void every_byte_flipped(void **state)
{
	(void)state;
	char text[sizeof(sample)];
	for (size_t i = 0; i < (sizeof(sample) - 1) * 8; i++) {
		struct json_node nodes[NODES];
		size_t count = 0;
		mem_copy(text, sample, sizeof(text));
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
		if (parse((str){ text, sizeof(text) - 1 }, nodes, &count) != CH_OK)
			continue;
		assert_int_equal(nodes[0].next, count);
		assert_int_equal(nodes[0].count, 5);
	}
}

static void nodes_are_found(void **state)
{
	(void)state;
	struct json_node nodes[NODES];
	size_t count = 0;
	uint8_t room[256];
	struct arena a;
	arena_init(&a, room, sizeof(room));
	assert_int_equal(parse(str_from_c(sample), nodes, &count), CH_OK);
	assert_int_equal(count, 12);
	assert_int_equal(nodes[0].count, 5);

	const struct json_node *aud = json_member(nodes, LIT("aud"));
	assert_int_equal(aud->type, JSON_ARRAY);
	assert_true(str_eq(aud->text, LIT("[\"x\",\"y\"]")));
	const struct json_node *x = json_first(aud);
	const struct json_node *y = json_next(aud, x);
	assert_true(json_is_str(x, LIT("x")) && json_is_str(y, LIT("y")));
	assert_false(json_is_str(x, LIT("xy")));
	assert_null(json_next(aud, y));

	str s = { NULL, 0 };
	const struct json_node *iss = json_member(nodes, LIT("iss"));
	assert_true(iss->escaped);
	assert_false(json_is_str(iss, iss->text));
	assert_int_equal(ch_code_of(json_to_str(iss, &a, &s)), CH_OK);
	assert_true(str_eq(s, LIT("https://a.test/\xc3\xa9")));

	const struct json_node *deep = json_member(json_member(nodes, LIT("n")), LIT("deep"));
	assert_int_equal(deep->count, 3);
	assert_int_equal(json_first(deep)->type, JSON_TRUE);
	assert_null(json_member(nodes, LIT("deep")));
	assert_null(json_member(nodes, LIT("au")));
	assert_null(json_member(nodes, LIT("aud\0")));
	assert_null(json_member(aud, LIT("x")));
	assert_null(json_member(NULL, LIT("x")));
}

static const struct {
	str text;
	enum json_type type;
	int64_t value;
} numbers[] = {
	{ S("0"), JSON_INT, 0 },
	{ S("-1"), JSON_INT, -1 },
	{ S("9223372036854775807"), JSON_INT, INT64_MAX },
	{ S("-9223372036854775808"), JSON_INT, INT64_MIN },
	{ S("9223372036854775808"), JSON_NUMBER, 0 },
	{ S("-9223372036854775809"), JSON_NUMBER, 0 },
	{ S("18446744073709551617"), JSON_NUMBER, 0 },
	{ S("1.0"), JSON_NUMBER, 0 },
	{ S("1e3"), JSON_NUMBER, 0 },
	{ S("1e300"), JSON_NUMBER, 0 },
	{ S("\"1\""), JSON_STRING, 0 },
	{ S("true"), JSON_TRUE, 0 },
};

static void integers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct json_node nodes[NODES];
		size_t count = 0;
		int64_t v = 7;
		assert_int_equal(parse(numbers[i].text, nodes, &count), CH_OK);
		assert_int_equal(nodes[0].type, numbers[i].type);
		bool is_int = !failed(json_to_int(nodes, &v));
		assert_int_equal(is_int, numbers[i].type == JSON_INT);
		assert_true(v == (is_int ? numbers[i].value : 7));
	}
}

/* Every byte at every place of strings and names of many lengths: as the plain parser says. */
static void as_the_plain_parser(void **state)
{
	(void)state;
	static const char *const forms[] = { "{\"%\":\"%\"}", "[\"%\"]", "\"%\"", "{\"a\":1%}" };
	static const struct json_limits roomy = { 8, 16 };
	struct json_node nodes[17];
	for (size_t f = 0; f < COUNT_OF(forms); f++)
		for (size_t n = 1; n <= 19; n++)
			for (size_t i = 0; i < n * 256; i++) {
				char text[64];
				struct wr w = wr_of(text, sizeof(text));
				size_t count = 0;
				for (const char *c = forms[f]; *c; c++)
					for (size_t k = 0; k < (*c == '%' ? n : 1); k++)
						wr_char(&w, *c != '%'      ? *c
							    : k == i / 256 ? (char)(i % 256)
							    : f == 3       ? '7'
									   : 'x');
				bool good =
					!failed(json_parse(wr_bytes(&w), roomy, nodes, 17, &count));
				assert_int_equal(good, plain_json(wr_text(&w), roomy));
			}
}

/* Names that are alike in what is compared first. */
static void names_that_are_nearly_equal(void **state)
{
	(void)state;
	static const struct {
		str text;
		bool good;
	} rows[] = {
		{ S("{\"client_id\":1,\"client_ie\":2,\"client_i\":3}"), true },
		{ S("{\"client_id\":1,\"client_ie\":2,\"client_id\":3}"), false },
		{ S("{\"\":1,\"a\":2,\"aa\":3,\"aaa\":4,\"aaaa\":5,\"aaaaa\":6}"), true },
		{ S("{\"\":1,\"\":2}"), false },
		{ S("{\"aaaaaaaa\":1,\"aaaaaaaaa\":2,\"aaaaaaaaaa\":3}"), true },
		{ S("{\"aaaaaaaaa\":1,\"b\":2,\"aaaaaaaaa\":3}"), false },
		{ S("{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":1}]}"), true },
		{ S("{\"a\":{\"b\":1},\"c\":[1,2,{\"d\":3}],\"a\":2}"), false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct json_node nodes[NODES];
		size_t count = 0;
		assert_int_equal(parse(rows[i].text, nodes, &count) == CH_OK, rows[i].good);
	}
	struct json_node nodes[NODES];
	const struct json_node *found[4];
	static const struct json_name names[] = { JSON_NAME("client_id"), JSON_NAME("a"),
						  JSON_NAME("client_ix"), JSON_NAME("aaaaaaaa") };
	size_t count = 0;
	str text = LIT("{\"client_ie\":1,\"aaaaaaaa\":2,\"client_id\":3,\"aaaaaaaab\":4}");
	assert_int_equal(parse(text, nodes, &count), CH_OK);
	assert_int_equal(json_members(nodes, names, 4, found), 2);
	assert_ptr_equal(found[0], json_member(nodes, LIT("client_id")));
	assert_int_equal(found[0]->number, 3);
	assert_int_equal(found[3]->number, 2);
	assert_null(found[1]);
	assert_null(found[2]);
}

static void strings(void **state)
{
	(void)state;
	struct json_node nodes[NODES];
	size_t count = 0;
	uint8_t room[64];
	struct arena a;
	str s = { NULL, 0 };
	arena_init(&a, room, sizeof(room));
	str text = LIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u20AC\\ud83d\\ude00z\"");
	assert_int_equal(parse(text, nodes, &count), CH_OK);
	assert_int_equal(ch_code_of(json_to_str(nodes, &a, &s)), CH_OK);
	assert_true(str_eq(s, LIT("\"\\/\b\f\n\r\tA\xe2\x82\xac\xf0\x9f\x98\x80z")));

	arena_init(&a, room, 8);
	assert_int_equal(ch_code_of(json_to_str(nodes, &a, &s)), CH_E_LIMIT);
	assert_int_equal(parse(LIT("1"), nodes, &count), CH_OK);
	assert_int_equal(ch_code_of(json_to_str(nodes, &a, &s)), CH_E_SYNTAX);
}

static void limits_hold(void **state)
{
	(void)state;
	struct json_node nodes[8];
	size_t count = 0;
	bytes four = bytes_of_str(LIT("[1,[2,3]]"));
	struct json_limits l = { .depth = 2, .members = 4 };
	assert_false(failed(json_parse(four, l, nodes, 5, &count)));
	assert_int_equal(count, 5);
	assert_int_equal(ch_code_of(json_parse(four, l, nodes, 4, &count)), CH_E_FULL);
	assert_int_equal(ch_code_of(json_parse(four, l, nodes, 0, &count)), CH_E_FULL);
	l.members = 3;
	assert_int_equal(ch_code_of(json_parse(four, l, nodes, 8, &count)), CH_E_LIMIT);
	l = (struct json_limits){ .depth = 1, .members = 4 };
	assert_int_equal(ch_code_of(json_parse(four, l, nodes, 8, &count)), CH_E_LIMIT);
	l.depth = 0;
	assert_int_equal(ch_code_of(json_parse(four, l, nodes, 8, &count)), CH_E_LIMIT);
}

/* 40 KB of brackets must cost no more than reading four of them. */
static void deep_nesting_ends_at_once(void **state)
{
	(void)state;
	static char text[40000];
	struct json_node nodes[NODES];
	size_t count = 0;
	memset(text, '[', sizeof(text));
	ch_err e =
		json_parse(bytes_of_str((str){ text, sizeof(text) }), limits, nodes, NODES, &count);
	assert_int_equal(ch_code_of(e), CH_E_LIMIT);
	assert_int_equal(e.detail, 4);
}

static void offsets_are_named(void **state)
{
	(void)state;
	struct json_node nodes[NODES];
	size_t count = 0;
	bytes twice = bytes_of_str(LIT("{\"a\":1, \"a\":2}"));
	ch_err e = json_parse(twice, limits, nodes, NODES, &count);
	assert_int_equal(e.detail, 8);
	e = json_parse(bytes_of_str(LIT("[1,x]")), limits, nodes, NODES, &count);
	assert_int_equal(e.detail, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed),
		cmocka_unit_test(malformed),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(every_byte_flipped),
		cmocka_unit_test(nodes_are_found),
		cmocka_unit_test(integers),
		cmocka_unit_test(as_the_plain_parser),
		cmocka_unit_test(names_that_are_nearly_equal),
		cmocka_unit_test(strings),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(deep_nesting_ends_at_once),
		cmocka_unit_test(offsets_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
