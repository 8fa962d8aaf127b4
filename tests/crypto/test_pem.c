/* Import of private keys: each form that openssl writes, and each that must not pass. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "crypto/key.h"

enum form { PKCS8, TRADITIONAL, ENCRYPTED, ENCRYPTED_TRADITIONAL, PUBLIC };

static struct secret *secret_of(const char *p, size_t n)
{
	struct secret *s = NULL;
	assert_false(failed(secret_new(n, &s)));
	memcpy(secret_poke(s), p, n);
	return s;
}

static struct secret *pem_of(EVP_PKEY *k, enum form form)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *text = NULL;
	char phrase[] = "pass";
	uint8_t *pass = (uint8_t *)phrase;
	const EVP_CIPHER *aes = EVP_aes_128_cbc();
	int ok = 0;
	switch (form) {
	case PKCS8:
		ok = PEM_write_bio_PKCS8PrivateKey(b, k, NULL, NULL, 0, NULL, NULL);
		break;
	case TRADITIONAL:
		ok = PEM_write_bio_PrivateKey_traditional(b, k, NULL, NULL, 0, NULL, NULL);
		break;
	case ENCRYPTED:
		ok = PEM_write_bio_PKCS8PrivateKey(b, k, aes, phrase, 4, NULL, NULL);
		break;
	case ENCRYPTED_TRADITIONAL:
		ok = PEM_write_bio_PrivateKey_traditional(b, k, aes, pass, 4, NULL, NULL);
		break;
	case PUBLIC:
		ok = PEM_write_bio_PUBKEY(b, k);
		break;
	}
	assert_int_equal(ok, 1);
	long n = BIO_get_mem_data(b, &text);
	struct secret *s = secret_of(text, (size_t)n);
	BIO_free(b);
	EVP_PKEY_free(k);
	return s;
}

static enum ch_code import(enum alg a, const struct secret *pem)
{
	AUTO(private_key_done) struct private_key *k = NULL;
	ch_err e = private_key_from_pem(a, pem, &k);
	assert_true(failed(e) == (k == NULL));
	if (k)
		assert_int_equal(private_key_alg(k), a);
	return ch_code_of(e);
}

/* what is imported must sign, and its own public half must verify that */
static void is_imported(enum alg a, EVP_PKEY *key, enum form form)
{
	AUTO(secret_done) struct secret *pem = pem_of(key, form);
	AUTO(private_key_done) struct private_key *k = NULL;
	AUTO(public_key_done) struct public_key *pub = NULL;
	struct key_parts parts;
	uint8_t sig[SIGNATURE_MAX];
	size_t n = 0;
	bytes message = bytes_of_str(LIT("message"));
	assert_false(failed(private_key_from_pem(a, pem, &k)));
	assert_false(failed(private_key_public(k, &parts)));
	assert_false(failed(public_key_new(&parts, &pub)));
	assert_false(failed(private_key_sign(k, message, sig, &n)));
	assert_false(
		failed(public_key_verify(pub, NULL, signed_text_of(message), (bytes){ sig, n })));
}

/* what is written is read again, by us as by openssl */
static void is_written(enum alg a)
{
	AUTO(private_key_done) struct private_key *k = NULL, *again = NULL;
	AUTO(secret_done) struct secret *pem = NULL;
	struct key_parts one, two;
	assert_false(failed(private_key_generate(a, &k)));
	assert_false(failed(private_key_pem(k, &pem)));
	assert_false(failed(private_key_from_pem(a, pem, &again)));
	assert_false(failed(private_key_public(k, &one)));
	assert_false(failed(private_key_public(again, &two)));
	assert_memory_equal(&one, &two, sizeof(one));
}

static void keys_are_written(void **state)
{
	(void)state;
	AUTO(private_key_done) struct private_key *k = NULL;
	AUTO(secret_done) struct secret *pem = NULL;
	is_written(ALG_ES256);
	is_written(ALG_RS256);
	assert_false(failed(private_key_generate(ALG_EDDSA, &k)));
	assert_int_equal(ch_code_of(private_key_pem(k, &pem)), CH_E_UNSUPPORTED);
	assert_null(pem);
}

