/* The body of a head: what reads is what is written, byte for byte. And as a signed head whose
 * signatures are all good (ed25519_verify is wrapped), so that what stands behind them is reached. */
#include <assert.h>

#include "crypto/public_key.h"
#include "merkle/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
ch_err __wrap_ed25519_verify(const uint8_t key[static 32], bytes text, bytes sig);

ch_err __wrap_ed25519_verify(const uint8_t key[static 32], bytes text, bytes sig)
{
	(void)key;
	assert(text.n > 0 && sig.n == 64);
	return CH_DONE;
}

static void body_read(str text)
{
	static uint8_t room[CHECKPOINT_BODY_MAX];
	struct checkpoint c;
	struct wr w = wr_of(room, sizeof(room));
	if (failed(checkpoint_read(text, &c)))
		return;
	checkpoint_write(&w, &c);
	assert(!w.full && w.n + c.extensions.n == text.n);
	assert(str_starts(text, wr_text(&w)) && str_ends(text, c.extensions));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct log_head h;
	static const uint8_t key[NOTE_KEY_SIZE];
	struct note_key log;
	str text = { (const char *)data, size };
	body_read(text);
	assert(!failed(note_key_make(LIT("log"), NOTE_ED25519, key, &log)));
	if (!failed(log_head_open(text, &log, &h)))
		assert(str_eq(h.c.origin, log.name) && h.time_s >= 0 && h.note.n >= 2);
	return 0;
}
