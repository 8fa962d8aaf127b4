/* A signed note made of anything: its parts are slices of it in their order; and a verifier key,
 * which has one spelling. */
#include <assert.h>

#include "codec/base64.h"
#include "merkle/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note_read(str text)
{
	static struct note n;
	static const uint8_t key[NOTE_KEY_SIZE];
	struct note_key k;
	int64_t time_s = 0;
	if (failed(note_open(text, &n)))
		return;
	assert(n.n > 0 && n.body.p == text.p && str_ends(n.body, LIT("\n")));
	size_t left = text.n - n.body.n - 1;
	for (size_t i = 0; i < n.n; i++) {
		assert(note_name_ok(n.lines[i].name));
		left -= 4 + n.lines[i].name.n + 1 + n.lines[i].base64.n + 1;
	}
	assert(left == 0);
	assert(!failed(note_key_make(n.lines[0].name, NOTE_ED25519, key, &k)));
	k.id = n.lines[0].id;
	assert(failed(note_check(&n, &k)));
	k.type = NOTE_COSIGNATURE;
	assert(failed(cosignature_check(&n, &k, &time_s)));
}

static void vkey_back(str text)
{
	static uint8_t room[NOTE_VKEY_MAX];
	struct note_key k;
	struct wr w = wr_of(room, sizeof(room));
	if (failed(vkey_read(text, &k)))
		return;
	vkey_write(&w, &k);
	assert(!w.full && str_eq(wr_text(&w), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	str text = { (const char *)data, size };
	note_read(text);
	vkey_back(text);
	return 0;
}
