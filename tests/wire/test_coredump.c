/* Configuration of a redactor and a packer, and the registry's questions: there and back,
 * every prefix, every flip, every limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "there_and_back.h"
#include "wire/coredump.h"

static uint8_t room[MESSAGE_MAX], again[MESSAGE_MAX];

/* Reads one kind and writes what was read. */
static ch_err redo_redactor(bytes b, struct wr *w)
{
	static struct redactor_config c;
	c = (struct redactor_config){ 0 };
	TRY(redactor_config_read(b, &c));
	redactor_config_write(w, &c);
	return wr_done(w);
}

static ch_err redo_packer(bytes b, struct wr *w)
{
	struct packer_config c;
	TRY(packer_config_read(b, &c));
	packer_config_write(w, &c);
	return wr_done(w);
}

static ch_err redo_ask(bytes b, struct wr *w)
{
	struct registry_ask a;
	TRY(registry_ask_read(b, &a));
	registry_ask_write(w, &a);
	return wr_done(w);
}

static ch_err redo_answer(bytes b, struct wr *w)
{
	struct registry_answer a;
	TRY(registry_answer_read(b, &a));
	registry_answer_write(w, &a);
	return wr_done(w);
}

static struct redactor_config redactor_sample(void)
{
	struct redactor_config c = { .duty = REDACT_SCAN,
				     .wish = WISH_FULL,
				     .has_registered = true,
				     .registry_silent = true,
				     .size_max = UINT64_C(1) << 40,
				     .uid = 1000,
				     .device = 64769,
				     .inode = 123456789,
				     .signal = 11,
				     .n_rules = 3 };
	c.rules[0] = (struct dump_rule){
		.has_uid = true, .uid_from = 5, .uid_to = 9, .wish = WISH_NEVER
	};
	c.rules[1] = (struct dump_rule){
		.has_file = true, .device = 1, .inode = 2, .wish = WISH_STRICT
	};
	c.rules[2] = (struct dump_rule){ .has_build_id = true,
					 .build_id = { 0xab, 0xcd },
					 .build_id_n = 20,
					 .wish = WISH_TRIAGE };
	return c;
}

static void test_redactor(void **state)
{
	struct wr w = wr_of(room, sizeof(room));
	struct redactor_config c = redactor_sample();
	(void)state;
	redactor_config_write(&w, &c);
	there_and_back(redo_redactor, &w);
}

static void refuses(const struct redactor_config *c)
{
	struct wr w = wr_of(room, sizeof(room)), out = wr_of(again, sizeof(again));
	redactor_config_write(&w, c);
	assert_int_equal(ch_code_of(redo_redactor(wr_bytes(&w), &out)), CH_E_PROTOCOL);
}

static void test_redactor_refuses(void **state)
{
	struct redactor_config c = redactor_sample();
	(void)state;
	c.duty = REDACT_DUTY_COUNT;
	refuses(&c);
	c = redactor_sample();
	c.wish = WISH_COUNT;
	refuses(&c);
	c = redactor_sample();
	c.signal = -1;
	refuses(&c);
	c = redactor_sample();
	c.wish = WISH_FORMER; /* is never asked of a redactor */
	refuses(&c);
	c = redactor_sample();
	c.rules[1].wish = WISH_FORMER;
	refuses(&c);
	c = redactor_sample();
	c.rules[0].uid_from = 10; /* from behind to */
	refuses(&c);
	c = redactor_sample();
	c.rules[2].build_id_n = 0; /* would fit every program */
	refuses(&c);
}

static void test_redactor_is_full(void **state)
{
	static struct redactor_config c;
	uint8_t small[REDACTOR_CONFIG_MAX];
	struct wr w = wr_of(small, sizeof(small));
	(void)state;
	c = (struct redactor_config){ .n_rules = DUMP_RULES_MAX };
	for (size_t i = 0; i < DUMP_RULES_MAX; i++)
		c.rules[i] = (struct dump_rule){ .has_build_id = true, .build_id_n = BUILD_ID_MAX };
	redactor_config_write(&w, &c);
	assert_false(w.full);
	assert_false(failed(redactor_config_read(wr_bytes(&w), &c)));
}

