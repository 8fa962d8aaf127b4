/* What the masker masks, that it is what the plain one masks in whatever pieces memory comes,
 * and what stands there then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "fingerprint/fingerprint.h"
#include "fingerprint/forms.h"
#include "marks.h"
#include "made_values.h"
#include "plain_masker.h"

enum { SIZE = 150 * 1024, ADDR = 0x555500000000 };

static struct core_load loads[] = {
	{ ADDR, 0x40000000, 0x40000000, 0, CORE_READ | CORE_WRITE, false },
};
static struct core_map map = { .loads = loads, .n = 1 };
static struct values *values;
static struct report *report;
static struct masker *masker;
static uint8_t memory[SIZE], before[SIZE], once[SIZE], covered[SIZE];

static int fresh(void **state)
{
	(void)state;
	masker_done(&masker);
	values_done(&values);
	report_done(&report);
	mem_zero(memory, sizeof(memory));
	mem_zero(covered, sizeof(covered));
	loads[0].file_backed = false;
	loads[0].flags = CORE_READ | CORE_WRITE;
	return failed(values_new(&values)) || failed(report_new(&report));
}

static struct masker_setup setup_of(enum level level)
{
	return (struct masker_setup){
		.level = level, .map = &map, .values = values, .report = report
	};
}

static void begin_with(const struct masker_setup *s)
{
	masker_done(&masker);
	assert_false(failed(masker_new(s, &masker)));
}

static void begin(enum level level)
{
	struct masker_setup s = setup_of(level);
	begin_with(&s);
}

static void plant(size_t at, const struct value *v, unsigned form)
{
	struct form_value f = form_value_of(v->is, v->number);
	for (size_t i = 0; i < form_size(form, &f) && at + i < SIZE; i++)
		memory[at + i] = form_byte(form, &f, i);
}

static bool is_mark(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || memchr("<>:*-", c, 5);
}

/* At once, and in pieces of this size, both as the plain one. */
static void run_with(const struct masker_setup *s, size_t step)
{
	size_t bad = 0;
	begin_with(s);
	mem_copy(before, memory, SIZE);
	mem_copy(once, memory, SIZE);
	assert_false(failed(mask_in_pieces(masker, ADDR, once, SIZE, SIZE)));
	assert_false(failed(mask_in_pieces(masker, ADDR, memory, SIZE, step)));
	assert_memory_equal(once, memory, SIZE);
	mem_zero(covered, sizeof(covered));
	plain_masker(s, ADDR, (bytes){ before, SIZE }, covered);
	for (size_t i = 0; i < SIZE; i++)
		bad += covered[i] ? !is_mark(memory[i]) : memory[i] != before[i];
	assert_int_equal(bad, 0);
}

static void run(enum level level, size_t step)
{
	struct masker_setup s = setup_of(level);
	run_with(&s, step);
}

/* Letters drawn at random, wide ones too, up to the end of what comes next or not. */
static void fill_letters(uint8_t *p)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_";
	size_t width = (size_t)1 << any_below(3), from = any_below(64 / (unsigned)width) * width;
	mem_zero(p, 64);
	for (size_t i = from; i < 64; i += width)
		p[i] = (uint8_t)letters[any_below(66)];
}

/* Something of everything that memory holds. */
static void fill_memory(void)
{
	for (size_t at = 0; at + 64 <= SIZE; at += 64) {
		uint64_t pointer = ADDR + any_below(1 << 20);
		switch (any_below(9)) {
		case 8:
			fill_letters(memory + at);
			break;
		case 7:
			mem_copy(memory + at,
				 "getOwnPropertyDescriptors_of_everything/in/files-with-long-names",
				 64);
			break;
		case 6:
			for (size_t i = any_below(40), end = i + any_below(64); i < end && i < 64;
			     i++)
				memory[at + i] = (uint8_t) "0123456789abcdefABCDEF"[any_below(22)];
			break;
		case 0:
			rand_fill(memory + at, 1 + any_below(63));
			break;
		case 1:
			mem_copy(memory + at,
				 "The quick brown fox jumps over the lazy dog 0123456789 AND SO ON",
				 64);
			break;
		case 2:
			mem_copy(memory + at + any_below(56), &pointer, 8);
			break;
		case 3:
			rand_fill(memory + at, 64);
			mem_copy(memory + at + 8 * any_below(8), &pointer, 8);
			break;
		default:
			break;
		}
	}
}

