/* Secrets that a dump shall never hold, known only by their fingerprints: nobody can read a
 * secret out of a registry, he can only test guesses, each of a whole window of 16 bytes.
 * docs/COREDUMP.md says what that is worth.
 *
 * What is kept of a secret: of itself, and of a number in each order and width of words, every
 * 16 bytes four windows, a byte apart, as a keyed hash cut to 24 bits and a slow hash; so a
 * scan needs to look at every fourth byte alone. Of base64, hex and UTF-16 nothing is kept: 16
 * characters of hex have but 64 bits, and could be guessed one window after another. They are
 * decoded where they occur instead, with line breaks and escapes in between, in any phase. */
#pragma once
#include "base/rw.h"
#include "base/secret.h"

enum {
	FINGERPRINT_WINDOW = 16,
	FINGERPRINT_BITS = 24,
	FINGERPRINTS_MAX = 32768, /* windows: an RSA-2048 key has some 960, a P-256 key 48 */
	FINGERPRINT_LABELS_MAX = 512,
	FINGERPRINT_LABEL_MAX = 64,
	FINGERPRINTS_BYTES_MAX = 1024 * 1024,
};

/* One to be registered. */
enum registered_kind { REGISTERED_TEXT, REGISTERED_NUMBER, REGISTERED_BYTES };
struct registered {
	enum registered_kind kind;
	const struct secret *is; /* 16 bytes to 16 KiB; a number is big endian */
	bool weak;               /* its windows may have under 80 bits: guesses are cheap */
	str label;               /* said in reports, not secret; see fingerprint_label_ok */
};

struct fingerprints;
ch_err fingerprints_new(struct fingerprints **ret_f);
void fingerprints_done(struct fingerprints **f);
/* [A-Za-z0-9][A-Za-z0-9._-]*, with one slash perhaps between two such: "home/2Yt". */
bool fingerprint_label_ok(str label);
/* Adds what is kept of it; one label may have many secrets. E_EXISTS when the label has all
 * of it already, E_RANGE when it is shorter than a window or longer than 16 KiB, E_MISMATCH when
 * it is plainly not random and not said to be weak, E_SYNTAX for a label that is none, E_LIMIT. */
ch_err fingerprints_add(struct fingerprints *f, const struct registered *r);
/* Takes out all of a label; E_NOT_FOUND. */
ch_err fingerprints_remove(struct fingerprints *f, str label);
size_t fingerprints_count(const struct fingerprints *f); /* labels */
/* For `--json` listings: label and how many windows of the i-th. */
void fingerprints_at(const struct fingerprints *f, size_t i, str *ret_label, bool *ret_weak,
		     size_t *ret_windows);

/* As a file or message, FINGERPRINTS_BYTES_MAX at most; E_SYNTAX. */
void fingerprints_write(const struct fingerprints *f, struct wr *w);
ch_err fingerprints_read(bytes b, struct fingerprints **ret_f);

/* Looks for all of them at every place of b, one piece after another (a set that has a secret
 * or form of under 19 bytes, by every byte, and takes three times as long). A match is given once
 * the slow hash agrees. It spans the windows found side by side, as they stand in the stream
 * (a window of hex is 32 bytes there); a whole secret is one match or neighbouring ones.
 * It may begin before this piece, by at most FINGERPRINT_HOLD. Matches come in no
 * order, and twice where pieces meet. */
enum { FINGERPRINT_HOLD = 512 };
struct fingerprint_match {
	uint64_t from, n; /* positions in the stream */
	str label;        /* as long as the scan */
	bool weak;
};
struct match_taker {
	ch_err (*take)(struct match_taker *t, const struct fingerprint_match *m);
};
/* Some 3 MB. */
struct fingerprint_scan;
ch_err fingerprint_scan_new(const struct fingerprints *f, struct fingerprint_scan **ret_s);
void fingerprint_scan_done(struct fingerprint_scan **s);
/* A jump of `at` starts afresh. E_LIMIT when more than sixteen times the slow checks were
 * needed that chance explains: somebody steers them, and the time would have no bound. */
ch_err fingerprint_scan_feed(struct fingerprint_scan *s, uint64_t at, bytes b,
			     struct match_taker *t);
/* How many slow checks there were so far, for benchmarks. */
uint64_t fingerprint_scan_checks(const struct fingerprint_scan *s);
