/* The ledger first: no token before its entry is said to be durable, whatever else goes on; what
 * the log refuses is refused; a ledger that answers wrongly ends the signer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "crypto/hash.h"
#include "stand.h"

static struct stand t;

static int set_up(void **state)
{
	(void)state;
	stand_set_up(&t);
	return 0;
}

static int fresh(void **state)
{
	(void)state;
	stand_reset(&t);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stand_tear_down(&t);
	return 0;
}

static void ask_some(size_t realm, uint32_t first_req, uint32_t n)
{
	struct wr w = wr_of(t.message, sizeof(t.message));
	sign_batch_begin(&w, SIGN_REQUESTS);
	for (uint32_t i = 0; i < n; i++) {
		struct sign_request q = stand_request(first_req + i, SIGN_ALG_ANY);
		sign_add_text(&q, CLAIM_GRANT_ID, LIT("grant-1"));
		assert_true(sign_batch_add_request(&w, &q));
	}
	stand_ask(&t, realm, wr_bytes(&w));
}

static void assert_silence(size_t realm)
{
	struct rd r;
	size_t n = 0;
	assert_int_equal(ch_code_of(stand_answers(&t, realm, &r, &n)), CH_E_BUSY);
}

/* So many answers, from this number on, all with the code. */
static void assert_answers(size_t realm, uint32_t first_req, uint32_t count, uint16_t code)
{
	uint32_t got = 0;
	while (got < count) {
		struct rd r;
		struct sign_answer a;
		size_t n = 0;
		assert_false(failed(stand_answers(&t, realm, &r, &n)));
		for (; n > 0; n--) {
			assert_false(failed(sign_read_answer(&r, &a)));
			assert_int_equal(a.req, first_req + got++);
			assert_int_equal(a.code, code);
			assert_true(code != CH_OK || stand_entry_of(&t, a.token));
		}
	}
	assert_silence(realm);
}

static void nothing_is_signed_before_it_is_logged(void **state)
{
	(void)state;
	uint64_t before = t.status.signed_tokens;
	ask_some(0, 1, 3);
	assert_false(failed(stand_turn(&t)));
	assert_silence(0);
	assert_int_equal(t.status.signed_tokens, before);
	assert_true(stand_append(&t));
	assert_int_equal(t.n_seen, 3);
	assert_false(failed(stand_turn(&t)));
	assert_answers(0, 1, 3, CH_OK);
	assert_int_equal(t.status.signed_tokens, before + 3);
}

static void an_entry_says_what_the_token_says(void **state)
{
	(void)state;
	struct rd r;
	struct sign_answer a;
	size_t n = 0;
	uint8_t hash[MAC_SIZE];
	static const char sub[] = "home\0al\"ice\\";
	ask_some(0, 7, 1);
	assert_false(failed(stand_serve(&t)));
	assert_false(failed(stand_answers(&t, 0, &r, &n)));
	assert_false(failed(sign_read_answer(&r, &a)));
	const struct seen *s = stand_entry_of(&t, a.token);
	assert_non_null(s);
	assert_int_equal(s->entry.typ, LOG_TYP_AT_JWT);
	assert_true(str_eq(s->entry.realm, LIT("home")));
	assert_true(str_eq(s->entry.kid, LIT("es")));
	assert_int_equal(s->entry.exp_s - s->entry.iat_s, 600);
	assert_string_equal(s->client, "demo");
	assert_string_equal(s->grant, "grant-1");
	keyed_hash(t.signer.config.journal_key, (bytes){ (const uint8_t *)sub, sizeof(sub) - 1 },
		   hash);
	assert_true(mem_eq(s->sub, hash, LEDGER_SUB_SIZE));
}

static void an_id_token_s_client_is_its_party_or_audience(void **state)
{
	(void)state;
	for (unsigned azp = 0; azp < 2; azp++) {
		struct wr w = wr_of(t.message, sizeof(t.message));
		struct sign_request q = {
			.req = 1, .typ = TYP_ID, .alg = SIGN_ALG_ANY, .ttl_s = 60
		};
		sign_add_text(&q, CLAIM_SUB, LIT("alice"));
		sign_add_text(&q, CLAIM_AUD, LIT("client-1"));
		if (azp)
			sign_add_text(&q, CLAIM_AZP, LIT("client-2"));
		sign_batch_begin(&w, SIGN_REQUESTS);
		assert_true(sign_batch_add_request(&w, &q));
		stand_ask(&t, 0, wr_bytes(&w));
		assert_false(failed(stand_serve(&t)));
		assert_answers(0, 1, 1, CH_OK);
		assert_int_equal(t.seen[t.n_seen - 1].entry.typ, LOG_TYP_JWT);
		assert_string_equal(t.seen[t.n_seen - 1].client, azp ? "client-2" : "client-1");
	}
}

