/* The hunter finds a key in each form, at any offset, in files, cores and live memory,
 * and the nonce of a signature; in a clean hay it finds nothing. Spellings are made here
 * by other means than the hunter's own. */
#include <elf.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "codec/base64url.h"
#include "hunter.h"

enum { HAY = 65536, AT = 12345 };

static uint8_t hay[HAY];

/* A key of the test in a file of its own, read by the hunter. */
struct fixture {
	EVP_PKEY *key;
	struct prey prey;
	struct material *m;
	uint8_t d[512];
	size_t n;
};

static struct fixture fixture_of(EVP_PKEY *key)
{
	struct fixture f = { .key = key };
	char path[] = "/tmp/test-hunter-XXXXXX";
	int fd = mkstemp(path);
	FILE *out = fdopen(fd, "w");
	assert_non_null(out);
	assert_int_equal(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(out), 0);
	f.m = material_read(path, &f.prey);
	assert_int_equal(unlink(path), 0);
	assert_non_null(f.m);
	return f;
}

static struct fixture es256(void)
{
	struct fixture f = fixture_of(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
	BIGNUM *d = NULL;
	assert_int_equal(EVP_PKEY_get_bn_param(f.key, OSSL_PKEY_PARAM_PRIV_KEY, &d), 1);
	f.n = (size_t)BN_bn2binpad(d, f.d, 32);
	BN_free(d);
	return f;
}

static void done(struct fixture *f)
{
	EVP_PKEY_free(f->key);
	material_free(f->m);
	prey_clear(&f->prey);
}

static struct finds *hunt(const struct fixture *f, bytes b)
{
	static struct finds finds;
	struct index *x = index_new(&f->prey);
	finds = (struct finds){ 0 };
	index_hunt(x, b, PLACE_FILE, "hay", &finds);
	index_free(x);
	return &finds;
}

static uint64_t runs(const struct finds *finds, enum form form, enum place place)
{
	uint64_t n = 0;
	for (size_t i = 0; i < NAMES_MAX; i++)
		n += finds->at[i][form][place].runs;
	return n;
}

static uint64_t all(const struct finds *finds)
{
	uint64_t n = 0;
	for (size_t form = 0; form < FORM_COUNT; form++)
		for (size_t place = 0; place < PLACE_COUNT; place++)
			n += runs(finds, (enum form)form, (enum place)place);
	return n;
}

static void plant(const void *p, size_t n)
{
	assert_int_equal(RAND_bytes(hay, HAY), 1);
	memcpy(hay + AT, p, n);
}

static void reverse(uint8_t *to, const uint8_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[n - 1 - i];
}

static void test_clean(void **state)
{
	struct fixture f = es256();
	(void)state;
	plant("", 0);
	assert_int_equal(all(hunt(&f, BYTES_OF(hay))), 0);
	memset(hay, 0, HAY);
	assert_int_equal(all(hunt(&f, BYTES_OF(hay))), 0);
	assert_int_equal(all(hunt(&f, (bytes){ hay, 7 })), 0);
	done(&f);
}

static void test_byte_orders(void **state)
{
	struct fixture f = es256();
	uint8_t little[32];
	(void)state;
	reverse(little, f.d, 32);
	plant(f.d, 32);
	struct finds *found = hunt(&f, BYTES_OF(hay));
	assert_int_equal(runs(found, FORM_BIG_ENDIAN, PLACE_FILE), 1);
	assert_int_equal(all(found), 1);
	plant(little, 32);
	found = hunt(&f, BYTES_OF(hay));
	assert_int_equal(runs(found, FORM_LITTLE_ENDIAN, PLACE_FILE), 1);
	assert_int_equal(all(found), 1);
	done(&f);
}

static void test_every_piece(void **state)
{
	struct fixture f = es256();
	uint8_t little[32];
	(void)state;
	reverse(little, f.d, 32);
	for (size_t at = 0; at + 8 <= 32; at++) {
		plant(f.d + at, 8);
		assert_int_equal(runs(hunt(&f, BYTES_OF(hay)), FORM_BIG_ENDIAN, PLACE_FILE), 1);
		plant(little + at, 8);
		assert_int_equal(runs(hunt(&f, BYTES_OF(hay)), FORM_LITTLE_ENDIAN, PLACE_FILE), 1);
	}
	plant(f.d, 7);
	assert_int_equal(all(hunt(&f, BYTES_OF(hay))), 0);
	done(&f);
}

/* at the very ends of the hay too */
static void test_edges(void **state)
{
	struct fixture f = es256();
	(void)state;
	plant("", 0);
	memcpy(hay, f.d, 8);
	memcpy(hay + HAY - 8, f.d + 24, 8);
	assert_int_equal(all(hunt(&f, BYTES_OF(hay))), 2);
	done(&f);
}

static void test_hex(void **state)
{
	struct fixture f = es256();
	char text[65];
	(void)state;
	for (size_t upper = 0; upper < 2; upper++) {
		for (size_t i = 0; i < 32; i++)
			(void)snprintf(text + 2 * i, 3, upper ? "%02X" : "%02x", f.d[i]);
		enum form form = upper ? FORM_HEX_UPPER : FORM_HEX_LOWER;
		plant(text, 64);
		assert_int_equal(runs(hunt(&f, BYTES_OF(hay)), form, PLACE_FILE), 1);
		for (size_t at = 0; at + 16 <= 64; at += 2) {
			plant(text + at, 16);
			/* a piece of digits alone is of both */
			const struct finds *finds = hunt(&f, BYTES_OF(hay));
			assert_true(runs(finds, FORM_HEX_LOWER, PLACE_FILE) +
					    runs(finds, FORM_HEX_UPPER, PLACE_FILE) >=
				    1);
		}
	}
	done(&f);
}

/* the key behind 0, 1 and 2 other bytes, as OpenSSL writes base64 */
static void test_base64(void **state)
{
	struct fixture f = es256();
	uint8_t room[34] = { 'x', 'y' };
	unsigned char text[64];
	(void)state;
	memcpy(room + 2, f.d, 32);
	for (size_t before = 0; before < 3; before++) {
		int n = EVP_EncodeBlock(text, room + 2 - before, 32 + (int)before);
		plant(text, (size_t)n);
		assert_true(runs(hunt(&f, BYTES_OF(hay)), FORM_BASE64, PLACE_FILE) >= 1);
		for (int i = 0; i < n; i++)
			text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
		plant(text, (size_t)n);
		assert_true(runs(hunt(&f, BYTES_OF(hay)), FORM_BASE64URL, PLACE_FILE) >= 1);
	}
	done(&f);
}

static void test_pem_file(void **state)
{
	struct fixture f = es256();
	BIO *out = BIO_new(BIO_s_mem());
	char *text = NULL;
	(void)state;
	assert_int_equal(PEM_write_bio_PrivateKey(out, f.key, NULL, NULL, 0, NULL, NULL), 1);
	long n = BIO_get_mem_data(out, &text);
	plant(text, (size_t)n);
	assert_true(runs(hunt(&f, BYTES_OF(hay)), FORM_BASE64, PLACE_FILE) >= 1);
	BIO_free(out);
	done(&f);
}

static void test_ed25519(void **state)
{
	struct fixture f = fixture_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	uint8_t seed[32], hash[64];
	size_t n = sizeof(seed);
	(void)state;
	assert_int_equal(EVP_PKEY_get_raw_private_key(f.key, seed, &n), 1);
	SHA512(seed, n, hash);
	plant(seed, 32);
	assert_int_equal(all(hunt(&f, BYTES_OF(hay))), 1);
	/* the clamped scalar differs in its first and last byte */
	hash[0] ^= 1, hash[31] ^= 0x80;
	plant(hash, 32);
	assert_int_equal(all(hunt(&f, BYTES_OF(hay))), 1);
	plant(hash + 32, 32);
	assert_int_equal(all(hunt(&f, BYTES_OF(hay))), 1);
	plant(hash + 40, 8);
	assert_int_equal(all(hunt(&f, BYTES_OF(hay))), 1);
	done(&f);
}

static void test_rsa(void **state)
{
	static const char *const params[] = {
		"rsa-factor1",   "rsa-factor2",   "d",
		"rsa-exponent1", "rsa-exponent2", "rsa-coefficient1"
	};
	struct fixture f = fixture_of(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048));
	uint8_t big[256], little[256];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(params); i++) {
		BIGNUM *v = NULL;
		assert_int_equal(EVP_PKEY_get_bn_param(f.key, params[i], &v), 1);
		size_t n = (size_t)BN_bn2bin(v, big);
		reverse(little, big, n);
		plant(big, n);
		assert_int_equal(all(hunt(&f, BYTES_OF(hay))), 1);
		plant(little + n / 2, 8);
		assert_int_equal(all(hunt(&f, BYTES_OF(hay))), 1);
		BN_free(v);
	}
	done(&f);
}

