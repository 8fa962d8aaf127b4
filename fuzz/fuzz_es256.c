/* A signature of ES256 that the input makes up: the stock way and the key's table must say
 * the same. Bytes: key, way, twist, then three numbers of 32, big endian, zero where the input
 * ends. Numbers at random would nearly all be refused alike, so most ways build a signature
 * that is right, or one whose points meet, and twists then spoil it. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <assert.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "crypto/key.h"

enum { NUMBER = 32, HEAD = 3, NUMBERS = 3, INPUT = HEAD + NUMBERS * NUMBER, KEYS = 6 };

static struct {
	EC_GROUP *curve;
	BN_CTX *numbers;
	const BIGNUM *order, *field;
	BIGNUM *d[KEYS]; /* the private numbers */
	struct public_key *keys[KEYS];
	struct key_work *work;
} lib;

/* What is built: hash, r, s; known: whether it must verify can be said */
struct built {
	BIGNUM *hash, *r, *s;
	bool known, good;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static BIGNUM *number(void)
{
	BIGNUM *n = BN_CTX_get(lib.numbers);
	assert(n);
	return n;
}

static BIGNUM *times(const BIGNUM *a, const BIGNUM *b)
{
	BIGNUM *n = number();
	assert(BN_mod_mul(n, a, b, lib.order, lib.numbers));
	return n;
}

static BIGNUM *sum(const BIGNUM *a, const BIGNUM *b)
{
	BIGNUM *n = number();
	assert(BN_mod_add(n, a, b, lib.order, lib.numbers));
	return n;
}

static BIGNUM *negative(const BIGNUM *a)
{
	BIGNUM *n = number();
	assert(BN_mod_sub(n, n, a, lib.order, lib.numbers));
	return n;
}

static BIGNUM *over(const BIGNUM *a, const BIGNUM *b)
{
	BIGNUM *n = number();
	assert(BN_mod_inverse(n, b, lib.order, lib.numbers));
	return times(a, n);
}

/* x and y of k * G */
static void point_of(const BIGNUM *k, BIGNUM *x, BIGNUM *y)
{
	EC_POINT *p = EC_POINT_new(lib.curve);
	assert(p && EC_POINT_mul(lib.curve, p, k, NULL, NULL, lib.numbers));
	assert(EC_POINT_get_affine_coordinates(lib.curve, p, x, y, lib.numbers));
	EC_POINT_free(p);
}

static void make_key(size_t i)
{
	struct key_parts parts = { .alg = ALG_ES256 };
	BIGNUM *x = number(), *y = number();
	point_of(lib.d[i], x, y);
	assert(BN_bn2binpad(x, parts.x, NUMBER) == NUMBER);
	assert(BN_bn2binpad(y, parts.y, NUMBER) == NUMBER);
	assert(!failed(public_key_new(&parts, &lib.keys[i])));
	assert(!failed(public_key_warm(lib.keys[i])));
}

/* The generator and its negative, others near them, and one far from any. */
static void start(void)
{
	if (lib.curve)
		return;
	assert(!failed(crypto_init(NULL)) && !failed(key_work_new(&lib.work)));
	lib.curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	lib.numbers = BN_CTX_new();
	lib.order = EC_GROUP_get0_order(lib.curve);
	lib.field = EC_GROUP_get0_field(lib.curve);
	BN_CTX_start(lib.numbers);
	for (size_t i = 0; i < KEYS; i++) {
		lib.d[i] = BN_new();
		assert(BN_set_word(lib.d[i], i / 2 + 1));
		if (i % 2)
			assert(BN_sub(lib.d[i], lib.order, lib.d[i]));
		if (i == KEYS - 1)
			assert(BN_mod_inverse(lib.d[i], lib.field, lib.order, lib.numbers));
		make_key(i);
	}
	BN_CTX_end(lib.numbers);
}

/* The three numbers as they are. */
static struct built as_is(const BIGNUM *d, BIGNUM *n[static NUMBERS])
{
	(void)d;
	return (struct built){ .hash = n[0], .r = n[1], .s = n[2] };
}

/* A whole signature of n[0] with the one-time number n[1]. */
static struct built whole(const BIGNUM *d, BIGNUM *n[static NUMBERS])
{
	struct built b = { .hash = n[0], .r = number(), .s = n[2] };
	BIGNUM *k = sum(n[1], number()), *y = number(), *r = number();
	if (BN_is_zero(k))
		return b;
	point_of(k, r, y);
	assert(BN_nnmod(b.r, r, lib.order, lib.numbers));
	b.s = over(sum(b.hash, times(b.r, d)), k);
	b.known = b.good = !BN_is_zero(b.s);
	return b;
}

/* Both parts of the sum are the same point. */
static struct built doubled(const BIGNUM *d, BIGNUM *n[static NUMBERS])
{
	struct built b = whole(d, n);
	if (b.good) {
		n[0] = times(b.r, d);
		return whole(d, n);
	}
	return b;
}

/* They are opposite, so that the sum is infinity, whatever s is. */
static struct built opposite(const BIGNUM *d, BIGNUM *n[static NUMBERS])
{
	struct built b = whole(d, n);
	b.hash = negative(times(b.r, d));
	b.s = n[2];
	b.known = true;
	b.good = false;
	return b;
}

/* Each number a little beside 0, the order, the field, or what they differ by. */
static struct built edges(const BIGNUM *d, BIGNUM *n[static NUMBERS])
{
	BIGNUM *at = number();
	for (size_t i = 0; i < NUMBERS; i++) {
		BN_ULONG how = BN_mod_word(n[i], 64);
		BN_zero(at);
		if (how & 1)
			assert(BN_add(at, at, lib.order));
		if (how & 2)
			assert(how & 1 ? BN_sub(at, lib.field, at) : BN_add(at, at, lib.field));
		assert(how & 32 ? BN_add_word(at, how >> 2 & 7) : BN_sub_word(at, how >> 2 & 7));
		assert(BN_copy(n[i], at));
	}
	return as_is(d, n);
}

static struct built (*const ways[])(const BIGNUM *d, BIGNUM *n[static NUMBERS]) = {
	as_is, whole, doubled, opposite, edges,
};

enum twist { TWIST_SIGN = 1, TWIST_R_ORDER = 2, TWIST_S_ORDER = 4, TWIST_BIT = 8 };

static void twist(struct built *b, unsigned how)
{
	if (how & TWIST_SIGN && BN_ucmp(b->s, lib.order) < 0)
		b->s = negative(b->s);
	if (how & TWIST_R_ORDER)
		assert(BN_add(b->r, b->r, lib.order));
	if (how & TWIST_S_ORDER)
		assert(BN_add(b->s, b->s, lib.order));
	if (how & TWIST_BIT)
		assert(BN_is_bit_set(b->s, (int)(how >> 4)) ? BN_clear_bit(b->s, (int)(how >> 4))
							    : BN_set_bit(b->s, (int)(how >> 4)));
	if (how & (TWIST_R_ORDER | TWIST_S_ORDER))
		b->good = false;
	if (how & TWIST_BIT)
		b->known = false;
}

static void judge(const struct public_key *k, const struct built *b)
{
	uint8_t sig[2 * NUMBER];
	struct signed_text t = { .text = { NULL, 0 } };
	if (BN_is_negative(b->hash) || BN_is_negative(b->r) || BN_is_negative(b->s) ||
	    BN_bn2binpad(b->hash, t.sha256, NUMBER) < 0 || BN_bn2binpad(b->r, sig, NUMBER) < 0 ||
	    BN_bn2binpad(b->s, sig + NUMBER, NUMBER) < 0)
		return;
	enum ch_code stock = ch_code_of(public_key_verify(k, NULL, t, BYTES_OF(sig)));
	enum ch_code warm = ch_code_of(public_key_verify(k, lib.work, t, BYTES_OF(sig)));
	assert(stock == warm);
	assert(warm == CH_OK || warm == CH_E_MISMATCH);
	assert(!b->known || b->good == (warm == CH_OK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t in[INPUT] = { 0 };
	BIGNUM *n[NUMBERS];
	start();
	mem_copy(in, data, size < INPUT ? size : INPUT);
	BN_CTX_start(lib.numbers);
	for (size_t i = 0; i < NUMBERS; i++) {
		n[i] = number();
		assert(BN_bin2bn(in + HEAD + i * NUMBER, NUMBER, n[i]));
	}
	size_t key = in[0] % KEYS;
	struct built b = ways[in[1] % COUNT_OF(ways)](lib.d[key], n);
	twist(&b, in[2]);
	judge(lib.keys[key], &b);
	BN_CTX_end(lib.numbers);
	return 0;
}
