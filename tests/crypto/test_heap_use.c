/* With a heap of its own, libcrypto never calls malloc, and a freed key is nowhere in
 * the heap any more: neither big endian nor as limbs, at no offset. The same search
 * before the key is freed must find it, or it would prove nothing. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/secretmem.h"
#include "crypto/key.h"

enum { HEAP_SIZE = 4 << 20, PIECE = 8, FORMS_MAX = 16, FORM_MAX = 512 };

static struct secretmem region;
static struct heap heap;

#if defined(__SANITIZE_ADDRESS__)
#define CAN_COUNT false /* the sanitizer has its own malloc */
static size_t from_libcrypto;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CAN_COUNT false
static size_t from_libcrypto;
#endif
#endif

#ifndef CAN_COUNT
#define CAN_COUNT true
static size_t from_libcrypto;
static size_t calls;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

/* Whose call is it? Looked up only while counting: dladdr itself may allocate. */
static void count(void *caller)
{
	Dl_info where = { 0 };
	calls++;
	if (dladdr(caller, &where) != 0 && where.dli_fname && strstr(where.dli_fname, "libcrypto"))
		from_libcrypto++;
}

__attribute__((visibility("default"))) void *malloc(size_t n)
{
	count(__builtin_return_address(0));
	return __libc_malloc(n);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
	count(__builtin_return_address(0));
	return __libc_calloc(n, size);
}

__attribute__((visibility("default"))) void *realloc(void *p, size_t n)
{
	count(__builtin_return_address(0));
	return __libc_realloc(p, n);
}

static void the_counter_counts(void **state)
{
	(void)state;
	size_t before = calls;
	void *volatile p = malloc(100);
	free(p);
	assert_true(calls > before);
}
#else
static void the_counter_counts(void **state)
{
	(void)state;
	skip();
}
#endif

/* PKCS#8 of a key that was made for this test. */
static const uint8_t es256_key[] = {
	0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04,
	0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20, 0xc6, 0x58, 0x22, 0xb7, 0x2a, 0x78,
	0x02, 0xc6, 0x8d, 0x7d, 0xac, 0x8e, 0xf8, 0x08, 0x76, 0xd2, 0x9d, 0x04, 0x57, 0xb6,
	0xd1, 0xde, 0xdb, 0x0f, 0x02, 0x6e, 0xfe, 0x67, 0xd8, 0x0c, 0xab, 0xb8, 0xa1, 0x44,
	0x03, 0x42, 0x00, 0x04, 0x6f, 0xae, 0xb5, 0xc0, 0xc3, 0x94, 0xfe, 0xc6, 0xf0, 0x42,
	0xf8, 0x82, 0x99, 0xa5, 0x90, 0xf1, 0x41, 0xb1, 0x67, 0x41, 0x37, 0x8e, 0xcd, 0x17,
	0xd4, 0x55, 0xc0, 0xc9, 0x46, 0xc9, 0x88, 0xe1, 0x25, 0x94, 0x10, 0x79, 0x9e, 0x1f,
	0x58, 0xa4, 0xed, 0xc0, 0xda, 0x4a, 0x39, 0x61, 0x38, 0xab, 0xc7, 0x54, 0x28, 0xdc,
	0xd3, 0x1f, 0x5b, 0x16, 0x69, 0x82, 0x4c, 0xed, 0xe7, 0x55, 0x00, 0x87,
};

/* The private numbers of a key, as they might lie in memory. */
struct forms {
	uint8_t p[FORMS_MAX][FORM_MAX];
	size_t n[FORMS_MAX];
	size_t count;
};

static void add(struct forms *f, const uint8_t *p, size_t n)
{
	assert_true(f->count + 2 <= FORMS_MAX && n <= FORM_MAX);
	memcpy(f->p[f->count], p, n);
	for (size_t i = 0; i < n; i++)
		f->p[f->count + 1][i] = p[n - 1 - i];
	f->n[f->count] = f->n[f->count + 1] = n;
	f->count += 2;
}

static void add_number(struct forms *f, const EVP_PKEY *k, const char *name)
{
	uint8_t b[FORM_MAX];
	BIGNUM *n = NULL;
	assert_int_equal(EVP_PKEY_get_bn_param(k, name, &n), 1);
	add(f, b, (size_t)BN_bn2bin(n, b));
	BN_clear_free(n);
}

static void collect(struct forms *f, enum alg a, const struct secret *exported)
{
	static const char *const rsa[] = { "d",
					   "rsa-factor1",
					   "rsa-factor2",
					   "rsa-exponent1",
					   "rsa-exponent2",
					   "rsa-coefficient1" };
	bytes der = secret_peek(exported);
	*f = (struct forms){ 0 };
	if (a == ALG_EDDSA) {
		add(f, der.p, der.n);
		return;
	}
	const uint8_t *at = der.p;
	EVP_PKEY *k = d2i_AutoPrivateKey(NULL, &at, (long)der.n);
	assert_non_null(k);
	if (a == ALG_ES256)
		add_number(f, k, "priv");
	for (size_t i = 0; a != ALG_ES256 && i < COUNT_OF(rsa); i++)
		add_number(f, k, rsa[i]);
	EVP_PKEY_free(k);
}

