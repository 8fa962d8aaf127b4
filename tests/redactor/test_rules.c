/* Which level a dump is kept at, and whose build id it goes by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "redactor_internal.h"

static const uint8_t ID[] = { 0xaa, 0xbb, 0xcc, 0xdd };

static void the_first_rule_that_fits_decides(void **state)
{
	(void)state;
	struct redactor_config c = { .wish = WISH_TRIAGE, .uid = 100, .device = 5, .inode = 7 };
	c.rules[0] = (struct dump_rule){
		.has_uid = true, .uid_from = 200, .uid_to = 300, .wish = WISH_FULL
	};
	c.rules[1] = (struct dump_rule){ .has_build_id = true,
					 .build_id = { 0xaa, 0xbb, 0xcc, 0xdd },
					 .build_id_n = 4,
					 .wish = WISH_NEVER };
	c.rules[2] = (struct dump_rule){
		.has_file = true, .device = 5, .inode = 7, .wish = WISH_STRICT
	};
	assert_int_equal(wish_of(&c, (bytes){ 0 }), WISH_TRIAGE);
	c.n_rules = 3;
	assert_int_equal(wish_of(&c, BYTES_OF(ID)), WISH_NEVER);
	assert_int_equal(wish_of(&c, (bytes){ ID, 3 }), WISH_STRICT);
	assert_int_equal(wish_of(&c, (bytes){ 0 }), WISH_STRICT);
	c.inode = 8;
	assert_int_equal(wish_of(&c, (bytes){ 0 }), WISH_TRIAGE);
	c.uid = 300;
	assert_int_equal(wish_of(&c, BYTES_OF(ID)), WISH_FULL);
}

static void put(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

enum { NOTES = 64 + 2 * 56, SIZE = NOTES + 64 };

/* A property, then the build id, in the second program header. */
static void elf(uint8_t *p)
{
	static const uint8_t ident[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	memset(p, 0, SIZE);
	mem_copy(p, ident, sizeof(ident));
	put(p + 32, 64, 8);
	put(p + 54, 56, 2);
	put(p + 56, 2, 2);
	put(p + 64, 1, 4);
	put(p + 120, 4, 4);
	put(p + 128, NOTES, 8);
	put(p + 152, 44, 8);
	put(p + NOTES, 4, 4);
	put(p + NOTES + 4, 8, 4);
	put(p + NOTES + 8, 5, 4);
	mem_copy(p + NOTES + 12, "GNU", 4);
	put(p + NOTES + 24, 4, 4);
	put(p + NOTES + 28, sizeof(ID), 4);
	put(p + NOTES + 32, 3, 4);
	mem_copy(p + NOTES + 36, "GNU", 4);
	mem_copy(p + NOTES + 40, ID, sizeof(ID));
}

static size_t id_of(const uint8_t *p, size_t n, uint8_t *ret_id)
{
	size_t id_n = 99;
	int fd = memfd_create("elf", MFD_CLOEXEC);
	assert_int_equal(write(fd, p, n), n);
	assert_false(failed(build_id_of_fd(fd, ret_id, &id_n)));
	close(fd);
	return id_n;
}

static void a_build_id_is_found(void **state)
{
	(void)state;
	uint8_t p[SIZE], id[BUILD_ID_MAX];
	elf(p);
	assert_int_equal(id_of(p, SIZE, id), sizeof(ID));
	assert_memory_equal(id, ID, sizeof(ID));
}

/* Cut anywhere and with any byte changed: an id or none, never more than fits. */
static void files_that_lie_have_none(void **state)
{
	(void)state;
	uint8_t p[SIZE], id[BUILD_ID_MAX + 1] = { [BUILD_ID_MAX] = 0x77 };
	elf(p);
	for (size_t n = 0; n < NOTES + 44; n++)
		assert_int_equal(id_of(p, n, id), 0);
	for (size_t i = 0; i < SIZE; i++)
		for (unsigned bit = 0; bit < 8; bit += 7) {
			elf(p);
			p[i] ^= (uint8_t)(1 << bit);
			assert_true(id_of(p, SIZE, id) <= BUILD_ID_MAX);
		}
	assert_int_equal(id[BUILD_ID_MAX], 0x77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule_that_fits_decides),
		cmocka_unit_test(a_build_id_is_found),
		cmocka_unit_test(files_that_lie_have_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