/* A token signed with a nonce that is known here. */
static size_t token_with(const struct fixture *f, const BIGNUM *k, char *text, size_t cap)
{
	BN_CTX *ctx = BN_CTX_new();
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = EC_POINT_new(g);
	const BIGNUM *n = EC_GROUP_get0_order(g);
	BIGNUM *r = BN_new(), *s = BN_new(), *d = BN_bin2bn(f->d, 32, NULL), *z = NULL;
	uint8_t hash[32], sig[64];
	struct wr w = wr_of(text, cap);
	wr_lit(&w, "aGVhZGVy.cGF5bG9hZA");
	SHA256((const uint8_t *)text, w.n, hash);
	z = BN_bin2bn(hash, 32, NULL);
	assert_int_equal(EC_POINT_mul(g, point, k, NULL, NULL, ctx), 1);
	assert_int_equal(EC_POINT_get_affine_coordinates(g, point, r, NULL, ctx), 1);
	assert_true(BN_mod(r, r, n, ctx) && BN_mod_mul(s, r, d, n, ctx) &&
		    BN_mod_add(s, s, z, n, ctx) && BN_mod_inverse(z, k, n, ctx) &&
		    BN_mod_mul(s, s, z, n, ctx));
	assert_true(BN_bn2binpad(r, sig, 32) == 32 && BN_bn2binpad(s, sig + 32, 32) == 32);
	wr_char(&w, '.');
	base64url_write(&w, BYTES_OF(sig));
	BN_free(r), BN_free(s), BN_free(d), BN_free(z);
	EC_POINT_free(point);
	EC_GROUP_free(g);
	BN_CTX_free(ctx);
	return w.n;
}

