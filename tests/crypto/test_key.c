/* Keys of every algorithm: there and back, and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "crypto/key.h"

static const str message = LIT("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9");

struct pair {
	struct private_key *priv;
	struct public_key *pub;
	struct key_parts parts;
	uint8_t sig[SIGNATURE_MAX];
	size_t n;
};

static void pair_done(struct pair *p)
{
	private_key_free(p->priv);
	public_key_free(p->pub);
}

/* RSA keys take long to generate: one for all tests */
static struct secret *kept[ALG_COUNT];

static struct private_key *key_of(enum alg a)
{
	struct private_key *k = NULL;
	if (kept[a]) {
		assert_false(failed(private_key_load(a, kept[a], &k)));
		return k;
	}
	assert_false(failed(private_key_generate(a, &k)));
	if (a == ALG_RS256 || a == ALG_PS256)
		assert_false(failed(private_key_export(k, &kept[a])));
	return k;
}

/* a key, its public half and one signature */
static void make(enum alg a, struct pair *p)
{
	*p = (struct pair){ .priv = key_of(a) };
	assert_int_equal(private_key_alg(p->priv), a);
	assert_false(failed(private_key_public(p->priv, &p->parts)));
	assert_int_equal(p->parts.alg, a);
	assert_false(failed(public_key_new(&p->parts, &p->pub)));
	assert_false(failed(private_key_sign(p->priv, bytes_of_str(message), p->sig, &p->n)));
}

static struct key_work *work;

/* the stock way and the one with working memory say the same */
static enum ch_code verify(struct pair *p, bytes sig)
{
	struct signed_text t = signed_text_of(bytes_of_str(message));
	enum ch_code stock = ch_code_of(public_key_verify(p->pub, NULL, t, sig));
	assert_int_equal(ch_code_of(public_key_verify(p->pub, work, t, sig)), stock);
	return stock;
}

static void signs_what_verifies(void **state)
{
	(void)state;
	for (int a = 0; a < ALG_COUNT; a++) {
		AUTO(pair_done) struct pair p;
		make((enum alg)a, &p);
		assert_int_equal(p.n, a == ALG_ES256 || a == ALG_EDDSA ? 64 : 256);
		for (int i = 0; i < 3; i++) {
			assert_false(failed(
				private_key_sign(p.priv, bytes_of_str(message), p.sig, &p.n)));
			assert_int_equal(verify(&p, (bytes){ p.sig, p.n }), CH_OK);
		}
		assert_int_equal(ch_code_of(public_key_verify(
					 p.pub, NULL, signed_text_of(bytes_of_str(LIT("other"))),
					 (bytes){ p.sig, p.n })),
				 CH_E_MISMATCH);
	}
}

static void every_changed_byte_is_refused(void **state)
{
	(void)state;
	for (int a = 0; a < ALG_COUNT; a++) {
		AUTO(pair_done) struct pair p;
		make((enum alg)a, &p);
		for (size_t i = 0; i < p.n; i++) {
			p.sig[i] ^= 1;
			assert_int_equal(verify(&p, (bytes){ p.sig, p.n }), CH_E_MISMATCH);
			p.sig[i] ^= 1;
		}
		assert_int_equal(verify(&p, (bytes){ p.sig, p.n }), CH_OK);
	}
}

static void only_the_exact_length(void **state)
{
	(void)state;
	for (int a = 0; a < ALG_COUNT; a++) {
		AUTO(pair_done) struct pair p;
		make((enum alg)a, &p);
		for (size_t n = 0; n <= p.n + 1; n++)
			assert_int_equal(verify(&p, (bytes){ p.sig, n }),
					 n == p.n ? CH_OK : CH_E_MISMATCH);
	}
}

static void zero_numbers_are_refused(void **state)
{
	(void)state;
	/* r = s = 0 verifies everything where the range is not checked (CVE-2022-21449) */
	for (int a = 0; a < ALG_COUNT; a++) {
		AUTO(pair_done) struct pair p;
		make((enum alg)a, &p);
		memset(p.sig, 0, sizeof(p.sig));
		assert_int_equal(verify(&p, (bytes){ p.sig, p.n }), CH_E_MISMATCH);
		memset(p.sig, 0xff, sizeof(p.sig));
		assert_int_equal(verify(&p, (bytes){ p.sig, p.n }), CH_E_MISMATCH);
	}
}

