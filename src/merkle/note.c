/* Signed notes: taking apart, keys, checking, writing. A note is a stranger's until a signature
 * of a known key was checked; whoever reads its body before that must not act on it. */
#include "merkle/note.h"

#include <assert.h>

#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/hash.h"
#include "crypto/public_key.h"
#include "internal.h"

#define DASH "\xe2\x80\x94 " /* U+2014 and a space */
enum {
	ID_SIZE = 4,
	TIME_SIZE = 8,
	SIGNATURE = NOTE_SIGNATURE_SIZE,
	TEXT_HEAD_MAX = 64, /* of what a cosignature is made over, before the body */
};

/* --- names and keys --- */

/* Unicode's spaces beyond ASCII, as UTF-8. */
static const char *const spaces[] = { "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80",
				      "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",
				      "\xe2\x81\x9f", "\xe3\x80\x80" };

static bool space_at(str s, size_t at)
{
	str left = str_sub(s, at, 3);
	if (left.n == 3 && str_starts(left, LIT("\xe2\x80")) && (uint8_t)left.p[2] >= 0x80 &&
	    (uint8_t)left.p[2] <= 0x8a)
		return true;
	for (size_t i = 0; i < COUNT_OF(spaces); i++)
		if (str_starts(left, str_from_c(spaces[i])))
			return true;
	return false;
}

bool note_name_ok(str name)
{
	if (name.n == 0 || name.n > NOTE_NAME_MAX || !utf8_ok(name))
		return false;
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = (uint8_t)name.p[i];
		if (c <= ' ' || c == '+' || c == 0x7f || (c > 0x7f && space_at(name, i)))
			return false;
	}
	return true;
}

/* SHA-256(name ‖ newline ‖ type ‖ key), the first four bytes. */
static uint32_t id_of(str name, uint8_t type, const uint8_t key[static NOTE_KEY_SIZE])
{
	uint8_t text[NOTE_NAME_MAX + 2 + NOTE_KEY_SIZE], hash[SHA256_SIZE];
	struct wr w = wr_of(text, sizeof(text));
	wr_str(&w, name);
	wr_char(&w, '\n');
	wr_u8(&w, type);
	wr_put(&w, (bytes){ key, NOTE_KEY_SIZE });
	assert(!w.full);
	sha256(wr_bytes(&w), hash);
	struct rd r = rd_of((bytes){ hash, ID_SIZE });
	return rd_u32(&r);
}

ch_err note_key_make(str name, enum note_type type, const uint8_t key[static NOTE_KEY_SIZE],
		     struct note_key *ret_k)
{
	if (!note_name_ok(name))
		return ch_fail(CH_E_SYNTAX, "no name of a key: no spaces and no '+' in it", name.n);
	struct note_key k = { .name = name, .type = (uint8_t)type };
	mem_copy(k.key, key, NOTE_KEY_SIZE);
	k.id = id_of(name, k.type, key);
	*ret_k = k;
	return CH_DONE;
}

static bool hex_read(str hex, uint32_t *ret_v)
{
	uint32_t v = 0;
	for (size_t i = 0; i < hex.n; i++) {
		char c = hex.p[i];
		bool digit = c >= '0' && c <= '9';
		if (!digit && (c < 'a' || c > 'f'))
			return false;
		v = v << 4 | (uint32_t)(digit ? c - '0' : c - 'a' + 10);
	}
	*ret_v = v;
	return hex.n == 2 * ID_SIZE;
}

ch_err vkey_read(str text, struct note_key *ret_k)
{
	uint8_t raw[1 + NOTE_KEY_SIZE];
	struct wr w = wr_of(raw, sizeof(raw));
	struct note_key k;
	uint32_t id = 0;
	size_t n = 0;
	str left = text;
	str name = str_cut(&left, '+'), hex = str_cut(&left, '+');
	if (!left.p || !hex_read(hex, &id) || !base64_ok(left, &n) || n == 0)
		return ch_fail(CH_E_SYNTAX, "no verifier key: NAME+ID+KEY is one", text.n);
	if (n != sizeof(raw) || failed(base64_read(left, &w)) ||
	    (raw[0] != NOTE_ED25519 && raw[0] != NOTE_COSIGNATURE))
		return ch_fail(CH_E_UNSUPPORTED, "the verifier key is not of Ed25519", n);
	TRY(note_key_make(name, raw[0], raw + 1, &k));
	if (k.id != id)
		return ch_fail(CH_E_MISMATCH, "the verifier key's id is not its own", id);
	*ret_k = k;
	return CH_DONE;
}

