/* Written JSON is what was meant, and the parser takes it back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json.h"

/* LIT for tables */
#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static const struct {
	str plain, json;
} texts[] = {
	{ S(""), S("\"\"") },
	{ S("a\"\\/"), S("\"a\\\"\\\\/\"") },
	{ S("\b\t\n\f\r"), S("\"\\b\\t\\n\\f\\r\"") },
	{ S("\0\x1f\x7f"), S("\"\\u0000\\u001f\x7f\"") },
	{ S("\xc3\xa9\xf0\x9f\x98\x80"), S("\"\xc3\xa9\xf0\x9f\x98\x80\"") },
	{ S("a\xff\xc3z"), S("\"a\xef\xbf\xbd\xef\xbf\xbdz\"") },
};

static void text(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		uint8_t buf[32];
		struct wr w = wr_of(buf, sizeof(buf));
		json_write_str(&w, texts[i].plain);
		assert_true(str_eq(wr_text(&w), texts[i].json));
	}
}

static void write_all(struct wr *w)
{
	struct json_out o = json_out_of(w);
	json_begin(&o, (str){ NULL, 0 }, '{');
	json_put_str(&o, LIT("iss"), LIT("a"));
	json_put_int(&o, LIT("min"), INT64_MIN);
	json_put_int(&o, LIT("max"), INT64_MAX);
	json_begin(&o, LIT("aud"), '[');
	json_put_str(&o, (str){ NULL, 0 }, LIT("x"));
	json_put_bool(&o, (str){ NULL, 0 }, true);
	json_put_null(&o, (str){ NULL, 0 });
	json_finish(&o, ']');
	json_begin(&o, LIT("none"), '{');
	json_finish(&o, '}');
	json_put_bool(&o, LIT(""), false);
	json_put_raw(&o, LIT("raw"), LIT("[1]"));
	json_finish(&o, '}');
}

static void members_and_commas(void **state)
{
	(void)state;
	uint8_t buf[256];
	struct wr w = wr_of(buf, sizeof(buf));
	write_all(&w);
	assert_false(failed(wr_done(&w)));
	assert_true(str_eq(wr_text(&w), LIT("{\"iss\":\"a\",\"min\":-9223372036854775808,"
					    "\"max\":9223372036854775807,\"aud\":[\"x\",true,null],"
					    "\"none\":{},\"\":false,\"raw\":[1]}")));
	struct json_node nodes[16];
	size_t count = 0;
	assert_false(
		failed(json_parse(wr_bytes(&w), (struct json_limits){ 4, 15 }, nodes, 16, &count)));
	assert_int_equal(count, 12);
}

static void too_small_is_full(void **state)
{
	(void)state;
	for (size_t cap = 0; cap < 100; cap++) {
		uint8_t buf[128];
		struct wr w = wr_of(buf, cap);
		write_all(&w);
		assert_true(w.full);
	}
}

/* Every byte string comes back as written, or with U+FFFD where it was no UTF-8. */
static void every_pair_of_bytes_parses(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 0x10000; i++) {
		char pair[2] = { (char)(i >> 8), (char)i };
		uint8_t buf[32], room[32];
		struct json_node node;
		struct arena a;
		size_t count = 0;
		str back = { NULL, 0 };
		struct wr w = wr_of(buf, sizeof(buf));
		json_write_str(&w, (str){ pair, 2 });
		assert_false(failed(
			json_parse(wr_bytes(&w), (struct json_limits){ 1, 1 }, &node, 1, &count)));
		arena_init(&a, room, sizeof(room));
		assert_false(failed(json_to_str(&node, &a, &back)));
		assert_int_equal(str_eq(back, (str){ pair, 2 }), utf8_ok((str){ pair, 2 }));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),
		cmocka_unit_test(members_and_commas),
		cmocka_unit_test(too_small_is_full),
		cmocka_unit_test(every_pair_of_bytes_parses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
