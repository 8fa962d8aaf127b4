/* The report: what is counted, what is merged, that it always fits and is always JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json.h"
#include "redact/report.h"

static uint8_t room[REPORT_TEXT_MAX];
static struct json_node nodes[100000];

static const struct json_node *render(const struct report *r, struct place_names *names)
{
	struct wr w = wr_of(room, sizeof(room));
	size_t n = 0;
	report_json(r, names, &w);
	assert_false(failed(wr_done(&w)));
	struct json_limits limits = { 4, COUNT_OF(nodes) - 1 };
	assert_false(failed(json_parse(wr_bytes(&w), limits, nodes, COUNT_OF(nodes), &n)));
	return nodes;
}

static int64_t number(const struct json_node *o, const char *name)
{
	const struct json_node *m = json_member(o, str_from_c(name));
	assert_non_null(m);
	return m->number;
}

static struct report_place place(enum value_kind kind, uint64_t addr, uint64_t n)
{
	return (struct report_place){ kind, LIT("test"), LIT("le"), addr, n };
}

static void counts_and_merges(void **state)
{
	(void)state;
	struct report *r = NULL;
	assert_false(failed(report_new(&r)));
	struct report_place places[] = { place(VALUE_RSA_PRIME, 0x1000, 64),
					 place(VALUE_RSA_PRIME, 0x1040, 64),
					 place(VALUE_RANDOM, 0x1080, 32),
					 place(VALUE_EC_SCALAR, 0x2000, 32) };
	for (size_t i = 0; i < COUNT_OF(places); i++)
		report_masked(r, &places[i]);
	assert_int_equal(report_secrets(r), 2);
	assert_true(report_whole(r));
	const struct json_node *o = render(r, NULL);
	assert_int_equal(number(o, "secrets"), 2);
	assert_int_equal(json_member(o, LIT("whole"))->type, JSON_TRUE);
	const struct json_node *masked = json_member(o, LIT("masked"));
	assert_int_equal(masked->count, 3);
	assert_int_equal(number(json_first(masked), "bytes"), 128);
	assert_true(json_is_str(json_member(json_first(masked), LIT("addr")),
				LIT("0x0000000000001000")));
	report_done(&r);
	assert_null(r);
}

static void flaws_make_it_partial(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FLAW_COUNT; i++) {
		struct report *r = NULL;
		assert_false(failed(report_new(&r)));
		report_flaw(r, (enum report_flaw)i, 40);
		report_flaw(r, (enum report_flaw)i, 2);
		assert_false(report_whole(r));
		const struct json_node *flaw =
			json_first(json_member(render(r, NULL), LIT("flaws")));
		assert_int_equal(number(flaw, "n"), 42);
		assert_int_equal(number(flaw, "times"), 2);
		assert_true(json_member(flaw, LIT("flaw"))->text.n > 0);
		assert_true(json_member(flaw, LIT("text"))->text.n > 0);
		report_done(&r);
	}
}

/* Names as a hostile core would choose them. */
static void bad_name(struct place_names *n, uint64_t addr, str *ret_mapping, str *ret_symbol)
{
	static char name[5000];
	(void)n;
	(void)addr;
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = "\x01\xff\"\\"[i % 4];
	*ret_mapping = *ret_symbol = (str){ name, sizeof(name) };
}

static void it_always_fits(void **state)
{
	(void)state;
	struct place_names names = { bad_name };
	struct report *r = NULL;
	assert_false(failed(report_new(&r)));
	for (uint64_t i = 0; i < 2 * REPORT_PLACES_MAX; i++) {
		struct report_place p = place(VALUE_PASSWORD, i * 100, 8);
		report_masked(r, &p);
	}
	assert_int_equal(report_secrets(r), 2 * REPORT_PLACES_MAX);
	static char path[100000];
	mem_copy(path, "\x1b[2J", 4);
	struct report_facts facts = { .executable = { path, sizeof(path) },
				      .build_id = { path, sizeof(path) } };
	report_set(r, &facts);
	const struct json_node *o = render(r, &names);
	size_t shown = json_member(o, LIT("masked"))->count;
	assert_in_range(shown, 300, REPORT_PLACES_MAX);
	assert_int_equal(number(o, "places_left_out"), 2 * REPORT_PLACES_MAX - (int)shown);
	struct wr w = wr_of(room, sizeof(room));
	report_text(r, &names, &w);
	assert_false(failed(wr_done(&w)));
	for (size_t i = 0; i < w.n; i++)
		assert_true(room[i] == '\n' || (room[i] >= ' ' && room[i] <= '~'));
	o = render(r, NULL);
	assert_int_equal(json_member(o, LIT("masked"))->count, REPORT_PLACES_MAX);
	report_done(&r);
}

static void random_leaves_room(void **state)
{
	(void)state;
	struct report *r = NULL;
	assert_false(failed(report_new(&r)));
	for (uint64_t i = 0; i < 2 * REPORT_PLACES_MAX; i++) {
		struct report_place p = place(VALUE_RANDOM, i * 100, 32);
		report_masked(r, &p);
	}
	struct report_place key = place(VALUE_AES_KEY, 7, 16);
	report_masked(r, &key);
	const struct json_node *o = render(r, NULL);
	assert_int_equal(json_member(o, LIT("masked"))->count, REPORT_PLACES_MAX / 4 + 1);
	assert_int_equal(number(o, "secrets"), 1);
	report_done(&r);
}

static void as_text(void **state)
{
	(void)state;
	struct report *r = NULL;
	assert_false(failed(report_new(&r)));
	struct report_place p = place(VALUE_RSA_PRIME, 0x1000, 64);
	report_masked(r, &p);
	struct report_facts facts = { .level = LEVEL_FULL,
				      .signal = 11,
				      .executable = LIT("/usr/sbin/nginx") };
	report_set(r, &facts);
	struct wr w = wr_of(room, sizeof(room));
	report_text(r, NULL, &w);
	static const str all = LIT("whole:        yes\n"
				   "level:        full\n"
				   "executable:   /usr/sbin/nginx\n"
				   "signal:       11\n"
				   "threads:      0\n"
				   "size bytes:   0\n"
				   "zero bytes:   0\n"
				   "kept bytes:   0\n"
				   "masked bytes: 0\n"
				   "secrets:      1\n"
				   "masked:       rsa-prime, places 1, bytes 64\n"
				   "0x0000000000001000 64 rsa-prime test le\n");
	assert_true(str_eq(wr_text(&w), all));
	report_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_and_merges),  cmocka_unit_test(flaws_make_it_partial),
		cmocka_unit_test(it_always_fits),     cmocka_unit_test(as_text),
		cmocka_unit_test(random_leaves_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