static void two_wait_for_the_log_and_a_third_is_not_read(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		ask_some(0, 100 * i, SIGN_BATCH_MAX);
	ask_some(1, 900, 1);
	assert_false(failed(stand_turn(&t)));
	assert_int_equal(t.signer.seq, 2);
	assert_silence(0);
	assert_true(stand_append(&t));
	/* with one of them logged the next goes on its way before that one is signed to its end */
	bool over = false;
	for (int i = 0; i < 2; i++)
		assert_false(failed(tokens_turn(&t.signer, false, &over)));
	assert_int_equal(t.signer.seq, 3);
	assert_non_null(batch_due(&t.signer));
	assert_false(failed(stand_serve(&t)));
	assert_int_equal(t.signer.seq, 4);
	for (uint32_t i = 0; i < 3; i++) {
		/* all of them are there, in the order of each socket */
		struct rd r;
		struct sign_answer a;
		size_t n = 0;
		for (uint32_t got = 0; got < SIGN_BATCH_MAX;) {
			assert_false(failed(stand_answers(&t, 0, &r, &n)));
			for (; n > 0; n--) {
				assert_false(failed(sign_read_answer(&r, &a)));
				assert_int_equal(a.req, 100 * i + got++);
				assert_non_null(stand_entry_of(&t, a.token));
			}
		}
	}
	assert_answers(1, 900, 1, CH_OK);
}

static void what_the_log_refuses_is_refused(void **state)
{
	(void)state;
	static const struct {
		uint16_t log, told;
	} codes[] = { { CH_E_NO_ROOM, CH_E_NO_ROOM },
		      { CH_E_IO, CH_E_LOG },
		      { CH_E_LOG, CH_E_LOG },
		      { 999, CH_E_LOG },
		      { CH_OK, CH_OK } };
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		uint64_t before = t.status.signed_tokens;
		t.code = codes[i].log;
		ask_some(0, 5, 20);
		assert_false(failed(stand_serve(&t)));
		assert_answers(0, 5, 20, codes[i].told);
		assert_int_equal(t.status.signed_tokens - before, codes[i].told == CH_OK ? 20 : 0);
	}
}

static void what_is_not_granted_is_not_logged(void **state)
{
	(void)state;
	struct wr w = wr_of(t.message, sizeof(t.message));
	struct sign_request q = stand_request(1, SIGN_ALG_ANY);
	struct rd r;
	struct sign_answer a;
	size_t n = 0;
	q.ttl_s = 601;
	sign_batch_begin(&w, SIGN_REQUESTS);
	assert_true(sign_batch_add_request(&w, &q));
	stand_ask(&t, 0, wr_bytes(&w));
	/* nobody has to be asked for that */
	assert_false(failed(stand_turn(&t)));
	assert_answers(0, 1, 1, CH_E_DENIED);
	q.req = 2;
	q.ttl_s = 600;
	assert_true(sign_batch_add_request(&w, &q));
	stand_ask(&t, 0, wr_bytes(&w));
	assert_false(failed(stand_serve(&t)));
	assert_int_equal(t.n_seen, 1);
	assert_false(failed(stand_answers(&t, 0, &r, &n)));
	assert_int_equal(n, 2);
	assert_false(failed(sign_read_answer(&r, &a)));
	assert_int_equal(a.code, CH_E_DENIED);
	assert_false(failed(sign_read_answer(&r, &a)));
	assert_int_equal(a.code, CH_OK);
	assert_ptr_equal(stand_entry_of(&t, a.token), &t.seen[0]);
}

