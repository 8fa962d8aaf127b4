/* In place of src/crypto for `make msan`: MemorySanitizer takes what a library without
 * instrumentation writes for unwritten. Keyed hashes are sums that touch every byte they are
 * given, and no signature is good. */
#include <math.h>
#include <stdlib.h>

#include "base/rw.h"
#include "crypto/guest.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/short_hash.h"

struct public_key {
	enum alg alg;
};

/* A branch on each byte: one that was never written is reported here. */
static uint64_t sum(uint64_t seed, bytes b)
{
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] & 1)
			seed ^= UINT64_C(0x9e3779b97f4a7c15);
		seed = (seed ^ b.p[i]) * UINT64_C(0x100000001b3);
	}
	return seed;
}

/* --- SHA-256 (FIPS 180-4), so that thumbprints and ath of the corpus fit ----------- */

static uint32_t turn(uint32_t x, unsigned int n)
{
	return x >> n | x << (32 - n);
}

/* The first 32 bits of the fractional parts of roots of the first primes, section 4.2.2. */
static uint32_t root_part(unsigned int prime, bool cube)
{
	long double r = cube ? cbrtl(prime) : sqrtl(prime);
	return (uint32_t)((r - floorl(r)) * 4294967296.0L);
}

static void constants(uint32_t k[static 64], uint32_t h[static 8])
{
	unsigned int n = 0;
	for (unsigned int p = 2; n < 64; p++) {
		bool prime = true;
		for (unsigned int d = 2; d * d <= p; d++)
			prime = prime && p % d;
		if (!prime)
			continue;
		if (n < 8)
			h[n] = root_part(p, false);
		k[n++] = root_part(p, true);
	}
}

static void block_add(uint32_t h[static 8], const uint32_t k[static 64], struct rd *r)
{
	uint32_t w[64], v[8];
	for (size_t i = 0; i < 16; i++)
		w[i] = rd_u32(r);
	for (size_t i = 16; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];
		w[i] = w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) +
		       (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
	}
	mem_copy(v, h, sizeof(v));
	for (size_t i = 0; i < 64; i++) {
		uint32_t t = v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) +
			     ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
		uint32_t u = (turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)) +
			     ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
		for (size_t j = 7; j > 0; j--)
			v[j] = v[j - 1];
		v[4] += t;
		v[0] = t + u;
	}
	for (size_t i = 0; i < 8; i++)
		h[i] += v[i];
}

/* For short texts: a copy of it with the padding. */
void sha256(bytes b, uint8_t ret_hash[static SHA256_SIZE])
{
	static uint32_t k[64], start[8];
	static uint8_t padded[32 * 1024];
	uint32_t h[8];
	struct wr w = wr_of(padded, sizeof(padded)), out = wr_of(ret_hash, SHA256_SIZE);
	if (!k[0])
		constants(k, start);
	mem_copy(h, start, sizeof(h));
	wr_put(&w, b);
	wr_u8(&w, 0x80);
	while (w.n % 64 != 56 && !w.full)
		wr_u8(&w, 0);
	wr_u64(&w, (uint64_t)b.n * 8);
	if (w.full)
		abort();
	struct rd r = rd_of(wr_bytes(&w));
	while (rd_left(&r))
		block_add(h, k, &r);
	for (size_t i = 0; i < 8; i++)
		wr_u32(&out, h[i]);
}

/* --- the rest ---------------------------------------------------------------------- */

void keyed_hash(const uint8_t key[static MAC_KEY_SIZE], bytes b, uint8_t ret_hash[static MAC_SIZE])
{
	uint64_t seed = sum(1, (bytes){ key, MAC_KEY_SIZE });
	for (size_t i = 0; i < MAC_SIZE; i++)
		ret_hash[i] = (uint8_t)(sum(seed + i, b) >> 7);
}

uint64_t short_hash(const uint8_t key[static SHORT_HASH_KEY_SIZE], bytes b)
{
	return sum(sum(1, (bytes){ key, SHORT_HASH_KEY_SIZE }), b);
}

struct signed_text signed_text_of(bytes text)
{
	struct signed_text t = { .text = text };
	sha256(text, t.sha256);
	return t;
}

ch_err crypto_init(struct heap *heap_or_null)
{
	(void)heap_or_null;
	return CH_DONE;
}

ch_err crypto_guest_init(void)
{
	return CH_DONE;
}

/* Nobody looks into it. */
ch_err key_work_new(struct key_work **ret_w)
{
	*ret_w = NULL;
	return CH_DONE;
}

void key_work_free(struct key_work *w)
{
	(void)w;
}

ch_err public_key_new(const struct key_parts *parts, struct public_key **ret_k)
{
	uint64_t all = sum(1, BYTES_OF(parts->x)) ^ sum(2, BYTES_OF(parts->y));
	all ^= sum(3, (bytes){ parts->n, parts->n_size });
	struct public_key *k = calloc(1, sizeof(*k));
	if (!k || !all)
		abort();
	k->alg = parts->alg;
	*ret_k = k;
	return CH_DONE;
}

void public_key_free(struct public_key *k)
{
	free(k);
}

void public_key_done(struct public_key **k)
{
	public_key_free(*k);
	*k = NULL;
}

ch_err public_key_warm(struct public_key *k)
{
	(void)k;
	return CH_DONE;
}

/* Reads all that a real one would. */
ch_err public_key_verify(const struct public_key *k, struct key_work *work_or_null,
			 struct signed_text signed_text, bytes sig)
{
	uint64_t all = sum(k->alg, signed_text.text) ^ sum(2, BYTES_OF(signed_text.sha256));
	(void)work_or_null;
	return ch_fail(CH_E_MISMATCH, "a stub takes no signature for good", all ^ sum(3, sig));
}
