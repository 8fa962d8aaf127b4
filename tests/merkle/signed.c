/* Keys and signed heads for tests. */
#include "signed.h"

#include <assert.h>

void test_signer_new(str name, struct test_signer *ret_s)
{
	struct key_parts parts;
	ret_s->key = NULL;
	assert(!failed(crypto_init(NULL)));
	assert(!failed(private_key_generate(ALG_EDDSA, &ret_s->key)));
	assert(!failed(private_key_public(ret_s->key, &parts)));
	assert(!failed(note_key_make(name, NOTE_ED25519, parts.x, &ret_s->note)));
	assert(!failed(note_key_make(name, NOTE_COSIGNATURE, parts.x, &ret_s->cosigner)));
}

void test_signer_done(struct test_signer *s)
{
	private_key_done(&s->key);
}

static void signature_of(const struct test_signer *s, bytes text, uint8_t *ret_sig)
{
	uint8_t sig[SIGNATURE_MAX];
	size_t n = 0;
	assert(!failed(private_key_sign(s->key, text, sig, &n)) && n == NOTE_SIGNATURE_SIZE);
	mem_copy(ret_sig, sig, n);
}

void test_sign(struct wr *w, const struct test_signer *s, str body)
{
	uint8_t sig[NOTE_SIGNATURE_SIZE];
	signature_of(s, bytes_of_str(body), sig);
	note_line_write(w, &s->note, sig);
}

void test_cosign(struct wr *w, const struct test_signer *s, str body, int64_t time_s)
{
	uint8_t sig[NOTE_SIGNATURE_SIZE], text[1024];
	struct wr t = wr_of(text, sizeof(text));
	cosignature_text(&t, time_s, body);
	assert(!t.full);
	signature_of(s, wr_bytes(&t), sig);
	cosignature_line_write(w, &s->cosigner, time_s, sig);
}

void test_head(struct wr *w, const struct test_signer *s, const struct checkpoint *c,
	       int64_t time_s)
{
	size_t start = w->n;
	checkpoint_write(w, c);
	assert(!w->full);
	uint8_t room[CHECKPOINT_BODY_MAX];
	str body = { (const char *)room, w->n - start };
	mem_copy(room, w->p + start, body.n);
	wr_char(w, '\n');
	test_sign(w, s, body);
	test_cosign(w, s, body, time_s);
}
