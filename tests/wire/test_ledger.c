/* Messages of the ledger: there and back, every prefix, every flip; batches up to their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "there_and_back.h"
#include "wire/ledger.h"

static uint8_t room[MESSAGE_MAX + 1];

#define REDO(type)                                       \
	static ch_err redo_##type(bytes b, struct wr *w) \
	{                                                \
		static struct type m;                    \
		m = (struct type){ 0 };                  \
		TRY(type##_read(b, &m));                 \
		type##_write(w, &m);                     \
		return wr_done(w);                       \
	}
REDO(ledger_appended)
REDO(ledger_head)
REDO(ledger_head_signed)
REDO(log_ask)
REDO(log_answer)

static ch_err redo_append(bytes b, struct wr *w)
{
	struct rd r;
	struct ledger_item item;
	uint64_t seq = 0;
	size_t n = 0;
	TRY(ledger_append_open(b, &r, &seq, &n));
	ledger_append_begin(w, seq);
	for (size_t i = 0; i < n; i++) {
		TRY(ledger_append_read(&r, &item));
		assert_true(ledger_append_add(w, &item));
	}
	if (!rd_end(&r))
		return ch_fail(CH_E_PROTOCOL, "something behind the end", rd_left(&r));
	return wr_done(w);
}

static void test_append(void **state)
{
	(void)state;
	static const uint8_t entry[] = { 1, 2, 3, 4 };
	struct wr w = wr_of(room, 256);
	struct ledger_item item = { .entry = BYTES_OF(entry),
				    .client_id = LIT("mailer"),
				    .grant_id = LIT("g1"),
				    .sub = { 9, 8, 7 } };
	ledger_append_begin(&w, 7);
	assert_int_equal(ledger_append_count(&w), 0);
	assert_true(ledger_append_add(&w, &item));
	item.client_id = item.grant_id = (str){ NULL, 0 };
	assert_true(ledger_append_add(&w, &item));
	assert_int_equal(ledger_append_count(&w), 2);
	there_and_back(redo_append, &w);
}

static void test_append_limits(void **state)
{
	(void)state;
	static uint8_t entry[LEDGER_ENTRY_MAX + 1];
	static char text[LEDGER_TEXT_MAX + 1];
	const struct ledger_item most = { .entry = { entry, LEDGER_ENTRY_MAX },
					  .client_id = { text, LEDGER_TEXT_MAX },
					  .grant_id = { text, LEDGER_TEXT_MAX } };
	struct ledger_item over[] = { most, most, most, most };
	struct wr w = wr_of(room, LEDGER_APPEND_MAX);
	ledger_append_begin(&w, UINT64_MAX);
	for (size_t i = 0; i < LEDGER_BATCH_MAX; i++)
		assert_true(ledger_append_add(&w, &most));
	assert_int_equal(w.n, LEDGER_APPEND_MAX);
	assert_false(ledger_append_add(&w, &most));
	assert_int_equal(ledger_append_count(&w), LEDGER_BATCH_MAX);
	uint8_t *again = malloc(MESSAGE_MAX);
	struct wr out = wr_of(again, MESSAGE_MAX);
	assert_false(failed(redo_append(wr_bytes(&w), &out)));
	assert_true(bytes_eq(wr_bytes(&w), wr_bytes(&out)));
	free(again);
	over[0].entry.n = 0;
	over[1].entry.n++;
	over[2].client_id.n++;
	over[3].grant_id.n++;
	ledger_append_begin(&w, 1);
	for (size_t i = 0; i < COUNT_OF(over); i++)
		assert_false(ledger_append_add(&w, &over[i]));
	assert_int_equal(ledger_append_count(&w), 0);
	/* what does not fit leaves no piece of itself */
	struct wr small = wr_of(room, 64);
	ledger_append_begin(&small, 1);
	assert_false(ledger_append_add(&small, &most));
	assert_int_equal(small.n, 12);
	assert_false(small.full);
}

static void test_append_refused(void **state)
{
	(void)state;
	static const uint8_t empty[] = {
		LEDGER_APPEND, WIRE_VERSION, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
	};
	static const uint8_t no_seq[] = {
		LEDGER_APPEND, WIRE_VERSION, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0
	};
	static const uint8_t many[] = {
		LEDGER_APPEND, WIRE_VERSION, 0, 33, 0, 0, 0, 0, 0, 0, 0, 1
	};
	const bytes bad[] = { BYTES_OF(empty), BYTES_OF(no_seq), BYTES_OF(many) };
	struct rd r;
	uint64_t seq = 0;
	size_t n = 0;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(ch_code_of(ledger_append_open(bad[i], &r, &seq, &n)),
				 CH_E_PROTOCOL);
}

