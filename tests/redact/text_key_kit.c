/* See text_key_kit.h. */
#include "text_key_kit.h"

#include <string.h>

#include "text_keys.inc"

size_t text_keys_count(void)
{
	return COUNT_OF(text_keys);
}

size_t text_publics_count(void)
{
	return COUNT_OF(text_publics);
}

struct number {
	uint8_t p[512];
	size_t n;
};

static unsigned nibble(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

static struct number of_hex(const char *hex)
{
	struct number b = { .n = 0 };
	for (size_t i = 0; hex[i] && hex[i + 1]; i += 2)
		b.p[b.n++] = (uint8_t)(nibble(hex[i]) << 4 | nibble(hex[i + 1]));
	return b;
}

bool text_key_says(const struct said *s, enum value_kind kind, const char *hex)
{
	struct number b = of_hex(hex);
	for (size_t i = 0; i < values_count(s->values); i++) {
		const struct value *v = values_at(s->values, i);
		if (v->kind == kind && bytes_eq(v->is, (bytes){ b.p, b.n }))
			return v->number ==
			       (kind != VALUE_ED25519_SEED && kind != VALUE_PRIVATE_KEY);
	}
	return false;
}

bool text_key_public(const struct said *s, enum public_kind kind, const char *hex)
{
	struct number b = of_hex(hex);
	for (size_t i = 0; i < publics_count(s->publics, kind); i++)
		if (bytes_eq(publics_at(s->publics, kind, i), (bytes){ b.p, b.n }))
			return true;
	return false;
}

bool text_key_said(const struct said *s, const struct text_key *k)
{
	bool all = !k->has_public || text_key_public(s, k->public_kind, k->public_hex);
	for (size_t i = 0; i < COUNT_OF(k->numbers) && k->numbers[i].hex; i++)
		all = all && text_key_says(s, k->numbers[i].kind, k->numbers[i].hex);
	return all;
}

void text_memory_put(struct text_memory *m, const void *p, size_t n)
{
	mem_copy(m->p + m->n, p, n);
	m->n += n;
}

void text_memory_begin(struct text_memory *m)
{
	m->n = 300;
	m->from = 300;
	memset(m->p, 0, m->n);
}

bytes text_key_der(const struct text_key *k, struct text_memory *m)
{
	const char *body = strchr(k->pem, '\n') + 1;
	size_t n = (size_t)(strstr(body, "\n-----END") - body);
	m->n = text_unbase64((bytes){ (const uint8_t *)body, n }, m->p, sizeof(m->p));
	return (bytes){ m->p, m->n };
}