static void as_the_plain_one(void **state)
{
	for (unsigned round = 0; round < 4; round++) {
		fresh(state);
		fill_memory();
		value_random(values, VALUE_RSA_PRIME, true, 128);
		value_random(values, VALUE_EC_SCALAR, true, 32);
		value_made(values, VALUE_PASSWORD, false,
			   (bytes){ (const uint8_t *)"correct horse", 13 });
		value_made(values, VALUE_PASSWORD, false, (bytes){ (const uint8_t *)"hunter2", 7 });
		for (unsigned i = 0; i < 40; i++)
			plant(any_below(SIZE), values_at(values, any_below(4)),
			      any_below(forms_count()));
		run(round % 2 ? LEVEL_STRICT : LEVEL_FULL,
		    round < 2 ? 4096 : 1 + any_below(100000));
	}
}

/* A value across every place where a piece ends. */
static void across_every_edge(void **state)
{
	(void)state;
	bytes key = value_random(values, VALUE_AES_KEY, false, 32);
	begin(LEVEL_FULL);
	for (size_t cut = 1; cut < 48; cut++) {
		mem_zero(memory, SIZE);
		mem_copy(memory + 3, key.p, key.n);
		size_t final = 0, n = 3 * 4096;
		struct masker_piece a = { ADDR, memory, cut, 0, false };
		assert_false(failed(masker_run(masker, a, &final)));
		assert_int_equal(final, 0);
		struct masker_piece b = { ADDR, memory, n, cut, true };
		assert_false(failed(masker_run(masker, b, &final)));
		assert_int_equal(final, n);
		assert_null(memmem(memory, n, key.p, 8));
		assert_null(memmem(memory, n, key.p + key.n - 8, 8));
	}
	assert_int_equal(report_secrets(report), 47);
}

/* The longest form there is, across what is held back. */
static void the_longest_form(void **state)
{
	(void)state;
	uint8_t p[FORM_VALUE_MAX];
	rand_fill(p, sizeof(p));
	value_made(values, VALUE_SSH_PREKEY, false, (bytes){ p, sizeof(p) });
	struct form_value f = form_value_of(BYTES_OF(p), false);
	for (unsigned form = 0; form < forms_count(); form++) {
		if (form_size(form, &f) != FORM_SIZE_MAX)
			continue;
		mem_zero(memory, SIZE);
		plant(70001, values_at(values, 0), form);
		begin(LEVEL_FULL);
		assert_false(failed(mask_in_pieces(masker, ADDR, memory, SIZE, 10000)));
		for (size_t i = 0; i < SIZE; i++)
			assert_true(!memory[i] || is_mark(memory[i]));
		assert_memory_equal(memory + 70001 + (form_byte(form, &f, 0) == 0),
				    "<ssh-prekey:", 12);
		return;
	}
	fail();
}

/* Of a short value nothing is left, not even by a mark that has no room. */
static void every_mark_at_every_length(void **state)
{
	(void)state;
	uint8_t key[MAC_KEY_SIZE] = { 1 }, p[80];
	for (unsigned kind = 0; kind < VALUE_KIND_COUNT; kind++) {
		struct mark m = mark_of(key, (enum value_kind)kind, bytes_of_str(LIT("x")));
		assert_int_equal(m.tagged, value_kind_bits((enum value_kind)kind) >= 96);
		for (size_t n = 1; n <= sizeof(p); n++) {
			mem_zero(p, sizeof(p));
			mark_put(&m, p, n, 0, n);
			for (size_t i = 0; i < sizeof(p); i++)
				assert_int_equal(p[i] != 0, i < n);
		}
	}
}

static void marks_say_what_was_there(void **state)
{
	(void)state;
	bytes a = value_random(values, VALUE_RSA_PRIME, true, 128),
	      b = value_random(values, VALUE_RSA_PRIME, true, 128);
	value_made(values, VALUE_PASSWORD, false,
		   (bytes){ (const uint8_t *)"correct-horse-battery", 21 });
	mem_copy(memory + 1000, a.p, 128);
	mem_copy(memory + 2000, b.p, 128);
	plant(3000, values_at(values, 0), 1);
	plant(4001, values_at(values, 2), 0);
	begin(LEVEL_FULL);
	assert_false(failed(mask_in_pieces(masker, ADDR, memory, SIZE, SIZE)));
	assert_memory_equal(memory + 1000, "<rsa-prime:", 11);
	assert_memory_equal(memory + 1000, memory + 3000, 128);
	assert_memory_not_equal(memory + 1000, memory + 2000, 20);
	assert_memory_equal(memory + 1000, memory + 1020, 20);
	assert_memory_equal(memory + 4001, "<password>***********\0", 22);
	assert_int_equal(report_secrets(report), 4);
	/* another masker has other marks */
	mem_copy(memory + 2000, a.p, 128);
	begin(LEVEL_FULL);
	assert_false(failed(mask_in_pieces(masker, ADDR, memory, SIZE, SIZE)));
	assert_memory_not_equal(memory + 1000, memory + 2000, 20);
}

