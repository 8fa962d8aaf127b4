/* Public keys and what they verify. ES256 and RSA by libcrypto, Ed25519 by libsodium. A
 * key does not change once it is made, but for its table: any number of threads may
 * verify by one key, each with working memory of its own. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "crypto/alg.h"
#include "crypto/hash.h"

enum { RSA_MODULUS_MAX = 512 };

/* A public key as JWK has it (RFC 7518 section 6, RFC 8037 section 2), numbers big
 * endian. EC: x and y of 32 bytes. OKP: x of 32. RSA: n without leading zero, e. */
struct key_parts {
	enum alg alg;
	uint8_t x[32];
	uint8_t y[32];
	uint8_t n[RSA_MODULUS_MAX];
	size_t n_size;
	uint8_t e[4];
	size_t e_size;
};

/* What was signed, and its SHA-256, which most algorithms need and callers keep as the
 * text's name. */
struct signed_text {
	bytes text;
	uint8_t sha256[SHA256_SIZE];
};
/* Keeps the slice and hashes it. */
struct signed_text signed_text_of(bytes text);

struct public_key;
void public_key_free(struct public_key *k);
void public_key_done(struct public_key **k);
/* Checks the key: a point on the curve and not infinity; no small-order Ed25519
 * point; RSA of 2048 to 4096 bits, odd, e = 65537. E_RANGE or E_MISMATCH if not. */
ch_err public_key_new(const struct key_parts *parts, struct public_key **ret_k);

/* Builds the key's table, by which a thread with working memory verifies three times as
 * fast: ES256 only, some 20 ms and 150 KB; does nothing for the others or a second time. May
 * run while other threads verify by the key, or warm it. E_NOMEM, or E_UNSUPPORTED when
 * libcrypto has no such tables: the key stays as it was and verifies the stock way. */
ch_err public_key_warm(struct public_key *k);
bool public_key_is_warm(const struct public_key *k);

/* The working memory of one thread, for any number of keys, one at a time: what verifying
 * would otherwise allocate each time. Some 4 KB. E_NOMEM. */
struct key_work;
ch_err key_work_new(struct key_work **ret_w);
/* NULL is fine. */
void key_work_free(struct key_work *w);
void key_work_done(struct key_work **w);

/* sig as JOSE has it: 64 bytes r||s for ES256 (RFC 7518 section 3.4), 64 for EdDSA
 * (RFC 8037), the modulus's size for RSA; PS256 with a salt of 32. E_MISMATCH when
 * it does not verify. Without work, or for a key without a table, it goes libcrypto's stock way. */
ch_err public_key_verify(const struct public_key *k, struct key_work *work_or_null,
			 struct signed_text signed_text, bytes sig);

/* One signature under an Ed25519 key as it is written, for whoever keeps no struct public_key.
 * E_RANGE: no such key; E_MISMATCH: it does not verify. */
ch_err ed25519_verify(const uint8_t key[static 32], bytes text, bytes sig);
