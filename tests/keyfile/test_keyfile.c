/* Sealed key files: there and back, and no changed, cut or foreign file opens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keyfile/keyfile.h"

struct fixture {
	struct secret *kek;
	struct private_key *key;
	struct key_meta meta;
	uint8_t file[KEYFILE_MAX];
	size_t n;
};

static struct secret *a_kek(uint8_t fill)
{
	struct secret *s = NULL;
	assert_false(failed(secret_new(KEK_SIZE, &s)));
	memset(secret_poke(s), fill, KEK_SIZE);
	return s;
}

static struct key_meta a_meta(enum alg a)
{
	return (struct key_meta){
		.alg = a,
		.times = { .created_s = 1700000000,
			   .published_s = 1700000001,
			   .not_before_s = 1700000301,
			   .not_after_s = 1800000000,
			   .limit_s = 1900000000,
			   .max_ttl_s = 3600 },
		.realm = LIT("home"),
		.kid = LIT("-f3_"),
		.grant = { .typ = KEY_TYP_ACCESS | KEY_TYP_ID,
			   .max_ttl_s = 3600,
			   .rate_per_s = 100,
			   .audiences = { LIT("mail"), LIT("https://api.test/") },
			   .n_audiences = 2 },
		.imported = true,
	};
}

static void start(struct fixture *f, enum alg a)
{
	*f = (struct fixture){ .kek = a_kek(7), .meta = a_meta(a) };
	assert_false(failed(private_key_generate(a, &f->key)));
	struct wr w = wr_of(f->file, sizeof(f->file));
	assert_false(failed(keyfile_write(&f->meta, f->key, f->kek, &w)));
	f->n = w.n;
}

static void stop(struct fixture *f)
{
	secret_free(f->kek);
	private_key_free(f->key);
}

static enum ch_code open_code(bytes file, const struct secret *kek)
{
	AUTO(private_key_done) struct private_key *k = NULL;
	struct key_meta m;
	return ch_code_of(keyfile_open(file, kek, &m, &k));
}

static void same_meta(const struct key_meta *a, const struct key_meta *b)
{
	assert_int_equal(a->alg, b->alg);
	assert_true(a->times.created_s == b->times.created_s &&
		    a->times.published_s == b->times.published_s &&
		    a->times.not_before_s == b->times.not_before_s &&
		    a->times.not_after_s == b->times.not_after_s &&
		    a->times.limit_s == b->times.limit_s &&
		    a->times.max_ttl_s == b->times.max_ttl_s);
	assert_true(str_eq(a->realm, b->realm) && str_eq(a->kid, b->kid));
	assert_int_equal(a->grant.typ, b->grant.typ);
	assert_int_equal(a->grant.max_ttl_s, b->grant.max_ttl_s);
	assert_int_equal(a->grant.rate_per_s, b->grant.rate_per_s);
	assert_int_equal(a->grant.n_audiences, b->grant.n_audiences);
	for (size_t i = 0; i < a->grant.n_audiences; i++)
		assert_true(str_eq(a->grant.audiences[i], b->grant.audiences[i]));
	assert_int_equal(a->imported, b->imported);
}

static void there_and_back(void **state)
{
	(void)state;
	for (int a = 0; a < ALG_COUNT; a++) {
		AUTO(stop) struct fixture f;
		AUTO(private_key_done) struct private_key *k = NULL;
		struct key_meta m;
		struct key_parts before, after;
		start(&f, (enum alg)a);
		assert_false(failed(keyfile_read((bytes){ f.file, f.n }, &m)));
		same_meta(&m, &f.meta);
		assert_false(failed(keyfile_open((bytes){ f.file, f.n }, f.kek, &m, &k)));
		same_meta(&m, &f.meta);
		assert_false(failed(private_key_public(f.key, &before)));
		assert_false(failed(private_key_public(k, &after)));
		assert_memory_equal(&before, &after, sizeof(before));
	}
}

static void another_kek_opens_nothing(void **state)
{
	(void)state;
	AUTO(stop) struct fixture f;
	AUTO(secret_done) struct secret *other = a_kek(8);
	start(&f, ALG_ES256);
	assert_int_equal(open_code((bytes){ f.file, f.n }, other), CH_E_SEALED);
}

static void no_changed_bit_opens(void **state)
{
	(void)state;
	AUTO(stop) struct fixture f;
	start(&f, ALG_EDDSA);
	for (size_t i = 0; i < f.n * 8; i++) {
		f.file[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_true(open_code((bytes){ f.file, f.n }, f.kek) != CH_OK);
		f.file[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_int_equal(open_code((bytes){ f.file, f.n }, f.kek), CH_OK);
}

static void no_prefix_opens(void **state)
{
	(void)state;
	AUTO(stop) struct fixture f;
	struct key_meta m;
	start(&f, ALG_ES256);
	for (size_t n = 0; n < f.n; n++) {
		assert_true(failed(keyfile_read((bytes){ f.file, n }, &m)));
		assert_true(open_code((bytes){ f.file, n }, f.kek) != CH_OK);
	}
	f.file[f.n] = 0;
	assert_int_equal(ch_code_of(keyfile_read((bytes){ f.file, f.n + 1 }, &m)), CH_E_TRAILING);
}

/* A header of another file over this one's secret: the realm cannot be exchanged. */
static void a_header_does_not_fit_another_secret(void **state)
{
	(void)state;
	AUTO(stop) struct fixture home;
	AUTO(stop) struct fixture corp;
	start(&home, ALG_EDDSA);
	start(&corp, ALG_EDDSA);
	corp.meta.realm = LIT("corp");
	struct wr w = wr_of(corp.file, sizeof(corp.file));
	assert_false(failed(keyfile_write(&corp.meta, corp.key, corp.kek, &w)));
	assert_int_equal(home.n, w.n);
	size_t sealed = 2 + SEAL_OVERHEAD + 32;
	memcpy(home.file, corp.file, home.n - sealed);
	assert_int_equal(open_code((bytes){ home.file, home.n }, home.kek), CH_E_SEALED);
}