static void modulus_and_its_neighbours_are_refused(void **state)
{
	(void)state;
	for (int a = ALG_RS256; a <= ALG_PS256; a++) {
		AUTO(pair_done) struct pair p;
		make((enum alg)a, &p);
		size_t last = p.n - 1;
		assert_int_equal(p.parts.n_size, p.n);
		for (int d = -1; d <= 1; d++) {
			/* an odd number: one more and one less change its last byte alone */
			mem_copy(p.sig, p.parts.n, p.n);
			if (d <= 0 || p.sig[last] < 0xff)
				p.sig[last] = (uint8_t)(p.sig[last] + d);
			assert_int_equal(verify(&p, (bytes){ p.sig, p.n }), CH_E_MISMATCH);
		}
	}
}

static void rs256_is_not_ps256(void **state)
{
	(void)state;
	AUTO(pair_done) struct pair p;
	AUTO(public_key_done) struct public_key *other = NULL;
	make(ALG_RS256, &p);
	p.parts.alg = ALG_PS256;
	assert_false(failed(public_key_new(&p.parts, &other)));
	assert_int_equal(
		ch_code_of(public_key_verify(other, NULL, signed_text_of(bytes_of_str(message)),
					     (bytes){ p.sig, p.n })),
		CH_E_MISMATCH);
}

static void exported_and_loaded_it_signs_alike(void **state)
{
	(void)state;
	for (int a = 0; a < ALG_COUNT; a++) {
		AUTO(pair_done) struct pair p;
		AUTO(secret_done) struct secret *s = NULL;
		AUTO(private_key_done) struct private_key *again = NULL;
		make((enum alg)a, &p);
		assert_false(failed(private_key_export(p.priv, &s)));
		assert_false(failed(private_key_load((enum alg)a, s, &again)));
		assert_false(failed(private_key_sign(again, bytes_of_str(message), p.sig, &p.n)));
		assert_int_equal(verify(&p, (bytes){ p.sig, p.n }), CH_OK);
	}
}

static void loads_only_its_own_kind(void **state)
{
	(void)state;
	for (int a = 0; a < ALG_COUNT; a++) {
		AUTO(pair_done) struct pair p;
		AUTO(secret_done) struct secret *s = NULL;
		make((enum alg)a, &p);
		assert_false(failed(private_key_export(p.priv, &s)));
		for (int b = 0; b < ALG_COUNT; b++) {
			AUTO(private_key_done) struct private_key *k = NULL;
			bool both_rsa = a >= ALG_RS256 && b >= ALG_RS256;
			bool ok = !failed(private_key_load((enum alg)b, s, &k));
			assert_int_equal(ok, a == b || both_rsa);
		}
	}
}

/* As if the seal had let a changed key through: a byte of the private number of
 * RFC 5915, one of the modulus of RFC 8017 appendix A.1.2. */
static void a_key_that_does_not_fit_itself_is_refused(void **state)
{
	(void)state;
	const struct {
		enum alg alg;
		size_t from, to;
	} rows[] = { { ALG_ES256, 36, 68 }, { ALG_RS256, 60, 290 }, { ALG_PS256, 60, 290 } };
	for (size_t r = 0; r < COUNT_OF(rows); r++) {
		AUTO(pair_done) struct pair p;
		AUTO(secret_done) struct secret *s = NULL;
		make(rows[r].alg, &p);
		assert_false(failed(private_key_export(p.priv, &s)));
		for (size_t i = rows[r].from; i < rows[r].to; i += 5) {
			AUTO(private_key_done) struct private_key *k = NULL;
			secret_poke(s)[i] ^= 2;
			assert_true(failed(private_key_load(rows[r].alg, s, &k)));
			secret_poke(s)[i] ^= 2;
		}
	}
}

static enum ch_code load_parts(const struct key_parts *parts)
{
	AUTO(public_key_done) struct public_key *k = NULL;
	return ch_code_of(public_key_new(parts, &k));
}

static void bad_points_are_refused(void **state)
{
	(void)state;
	struct key_parts es = { .alg = ALG_ES256 }, ed = { .alg = ALG_EDDSA };
	AUTO(pair_done) struct pair p;
	assert_int_equal(load_parts(&es), CH_E_MISMATCH); /* (0, 0) is not on the curve */
	make(ALG_ES256, &p);
	es = p.parts;
	es.y[31] ^= 1;
	assert_int_equal(load_parts(&es), CH_E_MISMATCH);
	memset(es.x, 0xff, sizeof(es.x)); /* over the field's prime */
	assert_int_equal(load_parts(&es), CH_E_MISMATCH);
	assert_int_equal(load_parts(&ed), CH_E_RANGE); /* y = 0: order 4 */
	ed.x[0] = 1;                                   /* the neutral element */
	assert_int_equal(load_parts(&ed), CH_E_RANGE);
	memset(ed.x, 0xff, sizeof(ed.x)); /* not canonical */
	assert_int_equal(load_parts(&ed), CH_E_RANGE);
}