static void test_appended(void **state)
{
	(void)state;
	const struct ledger_appended done = { .seq = 3, .first_index = 1234567890123 };
	const struct ledger_appended refused = { .seq = 4, .code = CH_E_FULL };
	const struct ledger_appended wrong[] = { { .seq = 0, .first_index = 1 },
						 { .seq = 4, .code = 7, .first_index = 1 } };
	struct wr w = wr_of(room, 64);
	ledger_appended_write(&w, &done);
	assert_int_equal(w.n, LEDGER_APPENDED_SIZE);
	there_and_back(redo_ledger_appended, &w);
	w = wr_of(room, 64);
	ledger_appended_write(&w, &refused);
	there_and_back(redo_ledger_appended, &w);
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct ledger_appended a;
		w = wr_of(room, 64);
		ledger_appended_write(&w, &wrong[i]);
		assert_true(failed(ledger_appended_read(wr_bytes(&w), &a)));
	}
}

static void test_head(void **state)
{
	(void)state;
	static struct ledger_head h = { .old_size = 5, .size = 9, .n_proof = LEDGER_PROOF_MAX };
	for (size_t i = 0; i < LEDGER_PROOF_MAX; i++)
		h.proof[i].b[i % LEDGER_HASH_SIZE] = (uint8_t)(i + 1);
	h.root.b[0] = 1;
	h.old_root.b[31] = 2;
	struct wr w = wr_of(room, LEDGER_HEAD_MAX);
	ledger_head_write(&w, &h);
	assert_false(w.full);
	assert_int_equal(w.n, LEDGER_HEAD_MAX);
	h.n_proof = 2;
	w = wr_of(room, LEDGER_HEAD_MAX);
	ledger_head_write(&w, &h);
	there_and_back(redo_ledger_head, &w);
	room[w.n - 2 * LEDGER_HASH_SIZE - 1] = LEDGER_PROOF_MAX + 1;
	assert_true(
		failed(ledger_head_read((bytes){ room, LEDGER_HEAD_MAX + LEDGER_HASH_SIZE }, &h)));
}

static void test_head_signed(void **state)
{
	(void)state;
	static uint8_t note[LEDGER_NOTE_MAX];
	const struct ledger_head_signed done = { .size = 9, .note = { note, 100 } };
	const struct ledger_head_signed most = { .size = 9, .note = BYTES_OF(note) };
	const struct ledger_head_signed refused = { .size = 9, .code = CH_E_DENIED };
	const struct ledger_head_signed wrong[] = { { .size = 9 },
						    { .code = 3, .note = { note, 3 } } };
	struct wr w = wr_of(room, 256);
	ledger_head_signed_write(&w, &done);
	there_and_back(redo_ledger_head_signed, &w);
	w = wr_of(room, 256);
	ledger_head_signed_write(&w, &refused);
	there_and_back(redo_ledger_head_signed, &w);
	w = wr_of(room, LEDGER_HEAD_SIGNED_MAX);
	ledger_head_signed_write(&w, &most);
	assert_false(w.full);
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct ledger_head_signed s;
		w = wr_of(room, 256);
		ledger_head_signed_write(&w, &wrong[i]);
		assert_true(failed(ledger_head_signed_read(wr_bytes(&w), &s)));
	}
}

static void test_asking(void **state)
{
	(void)state;
	static uint8_t note[LEDGER_NOTE_MAX];
	for (unsigned flags = 0; flags < 4; flags++) {
		const struct log_ask a = { .req = 77, .is_fresh = flags & 1, .follows = flags & 2 };
		struct wr w = wr_of(room, 64);
		log_ask_write(&w, &a);
		assert_int_equal(w.n, LEDGER_LOG_ASK_SIZE);
		assert_int_equal(room[6], flags);
		there_and_back(redo_log_ask, &w);
	}
	struct log_ask back;
	struct log_answer head;
	room[6] = 4;
	assert_true(failed(log_ask_read((bytes){ room, LEDGER_LOG_ASK_SIZE }, &back)));
	room[6] = 0;
	room[5] = 0;
	assert_true(failed(log_ask_read((bytes){ room, LEDGER_LOG_ASK_SIZE }, &back)));
	const struct log_answer heads[] = { { .req = 1, .note = { note, 60 } },
					    { .req = 0, .note = { note, 60 } },
					    { .req = 2, .code = CH_E_GONE } };
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		struct wr w = wr_of(room, 256);
		log_answer_write(&w, &heads[i]);
		there_and_back(redo_log_answer, &w);
	}
	const struct log_answer none = { .req = 1 };
	struct wr w = wr_of(room, 64);
	log_answer_write(&w, &none);
	assert_true(failed(log_answer_read(wr_bytes(&w), &head)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append),         cmocka_unit_test(test_append_limits),
		cmocka_unit_test(test_append_refused), cmocka_unit_test(test_appended),
		cmocka_unit_test(test_head),           cmocka_unit_test(test_head_signed),
		cmocka_unit_test(test_asking),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
