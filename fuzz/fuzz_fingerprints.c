/* A registry's file, and hostile memory under a scan: no input makes either read where it may
 * not or go on for ever; what a scan says lies in what it was given. */
#include <stdlib.h>

#include "fingerprint/fingerprint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct checker {
	struct match_taker taker;
	uint64_t end;
};

static ch_err take(struct match_taker *t, const struct fingerprint_match *m)
{
	const struct checker *c = (const struct checker *)t;
	if (m->n == 0 || m->from > c->end || m->n > c->end - m->from || m->label.n == 0)
		abort();
	return CH_DONE;
}

/* A text that fuzzers come upon, in several writings. */
static struct fingerprint_scan *scan_new(void)
{
	static const char text[] = "AAAABBBBCCCCDDDDEEEEFFFF";
	AUTO(fingerprints_done) struct fingerprints *f = NULL;
	AUTO(secret_done) struct secret *s = NULL;
	struct fingerprint_scan *scan = NULL;
	if (failed(fingerprints_new(&f)) || failed(secret_new(sizeof(text) - 1, &s)))
		abort();
	mem_copy(secret_poke(s), text, sizeof(text) - 1);
	const struct registered r = { REGISTERED_TEXT, s, true, LIT("fuzz") };
	if (failed(fingerprints_add(f, &r)) || failed(fingerprint_scan_new(f, &scan)))
		abort();
	return scan;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fingerprint_scan *scan;
	static uint64_t at;
	AUTO(fingerprints_done) struct fingerprints *f = NULL;
	if (!failed(fingerprints_read((bytes){ data, size }, &f)) && fingerprints_count(f) > 512)
		abort();
	if (!scan)
		scan = scan_new();
	size_t cut = size ? data[0] % size : 0;
	at += 1 << 20; /* afresh */
	struct checker c = { { take }, at + cut };
	if (failed(fingerprint_scan_feed(scan, at, (bytes){ data, cut }, &c.taker)))
		abort();
	c.end = at + size;
	if (failed(fingerprint_scan_feed(scan, at + cut, (bytes){ data + cut, size - cut },
					 &c.taker)))
		abort();
	return 0;
}
