/* Reports of gates: there and back, every prefix, every flip, and records that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/report.h"

static const struct report_batch head = { .chain = SIGHTINGS_SIGNED,
					  .id = { 1, 2, 3, 4 },
					  .seq = 700 };

static size_t verdict(uint8_t room[static SIGHTING_MAX])
{
	const struct sighting s = { .code = 1,
				    .client = { .family = 4, .ip = { 192, 0, 2, 7 } },
				    .kid = LIT("k1"),
				    .issuer = LIT("https://login.example/home"),
				    .realm = LIT("home"),
				    .location = LIT("imap") };
	sighting_write(room, &s);
	return sighting_size(&s);
}

static size_t batch(uint8_t *room, size_t cap)
{
	uint8_t one[SIGHTING_MAX], repeats[SIGHTING_REPEATS_HEAD + SIGHTING_MAX];
	static const uint8_t lost[8] = { 0, 0, 0, 0, 0, 0, 0, 9 };
	struct wr w = wr_of(room, cap);
	size_t n = verdict(one);
	sighting_repeats_write(repeats, &(struct sighting_repeats){ 3, 5, 6 });
	mem_copy(repeats + SIGHTING_REPEATS_HEAD, one, n);
	report_begin(&w, &head);
	assert_true(report_add(&w, &(struct report_record){ SIGHTING_VERDICT, 1000, { one, n } }));
	assert_true(report_add(&w, &(struct report_record){ SIGHTING_LOST, 1001, BYTES_OF(lost) }));
	assert_true(report_add(
		&w, &(struct report_record){
			    SIGHTING_REPEATS, 1002, { repeats, SIGHTING_REPEATS_HEAD + n } }));
	report_end(&w, 3);
	assert_false(w.full);
	return w.n;
}

/* All of it, as the collector reads it. */
static ch_err read_all(bytes b, struct report_batch *ret_b, size_t *ret_n)
{
	struct rd r;
	struct report_record record;
	*ret_n = 0;
	TRY(report_open(b, &r, ret_b));
	for (size_t i = 0; i < ret_b->count; i++) {
		TRY(report_next(&r, &record));
		++*ret_n;
	}
	return report_close(&r);
}

static void a_batch_there_and_back(void **state)
{
	uint8_t room[4096];
	struct report_batch b;
	struct report_record record;
	struct rd r;
	size_t n = batch(room, sizeof(room)), records = 0;
	(void)state;
	assert_false(failed(read_all((bytes){ room, n }, &b, &records)));
	assert_int_equal(records, 3);
	assert_int_equal(b.seq, 700);
	assert_int_equal(b.chain, SIGHTINGS_SIGNED);
	assert_memory_equal(b.id, head.id, sizeof(b.id));
	assert_false(failed(report_open((bytes){ room, n }, &r, &b)));
	assert_false(failed(report_next(&r, &record)));
	assert_int_equal(record.type, SIGHTING_VERDICT);
	assert_int_equal(record.time_ms, 1000);
	for (size_t k = 0; k < n; k++)
		assert_true(failed(read_all((bytes){ room, k }, &b, &records)));
	room[n] = 0;
	assert_int_equal(ch_code_of(read_all((bytes){ room, n + 1 }, &b, &records)), CH_E_TRAILING);
}

static void an_empty_batch_asks(void **state)
{
	uint8_t room[64];
	struct report_batch b;
	size_t records = 0;
	struct wr w = wr_of(room, sizeof(room));
	(void)state;
	report_begin(&w, &head);
	report_end(&w, 0);
	assert_int_equal(w.n, REPORT_BATCH_HEAD);
	assert_false(failed(read_all(wr_bytes(&w), &b, &records)));
	assert_int_equal(records, 0);
}

/* A flip of a head's or a length's bit must not make more records than there are. */
static void every_flip_is_bounded(void **state)
{
	uint8_t room[4096];
	struct report_batch b;
	size_t n = batch(room, sizeof(room)), records = 0;
	(void)state;
	for (size_t i = 0; i < 8 * n; i++) {
		(void)batch(room, sizeof(room));
		room[i / 8] ^= (uint8_t)(1 << i % 8);
		if (!failed(read_all((bytes){ room, n }, &b, &records)))
			assert_int_equal(records, 3);
	}
}

