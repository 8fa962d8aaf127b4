/* Signed notes (https://c2sp.org/signed-note), verifier keys, and timestamped cosignatures
 * (https://c2sp.org/tlog-cosignature, cosignature/v1 with Ed25519). Pure. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"

enum {
	NOTE_MAX = 128 * 1024, /* bytes; 16 signatures of the longest kinds fit */
	NOTE_LINES_MAX = 32,
	NOTE_BODY_MAX = 4096, /* that a cosignature is checked over: checkpoints are short */
	NOTE_NAME_MAX = 255,
	NOTE_KEY_SIZE = 32,
	NOTE_SIGNATURE_SIZE = 64,
	NOTE_VKEY_MAX = NOTE_NAME_MAX + 1 + 8 + 1 + 44,
	/* one signature line with the longest name */
	NOTE_LINE_MAX = 4 + NOTE_NAME_MAX + 1 + 104 + 1,
};

/* The types of signatures that are read and written; others are passed over. */
enum note_type { NOTE_ED25519 = 0x01, NOTE_COSIGNATURE = 0x04 };

struct note_key {
	str name; /* a slice of what it was made of */
	uint32_t id;
	uint8_t type; /* enum note_type */
	uint8_t key[NOTE_KEY_SIZE];
};

/* Not empty, at most NOTE_NAME_MAX bytes of UTF-8 without spaces, control characters, '+'. */
bool note_name_ok(str name);
/* The key of this name and type, with its id. E_SYNTAX: the name is none. */
ch_err note_key_make(str name, enum note_type type, const uint8_t key[static NOTE_KEY_SIZE],
		     struct note_key *ret_k);
/* "login.example.com/log+530d903a+AekyeRrm…"; its name is a slice of the text. E_SYNTAX;
 * E_MISMATCH: the id is not the key's; E_UNSUPPORTED: another type of key. */
ch_err vkey_read(str text, struct note_key *ret_k);
void vkey_write(struct wr *w, const struct note_key *k);

struct note_line {
	str name;
	str base64; /* key id and signature, well formed */
	uint32_t id;
};

/* Slices of the text. */
struct note {
	str body; /* what is signed: with its last newline, without the blank line */
	size_t n;
	struct note_line lines[NOTE_LINES_MAX];
};

/* Splits a note; no signature is checked here. E_SYNTAX, E_LIMIT. */
ch_err note_open(str text, struct note *ret_n);
/* Is it signed by this key (NOTE_ED25519)? E_MISSING: it is not; E_MISMATCH: there is a line of
 * this key that does not verify, and then the whole note is to be refused. Of several lines
 * of one key the first counts. */
ch_err note_check(const struct note *n, const struct note_key *k);
/* The same for a cosignature (NOTE_COSIGNATURE), and the time of it, seconds since 1970. */
ch_err cosignature_check(const struct note *n, const struct note_key *k, int64_t *ret_time_s);
/* How many of these keys have cosigned at or after oldest_s. E_MISMATCH: a line of one of them
 * does not verify. */
ch_err cosignatures_count(const struct note *n, const struct note_key *keys, size_t count,
			  int64_t oldest_s, size_t *ret_n);

/* Writing: the body, a newline, then lines. What is signed for NOTE_ED25519 is the body. */
void note_line_write(struct wr *w, const struct note_key *k,
		     const uint8_t signature[static NOTE_SIGNATURE_SIZE]);
/* What is signed for NOTE_COSIGNATURE: appends it; time_s is not negative. */
void cosignature_text(struct wr *w, int64_t time_s, str body);
void cosignature_line_write(struct wr *w, const struct note_key *k, int64_t time_s,
			    const uint8_t signature[static NOTE_SIGNATURE_SIZE]);
