/* Of private keys in every wrapping the numbers are said, and of public ones that they are
 * there; whatever is cut or changed is never more than it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "text_key_kit.h"

static void expect(const struct text_key *k, struct text_memory *m, const char *how)
{
	size_t to = m->n;
	memset(m->p + m->n, 0, 300);
	m->n += 300;
	struct said *s = said_new(0x5000, m->n);
	said_feed(s, (bytes){ m->p, m->n }, 0, 0);
	if (!text_key_said(s, k))
		fail_msg("%s as %s: numbers are missing", k->name, how);
	if (!said_all(s, m->from, to))
		fail_msg("%s as %s: not all of it is masked", k->name, how);
	said_free(s);
}

static void in_pem(void **state)
{
	(void)state;
	for (size_t i = 0; i < text_keys_count(); i++) {
		struct text_memory m;
		text_memory_begin(&m);
		text_memory_put(&m, text_keys[i].pem, strlen(text_keys[i].pem) - 1);
		expect(&text_keys[i], &m, "PEM");
	}
}

/* line ends as CR LF, and as the two characters \n of JSON */
static void in_pem_with_other_line_ends(void **state)
{
	(void)state;
	static const char *const ends[] = { "\r\n", "\\n", "\\r\\n", "\n    " };
	for (size_t i = 0; i < text_keys_count() * COUNT_OF(ends); i++) {
		const struct text_key *k = &text_keys[i / COUNT_OF(ends)];
		const char *end = ends[i % COUNT_OF(ends)];
		struct text_memory m;
		text_memory_begin(&m);
		for (const char *c = k->pem; *c; c++)
			if (*c != '\n')
				text_memory_put(&m, c, 1);
			else if (c[1])
				text_memory_put(&m, end, strlen(end));
		expect(k, &m, end);
	}
}

/* The body of a PEM without what stands before and behind it. NULL: OpenSSH's own, which is not
 * looked for. */
static const char *bare_body(const struct text_key *k, size_t *ret_n)
{
	const char *body = strchr(k->pem, '\n') + 1;
	*ret_n = (size_t)(strstr(body, "\n-----END") - body);
	return strstr(k->pem, "OPENSSH") ? NULL : body;
}

/* in lines as in PEM, and in one, as base64 and base64url */
static void in_base64_without_a_head(void **state)
{
	(void)state;
	size_t met = 0;
	for (size_t i = 0; i < text_keys_count() * 3; i++) {
		const struct text_key *k = &text_keys[i / 3];
		size_t n = 0;
		const char *body = bare_body(k, &n);
		struct text_memory m;
		text_memory_begin(&m);
		for (size_t c = 0; body && c < n; c++) {
			bool url = i % 3 == 2;
			char is = url && body[c] == '+'   ? '-'
				  : url && body[c] == '/' ? '_'
							  : body[c];
			if (is != '\n' || i % 3 == 0)
				text_memory_put(&m, &is, 1);
		}
		if (body)
			expect(k, &m, "base64");
		met += !!body;
	}
	assert_true(met >= 3 * 7);
}

/* Two thirds of it, then something else: what is whole is said, all of it masked, and nothing
 * behind it. */
static void in_base64_cut(void **state)
{
	(void)state;
	static const char *const behind[] = { "\x80\x81 any", ".any", "\n\n\x01 any" };
	size_t scalars = 0, moduli = 0;
	for (size_t i = 0; i < text_keys_count() * COUNT_OF(behind); i++) {
		const struct text_key *k = &text_keys[i / COUNT_OF(behind)];
		const char *after = behind[i % COUNT_OF(behind)];
		size_t n = 0;
		const char *body = bare_body(k, &n);
		bool ec = k->numbers[0].hex && k->numbers[0].kind == VALUE_EC_SCALAR;
		bool rsa = k->has_public && k->public_kind == PUBLIC_RSA_MODULUS;
		if (!body || (!ec && !rsa))
			continue;
		struct text_memory m;
		text_memory_begin(&m);
		text_memory_put(&m, body, n * 2 / 3 - (body[n * 2 / 3 - 1] == '\n'));
		size_t to = m.n;
		text_memory_put(&m, after, strlen(after));
		struct said *s = said_new(0x5000, m.n);
		said_feed(s, (bytes){ m.p, m.n }, 0, 0);
		if (!said_all(s, m.from, to) || !said_none(s, to, m.n))
			fail_msg("%s, cut: not masked to its end", k->name);
		scalars += ec && text_key_says(s, VALUE_EC_SCALAR, k->numbers[0].hex);
		moduli += rsa && text_key_public(s, PUBLIC_RSA_MODULUS, k->public_hex);
		said_free(s);
	}
	assert_true(scalars > 0 && moduli > 0);
}