static enum ch_code write_code(const struct fixture *f, const struct key_meta *m)
{
	uint8_t file[KEYFILE_MAX];
	struct wr w = wr_of(file, sizeof(file));
	return ch_code_of(keyfile_write(m, f->key, f->kek, &w));
}

static void what_could_not_be_read_is_not_written(void **state)
{
	(void)state;
	AUTO(stop) struct fixture f;
	start(&f, ALG_ES256);
	struct key_meta m = f.meta;
	m.alg = ALG_EDDSA;
	assert_int_equal(write_code(&f, &m), CH_E_MISMATCH);
	m = f.meta;
	m.alg = ALG_COUNT;
	assert_int_equal(write_code(&f, &m), CH_E_RANGE);
	m = f.meta;
	m.times.not_after_s = m.times.not_before_s;
	assert_int_equal(write_code(&f, &m), CH_E_RANGE);
	m = f.meta;
	m.times.published_s = 0;
	assert_int_equal(write_code(&f, &m), CH_E_RANGE);
	m = f.meta;
	m.times.not_before_s = m.times.published_s - 1;
	assert_int_equal(write_code(&f, &m), CH_E_RANGE);
	m = f.meta;
	m.times.created_s = -1;
	assert_int_equal(write_code(&f, &m), CH_E_RANGE);
	m = f.meta;
	m.times.limit_s = INT64_MAX;
	assert_int_equal(write_code(&f, &m), CH_E_RANGE);
	m = f.meta;
	m.realm = LIT("../x");
	assert_int_equal(write_code(&f, &m), CH_E_SYNTAX);
	m = f.meta;
	const str kids[] = { LIT(""), LIT("a\"b"), LIT(".."), LIT("a/b"), LIT("a b") };
	for (size_t i = 0; i < COUNT_OF(kids); i++) {
		m = f.meta;
		m.kid = kids[i];
		assert_int_equal(write_code(&f, &m), CH_E_SYNTAX);
	}
}

static void a_grant_has_bounds(void **state)
{
	(void)state;
	AUTO(stop) struct fixture f;
	start(&f, ALG_ES256);
	struct key_meta m = f.meta;
	m.grant.typ = 0;
	assert_int_equal(write_code(&f, &m), CH_E_RANGE);
	m.grant.typ = 4;
	assert_int_equal(write_code(&f, &m), CH_E_RANGE);
	m = f.meta;
	m.grant.max_ttl_s = 0;
	assert_int_equal(write_code(&f, &m), CH_E_RANGE);
	m = f.meta;
	m.grant.audiences[1] = LIT("");
	assert_int_equal(write_code(&f, &m), CH_E_RANGE);
	m.grant.n_audiences = KEYFILE_AUDIENCES_MAX + 1;
	assert_int_equal(write_code(&f, &m), CH_E_RANGE);
}

static void the_biggest_file_fits(void **state)
{
	(void)state;
	AUTO(stop) struct fixture f;
	static char name[KEYFILE_AUDIENCE_MAX];
	memset(name, 'a', sizeof(name));
	start(&f, ALG_PS256);
	f.meta.realm = f.meta.kid = (str){ name, KEYFILE_NAME_MAX };
	f.meta.grant.n_audiences = KEYFILE_AUDIENCES_MAX;
	for (size_t i = 0; i < KEYFILE_AUDIENCES_MAX; i++)
		f.meta.grant.audiences[i] = (str){ name, sizeof(name) };
	struct wr w = wr_of(f.file, sizeof(f.file));
	assert_false(failed(keyfile_write(&f.meta, f.key, f.kek, &w)));
	assert_true(KEYFILE_MAX - w.n > 1200); /* what RSA-4096 takes more than RSA-2048 */
	assert_int_equal(open_code((bytes){ f.file, w.n }, f.kek), CH_OK);
	for (size_t cap = 0; cap < w.n; cap += 97) {
		struct wr small = wr_of(f.file, cap);
		assert_int_equal(ch_code_of(keyfile_write(&f.meta, f.key, f.kek, &small)),
				 CH_E_FULL);
	}
}