static void id_write(uint8_t raw[static ID_SIZE], uint32_t id)
{
	struct wr w = wr_of(raw, ID_SIZE);
	wr_u32(&w, id);
}

void vkey_write(struct wr *w, const struct note_key *k)
{
	uint8_t id[ID_SIZE], raw[1 + NOTE_KEY_SIZE];
	id_write(id, k->id);
	raw[0] = k->type;
	mem_copy(raw + 1, k->key, NOTE_KEY_SIZE);
	wr_str(w, k->name);
	wr_char(w, '+');
	wr_hex(w, BYTES_OF(id));
	wr_char(w, '+');
	base64_write(w, BYTES_OF(raw));
}

/* --- reading --- */

static bool controls_in(str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((uint8_t)text.p[i] < ' ' && text.p[i] != '\n')
			return true;
	return false;
}

static bool line_read(str text, struct note_line *ret_l)
{
	uint8_t head[6];
	struct wr w = wr_of(head, sizeof(head));
	size_t n = 0;
	if (!str_starts(text, LIT(DASH)))
		return false;
	str left = str_sub(text, sizeof(DASH) - 1, text.n);
	struct note_line l = { .name = str_cut(&left, ' ') };
	if (!left.p || !note_name_ok(l.name) || !base64_ok(left, &n) || n <= ID_SIZE)
		return false;
	l.base64 = left;
	if (failed(base64_read(str_sub(left, 0, 4), &w)) ||
	    failed(base64_read(str_sub(left, 4, 4), &w)))
		return false;
	struct rd r = rd_of((bytes){ head, ID_SIZE });
	l.id = rd_u32(&r);
	*ret_l = l;
	return true;
}

static ch_err not_a_note(size_t n)
{
	return ch_fail(CH_E_SYNTAX, "this is no signed note", n);
}

/* The last empty line ends the body. */
static bool body_cut(str text, str *ret_body, str *ret_lines)
{
	for (size_t i = text.n; i > 1; i--) {
		if (text.p[i - 1] != '\n' || text.p[i - 2] != '\n')
			continue;
		*ret_body = str_sub(text, 0, i - 1);
		*ret_lines = str_sub(text, i, text.n);
		return true;
	}
	return false;
}

ch_err note_open(str text, struct note *ret_n)
{
	str body = { 0 }, left = { 0 }, line = { 0 };
	if (text.n > NOTE_MAX)
		return ch_fail(CH_E_LIMIT, "the signed note is too long", text.n);
	if (!utf8_ok(text) || controls_in(text) || !body_cut(text, &body, &left) || left.n == 0)
		return not_a_note(text.n);
	ret_n->n = 0;
	while (left.n > 0) {
		if (ret_n->n == NOTE_LINES_MAX)
			return ch_fail(CH_E_LIMIT, "too many signatures on a note", ret_n->n);
		if (!line_take(&left, &line) || !line_read(line, &ret_n->lines[ret_n->n]))
			return not_a_note(ret_n->n);
		ret_n->n++;
	}
	ret_n->body = body;
	return CH_DONE;
}

/* The signature behind the key id in this key's line. */
static ch_err signature_of(const struct note *n, const struct note_key *k, struct wr *ret_raw)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct note_line *l = &n->lines[i];
		if (l->id == k->id && str_eq(l->name, k->name))
			return base64_read(l->base64, ret_raw);
	}
	return ch_fail(CH_E_MISSING, "the note has no signature of this key", n->n);
}

static ch_err bad_signature(uint64_t detail)
{
	return ch_fail(CH_E_MISMATCH, "a signature on the note does not verify", detail);
}