static void what_is_no_sighting_is_refused(void **state)
{
	static const struct report_record wrong[] = {
		{ 4, 0, { (const uint8_t *)"x", 1 } },
		{ 0, 0, { NULL, 0 } },
		{ SIGHTING_VERDICT, 0, { (const uint8_t *)"x", 1 } },
		{ SIGHTING_LOST, 0, { (const uint8_t *)"1234567", 7 } },
		{ SIGHTING_LOST, -1, { (const uint8_t *)"12345678", 8 } },
	};
	uint8_t room[256];
	struct report_batch b;
	size_t records = 0;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct wr w = wr_of(room, sizeof(room));
		report_begin(&w, &head);
		assert_true(report_add(&w, &wrong[i]));
		report_end(&w, 1);
		assert_true(failed(read_all(wr_bytes(&w), &b, &records)));
	}
	struct wr w = wr_of(room, sizeof(room));
	report_begin(&w, &(struct report_batch){ .chain = SIGHTINGS_CHAINS });
	assert_int_equal(ch_code_of(read_all(wr_bytes(&w), &b, &records)), CH_E_SYNTAX);
	room[0] = 2;
	assert_int_equal(ch_code_of(read_all(wr_bytes(&w), &b, &records)), CH_E_UNSUPPORTED);
	w = wr_of(room, sizeof(room));
	report_begin(&w, &head);
	report_end(&w, REPORT_RECORDS_MAX + 1);
	assert_int_equal(ch_code_of(read_all(wr_bytes(&w), &b, &records)), CH_E_RANGE);
}

static void a_full_batch_takes_no_more(void **state)
{
	uint8_t room[REPORT_BATCH_HEAD + REPORT_RECORD_HEAD + 8], lost[8] = { 0 };
	struct wr w = wr_of(room, sizeof(room));
	const struct report_record r = { SIGHTING_LOST, 1, BYTES_OF(lost) };
	(void)state;
	report_begin(&w, &head);
	assert_true(report_add(&w, &r));
	assert_false(report_add(&w, &r));
	assert_false(w.full);
}

static void a_place_there_and_back(void **state)
{
	uint8_t room[64];
	struct wr w = wr_of(room, sizeof(room));
	struct report_place p = { .chain = 1, .id = { 9 }, .next = 77 }, back;
	(void)state;
	report_place_write(&w, &p);
	assert_int_equal(w.n, REPORT_PLACE_SIZE);
	assert_false(failed(report_place_read(wr_bytes(&w), &back)));
	assert_int_equal(back.next, 77);
	assert_memory_equal(back.id, p.id, sizeof(p.id));
	for (size_t k = 0; k < w.n; k++)
		assert_true(failed(report_place_read((bytes){ room, k }, &back)));
	room[1] = 7;
	assert_true(failed(report_place_read(wr_bytes(&w), &back)));
}

static size_t alarm_of(uint8_t *room, size_t cap, str signing_input, str signature)
{
	struct wr w = wr_of(room, cap);
	report_alarm_write(&w, &(struct report_alarm){
				       .when_ms = 1795000000000,
				       .client = { .family = 6, .ip = { 0x20, 1 } },
				       .location = LIT("imap"),
				       .signing_input = signing_input,
				       .signature = signature,
			       });
	return w.n;
}

static void an_alarm_there_and_back(void **state)
{
	uint8_t room[512];
	struct report_alarm a;
	size_t n = alarm_of(room, sizeof(room), LIT("aGk.eyJ9"), LIT("c2ln"));
	(void)state;
	assert_false(failed(report_alarm_read((bytes){ room, n }, &a)));
	assert_true(str_eq(a.signing_input, LIT("aGk.eyJ9")));
	assert_true(str_eq(a.signature, LIT("c2ln")));
	assert_true(str_eq(a.location, LIT("imap")));
	assert_int_equal(a.client.family, 6);
	assert_int_equal(a.when_ms, 1795000000000);
	for (size_t k = 0; k < n; k++)
		assert_true(failed(report_alarm_read((bytes){ room, k }, &a)));
	room[n] = 0;
	assert_true(failed(report_alarm_read((bytes){ room, n + 1 }, &a)));
	room[9] = 5;
	assert_true(failed(report_alarm_read((bytes){ room, n }, &a)));
}

static void what_is_no_token_is_refused(void **state)
{
	static const str inputs[] = {
		{ "", 0 },      { "a", 1 },    { "a.", 2 },   { ".b", 2 },
		{ "a.b.c", 5 }, { "a.b=", 4 }, { "a. b", 4 }, { "a.b\n", 4 }
	};
	uint8_t room[512];
	struct report_alarm a;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(inputs); i++) {
		size_t n = alarm_of(room, sizeof(room), inputs[i], LIT("c2ln"));
		assert_true(failed(report_alarm_read((bytes){ room, n }, &a)));
	}
	size_t n = alarm_of(room, sizeof(room), LIT("a.b"), LIT(""));
	assert_true(failed(report_alarm_read((bytes){ room, n }, &a)));
	n = alarm_of(room, sizeof(room), LIT("a.b"), LIT("c.d"));
	assert_true(failed(report_alarm_read((bytes){ room, n }, &a)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_there_and_back),
		cmocka_unit_test(an_empty_batch_asks),
		cmocka_unit_test(every_flip_is_bounded),
		cmocka_unit_test(what_is_no_sighting_is_refused),
		cmocka_unit_test(a_full_batch_takes_no_more),
		cmocka_unit_test(a_place_there_and_back),
		cmocka_unit_test(an_alarm_there_and_back),
		cmocka_unit_test(what_is_no_token_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
