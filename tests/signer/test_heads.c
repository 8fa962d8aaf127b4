/* The duty of the other instance: a head that goes on from the last one is signed twice, as a note
 * and with the time; any other is refused, also after a change of generations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "merkle/checkpoint.h"
#include "merkle/source.h"
#include "signer_internal.h"

enum { LEAVES = 40 };

static struct {
	struct signer signer;
	struct signer_status status;
	int ledger;
	struct note_key log;
	struct merkle_hash leaves[LEAVES];
	uint8_t note[LEDGER_NOTE_MAX];
} t = { .ledger = -1 };

static int set_up(void **state)
{
	struct key_parts parts;
	struct signer *s = &t.signer;
	(void)state;
	assert_false(failed(crypto_init(NULL)));
	assert_false(failed(private_key_generate(ALG_EDDSA, &s->keys[0].key)));
	s->status = &t.status;
	s->control = -1;
	s->ledger = -1;
	s->config.log_origin = LIT("login.example/log");
	s->config.n_keys = 1;
	assert_false(failed(private_key_public(s->keys[0].key, &parts)));
	assert_false(failed(note_key_make(s->config.log_origin, NOTE_ED25519, parts.x, &t.log)));
	for (size_t i = 0; i < LEAVES; i++)
		merkle_leaf((bytes){ (const uint8_t *)&i, sizeof(i) }, &t.leaves[i]);
	return 0;
}

/* A new generation; it knows what the page says, if it is told. */
static void begin(bool told)
{
	struct signer *s = &t.signer;
	struct status_head h;
	int pair[2];
	fd_close(&t.ledger);
	fd_close(&s->ledger);
	assert_false(failed(channel_pair(pair)));
	t.ledger = pair[0];
	s->ledger = pair[1];
	s->config.has_head = told && status_head(&t.status, &h);
	if (s->config.has_head) {
		s->config.head.size = h.size;
		mem_copy(s->config.head.root, h.root, sizeof(h.root));
	}
	t.status = (struct signer_status){ .n_modules = 0 };
	assert_false(failed(heads_begin(s)));
}

static int fresh(void **state)
{
	(void)state;
	t.status = (struct signer_status){ .n_modules = 0 };
	begin(false);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fd_close(&t.ledger);
	fd_close(&t.signer.ledger);
	private_key_done(&t.signer.keys[0].key);
	return 0;
}

static struct merkle_hash root_of(size_t from, size_t n)
{
	struct merkle_edge e = { .size = 0 };
	struct merkle_hash root;
	for (size_t i = from; i < from + n; i++)
		merkle_edge_add(&e, &t.leaves[i]);
	merkle_edge_root(&e, &root);
	return root;
}

static size_t half_of(size_t n)
{
	size_t k = 1;
	while (2 * k < n)
		k *= 2;
	return k;
}

static void put(struct ledger_head *h, struct merkle_hash x)
{
	mem_copy(h->proof[h->n_proof++].b, x.b, sizeof(x.b));
}

/* RFC 6962 section 2.1.2, SUBPROOF, as it stands there. */
static void subproof(struct ledger_head *h, size_t m, size_t from, size_t n, bool whole)
{
	size_t k = half_of(n);
	if (m == n) {
		if (!whole)
			put(h, root_of(from, n));
		return;
	}
	if (m <= k) {
		subproof(h, m, from, k, whole);
		put(h, root_of(from + k, n - k));
		return;
	}
	subproof(h, m - k, from + k, n - k, false);
	put(h, root_of(from, k));
}

static struct ledger_head head_of(size_t old, size_t size)
{
	struct ledger_head h = { .old_size = old, .size = size };
	struct merkle_hash old_root = root_of(0, old), root = root_of(0, size);
	mem_copy(h.old_root.b, old_root.b, sizeof(old_root.b));
	mem_copy(h.root.b, root.b, sizeof(root.b));
	if (old > 0 && old < size)
		subproof(&h, old, 0, size, true);
	return h;
}

static struct ledger_head_signed ask(const struct ledger_head *h)
{
	static uint8_t room[LEDGER_HEAD_SIGNED_MAX];
	uint8_t message[LEDGER_HEAD_MAX];
	struct wr w = wr_of(message, sizeof(message));
	struct ledger_head_signed s;
	bytes got = { 0 };
	ledger_head_write(&w, h);
	assert_false(failed(channel_send(t.ledger, wr_bytes(&w), NULL)));
	assert_false(failed(heads_turn(&t.signer)));
	assert_false(failed(channel_recv(t.ledger, room, sizeof(room), &got, NULL)));
	assert_false(failed(ledger_head_signed_read(got, &s)));
	return s;
}

