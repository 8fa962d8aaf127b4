/* The archive of a backup: there and back, every prefix, every bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "archive/archive.h"

static struct archive_file files[ARCHIVE_FILES_MAX], back_files[ARCHIVE_FILES_MAX];
static uint8_t room[64 * 1024];

static void file(struct archive *a, str name, bytes content)
{
	struct archive_file *f = &a->files[a->n++];
	*f = (struct archive_file){ .name_n = name.n, .size = content.n, .content = content };
	mem_copy(f->name, name.p, name.n);
	sha256(content, f->hash);
}

static bytes sample(void)
{
	static uint8_t big[1000];
	struct archive a = { .created_s = 1795396127, .build = LIT("1.2.3 abc"), .files = files };
	struct wr w = wr_of(room, sizeof(room));
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7);
	file(&a, LIT("chancery.yaml"), bytes_of_str(LIT("groups:\n")));
	file(&a, LIT("store/main/chancery.db"), BYTES_OF(big));
	file(&a, LIT("audit/00000000000000000000.chain"), (bytes){ big, 512 });
	file(&a, LIT("empty"), (bytes){ NULL, 0 });
	archive_manifest(&w, &a);
	for (size_t i = 0; i < a.n; i++) {
		archive_header(&w, &a, &a.files[i]);
		wr_put(&w, a.files[i].content);
		for (size_t k = archive_padding(a.files[i].size); k > 0; k--)
			wr_u8(&w, 0);
	}
	for (size_t k = 0; k < ARCHIVE_END; k++)
		wr_u8(&w, 0);
	assert_false(w.full);
	return wr_bytes(&w);
}

static ch_err read_back(bytes b, struct archive *ret_a)
{
	*ret_a = (struct archive){ .files = back_files };
	return archive_read(b, ret_a);
}

static void test_there_and_back(void **state)
{
	struct archive a;
	(void)state;
	bytes all = sample();
	assert_false(failed(read_back(all, &a)));
	assert_int_equal(a.n, 4);
	assert_int_equal(a.created_s, 1795396127);
	assert_true(str_eq(a.build, LIT("1.2.3 abc")));
	for (size_t i = 0; i < a.n; i++) {
		assert_true(str_eq((str){ a.files[i].name, a.files[i].name_n },
				   (str){ files[i].name, files[i].name_n }));
		assert_true(bytes_eq(a.files[i].content, files[i].content));
	}
}

static void test_every_prefix(void **state)
{
	struct archive a;
	(void)state;
	bytes all = sample();
	for (size_t n = 0; n < all.n; n++)
		assert_true(failed(read_back((bytes){ all.p, n }, &a)));
	room[all.n] = 0;
	assert_int_equal(ch_code_of(read_back((bytes){ all.p, all.n + 1 }, &a)), CH_E_TRAILING);
}

static void test_every_bit(void **state)
{
	struct archive a;
	(void)state;
	bytes all = sample();
	for (size_t i = 0; i < 8 * all.n; i++) {
		room[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_true(failed(read_back(all, &a)));
		room[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_false(failed(read_back(all, &a)));
}

static void test_names(void **state)
{
	(void)state;
	assert_true(archive_name_ok(LIT("store/main/chancery.db")));
	const str bad[] = { LIT(""),         LIT("/etc/passwd"), LIT("../x"), LIT("a/../b"),
			    LIT("a//b"),     LIT("a/"),          LIT("a/.b"), LIT("a b"),
			    LIT("MANIFEST"), LIT("a\nb") };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(archive_name_ok(bad[i]));
}

/* A manifest that is whole by itself, and lies. */
static void test_twice_the_same_name(void **state)
{
	struct archive a = { .created_s = 1, .build = LIT("x"), .files = files }, back;
	struct wr w = wr_of(room, sizeof(room));
	(void)state;
	file(&a, LIT("a"), bytes_of_str(LIT("1")));
	file(&a, LIT("a"), bytes_of_str(LIT("2")));
	archive_manifest(&w, &a);
	assert_int_equal(ch_code_of(read_back(wr_bytes(&w), &back)), CH_E_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),      cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_every_bit),           cmocka_unit_test(test_names),
		cmocka_unit_test(test_twice_the_same_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