static void notes_are_masked_too(void **state)
{
	(void)state;
	uint8_t notes[300] = { 0 };
	bytes key = value_random(values, VALUE_AES_KEY, false, 16);
	mem_copy(notes + 284, key.p, 16);
	rand_fill(notes, 100);
	mem_copy(before, notes, 284);
	begin(LEVEL_STRICT);
	assert_false(failed(masker_bytes(masker, notes, sizeof(notes))));
	assert_memory_equal(notes, before, 284);
	assert_null(memmem(notes, sizeof(notes), key.p, 4));
	assert_int_equal(report_secrets(report), 1);
}

static void constants_of_files_stay(void **state)
{
	(void)state;
	rand_fill(memory, 4096);
	mem_copy(before, memory, SIZE);
	loads[0].file_backed = true;
	loads[0].flags = CORE_READ | CORE_PROGRAM;
	begin(LEVEL_STRICT);
	assert_false(failed(mask_in_pieces(masker, ADDR, memory, SIZE, SIZE)));
	assert_memory_equal(memory, before, SIZE);
	loads[0].flags |= CORE_WRITE;
	assert_false(failed(mask_in_pieces(masker, ADDR, memory, SIZE, SIZE)));
	assert_memory_not_equal(memory, before, 4096);
	/* a file of keys, or memory that another process writes */
	mem_copy(memory, before, SIZE);
	loads[0].flags = CORE_READ;
	assert_false(failed(mask_in_pieces(masker, ADDR, memory, SIZE, SIZE)));
	assert_memory_not_equal(memory, before, 4096);
}

/* Data follow constants in the same piece, as those of each library do, and go before them. */
static void constants_end_where_their_segment_does(void **state)
{
	static const uint32_t data = CORE_READ | CORE_WRITE, constant = CORE_READ | CORE_PROGRAM;
	static const size_t sizes[] = { 4096, 61440, 65536 + 4096 };
	for (size_t i = 0; i < 2 * COUNT_OF(sizes); i++) {
		size_t n = sizes[i / 2];
		struct core_load two[] = {
			{ .addr = ADDR, .mem_size = n, .flags = i % 2 ? constant : data },
			{ .addr = ADDR + n, .mem_size = SIZE, .flags = i % 2 ? data : constant },
		};
		struct core_map both = { .loads = two, .n = 2 };
		fresh(state);
		struct masker_setup s = setup_of(LEVEL_STRICT);
		s.map = &both;
		fill_memory();
		rand_fill(memory + n - 64, 128);
		run_with(&s, i % 3 ? 9999 : 70000);
	}
}

/* Some look random; a debugger reads them. */
static void paths_of_libraries_stay(void **state)
{
	(void)state;
	static const char kernel[] = "/usr/bin/Q5jZ8xKwBv3YtR2nD9sLfGhU";
	static const char linker[] = "/opt/aB3dE9fG/x86_64-LinuX+gNu7/Q5jZ8xKwBv3YtR2nD9sLfGhU";
	static const char other[] = "/opt/aB3dE9fG/x86_64-LinuX+gNu7/Q5jZ8xKwBv3YuR2nD9sLfGhU";
	static const char library[] = "/home/aB3dE9fG/x86_64-LinuX+gNu7/libQ5jZ8xKwBv3Y.so.7";
	struct core_file file = { .path = str_from_c(kernel) };
	struct masker_setup s = setup_of(LEVEL_STRICT);
	s.files = &file;
	s.n_files = 1;
	assert_false(failed(masker_new(&s, &masker)));
	for (size_t at = 65400; at < 65700; at += 11) {
		mem_zero(memory, SIZE);
		mem_copy(memory + at, linker, sizeof(linker));
		mem_copy(memory + at + sizeof(linker), other, sizeof(other));
		mem_copy(memory + at + 301, library, sizeof(library));
		size_t step = at % 2 ? SIZE : 9999;
		assert_false(failed(mask_in_pieces(masker, ADDR, memory, SIZE, step)));
		assert_memory_equal(memory + at + 301, library, sizeof(library));
		assert_memory_equal(memory + at, linker, sizeof(linker));
		assert_memory_not_equal(memory + at + sizeof(linker), other, sizeof(other));
	}
}