static void assert_signed(const struct ledger_head *h)
{
	int64_t before_s = clock_unix_s();
	static struct log_head read;
	struct ledger_head_signed s = ask(h);
	assert_int_equal(s.code, CH_OK);
	assert_int_equal(s.size, h->size);
	assert_false(failed(log_head_open(str_of_bytes(s.note), &t.log, &read)));
	assert_int_equal(read.c.size, h->size);
	assert_true(mem_eq(read.c.root.b, h->root.b, sizeof(h->root.b)));
	assert_true(str_eq(read.c.origin, LIT("login.example/log")));
	assert_in_range(read.time_s, before_s, clock_unix_s());
	assert_int_equal(read.note.n, 2);
}

static void assert_refused(const struct ledger_head *h, enum ch_code code, uint64_t last)
{
	uint64_t heads = t.status.heads;
	struct ledger_head_signed s = ask(h);
	assert_int_equal(s.code, code);
	assert_int_equal(s.size, last);
	assert_int_equal(s.note.n, 0);
	assert_int_equal(t.status.heads, heads);
}

static void every_step_forward_is_signed(void **state)
{
	(void)state;
	size_t last = 0;
	for (size_t size = 0; size <= LEAVES; size += size % 3 + (size > 0)) {
		struct ledger_head h = head_of(last, size);
		assert_signed(&h);
		/* again, with a new time */
		h = head_of(size, size);
		assert_signed(&h);
		last = size;
		if (size == 0)
			size = 1;
	}
}

static void a_tree_that_shrinks_is_refused(void **state)
{
	(void)state;
	struct ledger_head h = head_of(0, 20);
	assert_signed(&h);
	h = head_of(0, 19);
	assert_refused(&h, CH_E_DENIED, 20);
	h = head_of(19, 19);
	assert_refused(&h, CH_E_DENIED, 20);
	h = head_of(20, 20);
	h.size = 19;
	assert_refused(&h, CH_E_DENIED, 20);
	h = head_of(20, 21);
	assert_signed(&h);
}

static void another_tree_is_refused(void **state)
{
	(void)state;
	struct ledger_head h = head_of(0, 20), good;
	assert_signed(&h);
	good = head_of(20, 33);
	for (size_t i = 0; i < good.n_proof; i++) {
		h = good;
		h.proof[i].b[i] ^= 1;
		assert_refused(&h, CH_E_DENIED, 20);
	}
	h = good;
	h.root.b[31] ^= 1;
	assert_refused(&h, CH_E_DENIED, 20);
	h = good;
	h.old_root.b[0] ^= 1;
	assert_refused(&h, CH_E_DENIED, 20);
	h = good;
	h.n_proof--;
	assert_refused(&h, CH_E_DENIED, 20);
	h = head_of(20, 20);
	h.root.b[3] ^= 1;
	assert_refused(&h, CH_E_DENIED, 20);
	/* an empty beginning is none of what was signed */
	h = head_of(0, 33);
	h.root.b[3] ^= 1;
	assert_refused(&h, CH_E_MISMATCH, 20);
	assert_signed(&good);
}

static void a_ledger_that_was_behind_hears_from_where_to_go_on(void **state)
{
	(void)state;
	struct ledger_head h = head_of(0, 20);
	assert_signed(&h);
	h = head_of(7, 25);
	assert_refused(&h, CH_E_MISMATCH, 20);
	h = head_of(20, 25);
	assert_signed(&h);
}

static void the_next_generation_is_not_led_back(void **state)
{
	(void)state;
	struct ledger_head h = head_of(0, 20);
	assert_signed(&h);
	for (int i = 0; i < 3; i++) {
		begin(true);
		h = head_of(0, 10);
		assert_refused(&h, CH_E_DENIED, 20);
		h = head_of(10, 22);
		assert_refused(&h, CH_E_MISMATCH, 20);
	}
	h = head_of(20, 22);
	assert_signed(&h);
	begin(true);
	h = head_of(20, 22);
	assert_refused(&h, CH_E_MISMATCH, 22);
	/* one that knows nothing takes what is consistent in itself */
	begin(false);
	h = head_of(10, 22);
	h.proof[0].b[0] ^= 1;
	assert_refused(&h, CH_E_DENIED, 0);
	h = head_of(10, 22);
	assert_signed(&h);
}

static void what_is_no_head_ends_it(void **state)
{
	(void)state;
	static const uint8_t junk[] = { LEDGER_HEAD, WIRE_VERSION, 1, 2, 3 };
	assert_false(failed(channel_send(t.ledger, BYTES_OF(junk), NULL)));
	assert_int_equal(ch_code_of(heads_turn(&t.signer)), CH_E_PROTOCOL);
	fd_close(&t.ledger);
	assert_int_equal(ch_code_of(heads_turn(&t.signer)), CH_E_GONE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
	const struct CMUnitTest tests[] = {
		TEST(every_step_forward_is_signed),
		TEST(a_tree_that_shrinks_is_refused),
		TEST(another_tree_is_refused),
		TEST(a_ledger_that_was_behind_hears_from_where_to_go_on),
		TEST(the_next_generation_is_not_led_back),
		TEST(what_is_no_head_ends_it),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