static void test_nonce(void **state)
{
	struct fixture f = es256();
	uint8_t big[32], little[32];
	char text[256];
	BIGNUM *k = NULL;
	(void)state;
	assert_int_equal(RAND_bytes(big, 32), 1);
	big[0] = 1; /* below the order */
	k = BN_bin2bn(big, 32, NULL);
	reverse(little, big, 32);
	str token = { text, token_with(&f, k, text, sizeof(text)) };
	plant(little + 11, 8);
	assert_int_equal(all(hunt(&f, BYTES_OF(hay))), 0);
	assert_true(material_add_token(f.m, token, 1, &f.prey));
	assert_int_equal(all(hunt(&f, BYTES_OF(hay))), 1);
	plant(big, 32);
	assert_int_equal(all(hunt(&f, BYTES_OF(hay))), 1);
	assert_false(material_add_token(f.m, LIT("no.token.at-all"), 2, &f.prey));
	BN_free(k);
	done(&f);
}

struct counting {
	struct input_eater eater;
	const struct fixture *f;
	struct index *x;
	struct finds finds;
};

static void count(struct input_eater *e, bytes b, enum place place, const char *where)
{
	struct counting *c = (struct counting *)e;
	index_hunt(c->x, b, place, where, &c->finds);
}

static void refuse(struct input_eater *e, pid_t pid, const char *region, size_t n, int error)
{
	(void)e, (void)pid, (void)region, (void)n, (void)error;
}

