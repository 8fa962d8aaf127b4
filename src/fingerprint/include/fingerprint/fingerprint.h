/* Secrets that a dump shall never hold, known only by their fingerprints: whoever steals
 * the registry can test a guess, slowly, and learns at most 24 bits of each window of 16
 * bytes; he cannot read a secret out of it. docs/COREDUMP.md says what that is worth.
 *
 * Of each form of each secret (forms.h of this folder) windows of 16 bytes are kept: a keyed
 * rolling hash cut to at most 24 bits, and a slow hash (a memory-hard one costs too much for
 * the false hits of gigabytes: iterations are set so that a check takes about 0.1 ms). */
#pragma once
#include "base/rw.h"
#include "base/secret.h"

enum {
	FINGERPRINT_WINDOW = 16,
	FINGERPRINT_BITS = 24,
	FINGERPRINTS_MAX = 4096, /* windows */
	FINGERPRINTS_BYTES_MAX = 512 * 1024,
};

/* One to be registered. */
enum registered_kind { REGISTERED_TEXT, REGISTERED_NUMBER, REGISTERED_BYTES };
struct registered {
	enum registered_kind kind;
	const struct secret *is; /* 16 bytes to 16 KiB; a number is big endian */
	bool weak;               /* may have under 96 bits: guesses of it are cheap */
	str label;               /* said in reports: name_ok, at most 64 bytes; not secret */
};

struct fingerprints;
ch_err fingerprints_new(struct fingerprints **ret_f);
void fingerprints_done(struct fingerprints **f);
/* Adds every form of it. E_EXISTS when all of it is there already, E_RANGE when it is
 * shorter than a window or plainly not random and not said to be weak, E_LIMIT. */
ch_err fingerprints_add(struct fingerprints *f, const struct registered *r);
/* Takes out all of a label; E_NOT_FOUND. */
ch_err fingerprints_remove(struct fingerprints *f, str label);
size_t fingerprints_count(const struct fingerprints *f); /* secrets, not windows */
/* For `--json` listings: label and how many windows of the i-th. */
void fingerprints_at(const struct fingerprints *f, size_t i, str *ret_label, bool *ret_weak,
		     size_t *ret_windows);

/* As a file or message, FINGERPRINTS_BYTES_MAX at most; E_SYNTAX. */
void fingerprints_write(const struct fingerprints *f, struct wr *w);
ch_err fingerprints_read(bytes b, struct fingerprints **ret_f);

/* Looks for all of them at every offset of b, one piece after another. A match is given once
 * the slow hash agrees; it spans the whole of the form as far as it is known to be there (its
 * other windows are checked in turn), and may begin before this piece, by at most
 * 64 KiB. */
struct fingerprint_match {
	uint64_t from, n; /* positions in the stream */
	str label;
	bool weak;
};
struct match_taker {
	ch_err (*take)(struct match_taker *t, const struct fingerprint_match *m);
};
struct fingerprint_scan;
ch_err fingerprint_scan_new(const struct fingerprints *f, struct fingerprint_scan **ret_s);
void fingerprint_scan_done(struct fingerprint_scan **s);
/* A jump of `at` starts afresh. */
ch_err fingerprint_scan_feed(struct fingerprint_scan *s, uint64_t at, bytes b,
			     struct match_taker *t);
