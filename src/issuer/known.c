/* A browser from which somebody has signed in before: its tries are counted apart, so that a
 * stranger who guesses at a name cannot keep its owner out. The cookie says that and no more: it
 * has a random number and our tag over it and the name, and it signs nobody in. */
#include "base/rand.h"
#include "codec/base64url.h"
#include "rules.h"

enum { ID_TEXT = 22, TAG_TEXT = 43, NAME_CAP = 128 };
_Static_assert(KNOWN_SIZE == ID_TEXT + 1 + TAG_TEXT, "id.tag");

static void known_make(const uint8_t key[static MAC_KEY_SIZE], str realm, str username, str id,
		       struct wr *w)
{
	uint8_t covered[512], tag[MAC_SIZE];
	struct wr c = wr_of(covered, sizeof(covered));
	wr_lit(&c, "known browser");
	wr_bytes32(&c, bytes_of_str(id));
	wr_bytes32(&c, bytes_of_str(str_sub(realm, 0, NAME_CAP)));
	/* without ASCII case, as the store compares */
	for (size_t i = 0; i < username.n && i < NAME_CAP; i++) {
		char a = username.p[i];
		wr_char(&c, a >= 'A' && a <= 'Z' ? (char)(a | 0x20) : a);
	}
	mac(key, wr_bytes(&c), tag);
	wr_str(w, id);
	wr_char(w, '.');
	base64url_write(w, BYTES_OF(tag));
}

void known_write(const uint8_t key[static MAC_KEY_SIZE], str realm, str username, struct wr *w)
{
	uint8_t random[16];
	char id[ID_TEXT];
	struct wr text = wr_of(id, sizeof(id));
	rand_fill(random, sizeof(random));
	base64url_write(&text, BYTES_OF(random));
	known_make(key, realm, username, wr_text(&text), w);
}

bool known_ok(const uint8_t key[static MAC_KEY_SIZE], str realm, str username, str value)
{
	char want[KNOWN_SIZE];
	struct wr w = wr_of(want, sizeof(want));
	if (value.n != KNOWN_SIZE)
		return false;
	known_make(key, realm, username, str_sub(value, 0, ID_TEXT), &w);
	return !w.full && mem_eq_ct(want, value.p, sizeof(want));
}
