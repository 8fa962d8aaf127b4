/* Secrets: read straight into their own memory, compared without a leak, gone when freed. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/secret.h"

/* A descriptor at the start of this text. */
static int text_fd(bytes text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_false(failed(fd_write_all(fd, text)));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static enum ch_code read_text(str text, size_t max, bool trim, str want)
{
	AUTO(fd_close) int fd = text_fd(bytes_of_str(text));
	AUTO(secret_done) struct secret *s = NULL;
	ch_err e = secret_read(fd, max, trim, &s);
	if (failed(e)) {
		assert_null(s);
		return ch_code_of(e);
	}
	assert_int_equal(secret_size(s), want.n);
	assert_true(bytes_eq(secret_peek(s), bytes_of_str(want)));
	return CH_OK;
}

static void reads_to_the_end(void **state)
{
	(void)state;
	assert_int_equal(read_text(LIT("passphrase\r\n\n"), 64, true, LIT("passphrase")), CH_OK);
	assert_int_equal(read_text(LIT("pem\n"), 64, false, LIT("pem\n")), CH_OK);
	assert_int_equal(read_text(LIT("12345678"), 8, false, LIT("12345678")), CH_OK);
	assert_int_equal(read_text(LIT("123456789"), 8, false, LIT("")), CH_E_FULL);
	assert_int_equal(read_text(LIT(""), 8, true, LIT("")), CH_E_MISSING);
	assert_int_equal(read_text(LIT("\n\r\n"), 8, true, LIT("")), CH_E_MISSING);
}

static void sizes_have_limits(void **state)
{
	(void)state;
	struct secret *s = NULL;
	assert_int_equal(ch_code_of(secret_new(0, &s)), CH_E_RANGE);
	assert_int_equal(ch_code_of(secret_new(64 * 1024 + 1, &s)), CH_E_RANGE);
	assert_null(s);
	assert_false(failed(secret_new(64 * 1024, &s)));
	secret_free(s);
	secret_free(NULL);
}

static void shared_is_a_copy(void **state)
{
	(void)state;
	AUTO(secret_done) struct secret *s = NULL;
	AUTO(secret_done) struct secret *t = NULL;
	AUTO(fd_close) int fd = -1;
	struct secretmem m = { 0 };
	assert_false(failed(secret_new(32, &s)));
	secret_poke(s)[31] = 0x5a;
	assert_false(failed(secret_share(s, SECRETMEM_MLOCK, &fd)));
	assert_false(failed(secretmem_receive(fd, SECRETMEM_MLOCK, 32, &m)));
	assert_false(failed(secret_adopt(m, 32, &t)));
	secret_poke(s)[31] = 0;
	assert_int_equal(secret_peek(t).p[31], 0x5a);
}

static void equality_needs_length_and_content(void **state)
{
	(void)state;
	struct secret_bytes a = secret_bytes_of(bytes_of_str(LIT("abcd")));
	assert_true(secret_eq(a, secret_bytes_of(bytes_of_str(LIT("abcd")))));
	assert_false(secret_eq(a, secret_bytes_of(bytes_of_str(LIT("abce")))));
	assert_false(secret_eq(a, secret_bytes_of(bytes_of_str(LIT("abc")))));
	assert_false(secret_eq(a, secret_bytes_of((bytes){ 0 })));
}

static void a_folder_is_read_or_named(void **state)
{
	(void)state;
	AUTO(dir_done) DIR *d = NULL;
	assert_true(failed(dir_open(AT_FDCWD, "/nonexistent", &d)));
	assert_true(failed(dir_open(AT_FDCWD, "/etc/passwd", &d)));
	assert_null(d);
	assert_false(failed(dir_open(AT_FDCWD, "/", &d)));
	assert_non_null(readdir(d));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_to_the_end),
		cmocka_unit_test(sizes_have_limits),
		cmocka_unit_test(shared_is_a_copy),
		cmocka_unit_test(equality_needs_length_and_content),
		cmocka_unit_test(a_folder_is_read_or_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
