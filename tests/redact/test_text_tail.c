/* Of a private key whose first bytes were overwritten what is left is found: free() writes two
 * words over them, the lists of large pieces four. What is whole is left to those who know it whole,
 * and what is public is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "text_key_kit.h"

static const str rows[] = { LIT("der-rsa-tail"), LIT("der-ec-tail"), LIT("base64-tail"),
			    LIT("pem-tail") };

static bool by_a_tail(const struct said *s)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (said_by(s, rows[i]))
			return true;
	return false;
}

/* What malloc's lists leave: a pointer that is mangled, and a random word; then pointers. */
static void overwrite(uint8_t *p, size_t n)
{
	static const uint8_t by[] = { 0x5b, 0x1d, 0x7c, 0x25, 0x56, 0x55, 0,    0,
				      0x91, 0xe0, 0x3a, 0xc7, 0x55, 0x0b, 0xd2, 0x68,
				      0xe0, 0x0c, 0xe2, 0xf7, 0xff, 0x7f, 0,    0,
				      0xe0, 0x0c, 0xe2, 0xf7, 0xff, 0x7f, 0,    0 };
	mem_copy(p, by, n < sizeof(by) ? n : sizeof(by));
}

static struct said *fed(struct text_memory *m)
{
	memset(m->p + m->n, 0, 300);
	m->n += 300;
	struct said *s = said_new(0x5000, m->n);
	said_feed(s, (bytes){ m->p, m->n }, 0, 0);
	assert_false(s->outside);
	return s;
}

static bool is_kind(const struct text_key *k, enum value_kind kind)
{
	return k->numbers[0].hex && k->numbers[0].kind == kind;
}

static bool is_openssh(const struct text_key *k)
{
	return strstr(k->pem, "OPENSSH") != NULL;
}

/* Of the scalar no more than what was lost. */
static bool scalar_said(const struct said *s, const char *hex)
{
	enum { LOST = 9 };
	size_t n = strlen(hex) / 2;
	for (size_t i = 0; i < values_count(s->values); i++) {
		const struct value *v = values_at(s->values, i);
		size_t same = 0;
		char two[3];
		if (v->kind != VALUE_EC_SCALAR)
			continue;
		for (; same < n && same < v->is.n; same++) {
			snprintf(two, sizeof(two), "%02x", v->is.p[v->is.n - 1 - same]);
			if (memcmp(two, hex + 2 * (n - 1 - same), 2) != 0)
				break;
		}
		if (same + LOST >= n)
			return true;
	}
	return false;
}

static bool tail_said(const struct said *s, const struct text_key *k)
{
	return is_kind(k, VALUE_EC_SCALAR) ? scalar_said(s, k->numbers[0].hex)
					   : text_key_said(s, k);
}

/* RSA, EC, and OpenSSH's format of each kind. */
static void in_der(void **state)
{
	(void)state;
	static const size_t lost[] = { 1, 2, 3, 5, 8, 16, 32 };
	size_t met = 0;
	for (size_t i = 0; i < text_keys_count() * COUNT_OF(lost); i++) {
		const struct text_key *k = &text_keys[i / COUNT_OF(lost)];
		size_t n = lost[i % COUNT_OF(lost)];
		struct text_memory m, der;
		bytes b = text_key_der(k, &der);
		bool sec1 = is_kind(k, VALUE_EC_SCALAR) && b.n < 125;
		if ((!is_kind(k, VALUE_RSA_EXPONENT) && !is_kind(k, VALUE_EC_SCALAR) &&
		     !is_openssh(k)) ||
		    (sec1 && n > 16))
			continue;
		overwrite(der.p, n);
		text_memory_begin(&m);
		text_memory_put(&m, b.p, b.n);
		struct said *s = fed(&m);
		if (!tail_said(s, k))
			fail_msg("%s without its first %zu bytes: numbers are missing", k->name, n);
		met++;
		said_free(s);
	}
	assert_true(met >= 6 * COUNT_OF(lost));
}

/* What is masked: of RSA all that is private, of EC the scalar. */
static void masked_in_der(void **state)
{
	(void)state;
	for (size_t i = 0; i < text_keys_count(); i++) {
		const struct text_key *k = &text_keys[i];
		struct text_memory m, der;
		bytes b = text_key_der(k, &der);
		if (is_openssh(k) || (strcmp(k->name, "rsa1.pem") && strcmp(k->name, "ec1.pem")))
			continue;
		bool rsa = is_kind(k, VALUE_RSA_EXPONENT);
		overwrite(der.p, 16);
		text_memory_begin(&m);
		text_memory_put(&m, b.p, b.n);
		struct said *s = fed(&m);
		size_t from = m.from + (rsa ? 10 + 129 + 5 : 16);
		assert_true(said_all(s, from, m.from + (rsa ? b.n : 7 + 32)));
		assert_true(said_none(s, m.from + b.n, m.n));
		assert_true(said_none(s, 0, m.from));
		assert_true(by_a_tail(s));
		said_free(s);
	}
}

static void put_body(struct text_memory *m, const char *from, const char *to, const char *end)
{
	for (; from < to; from++)
		if (*from != '\n')
			text_memory_put(m, from, 1);
		else
			text_memory_put(m, end, strlen(end));
}