/* Whatever a program was told at its start, and nothing beside it. */
static void arguments_are_gone(void **state)
{
	static const uint64_t ranges[][2] = { { 100, 131 }, { 65000, 140001 }, { 149000, SIZE } };
	for (size_t i = 0; i < COUNT_OF(ranges); i++) {
		fresh(state);
		fill_memory();
		struct masker_setup s = setup_of(i % 2 ? LEVEL_STRICT : LEVEL_FULL);
		s.words_from = ADDR + ranges[i][0];
		s.words_to = ADDR + ranges[i][1];
		run_with(&s, 9999);
		assert_int_equal(report_secrets(report), 0);
		mem_copy(before, memory, 64);
		assert_false(failed(masker_bytes(masker, memory, 64)));
		assert_memory_equal(before, memory, 64); /* notes have no addresses */
	}
}

/* Nobody has their values, so they come by their fingerprints, and are marked alike. */
static void registered_ones_are_gone(void **state)
{
	(void)state;
	AUTO(secret_done) struct secret *secret = NULL;
	AUTO(fingerprints_done) struct fingerprints *known = NULL;
	assert_false(failed(secret_new(32, &secret)));
	rand_fill(secret_poke(secret), 32);
	const struct value v = { .is = secret_peek(secret) };
	const struct registered one = { REGISTERED_BYTES, secret, false, LIT("the-key") };
	assert_false(failed(fingerprints_new(&known)));
	assert_false(failed(fingerprints_add(known, &one)));
	struct masker_setup s = setup_of(LEVEL_FULL);
	s.registered_or_null = known;
	assert_false(failed(masker_new(&s, &masker)));
	for (size_t at = 60000; at < 70000; at += 501) {
		mem_zero(memory, SIZE);
		plant(at, &v, 0);
		plant(at + 501, &v, 10); /* hex */
		mem_copy(memory, v.is.p, 32);
		assert_false(failed(masker_bytes(masker, memory, 32)));
		assert_null(memmem(memory, 32, v.is.p, 8));
		assert_false(
			failed(mask_in_pieces(masker, ADDR, memory, SIZE, at % 2 ? SIZE : 9999)));
		assert_null(memmem(memory, SIZE, v.is.p, 8));
		assert_null(memmem(memory, SIZE, v.is.p + 24, 8));
		assert_memory_equal(memory + at, "<registered:", 12);
		assert_memory_equal(memory + at + 501, memory + at, 32);
	}
	assert_in_range(report_secrets(report), 60, 80);
}

/* Segments that touch are no one memory, and a masker serves one after the other. */
static void segments_are_apart(void **state)
{
	(void)state;
	bytes key = value_random(values, VALUE_AES_KEY, false, 16);
	begin(LEVEL_FULL);
	size_t final = 0;
	mem_copy(memory + 4088, key.p, 16);
	struct masker_piece a = { ADDR, memory, 4096, 0, true };
	assert_false(failed(masker_run(masker, a, &final)));
	assert_int_equal(final, 4096);
	struct masker_piece b = { ADDR + 0x100000, memory + 4096, 4096, 0, true };
	assert_false(failed(masker_run(masker, b, &final)));
	assert_int_equal(report_secrets(report), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(as_the_plain_one, fresh),
		cmocka_unit_test_setup(across_every_edge, fresh),
		cmocka_unit_test_setup(the_longest_form, fresh),
		cmocka_unit_test_setup(every_mark_at_every_length, fresh),
		cmocka_unit_test_setup(marks_say_what_was_there, fresh),
		cmocka_unit_test_setup(notes_are_masked_too, fresh),
		cmocka_unit_test_setup(constants_of_files_stay, fresh),
		cmocka_unit_test(constants_end_where_their_segment_does),
		cmocka_unit_test_setup(paths_of_libraries_stay, fresh),
		cmocka_unit_test_setup(arguments_are_gone, fresh),
		cmocka_unit_test_setup(registered_ones_are_gone, fresh),
		cmocka_unit_test_setup_teardown(segments_are_apart, fresh, fresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
