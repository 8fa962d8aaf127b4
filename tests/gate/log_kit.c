/* The tiles are computed from the entries each time, the plain way. */
#include "log_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/hash.h"

#define MUST(e) assert_false(failed(e))

/* Each leaf goes through here, so of neighbours: [from, from + n). */
static void subtree(const struct kit_log *l, uint64_t from, uint64_t n,
		    struct merkle_hash *ret_root)
{
	struct merkle_edge e = { 0 };
	for (uint64_t i = 0; i < n; i++)
		merkle_edge_add(&e, &l->entries[from + i].leaf);
	merkle_edge_root(&e, ret_root);
}

/* Full, or as a head that was made has it. */
static bool exists(const struct kit_log *l, const struct tile_id *t)
{
	for (size_t i = 0; i < l->n_published; i++) {
		struct tile_id have;
		if (tile_of(l->published[i], t->level, t->n, &have) &&
		    (have.width == t->width || have.width == TILE_WIDTH))
			return have.width == t->width || t->width == TILE_WIDTH;
	}
	return false;
}

static ch_err get(struct tile_source *s, const struct tile_id *t, struct wr *ret_tile)
{
	struct kit_log *l = (struct kit_log *)s;
	uint64_t each = 1;
	if (l->slow && l->asked++ % 2 == 0)
		return ch_fail(CH_E_BUSY, "later", 0);
	if (!exists(l, t) || (t->entries && t->n < l->gone))
		return ch_fail(CH_E_NOT_FOUND, "no such tile", t->n);
	for (unsigned i = 0; i < t->level; i++)
		each *= TILE_WIDTH;
	for (uint64_t i = t->n * TILE_WIDTH; i < t->n * TILE_WIDTH + t->width; i++) {
		struct merkle_hash h;
		if (t->entries) {
			struct kit_entry e = l->entries[i];
			if (l->damaged && i == l->size - 1)
				e.text[LOG_ENTRY_HASH_AT] ^= 1;
			bundle_put(ret_tile, (bytes){ e.text, e.n });
			continue;
		}
		subtree(l, i * each, each, &h);
		wr_put(ret_tile, BYTES_OF(h.b));
	}
	return CH_DONE;
}

void kit_open(struct kit_log *l)
{
	struct key_parts parts;
	*l = (struct kit_log){ .tiles = { get } };
	l->entries = calloc(KIT_ENTRIES, sizeof(*l->entries));
	assert_non_null(l->entries);
	MUST(private_key_generate(ALG_EDDSA, &l->key));
	MUST(private_key_public(l->key, &parts));
	MUST(note_key_make(LIT("login.test/log"), NOTE_ED25519, parts.x, &l->verifier));
}

void kit_close(struct kit_log *l)
{
	private_key_free(l->key);
	free(l->entries);
}

void kit_identity(uint64_t number, uint8_t ret_id[static LIVE_ID_SIZE])
{
	sha256((bytes){ (const uint8_t *)&number, sizeof(number) }, ret_id);
}

void kit_add_typ(struct kit_log *l, uint64_t number, int64_t iat_s, int64_t exp_s, uint8_t typ)
{
	struct log_entry e = {
		.iat_s = iat_s, .exp_s = exp_s, .realm = LIT("home"), .kid = LIT("k1"), .typ = typ
	};
	assert_true(l->size < KIT_ENTRIES);
	struct kit_entry *to = &l->entries[l->size++];
	struct wr w = wr_of(to->text, sizeof(to->text));
	kit_identity(number, e.hash);
	MUST(log_entry_write(&w, &e));
	to->n = (uint8_t)w.n;
	merkle_leaf(wr_bytes(&w), &to->leaf);
}

void kit_add(struct kit_log *l, uint64_t number, int64_t iat_s, int64_t exp_s)
{
	kit_add_typ(l, number, iat_s, exp_s, LOG_TYP_AT_JWT);
}

static void put_cosignature(struct wr *w, int64_t time_s, str body, const struct note_key *k,
			    struct private_key *key)
{
	uint8_t text[NOTE_BODY_MAX], sig[SIGNATURE_MAX];
	struct wr t = wr_of(text, sizeof(text));
	size_t n = 0;
	cosignature_text(&t, time_s, body);
	MUST(private_key_sign(key, wr_bytes(&t), sig, &n));
	cosignature_line_write(w, k, time_s, sig);
}

str kit_witnessed(struct kit_log *l, int64_t time_s, const struct note_key *witness,
		  struct private_key *key, uint8_t room[static KIT_NOTE])
{
	struct wr w = wr_of(room, KIT_NOTE);
	struct checkpoint c = { .origin = l->verifier.name, .size = l->size };
	struct note_key cosigner;
	uint8_t sig[SIGNATURE_MAX];
	size_t n = 0;
	subtree(l, 0, l->size, &c.root);
	l->published[l->n_published++ % KIT_HEADS] = l->size;
	l->n_published = l->n_published > KIT_HEADS ? KIT_HEADS : l->n_published;
	checkpoint_write(&w, &c);
	str body = wr_text(&w);
	wr_char(&w, '\n');
	MUST(private_key_sign(l->key, bytes_of_str(body), sig, &n));
	note_line_write(&w, &l->verifier, sig);
	MUST(note_key_make(l->verifier.name, NOTE_COSIGNATURE, l->verifier.key, &cosigner));
	put_cosignature(&w, time_s, body, &cosigner, l->key);
	if (witness)
		put_cosignature(&w, time_s, body, witness, key);
	MUST(wr_done(&w));
	return wr_text(&w);
}

str kit_head(struct kit_log *l, int64_t time_s, uint8_t room[static KIT_NOTE])
{
	return kit_witnessed(l, time_s, NULL, NULL, room);
}