static void names_too_long_for_the_journal_are_refused(void **state)
{
	(void)state;
	static char text[LEDGER_TEXT_MAX + 1];
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = 'x';
	for (size_t n = LEDGER_TEXT_MAX; n <= LEDGER_TEXT_MAX + 1; n++) {
		struct wr w = wr_of(t.message, sizeof(t.message));
		struct sign_request q = stand_request(1, SIGN_ALG_ANY);
		sign_add_text(&q, CLAIM_GRANT_ID, (str){ text, n });
		sign_batch_begin(&w, SIGN_REQUESTS);
		assert_true(sign_batch_add_request(&w, &q));
		stand_ask(&t, 0, wr_bytes(&w));
		assert_false(failed(stand_serve(&t)));
		assert_answers(0, 1, 1, n > LEDGER_TEXT_MAX ? CH_E_INVALID_REQUEST : CH_OK);
	}
}

/* Ends it, and gives nothing out. */
static void assert_ends(bytes message, enum ch_code code)
{
	stand_reset(&t);
	ask_some(0, 1, 1);
	ask_some(1, 2, 1);
	assert_false(failed(stand_turn(&t)));
	assert_false(failed(channel_send(t.ledger, message, NULL)));
	assert_int_equal(ch_code_of(stand_turn(&t)), code);
	assert_silence(0);
	assert_silence(1);
}

static void a_ledger_that_answers_wrongly_ends_it(void **state)
{
	(void)state;
	static const uint8_t junk[] = { LEDGER_APPENDED, WIRE_VERSION, 0 };
	static const struct ledger_appended wrong[] = {
		{ .seq = 2 }, { .seq = 3 }, { .seq = UINT64_MAX }, { .seq = 2, .code = CH_E_LOG }
	};
	uint8_t room[64];
	assert_ends(BYTES_OF(junk), CH_E_PROTOCOL);
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct wr w = wr_of(room, sizeof(room));
		ledger_appended_write(&w, &wrong[i]);
		assert_ends(wr_bytes(&w), CH_E_PROTOCOL);
		wr_u8(&w, 0);
		assert_ends(wr_bytes(&w), CH_E_PROTOCOL);
	}
}

static void it_answers_once(void **state)
{
	(void)state;
	uint8_t room[64];
	struct wr w = wr_of(room, sizeof(room));
	const struct ledger_appended a = { .seq = 1 };
	ledger_appended_write(&w, &a);
	ask_some(0, 1, 1);
	assert_false(failed(stand_turn(&t)));
	assert_false(failed(channel_send(t.ledger, wr_bytes(&w), NULL)));
	assert_false(failed(stand_turn(&t)));
	assert_false(failed(channel_send(t.ledger, wr_bytes(&w), NULL)));
	assert_int_equal(ch_code_of(stand_turn(&t)), CH_E_PROTOCOL);
}

static void without_a_ledger_it_ends(void **state)
{
	(void)state;
	ask_some(0, 1, 1);
	assert_false(failed(stand_turn(&t)));
	fd_close(&t.ledger);
	assert_int_equal(ch_code_of(stand_turn(&t)), CH_E_GONE);
	assert_silence(0);
	stand_reset(&t);
	fd_close(&t.ledger);
	ask_some(0, 1, 1);
	assert_int_equal(ch_code_of(stand_turn(&t)), CH_E_GONE);
	assert_silence(0);
}

static void an_issuer_that_has_gone_leaves_nothing_behind(void **state)
{
	(void)state;
	ask_some(0, 1, 30);
	ask_some(1, 50, 30);
	assert_false(failed(stand_turn(&t)));
	fd_close(&t.issuers[0]);
	assert_false(failed(stand_serve(&t)));
	assert_answers(1, 50, 30, CH_OK);
	for (size_t i = 0; i < BATCHES_MAX; i++)
		assert_int_equal(t.signer.batches[i].state, BATCH_FREE);
	ask_some(1, 70, 3);
	assert_false(failed(stand_serve(&t)));
	assert_answers(1, 70, 3, CH_OK);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_signed_before_it_is_logged),
		TEST(an_entry_says_what_the_token_says),
		TEST(an_id_token_s_client_is_its_party_or_audience),
		TEST(two_wait_for_the_log_and_a_third_is_not_read),
		TEST(what_the_log_refuses_is_refused),
		TEST(what_is_not_granted_is_not_logged),
		TEST(names_too_long_for_the_journal_are_refused),
		TEST(a_ledger_that_answers_wrongly_ends_it),
		TEST(it_answers_once),
		TEST(without_a_ledger_it_ends),
		TEST(an_issuer_that_has_gone_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