/* the same key each time: they take long to make */
static EVP_PKEY *rsa_2048(void)
{
	static EVP_PKEY *k;
	if (!k)
		k = EVP_RSA_gen(2048);
	assert_int_equal(EVP_PKEY_up_ref(k), 1);
	return k;
}

static EVP_PKEY *ed25519_key(void)
{
	return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static EVP_PKEY *rsa_of_exponent(size_t bits, unsigned e)
{
	EVP_PKEY *k = NULL;
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *n = BN_new();
	assert_int_equal(BN_set_word(n, e), 1);
	assert_int_equal(EVP_PKEY_keygen_init(c), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(c, (int)bits), 1);
	assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(c, n), 1);
	assert_int_equal(EVP_PKEY_keygen(c, &k), 1);
	EVP_PKEY_CTX_free(c);
	BN_free(n);
	return k;
}

static void every_form_is_imported(void **state)
{
	(void)state;
	is_imported(ALG_ES256, EVP_EC_gen("P-256"), PKCS8);
	is_imported(ALG_ES256, EVP_EC_gen("P-256"), TRADITIONAL);
	is_imported(ALG_EDDSA, ed25519_key(), PKCS8);
	is_imported(ALG_RS256, rsa_2048(), PKCS8);
	is_imported(ALG_RS256, rsa_2048(), TRADITIONAL);
	is_imported(ALG_PS256, rsa_2048(), PKCS8);
	is_imported(ALG_PS256, EVP_RSA_gen(3072), TRADITIONAL);
}

static void is_refused(enum alg a, EVP_PKEY *key, enum form form, enum ch_code code)
{
	AUTO(secret_done) struct secret *pem = pem_of(key, form);
	assert_int_equal(import(a, pem), code);
}

static void other_keys_are_refused(void **state)
{
	(void)state;
	is_refused(ALG_ES256, EVP_EC_gen("P-384"), PKCS8, CH_E_MISMATCH);
	is_refused(ALG_ES256, EVP_EC_gen("P-384"), TRADITIONAL, CH_E_MISMATCH);
	is_refused(ALG_ES256, EVP_EC_gen("secp256k1"), PKCS8, CH_E_MISMATCH);
	is_refused(ALG_ES256, ed25519_key(), PKCS8, CH_E_MISMATCH);
	is_refused(ALG_EDDSA, EVP_EC_gen("P-256"), PKCS8, CH_E_MISMATCH);
	is_refused(ALG_EDDSA, EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), PKCS8, CH_E_MISMATCH);
	is_refused(ALG_EDDSA, EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), PKCS8, CH_E_MISMATCH);
	is_refused(ALG_RS256, EVP_EC_gen("P-256"), PKCS8, CH_E_MISMATCH);
	is_refused(ALG_RS256, EVP_RSA_gen(1024), PKCS8, CH_E_RANGE);
	is_refused(ALG_PS256, EVP_RSA_gen(1024), TRADITIONAL, CH_E_RANGE);
	is_refused(ALG_RS256, rsa_of_exponent(2048, 3), PKCS8, CH_E_RANGE);
	is_refused(ALG_RS256, rsa_of_exponent(2048, 65539), TRADITIONAL, CH_E_RANGE);
}

static void what_is_no_plain_private_key_is_refused(void **state)
{
	(void)state;
	is_refused(ALG_ES256, EVP_EC_gen("P-256"), ENCRYPTED, CH_E_SYNTAX);
	is_refused(ALG_ES256, EVP_EC_gen("P-256"), ENCRYPTED_TRADITIONAL, CH_E_SYNTAX);
	is_refused(ALG_ES256, EVP_EC_gen("P-256"), PUBLIC, CH_E_SYNTAX);
	is_refused(ALG_RS256, rsa_2048(), ENCRYPTED_TRADITIONAL, CH_E_SYNTAX);
	is_refused(ALG_RS256, rsa_2048(), PUBLIC, CH_E_SYNTAX);
	const str texts[] = { LIT("\n"), LIT("-----BEGIN PRIVATE KEY-----\n"), LIT("not a key"),
			      LIT("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n") };
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		AUTO(secret_done) struct secret *s = secret_of(texts[i].p, texts[i].n);
		assert_int_equal(import(ALG_ES256, s), CH_E_SYNTAX);
	}
}

