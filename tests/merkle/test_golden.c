/* What Go's sumdb/tlog and sumdb/note made (golden/main.go): roots, proofs, paths, keys, a signed
 * and cosigned head. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/base64.h"
#include "golden.h"
#include "merkle/checkpoint.h"
#include "merkle/proof.h"
#include "plain.h"

static str root_text(const struct merkle_hash *h)
{
	static uint8_t room[44];
	struct wr w = wr_of(room, sizeof(room));
	base64_write(&w, BYTES_OF(h->b));
	return wr_text(&w);
}

static void test_roots(void **state)
{
	struct merkle_edge e = { 0 };
	struct merkle_hash root;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(golden_roots); i++) {
		while (e.size < golden_roots[i].size)
			merkle_edge_add(&e, &plain_leaves()[e.size]);
		merkle_edge_root(&e, &root);
		assert_true(str_eq(root_text(&root), str_from_c(golden_roots[i].root)));
	}
}

static void same_lines(const struct merkle_proof *p, str lines)
{
	for (size_t i = 0; i < p->n; i++)
		assert_true(str_eq(root_text(&p->h[i]), str_cut(&lines, '\n')));
	assert_int_equal(lines.n, 0);
}

static void test_proofs(void **state)
{
	struct plain_log l = plain_log_of(1000);
	struct merkle_proof p;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(golden_proofs); i++) {
		uint64_t index = golden_proofs[i].index, size = golden_proofs[i].size;
		assert_false(failed(merkle_prove_inclusion(&l.s, index, size, &p)));
		same_lines(&p, str_from_c(golden_proofs[i].proof));
	}
	for (size_t i = 0; i < COUNT_OF(golden_trees); i++) {
		uint64_t old = golden_trees[i].old, size = golden_trees[i].size;
		assert_false(failed(merkle_prove_consistency(&l.s, old, size, &p)));
		same_lines(&p, str_from_c(golden_trees[i].proof));
	}
}

static void test_paths(void **state)
{
	uint8_t room[TILE_PATH_MAX];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(golden_paths); i++) {
		struct tile_id t = { .n = golden_paths[i].n,
				     .width = golden_paths[i].width,
				     .level = (uint8_t)golden_paths[i].level };
		struct tile_id back = { 0 };
		str path = str_from_c(golden_paths[i].path);
		struct wr w = wr_of(room, sizeof(room));
		tile_path_write(&w, &t);
		assert_true(str_eq(wr_text(&w), path));
		assert_false(failed(tile_path_read(path, &back)));
		assert_true(back.n == t.n && back.width == t.width && back.level == t.level &&
			    !back.entries);
	}
}

static void test_head(void **state)
{
	struct note_key log, witness;
	struct log_head h;
	int64_t time_s = 0;
	size_t good = 0;
	(void)state;
	assert_false(failed(vkey_read(LIT(GOLDEN_VKEY), &log)));
	assert_false(failed(vkey_read(LIT(GOLDEN_WITNESS), &witness)));
	assert_int_equal(log.type, NOTE_ED25519);
	assert_int_equal(witness.type, NOTE_COSIGNATURE);
	assert_false(failed(log_head_open(str_from_c(golden_witnessed), &log, &h)));
	assert_int_equal(h.c.size, 1000);
	assert_int_equal(h.time_s, 1795396127);
	assert_true(
		str_eq(root_text(&h.c.root), LIT("5ZNpLPwhFhUZimWE88xhqqfRPNRHEZlHwMYpDycfFeg=")));
	assert_false(failed(cosignature_check(&h.note, &witness, &time_s)));
	assert_int_equal(time_s, 1795396128);
	assert_false(failed(cosignatures_count(&h.note, &witness, 1, time_s, &good)));
	assert_int_equal(good, 1);
	assert_false(failed(cosignatures_count(&h.note, &witness, 1, time_s + 1, &good)));
	assert_int_equal(good, 0);
	assert_false(failed(log_head_open(str_from_c(golden_head), &log, &h)));
	assert_int_equal(ch_code_of(cosignature_check(&h.note, &witness, &time_s)), CH_E_MISSING);
	assert_false(failed(cosignatures_count(&h.note, &witness, 1, 0, &good)));
	assert_int_equal(good, 0);
}

/* The examples in the text of c2sp.org/signed-note. */
static void test_published_note(void **state)
{
	struct note_key k;
	struct note n;
	(void)state;
	assert_false(failed(vkey_read(
		LIT("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"), &k)));
	assert_false(failed(note_open(
		LIT("This is an example message.\n\n\xe2\x80\x94 example.com/foo "
		    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuw"
		    "HjG1Yu72IneyaQM=\n"),
		&n)));
	assert_false(failed(note_check(&n, &k)));
	assert_true(str_eq(n.body, LIT("This is an example message.\n")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roots),          cmocka_unit_test(test_proofs),
		cmocka_unit_test(test_paths),          cmocka_unit_test(test_head),
		cmocka_unit_test(test_published_note),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
