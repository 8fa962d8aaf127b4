/* A client's certificate as a web server hands it on: one PEM, and nothing that is less or
 * more than one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cert.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

static uint8_t memory[64 * 1024];

static ch_err read_it(const char *text, bytes *ret_der)
{
	struct arena a;
	arena_init(&a, memory, sizeof(memory));
	return cert_read(str_from_c(text), &a, ret_der);
}

/* RFC 4648 section 10, within PEM */
static void base64_of_the_standard(void **state)
{
	(void)state;
	static const struct {
		const char *pem, *der;
	} good[] = {
		{ BEGIN "\nZg==\n" END "\n", "f" },
		{ BEGIN "\nZm8=\n" END, "fo" },
		{ BEGIN "Zm9v" END, "foo" },
		{ BEGIN "\r\nZm9vYg==\r\n" END "\r\n", "foob" },
		{ BEGIN "\nZm9v\nYmE=\n" END "\n", "fooba" },
		{ BEGIN " Zm9vYmFy " END, "foobar" },
		{ BEGIN "%0AZm9vYmFy%0A" END "%0A", "foobar" },
		{ "-----BEGIN%20CERTIFICATE-----%0AZm9vYg%3D%3D%0A-----END%20CERTIFICATE-----%0A",
		  "foob" },
		{ BEGIN "\n////\n" END, "\xff\xff\xff" },
		{ BEGIN "\n++++\n" END, "\xfb\xef\xbe" },
	};
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		bytes der = { 0 };
		assert_false(failed(read_it(good[i].pem, &der)));
		assert_int_equal(der.n, strlen(good[i].der));
		assert_memory_equal(der.p, good[i].der, der.n);
	}
}

static void all_else_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"Zm9v",
		BEGIN,
		BEGIN END,
		BEGIN "\n\n" END,
		BEGIN "\nZm9v\n",
		"Zm9v" END,
		"x" BEGIN "\nZm9v\n" END,
		BEGIN "\nZm9v\n" END "x",
		BEGIN "\nZm9v\n" END BEGIN "\nZm9v\n" END,
		BEGIN "\nZm9v\n" END "\n" BEGIN "\nZm9v\n" END,
		BEGIN "\nZm9\n" END,
		BEGIN "\nZm9vZ\n" END,
		BEGIN "\nZh==\n" END,
		BEGIN "\nZm9=\n" END,
		BEGIN "\nZg=\n" END,
		BEGIN "\nZ===\n" END,
		BEGIN "\n====\n" END,
		BEGIN "\nZg==Zg==\n" END,
		BEGIN "\nZg==\nZm9v\n" END,
		BEGIN "\nZm-_\n" END,
		BEGIN "\nZm9v,\n" END,
		BEGIN "\nZm9v%\n" END,
		BEGIN "\nZm9v%zz\n" END,
		BEGIN "\nZm9v%00\n" END,
		"-----BEGIN PRIVATE KEY-----\nZm9v\n-----END PRIVATE KEY-----",
		"-----BEGIN+CERTIFICATE-----Zm9v-----END+CERTIFICATE-----",
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		bytes der = { NULL, 77 };
		if (!failed(read_it(bad[i], &der)))
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(der.n, 77);
	}
}

static void every_prefix_and_flip(void **state)
{
	(void)state;
	char text[] = BEGIN "\nZm9vYg==\n" END;
	size_t n = sizeof(text) - 1;
	for (size_t i = 0; i < n; i++) {
		bytes der = { 0 };
		char keep = text[i];
		text[i] = 0;
		assert_true(failed(read_it(text, &der)));
		text[i] = (char)(keep ^ 1);
		(void)read_it(text, &der);
		text[i] = keep;
	}
}

static void too_long_and_no_room(void **state)
{
	(void)state;
	static char text[CERT_TEXT_MAX + 2];
	uint8_t little[64];
	struct arena a;
	bytes der = { 0 };
	memset(text, 'A', sizeof(text) - 1);
	assert_int_equal(ch_code_of(read_it(text, &der)), CH_E_LIMIT);
	arena_init(&a, little, sizeof(little));
	str pem = LIT(BEGIN "\nZm9v\n" END);
	assert_int_equal(ch_code_of(cert_read(pem, &a, &der)), CH_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_of_the_standard),
		cmocka_unit_test(all_else_is_refused),
		cmocka_unit_test(every_prefix_and_flip),
		cmocka_unit_test(too_long_and_no_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