ch_err note_check(const struct note *n, const struct note_key *k)
{
	uint8_t raw[ID_SIZE + SIGNATURE];
	struct wr w = wr_of(raw, sizeof(raw));
	assert(k->type == NOTE_ED25519);
	ch_err e = signature_of(n, k, &w);
	if (failed(e) && ch_code_of(e) == CH_E_MISSING)
		return e;
	if (failed(e) || w.n != sizeof(raw) ||
	    failed(ed25519_verify(k->key, bytes_of_str(n->body),
				  (bytes){ raw + ID_SIZE, SIGNATURE })))
		return bad_signature(w.n);
	return CH_DONE;
}

void cosignature_text(struct wr *w, int64_t time_s, str body)
{
	wr_lit(w, "cosignature/v1\ntime ");
	wr_dec(w, (uint64_t)time_s);
	wr_char(w, '\n');
	wr_str(w, body);
}

ch_err cosignature_check(const struct note *n, const struct note_key *k, int64_t *ret_time_s)
{
	uint8_t raw[ID_SIZE + TIME_SIZE + SIGNATURE];
	uint8_t text[TEXT_HEAD_MAX + NOTE_BODY_MAX];
	struct wr w = wr_of(raw, sizeof(raw)), t = wr_of(text, sizeof(text));
	assert(k->type == NOTE_COSIGNATURE);
	ch_err e = signature_of(n, k, &w);
	if (failed(e) && ch_code_of(e) == CH_E_MISSING)
		return e;
	if (failed(e) || w.n != sizeof(raw))
		return bad_signature(w.n);
	struct rd r = rd_of((bytes){ raw + ID_SIZE, TIME_SIZE });
	int64_t time_s = rd_i64(&r);
	if (time_s < 0)
		return bad_signature(0);
	cosignature_text(&t, time_s, n->body);
	TRY(wr_done(&t));
	if (failed(ed25519_verify(k->key, wr_bytes(&t),
				  (bytes){ raw + ID_SIZE + TIME_SIZE, SIGNATURE })))
		return bad_signature(0);
	*ret_time_s = time_s;
	return CH_DONE;
}

ch_err cosignatures_count(const struct note *n, const struct note_key *keys, size_t count,
			  int64_t oldest_s, size_t *ret_n)
{
	size_t good = 0;
	for (size_t i = 0; i < count; i++) {
		int64_t time_s = -1;
		ch_err e = cosignature_check(n, &keys[i], &time_s);
		if (failed(e) && ch_code_of(e) != CH_E_MISSING)
			return e;
		good += !failed(e) && time_s >= oldest_s;
	}
	*ret_n = good;
	return CH_DONE;
}

/* --- writing --- */

static void line_write(struct wr *w, const struct note_key *k, bytes signature)
{
	uint8_t raw[ID_SIZE + TIME_SIZE + SIGNATURE];
	struct wr r = wr_of(raw, sizeof(raw));
	wr_u32(&r, k->id);
	wr_put(&r, signature);
	wr_lit(w, DASH);
	wr_str(w, k->name);
	wr_char(w, ' ');
	base64_write(w, wr_bytes(&r));
	wr_char(w, '\n');
}

void note_line_write(struct wr *w, const struct note_key *k,
		     const uint8_t signature[static NOTE_SIGNATURE_SIZE])
{
	assert(k->type == NOTE_ED25519);
	line_write(w, k, (bytes){ signature, NOTE_SIGNATURE_SIZE });
}

void cosignature_line_write(struct wr *w, const struct note_key *k, int64_t time_s,
			    const uint8_t signature[static NOTE_SIGNATURE_SIZE])
{
	uint8_t raw[TIME_SIZE + SIGNATURE];
	struct wr r = wr_of(raw, sizeof(raw));
	assert(k->type == NOTE_COSIGNATURE && time_s >= 0);
	wr_i64(&r, time_s);
	wr_put(&r, (bytes){ signature, NOTE_SIGNATURE_SIZE });
	line_write(w, k, wr_bytes(&r));
}