static struct counting *counter(const struct fixture *f)
{
	static struct counting c;
	c = (struct counting){ .eater = { count, refuse }, .f = f, .x = index_new(&f->prey) };
	return &c;
}

static void write_file(const char *path, bytes b)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(b.p, 1, b.n, f), b.n);
	assert_int_equal(fclose(f), 0);
}

/* header, two program headers, a note at 1024, memory at 4096 */
static void test_core(void **state)
{
	struct fixture f = es256();
	struct counting *c = counter(&f);
	char path[] = "/tmp/test-hunter-XXXXXX";
	const Elf64_Phdr p[] = { { .p_type = PT_NOTE, .p_offset = 1024, .p_filesz = 512 },
				 { .p_type = PT_LOAD, .p_offset = 4096, .p_filesz = 8192 } };
	Elf64_Ehdr h = {
		.e_type = ET_CORE, .e_phoff = sizeof(h), .e_phentsize = sizeof(p[0]), .e_phnum = 2
	};
	(void)state;
	memcpy(h.e_ident, ELFMAG, SELFMAG);
	h.e_ident[EI_CLASS] = ELFCLASS64;
	plant("", 0);
	memcpy(hay, &h, sizeof(h));
	memcpy(hay + sizeof(h), p, sizeof(p));
	memcpy(hay + 1100, f.d, 8);
	memcpy(hay + 5000, f.d, 32);
	memcpy(hay + 9000, f.d + 8, 16);
	memcpy(hay + 3000, f.d, 32);
	assert_int_not_equal(close(mkstemp(path)), -1);
	write_file(path, (bytes){ hay, 16384 });
	assert_true(input_path(&c->eater, path));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(runs(&c->finds, FORM_BIG_ENDIAN, PLACE_REGISTERS), 1);
	assert_int_equal(runs(&c->finds, FORM_BIG_ENDIAN, PLACE_MEMORY), 2);
	assert_int_equal(runs(&c->finds, FORM_BIG_ENDIAN, PLACE_OTHER), 1);
	index_free(c->x);
	done(&f);
}

static void test_folder_and_process(void **state)
{
	struct fixture f = es256();
	struct counting *c = counter(&f);
	char folder[] = "/tmp/test-hunter-XXXXXX", path[64];
	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/file", folder);
	plant(f.d, 32);
	write_file(path, BYTES_OF(hay));
	assert_true(input_path(&c->eater, folder));
	assert_int_equal(runs(&c->finds, FORM_BIG_ENDIAN, PLACE_FILE), 1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_false(input_path(&c->eater, folder));
#ifndef __SANITIZE_ADDRESS__
	/* we hold it ourselves; with the sanitizer's shadow we are terabytes, too much to read */
	assert_true(input_process(&c->eater, getpid()));
	assert_true(runs(&c->finds, FORM_BIG_ENDIAN, PLACE_MEMORY) >= 1);
#endif
	index_free(c->x);
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),       cmocka_unit_test(test_byte_orders),
		cmocka_unit_test(test_every_piece), cmocka_unit_test(test_edges),
		cmocka_unit_test(test_hex),         cmocka_unit_test(test_base64),
		cmocka_unit_test(test_pem_file),    cmocka_unit_test(test_ed25519),
		cmocka_unit_test(test_rsa),         cmocka_unit_test(test_nonce),
		cmocka_unit_test(test_core),        cmocka_unit_test(test_folder_and_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