/* The body of a PEM without its first characters, and what stands before it. */
static void in_pem(void **state)
{
	(void)state;
	static const size_t lost[] = { 1, 16, 17, 18, 19, 32, 66 };
	static const char *const ends[] = { "\n", "\r\n", "\\n" };
	for (size_t i = 0; i < text_keys_count() * COUNT_OF(lost) * COUNT_OF(ends); i++) {
		const struct text_key *k = &text_keys[i / COUNT_OF(lost) / COUNT_OF(ends)];
		size_t n = lost[i / COUNT_OF(ends) % COUNT_OF(lost)];
		const char *end = ends[i % COUNT_OF(ends)];
		const char *body = strchr(k->pem, '\n') + 1;
		bool short_key = strstr(body, "-----END") - body < 200;
		struct text_memory m;
		if ((short_key && n > 32) || (is_kind(k, VALUE_EC_SCALAR) && n > 19))
			continue;
		text_memory_begin(&m);
		text_memory_put(&m, "\x91\xe0\x3a\xc7", 4);
		size_t from = m.n;
		put_body(&m, body + n, strstr(body, "-----END"), end);
		size_t to = m.n - strlen(end);
		text_memory_put(&m, strstr(body, "-----END"), strlen(strstr(body, "-----END")));
		struct said *s = fed(&m);
		if (!said_all(s, from, to))
			fail_msg("%s without its first %zu: not all is masked", k->name, n);
		assert_true(said_none(s, 0, m.from));
		bool whole = is_kind(k, VALUE_PRIVATE_KEY) || is_kind(k, VALUE_ED25519_SEED);
		if (!(whole && n > 16) && !tail_said(s, k) && !is_kind(k, VALUE_PRIVATE_KEY))
			fail_msg("%s without its first %zu: numbers are missing", k->name, n);
		said_free(s);
	}
}

/* Nothing before it and nothing behind it. */
static void in_base64(void **state)
{
	(void)state;
	static const size_t lost[] = { 16, 17, 18, 19 };
	for (size_t i = 0; i < text_keys_count() * COUNT_OF(lost); i++) {
		const struct text_key *k = &text_keys[i / COUNT_OF(lost)];
		size_t n = lost[i % COUNT_OF(lost)];
		const char *body = strchr(k->pem, '\n') + 1;
		struct text_memory m;
		if (is_openssh(k) ||
		    (!is_kind(k, VALUE_RSA_EXPONENT) && !is_kind(k, VALUE_EC_SCALAR)))
			continue;
		text_memory_begin(&m);
		text_memory_put(&m, "\x91\xe0\x3a\xc7", 4);
		size_t from = m.n;
		put_body(&m, body + n, strstr(body, "\n-----END"), "");
		size_t to = m.n;
		text_memory_put(&m, "\"}", 2);
		struct said *s = fed(&m);
		if (!tail_said(s, k))
			fail_msg("%s without its first %zu: numbers are missing", k->name, n);
		/* the point is public, and whole groups alone are decoded */
		bool rsa = is_kind(k, VALUE_RSA_EXPONENT);
		assert_true(said_all(s, from + 4, rsa ? to : from + 32));
		assert_true(said_none(s, to, m.n));
		said_free(s);
	}
}

static void what_is_whole_is_left_to_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < text_keys_count(); i++) {
		struct text_memory m, der;
		bytes b = text_key_der(&text_keys[i], &der);
		text_memory_begin(&m);
		text_memory_put(&m, text_keys[i].pem, strlen(text_keys[i].pem));
		text_memory_put(&m, "\0\0", 2);
		text_memory_put(&m, b.p, b.n);
		struct said *s = fed(&m);
		if (by_a_tail(s))
			fail_msg("%s is whole", text_keys[i].name);
		said_free(s);
	}
}

static void what_is_public_is_none(void **state)
{
	(void)state;
	static const size_t lost[] = { 0, 16, 32 };
	for (size_t i = 0; i < text_publics_count() * COUNT_OF(lost); i++) {
		const char *text = text_publics[i / COUNT_OF(lost)].text;
		struct text_memory m;
		text_memory_begin(&m);
		text_memory_put(&m, text + lost[i % COUNT_OF(lost)],
				strlen(text) - lost[i % COUNT_OF(lost)]);
		struct said *s = fed(&m);
		assert_int_equal(s->spans, 0);
		assert_int_equal(values_count(s->values), 0);
		said_free(s);
	}
}

/* Each byte in turn is another: no crash, and nothing outside. */
static void flipped(void **state)
{
	(void)state;
	for (size_t i = 0; i < text_keys_count(); i++) {
		struct text_memory m, der;
		bytes b = text_key_der(&text_keys[i], &der);
		for (size_t at = 0; at < b.n; at += 3) {
			text_memory_begin(&m);
			text_memory_put(&m, b.p + 8, b.n - 8);
			m.p[m.from + at % (b.n - 8)] ^= 0x81;
			said_free(fed(&m));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_der),
		cmocka_unit_test(masked_in_der),
		cmocka_unit_test(in_pem),
		cmocka_unit_test(in_base64),
		cmocka_unit_test(what_is_whole_is_left_to_others),
		cmocka_unit_test(what_is_public_is_none),
		cmocka_unit_test(flipped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