static void test_packer(void **state)
{
	struct wr w = wr_of(room, PACKER_CONFIG_MAX);
	struct packer_config c = { .public_key = { 1, 2, 3, 255 },
				   .zstd_level = 1,
				   .size_max = 99 };
	static const uint8_t bad[] = { 0, 20, 255 };
	(void)state;
	packer_config_write(&w, &c);
	there_and_back(redo_packer, &w);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct wr again_w = wr_of(again, sizeof(again));
		w = wr_of(room, sizeof(room));
		c.zstd_level = bad[i];
		packer_config_write(&w, &c);
		assert_int_equal(ch_code_of(redo_packer(wr_bytes(&w), &again_w)), CH_E_PROTOCOL);
	}
}

static void test_questions(void **state)
{
	static const struct registry_ask asks[] = {
		{ .kind = REGISTRY_REGISTER,
		  .registered_kind = 2,
		  .weak = true,
		  .label = { "mail.key", 8 },
		  .secret = { { (const uint8_t *)"sixteen bytes or", 16 } } },
		{ .kind = REGISTRY_SNAPSHOT },
		{ .kind = REGISTRY_LIST },
		{ .kind = REGISTRY_REMOVE, .label = { "mail.key", 8 } },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(asks); i++) {
		struct wr w = wr_of(room, sizeof(room));
		registry_ask_write(&w, &asks[i]);
		there_and_back(redo_ask, &w);
	}
}

static void test_questions_refused(void **state)
{
	static uint8_t long_one[REGISTRY_SECRET_MAX + 1];
	static char label[REGISTRY_LABEL_MAX + 1];
	struct registry_ask asks[] = {
		{ .kind = REGISTRY_ANSWER },
		{ .kind = REGISTRY_REGISTER, .registered_kind = 3 },
		{ .kind = REGISTRY_REGISTER, .label = { label, sizeof(label) } },
		{ .kind = REGISTRY_REGISTER, .secret = { { long_one, sizeof(long_one) } } },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(asks); i++) {
		struct wr w = wr_of(room, sizeof(room)), out = wr_of(again, sizeof(again));
		registry_ask_write(&w, &asks[i]);
		assert_int_equal(ch_code_of(redo_ask(wr_bytes(&w), &out)), CH_E_PROTOCOL);
	}
}

static void test_answers(void **state)
{
	struct wr w = wr_of(room, sizeof(room)), out = wr_of(again, sizeof(again));
	struct registry_answer a = { .code = CH_E_EXISTS,
				     .detail = 7,
				     .text = bytes_of_str(LIT("[]")) };
	(void)state;
	registry_answer_write(&w, &a);
	there_and_back(redo_answer, &w);
	w = wr_of(room, sizeof(room));
	a.code = CH_CODE_COUNT;
	registry_answer_write(&w, &a);
	assert_int_equal(ch_code_of(redo_answer(wr_bytes(&w), &out)), CH_E_PROTOCOL);
}

static void test_files_of_code(void **state)
{
	static const uint8_t *const lies[] = { (const uint8_t *)"\1\2\0\0",
					       (const uint8_t *)"\2\1\0\0",
					       (const uint8_t *)"\1\1\0\1" };
	(void)state;
	struct wr w = wr_of(room, sizeof(room));
	str path = { 0 };
	uint16_t code = 0;
	code_ask_write(&w, LIT("/usr/bin/app"));
	assert_false(failed(code_ask_read(wr_bytes(&w), &path)));
	assert_true(str_eq(path, LIT("/usr/bin/app")));
	for (size_t n = 0; n < w.n; n++)
		assert_int_equal(ch_code_of(code_ask_read((bytes){ room, n }, &path)),
				 CH_E_PROTOCOL);
	for (size_t i = 0; i < COUNT_OF(lies); i++)
		assert_true(failed(code_ask_read((bytes){ lies[i], 4 }, &path)));
	w = wr_of(room, sizeof(room));
	code_answer_write(&w, CH_E_NOT_FOUND);
	assert_false(failed(code_answer_read(wr_bytes(&w), &code)));
	assert_int_equal(code, CH_E_NOT_FOUND);
	for (size_t n = 0; n < w.n; n++)
		assert_int_equal(ch_code_of(code_answer_read((bytes){ room, n }, &code)),
				 CH_E_PROTOCOL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_redactor),         cmocka_unit_test(test_redactor_refuses),
		cmocka_unit_test(test_redactor_is_full), cmocka_unit_test(test_packer),
		cmocka_unit_test(test_questions),        cmocka_unit_test(test_questions_refused),
		cmocka_unit_test(test_answers),          cmocka_unit_test(test_files_of_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