static void in_utf16(void **state)
{
	(void)state;
	for (size_t i = 0; i < text_keys_count(); i++) {
		struct text_memory m;
		text_memory_begin(&m);
		for (const char *c = text_keys[i].pem; c[1]; c++) {
			uint8_t unit[2] = { (uint8_t)*c, 0 };
			text_memory_put(&m, unit, 2);
		}
		expect(&text_keys[i], &m, "UTF-16");
	}
}

static void in_der(void **state)
{
	(void)state;
	for (size_t i = 0; i < text_keys_count(); i++) {
		struct text_memory m, der;
		bytes b = text_key_der(&text_keys[i], &der);
		text_memory_begin(&m);
		text_memory_put(&m, b.p, b.n);
		expect(&text_keys[i], &m, "DER");
	}
}

/* Memory ends within a key: what stood before its end is said, and of RSA the modulus is known, by
 * which what is there of a prime is found. */
static void cut_by_the_end_of_memory(void **state)
{
	(void)state;
	size_t scalars = 0, moduli = 0;
	for (size_t i = 0; i < text_keys_count(); i++) {
		const struct text_key *k = &text_keys[i];
		struct text_memory der;
		bytes b = text_key_der(k, &der);
		bool ec = k->numbers[0].hex && k->numbers[0].kind == VALUE_EC_SCALAR;
		bool rsa = k->has_public && k->public_kind == PUBLIC_RSA_MODULUS;
		if (!ec && !rsa)
			continue;
		struct text_memory m;
		text_memory_begin(&m);
		text_memory_put(&m, b.p, b.n * 2 / 3);
		struct said *s = said_new(0x5000, m.n);
		said_feed(s, (bytes){ m.p, m.n }, 0, 0);
		scalars += ec && text_key_says(s, VALUE_EC_SCALAR, k->numbers[0].hex);
		moduli += rsa && text_key_public(s, PUBLIC_RSA_MODULUS, k->public_hex);
		assert_true(!rsa || text_key_public(s, PUBLIC_RSA_MODULUS, k->public_hex));
		said_free(s);
	}
	assert_true(scalars > 0 && moduli > 0);
}

static void publics_are_learned(void **state)
{
	(void)state;
	for (size_t i = 0; i < text_publics_count(); i++) {
		const struct text_public *p = &text_publics[i];
		struct said *s = said_new(0, strlen(p->text));
		said_feed(s, (bytes){ (const uint8_t *)p->text, strlen(p->text) }, 0, 0);
		if (!text_key_public(s, p->kind, p->hex) || s->spans)
			fail_msg("%s is not learned, or masked", p->name);
		said_free(s);
	}
}

/* --- hostile keys --- */

static ch_err read_one(bytes b, unsigned how, struct text_job *j, size_t *ret_size)
{
	if (how == 0)
		return key_any(j, b, ret_size);
	if (how == 1)
		return key_openssh(j, b, ret_size);
	*ret_size = 0;
	return publics_of_der(j, b);
}

/* every prefix of every key: none is a whole one; every flip of a byte: no crash, no size
 * past the end */
static void cut_and_flipped(void **state)
{
	(void)state;
	struct text_sink quiet = { NULL, NULL, NULL, NULL };
	for (size_t i = 0; i < text_keys_count(); i++) {
		struct text_memory der;
		bytes b = text_key_der(&text_keys[i], &der);
		for (size_t n = 0; n < b.n; n++) {
			struct text_job j = { .row = text_row_at(0), .sink = &quiet };
			size_t size = 0;
			assert_true(failed(read_one((bytes){ b.p, n }, 0, &j, &size)));
			assert_true(failed(read_one((bytes){ b.p, n }, 1, &j, &size)));
			der.p[n] ^= 0x81;
			for (unsigned how = 0; how < 3; how++)
				if (!failed(read_one(b, how, &j, &size)))
					assert_true(size <= b.n);
			der.p[n] ^= 0x81;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_pem),
		cmocka_unit_test(in_pem_with_other_line_ends),
		cmocka_unit_test(in_base64_without_a_head),
		cmocka_unit_test(in_base64_cut),
		cmocka_unit_test(in_utf16),
		cmocka_unit_test(in_der),
		cmocka_unit_test(cut_by_the_end_of_memory),
		cmocka_unit_test(publics_are_learned),
		cmocka_unit_test(cut_and_flipped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