static void no_prefix_is_imported(void **state)
{
	(void)state;
	const struct {
		EVP_PKEY *key;
		enum form form;
		enum alg alg;
	} rows[] = { { EVP_EC_gen("P-256"), PKCS8, ALG_ES256 },
		     { EVP_EC_gen("P-256"), TRADITIONAL, ALG_ES256 },
		     { ed25519_key(), PKCS8, ALG_EDDSA },
		     { rsa_2048(), TRADITIONAL, ALG_RS256 } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		AUTO(secret_done) struct secret *pem = pem_of(rows[i].key, rows[i].form);
		const char *p = (const char *)secret_peek(pem).p;
		/* all but the last line end */
		size_t step = rows[i].alg == ALG_RS256 ? 13 : 1;
		for (size_t n = 1; n + 1 < secret_size(pem); n += step) {
			AUTO(secret_done) struct secret *part = secret_of(p, n);
			assert_int_equal(import(rows[i].alg, part), CH_E_SYNTAX);
		}
	}
}

static void halves_must_match(void **state)
{
	(void)state;
	EVP_PKEY *a = EVP_EC_gen("P-256"), *b = EVP_EC_gen("P-256"), *mixed = EVP_PKEY_new();
	EC_KEY *x = EVP_PKEY_get1_EC_KEY(a), *y = EVP_PKEY_get1_EC_KEY(b);
	assert_int_equal(EC_KEY_set_public_key(x, EC_KEY_get0_public_key(y)), 1);
	assert_int_equal(EVP_PKEY_assign_EC_KEY(mixed, x), 1);
	is_refused(ALG_ES256, mixed, PKCS8, CH_E_MISMATCH);
	EC_KEY_free(y);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
}

static void rsa_numbers_must_match(void **state)
{
	(void)state;
	EVP_PKEY *a = EVP_RSA_gen(2048), *mixed = EVP_PKEY_new();
	RSA *r = EVP_PKEY_get1_RSA(a);
	BIGNUM *d = BN_dup(RSA_get0_d(r));
	assert_int_equal(BN_add_word(d, 2), 1);
	assert_int_equal(RSA_set0_key(r, NULL, NULL, d), 1);
	assert_int_equal(EVP_PKEY_assign_RSA(mixed, r), 1);
	is_refused(ALG_RS256, mixed, TRADITIONAL, CH_E_MISMATCH);
	EVP_PKEY_free(a);
}

static void type_gives_alg(void **state)
{
	(void)state;
	const struct {
		EVP_PKEY *key;
		enum alg alg;
	} rows[] = { { EVP_EC_gen("P-256"), ALG_ES256 },
		     { ed25519_key(), ALG_EDDSA },
		     { rsa_2048(), ALG_RS256 } };
	enum alg a = ALG_COUNT;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		AUTO(secret_done) struct secret *pem = pem_of(rows[i].key, PKCS8);
		assert_false(failed(private_key_pem_alg(pem, &a)));
		assert_int_equal(a, rows[i].alg);
	}
	AUTO(secret_done) struct secret *x = pem_of(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), PKCS8);
	AUTO(secret_done) struct secret *p384 = pem_of(EVP_EC_gen("P-384"), PKCS8);
	assert_int_equal(ch_code_of(private_key_pem_alg(x, &a)), CH_E_MISMATCH);
	assert_int_equal(ch_code_of(private_key_pem_alg(p384, &a)), CH_E_MISMATCH);
}

static int init(void **state)
{
	(void)state;
	return failed(crypto_init(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_written),
		cmocka_unit_test(every_form_is_imported),
		cmocka_unit_test(other_keys_are_refused),
		cmocka_unit_test(what_is_no_plain_private_key_is_refused),
		cmocka_unit_test(no_prefix_is_imported),
		cmocka_unit_test(halves_must_match),
		cmocka_unit_test(rsa_numbers_must_match),
		cmocka_unit_test(type_gives_alg),
	};
	return cmocka_run_group_tests(tests, init, NULL);
}