/* A file as it was before keys had plans. */
static size_t write_1(const struct fixture *f, uint8_t state, int64_t not_after_s, uint8_t *file)
{
	AUTO(secret_done) struct secret *plain = NULL;
	struct wr w = wr_of(file, KEYFILE_MAX);
	assert_false(failed(private_key_export(f->key, &plain)));
	wr_lit(&w, "CHKEY1\n");
	wr_u8(&w, 1);
	wr_u8(&w, state);
	wr_i64(&w, 1700000000);
	wr_i64(&w, 1700000000);
	wr_i64(&w, not_after_s);
	wr_str16(&w, LIT("home"));
	wr_str16(&w, LIT("old"));
	wr_u8(&w, KEY_TYP_ACCESS);
	wr_u32(&w, 600);
	wr_u32(&w, 0);
	wr_u16(&w, 0);
	wr_u8(&w, 0);
	bytes header = { file, w.n };
	wr_u16(&w, (uint16_t)(secret_size(plain) + SEAL_OVERHEAD));
	assert_false(failed(seal(f->kek, header, plain, &w)));
	return w.n;
}

static void a_file_of_before_has_sensible_times(void **state)
{
	(void)state;
	static const struct {
		uint8_t state;
		int64_t not_after_s;
		enum key_state is, is_at_the_end;
	} cases[] = {
		{ 1, 0, KEY_SIGNING, KEY_SIGNING },
		{ 1, 1700100000, KEY_SIGNING, KEY_RETIRED },
		{ 2, 0, KEY_STAGED, KEY_STAGED },
		{ 3, 0, KEY_RETIRED, KEY_RETIRED },
	};
	AUTO(stop) struct fixture f;
	uint8_t file[KEYFILE_MAX];
	start(&f, ALG_ES256);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		AUTO(private_key_done) struct private_key *k = NULL;
		struct key_meta m;
		size_t n = write_1(&f, cases[i].state, cases[i].not_after_s, file);
		assert_false(failed(keyfile_open((bytes){ file, n }, f.kek, &m, &k)));
		assert_int_equal(key_state_at(&m.times, 1700050000), cases[i].is);
		assert_int_equal(key_state_at(&m.times, 1800000000), cases[i].is_at_the_end);
		assert_int_equal(m.times.max_ttl_s, 600);
		/* and can be written as one of now */
		assert_int_equal(write_code(&f, &m), CH_OK);
	}
	size_t n = write_1(&f, 4, 0, file);
	assert_int_equal(open_code((bytes){ file, n }, f.kek), CH_E_RANGE);
	n = write_1(&f, 0, 0, file);
	assert_int_equal(open_code((bytes){ file, n }, f.kek), CH_E_RANGE);
}

static void kdf_file(void **state)
{
	(void)state;
	AUTO(secret_done) struct secret *kek = a_kek(1);
	AUTO(secret_done) struct secret *other = a_kek(2);
	uint8_t file[KDF_FILE_MAX];
	struct wr w = wr_of(file, sizeof(file));
	struct kdf kdf, back;
	kdf_default(&kdf);
	assert_false(failed(kdf_file_write(&kdf, kek, &w)));
	assert_false(failed(kdf_file_read(wr_bytes(&w), &back)));
	assert_memory_equal(&kdf, &back, sizeof(kdf));
	assert_false(failed(kdf_file_check(wr_bytes(&w), kek)));
	assert_int_equal(ch_code_of(kdf_file_check(wr_bytes(&w), other)), CH_E_SEALED);
	for (size_t i = 0; i < w.n; i++) {
		assert_true(failed(kdf_file_read((bytes){ file, i }, &back)));
		file[i] ^= 0x10;
		assert_true(failed(kdf_file_check(wr_bytes(&w), kek)));
		file[i] ^= 0x10;
	}
	assert_false(failed(kdf_file_check(wr_bytes(&w), kek)));
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
		cmocka_unit_test(another_kek_opens_nothing),
		cmocka_unit_test(no_changed_bit_opens),
		cmocka_unit_test(no_prefix_opens),
		cmocka_unit_test(a_header_does_not_fit_another_secret),
		cmocka_unit_test(what_could_not_be_read_is_not_written),
		cmocka_unit_test(a_grant_has_bounds),
		cmocka_unit_test(the_biggest_file_fits),
		cmocka_unit_test(a_file_of_before_has_sensible_times),
		cmocka_unit_test(kdf_file),
	};
	return cmocka_run_group_tests(tests, init, NULL);
}