static void bad_rsa_numbers_are_refused(void **state)
{
	(void)state;
	AUTO(pair_done) struct pair p;
	make(ALG_RS256, &p);
	struct key_parts k = p.parts;
	k.e_size = 1;
	k.e[0] = 3;
	assert_true(load_parts(&k) != CH_OK);
	k = p.parts;
	k.n[k.n_size - 1] &= 0xfe;
	assert_true(load_parts(&k) != CH_OK);
	k = p.parts;
	k.n_size = 128;
	k.n[127] |= 1;
	assert_true(load_parts(&k) != CH_OK);
	k = p.parts;
	k.n[0] = 0;
	assert_int_equal(load_parts(&k), CH_E_RANGE);
	k.n_size = RSA_MODULUS_MAX + 1;
	assert_int_equal(load_parts(&k), CH_E_RANGE);
	k.n_size = 0;
	assert_int_equal(load_parts(&k), CH_E_RANGE);
}

/* A library must not take its host's errors away, nor leave its own behind. */
static void errors_of_others_stay(void **state)
{
	(void)state;
	AUTO(key_work_done) struct key_work *w = NULL;
	assert_false(failed(key_work_new(&w)));
	for (int a = 0; a < ALG_COUNT; a++) {
		AUTO(pair_done) struct pair p;
		const struct signed_text t = signed_text_of(bytes_of_str(message));
		make((enum alg)a, &p);
		ERR_clear_error();
		for (int hosts = 0; hosts < 3; hosts++) {
			for (int i = 0; i < hosts; i++)
				ERR_raise(ERR_LIB_USER, 100 + i);
			for (int warm = 0; warm < 2; warm++) {
				struct key_parts bad = p.parts;
				assert_int_equal(verify(&p, (bytes){ p.sig, p.n }), CH_OK);
				p.sig[p.n - 1] ^= 1;
				assert_int_equal(verify(&p, (bytes){ p.sig, p.n }), CH_E_MISMATCH);
				assert_true(failed(
					public_key_verify(p.pub, w, t, (bytes){ p.sig, p.n })));
				p.sig[p.n - 1] ^= 1;
				memset(bad.x, 0xff, sizeof(bad.x));
				bad.n_size = 16;
				assert_true(load_parts(&bad) != CH_OK);
				assert_false(failed(public_key_warm(p.pub)));
			}
			for (int i = 0; i < hosts; i++)
				assert_int_equal(ERR_GET_REASON(ERR_get_error()), 100 + i);
			assert_int_equal(ERR_get_error(), 0);
		}
	}
}

static void names(void **state)
{
	(void)state;
	enum alg a = ALG_COUNT;
	for (int i = 0; i < ALG_COUNT; i++) {
		assert_true(alg_by_name(alg_name((enum alg)i), &a));
		assert_int_equal(a, i);
	}
	const str bad[] = { LIT(""),       LIT("none"),  LIT("HS256"), LIT("es256"),
			    LIT("ES2567"), LIT("ES384"), LIT("RSA"),   LIT("ES256 ") };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(alg_by_name(bad[i], &a));
}

static int init(void **state)
{
	(void)state;
	return failed(crypto_init(NULL)) || failed(crypto_init(NULL)) ||
	       failed(key_work_new(&work));
}

static int finish(void **state)
{
	(void)state;
	for (int a = 0; a < ALG_COUNT; a++)
		secret_free(kept[a]);
	key_work_free(work);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(signs_what_verifies),
		cmocka_unit_test(every_changed_byte_is_refused),
		cmocka_unit_test(only_the_exact_length),
		cmocka_unit_test(zero_numbers_are_refused),
		cmocka_unit_test(modulus_and_its_neighbours_are_refused),
		cmocka_unit_test(rs256_is_not_ps256),
		cmocka_unit_test(exported_and_loaded_it_signs_alike),
		cmocka_unit_test(loads_only_its_own_kind),
		cmocka_unit_test(a_key_that_does_not_fit_itself_is_refused),
		cmocka_unit_test(bad_points_are_refused),
		cmocka_unit_test(bad_rsa_numbers_are_refused),
		cmocka_unit_test(errors_of_others_stay),
	};
	return cmocka_run_group_tests(tests, init, finish);
}
