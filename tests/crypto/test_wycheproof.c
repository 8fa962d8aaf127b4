/* The public vectors of C2SP Wycheproof, unchanged, the stock way and by a key's table,
 * which must say the same. A key that we refuse at load (RSA with
 * e = 3, P-384) refuses every signature; where that deviates, deviations.c says why. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/path.h"
#include "codec/json.h"
#include "crypto/key.h"
#include "deviations.h"

enum { MEMBERS = 30000, FILE_MAX = 1 << 20, BYTES_MAX = 4096 };

static const char *folder;
static struct key_work *work;
static struct json_node nodes[MEMBERS + 1];
static uint8_t text[FILE_MAX];

struct run {
	enum alg alg;
	bool (*parts)(const struct json_node *key, struct key_parts *p);
	size_t refused_keys;
};

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* the hex text of a member; leading zero bytes left out when it is a number */
static size_t hex(const struct json_node *obj, str name, bool number, uint8_t *out)
{
	const struct json_node *n = json_member(obj, name);
	size_t used = 0;
	assert_non_null(n);
	assert_true(n->text.n / 2 <= BYTES_MAX);
	for (size_t i = 0; i + 1 < n->text.n; i += 2) {
		int high = nibble(n->text.p[i]), low = nibble(n->text.p[i + 1]);
		assert_true(high >= 0 && low >= 0);
		int v = high * 16 + low;
		if (!number || used > 0 || v != 0)
			out[used++] = (uint8_t)v;
	}
	return used;
}

static bool coordinate(const struct json_node *key, str name, uint8_t ret[static 32])
{
	uint8_t v[BYTES_MAX];
	size_t n = hex(key, name, true, v);
	if (n > 32)
		return false;
	mem_copy(ret + 32 - n, v, n);
	return true;
}

static bool ec_parts(const struct json_node *key, struct key_parts *p)
{
	return coordinate(key, LIT("wx"), p->x) && coordinate(key, LIT("wy"), p->y);
}

static bool ed_parts(const struct json_node *key, struct key_parts *p)
{
	uint8_t v[BYTES_MAX];
	if (hex(key, LIT("pk"), false, v) != 32)
		return false;
	mem_copy(p->x, v, 32);
	return true;
}

static bool rsa_parts(const struct json_node *key, struct key_parts *p)
{
	uint8_t n[BYTES_MAX], e[BYTES_MAX];
	p->n_size = hex(key, LIT("modulus"), true, n);
	p->e_size = hex(key, LIT("publicExponent"), true, e);
	if (p->n_size > sizeof(p->n) || p->e_size > sizeof(p->e))
		return false;
	mem_copy(p->n, n, p->n_size);
	mem_copy(p->e, e, p->e_size);
	return true;
}

/* k == NULL: it could not be loaded. */
static void one(struct public_key *k, const struct json_node *test)
{
	uint8_t message[BYTES_MAX], sig[BYTES_MAX];
	int64_t id = 0;
	size_t n = hex(test, LIT("msg"), false, message);
	size_t m = hex(test, LIT("sig"), false, sig);
	enum step refused_by = k ? STEP_NONE : STEP_KEY;
	if (k) {
		struct signed_text t = signed_text_of((bytes){ message, n });
		ch_err stock = public_key_verify(k, NULL, t, (bytes){ sig, m });
		ch_err warm = public_key_verify(k, work, t, (bytes){ sig, m });
		assert_int_equal(ch_code_of(stock), ch_code_of(warm));
		refused_by = failed(stock) ? STEP_SIGNATURE : STEP_NONE;
	}
	assert_false(failed(json_to_int(json_member(test, LIT("tcId")), &id)));
	const char *wrong =
		deviations_judge(id, json_member(test, LIT("result"))->text, refused_by);
	if (wrong)
		fail_msg("test %d %s", (int)id, wrong);
}

static void group(struct run *r, const struct json_node *g)
{
	AUTO(public_key_done) struct public_key *k = NULL;
	struct key_parts parts = { .alg = r->alg };
	const struct json_node *tests = json_member(g, LIT("tests"));
	if (!r->parts(json_member(g, LIT("publicKey")), &parts) ||
	    failed(public_key_new(&parts, &k)))
		r->refused_keys++;
	if (k)
		assert_false(failed(public_key_warm(k)));
	for (const struct json_node *t = json_first(tests); t; t = json_next(tests, t))
		one(k, t);
}

static void run_file(struct run *r, str name)
{
	struct path path;
	size_t n = 0, count = 0;
	assert_false(failed(path_join(&path, str_from_c(folder), name, (str){ 0 })));
	assert_false(failed(file_read(AT_FDCWD, path.p, text, sizeof(text), &n)));
	assert_false(failed(json_parse((bytes){ text, n },
				       (struct json_limits){ .depth = 10, .members = MEMBERS },
				       nodes, COUNT_OF(nodes), &count)));
	const struct json_node *groups = json_member(nodes, LIT("testGroups"));
	deviations_begin(name);
	for (const struct json_node *g = json_first(groups); g; g = json_next(groups, g))
		group(r, g);
	assert_int_equal(deviations_missing(), 0);
}

static void assert_tally(size_t accepted, size_t refused)
{
	assert_int_equal(deviations_tally().accepted, accepted);
	assert_int_equal(deviations_tally().refused, refused);
}

static void es256(void **state)
{
	(void)state;
	struct run r = { .alg = ALG_ES256, .parts = ec_parts };
	run_file(&r, LIT("ecdsa_secp256r1_sha256_p1363_test.json"));
	assert_int_equal(r.refused_keys, 0);
	assert_tally(173, 89);
}

/* There is no ES384 here: its keys do not load. */
static void es384(void **state)
{
	(void)state;
	struct run r = { .alg = ALG_ES256, .parts = ec_parts };
	run_file(&r, LIT("ecdsa_secp384r1_sha384_p1363_test.json"));
	assert_tally(0, 280);
}

static void ed25519(void **state)
{
	(void)state;
	struct run r = { .alg = ALG_EDDSA, .parts = ed_parts };
	run_file(&r, LIT("ed25519_test.json"));
	assert_int_equal(r.refused_keys, 0);
	assert_tally(88, 63);
}

static void rs256(void **state)
{
	(void)state;
	struct run r = { .alg = ALG_RS256, .parts = rsa_parts };
	run_file(&r, LIT("rsa_signature_2048_sha256_test.json"));
	assert_tally(7, 252);
	run_file(&r, LIT("rsa_signature_3072_sha256_test.json"));
	assert_tally(7, 252);
	assert_int_equal(r.refused_keys, 3); /* those of e = 3 */
}

static void ps256(void **state)
{
	(void)state;
	struct run r = { .alg = ALG_PS256, .parts = rsa_parts };
	run_file(&r, LIT("rsa_pss_2048_sha256_mgf1_32_test.json"));
	assert_tally(63, 45);
	run_file(&r, LIT("rsa_pss_3072_sha256_mgf1_32_test.json"));
	assert_tally(63, 45);
	assert_int_equal(r.refused_keys, 0);
}

static int init(void **state)
{
	(void)state;
	return failed(crypto_init(NULL)) || failed(key_work_new(&work));
}

static int finish(void **state)
{
	(void)state;
	key_work_free(work);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(es256), cmocka_unit_test(es384), cmocka_unit_test(ed25519),
		cmocka_unit_test(rs256), cmocka_unit_test(ps256),
	};
	if (argc != 2) {
		print_error("usage: %s FOLDER_OF_VECTORS\n", argv[0]);
		return 2;
	}
	folder = argv[1];
	return cmocka_run_group_tests(tests, init, finish);
}
