/* Sealing and key derivation: only the same key, data and bytes open it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/key.h"
#include "crypto/seal.h"

static struct secret *secret_of(const void *p, size_t n)
{
	struct secret *s = NULL;
	assert_false(failed(secret_new(n, &s)));
	memcpy(secret_poke(s), p, n);
	return s;
}

static struct secret *kek_of(uint8_t fill)
{
	uint8_t k[KEK_SIZE];
	memset(k, fill, sizeof(k));
	return secret_of(k, sizeof(k));
}

static const str label = LIT("realm home, kid k1");

static size_t seal_text(const struct secret *kek, uint8_t *out, size_t cap)
{
	AUTO(secret_done) struct secret *plain = secret_of("the private key", 15);
	struct wr w = wr_of(out, cap);
	assert_false(failed(seal(kek, bytes_of_str(label), plain, &w)));
	assert_int_equal(w.n, 15 + SEAL_OVERHEAD);
	return w.n;
}

static enum ch_code open_code(const struct secret *kek, str associated, bytes sealed)
{
	AUTO(secret_done) struct secret *plain = NULL;
	return ch_code_of(unseal(kek, bytes_of_str(associated), sealed, &plain));
}

static void there_and_back(void **state)
{
	(void)state;
	AUTO(secret_done) struct secret *kek = kek_of(1);
	AUTO(secret_done) struct secret *plain = NULL;
	uint8_t a[128], b[128];
	size_t n = seal_text(kek, a, sizeof(a));
	(void)seal_text(kek, b, sizeof(b));
	assert_memory_not_equal(a, b, 24); /* another nonce each time */
	assert_false(failed(unseal(kek, bytes_of_str(label), (bytes){ a, n }, &plain)));
	assert_int_equal(secret_size(plain), 15);
	assert_memory_equal(secret_peek(plain).p, "the private key", 15);
}

static void nothing_else_opens(void **state)
{
	(void)state;
	AUTO(secret_done) struct secret *kek = kek_of(1);
	AUTO(secret_done) struct secret *other = kek_of(2);
	AUTO(secret_done) struct secret *small = secret_of("short", 5);
	uint8_t a[128];
	size_t n = seal_text(kek, a, sizeof(a));
	assert_int_equal(open_code(other, label, (bytes){ a, n }), CH_E_SEALED);
	assert_int_equal(open_code(small, label, (bytes){ a, n }), CH_E_USAGE);
	assert_int_equal(open_code(kek, LIT("realm corp, kid k1"), (bytes){ a, n }), CH_E_SEALED);
	assert_int_equal(open_code(kek, LIT(""), (bytes){ a, n }), CH_E_SEALED);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(open_code(kek, label, (bytes){ a, i }), CH_E_SEALED);
		for (int bit = 0; bit < 8; bit++) {
			a[i] ^= (uint8_t)(1 << bit);
			assert_int_equal(open_code(kek, label, (bytes){ a, n }), CH_E_SEALED);
			a[i] ^= (uint8_t)(1 << bit);
		}
	}
	assert_int_equal(open_code(kek, label, (bytes){ a, n }), CH_OK);
}

/* 32 + 40 bytes are needed */
static void a_full_buffer_is_an_error(void **state)
{
	(void)state;
	AUTO(secret_done) struct secret *kek = kek_of(1);
	uint8_t out[64];
	for (size_t cap = 0; cap < sizeof(out); cap++) {
		struct wr w = wr_of(out, cap);
		assert_int_equal(ch_code_of(seal(kek, (bytes){ 0 }, kek, &w)), CH_E_FULL);
	}
}

static void derivation(void **state)
{
	(void)state;
	/* of the reference implementation: argon2 somesalt12345678 -id -t 1 -k 8192 -p 1 -r */
	AUTO(secret_done) struct secret *pass = secret_of("correct horse", 13);
	AUTO(secret_done) struct secret *kek = NULL;
	AUTO(secret_done) struct secret *other = NULL;
	struct kdf kdf = { .passes = 1, .memory_kib = 8192 };
	memcpy(kdf.salt, "somesalt12345678", KDF_SALT_SIZE);
	assert_false(failed(kek_derive(&kdf, pass, &kek)));
	assert_int_equal(secret_size(kek), KEK_SIZE);
	static const uint8_t expected[KEK_SIZE] = {
		0xb3, 0x74, 0x7f, 0xec, 0x85, 0x39, 0xc1, 0x15, 0x91, 0x21, 0x10,
		0x54, 0xbb, 0xab, 0x33, 0x6b, 0xc1, 0x18, 0x59, 0x95, 0x6e, 0xc5,
		0xab, 0x22, 0x66, 0x66, 0xab, 0xf6, 0x56, 0xf1, 0x84, 0xb8,
	};
	assert_memory_equal(secret_peek(kek).p, expected, KEK_SIZE);
	kdf.salt[0] ^= 1;
	assert_false(failed(kek_derive(&kdf, pass, &other)));
	assert_memory_not_equal(secret_peek(kek).p, secret_peek(other).p, KEK_SIZE);
}

static void derivation_has_ranges(void **state)
{
	(void)state;
	AUTO(secret_done) struct secret *pass = secret_of("x", 1);
	struct secret *kek = NULL;
	struct kdf good;
	kdf_default(&good);
	assert_int_equal(good.passes, 3);
	assert_int_equal(good.memory_kib, 64 * 1024);
	const uint32_t bad[][2] = { { 0, 65536 },     { 17, 65536 }, { UINT32_MAX, 65536 },
				    { 3, 0 },         { 3, 8191 },   { 3, 1024 * 1024 + 1 },
				    { 3, UINT32_MAX } };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct kdf k = { .passes = bad[i][0], .memory_kib = bad[i][1] };
		assert_int_equal(ch_code_of(kek_derive(&k, pass, &kek)), CH_E_RANGE);
	}
	assert_null(kek);
}

static int init(void **state)
{
	(void)state;
	return failed(crypto_init(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(nothing_else_opens),
		cmocka_unit_test(a_full_buffer_is_an_error),
		cmocka_unit_test(derivation),
		cmocka_unit_test(derivation_has_ranges),
	};
	return cmocka_run_group_tests(tests, init, NULL);
}