static bool starts_a_piece(const struct forms *f, const uint8_t *at)
{
	for (size_t i = 0; i < f->count; i++)
		for (size_t j = 0; j + PIECE <= f->n[i]; j += PIECE)
			if (memcmp(at, f->p[i] + j, PIECE) == 0)
				return true;
	return false;
}

/* Whatever the alignment, a whole copy holds a piece that starts at a multiple of 8. */
static size_t hits(const struct forms *f)
{
	size_t n = 0;
	for (size_t i = 0; i + PIECE <= heap.used; i++)
		n += starts_a_piece(f, heap.p + i);
	return n;
}

static void use(struct private_key *k)
{
	AUTO(public_key_done) struct public_key *pub = NULL;
	struct key_parts parts;
	uint8_t sig[SIGNATURE_MAX];
	size_t n = 0;
	bytes message = bytes_of_str(LIT("message"));
	assert_false(failed(private_key_public(k, &parts)));
	assert_false(failed(public_key_new(&parts, &pub)));
	for (int i = 0; i < 20; i++) {
		assert_false(failed(private_key_sign(k, message, sig, &n)));
		assert_false(failed(
			public_key_verify(pub, NULL, signed_text_of(message), (bytes){ sig, n })));
	}
	assert_true(failed(public_key_verify(pub, NULL, signed_text_of(bytes_of_str(LIT("x"))),
					     (bytes){ sig, n })));
}

static void nothing_is_left(void **state)
{
	(void)state;
	for (int a = 0; a < ALG_COUNT; a++) {
		static struct forms f;
		struct private_key *k = NULL;
		AUTO(secret_done) struct secret *s = NULL;
		AUTO(private_key_done) struct private_key *again = NULL;
		assert_false(failed(private_key_generate((enum alg)a, &k)));
		use(k);
		assert_false(failed(private_key_export(k, &s)));
		assert_false(failed(private_key_load((enum alg)a, s, &again)));
		use(again);
		private_key_free(TAKE(again));
		collect(&f, (enum alg)a, s);
		assert_true(hits(&f) > 0);
		private_key_free(k);
		assert_int_equal(hits(&f), 0);
	}
}

/* First of all: what lies in secret memory is what the keys need, not each cipher and decoder
 * that libcrypto could make. */
static void little_is_needed(void **state)
{
	(void)state;
	struct private_key *k = NULL;
	AUTO(secret_done) struct secret *s = NULL;
	assert_true(heap.used < 32 * 1024);
	assert_false(failed(private_key_generate(ALG_EDDSA, &k)));
	use(k);
	private_key_free(TAKE(k));
	assert_true(heap.used < 32 * 1024);
	assert_false(failed(secret_new(sizeof(es256_key), &s)));
	memcpy(secret_poke(s), es256_key, sizeof(es256_key));
	assert_false(failed(private_key_load(ALG_ES256, s, &k)));
	use(k);
	private_key_free(k);
	assert_true(heap.used < 224 * 1024);
}

static void libcrypto_never_calls_malloc(void **state)
{
	(void)state;
	if (!CAN_COUNT)
		skip();
	assert_int_equal(from_libcrypto, 0);
}

/* Keys and signatures come and go without the heap growing for ever. */
static void the_heap_does_not_leak(void **state)
{
	(void)state;
	struct private_key *k = NULL;
	size_t used = 0;
	for (int i = 0; i < 60; i++) {
		assert_false(failed(private_key_generate((enum alg)(i % 2), &k)));
		use(k);
		private_key_free(k);
		if (i == 20)
			used = heap.used;
	}
	assert_int_equal(heap.used, used);
}

/* Takes every free block, largest first, as a list. */
static void **fill_up(void)
{
	void **list = NULL;
	for (size_t size = 1 << 21; size >= 16; size /= 2)
		for (void **p = heap_alloc(&heap, size); p; p = heap_alloc(&heap, size)) {
			*p = list;
			list = p;
		}
	return list;
}

/* A full heap is an error of the call: no fall-back, no crash, and it passes. */
static void a_full_heap_fails(void **state)
{
	(void)state;
	struct private_key *k = NULL;
	void **list = fill_up();
	for (int a = 0; a < ALG_COUNT; a++)
		assert_true(failed(private_key_generate((enum alg)a, &k)));
	while (list) {
		void **next = *list;
		heap_free(&heap, list);
		list = next;
	}
	assert_false(failed(private_key_generate(ALG_ES256, &k)));
	use(k);
	private_key_free(k);
}

static void another_heap_is_refused(void **state)
{
	(void)state;
	assert_false(failed(crypto_init(&heap)));
	assert_int_equal(ch_code_of(crypto_init(NULL)), CH_E_USAGE);
}

static int init(void **state)
{
	(void)state;
	enum secretmem_kind kind = secretmem_available() ? SECRETMEM_MEMFD : SECRETMEM_MLOCK;
	if (failed(secretmem_map(kind, HEAP_SIZE, &region)))
		return 1;
	heap_init(&heap, region.p, region.n);
	return failed(crypto_init(&heap));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(little_is_needed),
		cmocka_unit_test(the_counter_counts),
		cmocka_unit_test(nothing_is_left),
		cmocka_unit_test(the_heap_does_not_leak),
		cmocka_unit_test(a_full_heap_fails),
		cmocka_unit_test(libcrypto_never_calls_malloc),
		cmocka_unit_test(another_heap_is_refused),
	};
	return cmocka_run_group_tests(tests, init, NULL);
}
