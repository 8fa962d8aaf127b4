/* Marks: `<rsa-prime:5f3a9c21>` again and again for what has 96 bits and more, else
 * `<password>****`, which says that there was one and, as the dump must keep its layout, how
 * long it was. A tag of 32 bits under a key that nobody keeps gives nothing away. */
#include "marks.h"

#include <assert.h>

#include "base/rw.h"

enum { GUESSABLE = 96 };

struct mark mark_of(const uint8_t key[static MAC_KEY_SIZE], enum value_kind kind, bytes id)
{
	struct mark m = { .kind = (uint8_t)kind, .tagged = value_kind_bits(kind) >= GUESSABLE };
	m.repeated = m.tagged;
	if (!m.tagged)
		return m;
	uint8_t hash[MAC_SIZE];
	keyed_hash(key, id, hash);
	m.tag = load_le32(hash);
	mem_wipe(hash, sizeof(hash));
	return m;
}

static size_t text_of(const struct mark *m, uint8_t text[static MARK_MAX])
{
	struct wr w = wr_of(text, MARK_MAX);
	uint8_t tag[4] = { (uint8_t)(m->tag >> 24), (uint8_t)(m->tag >> 16), (uint8_t)(m->tag >> 8),
			   (uint8_t)m->tag };
	wr_char(&w, '<');
	wr_str(&w, value_kind_name((enum value_kind)m->kind));
	if (m->tagged) {
		wr_char(&w, ':');
		wr_hex(&w, BYTES_OF(tag));
	}
	wr_char(&w, '>');
	assert(!w.full); /* the names of kinds are ours, and a test puts all of them */
	return w.n;
}

void mark_put(const struct mark *m, uint8_t *p, size_t n, uint64_t at, uint64_t size)
{
	uint8_t text[MARK_MAX] = { 0 };
	size_t length = text_of(m, text);
	bool fits = size >= length;
	size_t next = (size_t)(at % length);
	for (size_t i = 0; i < n; i++) {
		bool in_text = fits && (m->repeated || at + i < length);
		p[i] = in_text ? text[next] : '*';
		next = next + 1 == length ? 0 : next + 1;
	}
}
