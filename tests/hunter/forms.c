/* How a secret may be spelled: both byte orders, hex, base64. Texts are searched by their
 * inner characters, those that depend on the secret alone whatever stands beside it. */
#include <stdlib.h>
#include <string.h>

#include "hunter.h"

const char *const form_names[FORM_COUNT] = {
	[FORM_BIG_ENDIAN] = "big_endian", [FORM_LITTLE_ENDIAN] = "little_endian",
	[FORM_HEX_LOWER] = "hex_lower",   [FORM_HEX_UPPER] = "hex_upper",
	[FORM_BASE64] = "base64",         [FORM_BASE64URL] = "base64url",
};

const char *const place_names[PLACE_COUNT] = {
	[PLACE_FILE] = "file",
	[PLACE_MEMORY] = "memory",
	[PLACE_REGISTERS] = "registers",
	[PLACE_OTHER] = "other",
};

static const char hex_lower[] = "0123456789abcdef", hex_upper[] = "0123456789ABCDEF";
static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

static uint8_t name_index(struct prey *prey, const char *name)
{
	for (size_t i = 0; i < prey->n_names; i++)
		if (strcmp(prey->names[i], name) == 0)
			return (uint8_t)i;
	if (prey->n_names == NAMES_MAX)
		abort();
	prey->names[prey->n_names] = name;
	return (uint8_t)prey->n_names++;
}

/* Takes text over. */
static void add(struct prey *prey, struct sequence like, enum form form, uint8_t *p, size_t n)
{
	if (prey->n == prey->cap) {
		prey->cap = prey->cap ? prey->cap * 2 : 256;
		prey->sequences =
			must(realloc(prey->sequences, prey->cap * sizeof(*prey->sequences)));
	}
	like.form = (uint8_t)form;
	like.run_min = form <= FORM_LITTLE_ENDIAN ? WINDOW : TEXT_RUN_MIN;
	like.p = p;
	like.n = (uint32_t)n;
	prey->sequences[prey->n++] = like;
}

static void add_hex(struct prey *prey, struct sequence like, enum form form, bytes b)
{
	const char *digits = form == FORM_HEX_LOWER ? hex_lower : hex_upper;
	uint8_t *text = must(malloc(b.n * 2));
	for (size_t i = 0; i < b.n; i++) {
		text[2 * i] = (uint8_t)digits[b.p[i] >> 4];
		text[2 * i + 1] = (uint8_t)digits[b.p[i] & 15];
	}
	add(prey, like, form, text, b.n * 2);
}

/* With `before` unknown bytes in front: the characters that are made of b alone. */
static void add_base64(struct prey *prey, struct sequence like, enum form form, bytes b,
		       size_t before)
{
	const char *digits = form == FORM_BASE64 ? base64 : base64url;
	size_t first = (before * 8 + 5) / 6, end = (before + b.n) * 8 / 6;
	uint8_t *text = must(malloc(end - first));
	for (size_t i = first; i < end; i++) {
		size_t bit = i * 6 - before * 8;
		unsigned two = (unsigned)b.p[bit / 8] << 8;
		if (bit / 8 + 1 < b.n)
			two |= b.p[bit / 8 + 1];
		text[i - first] = (uint8_t)digits[two >> (10 - bit % 8) & 63];
	}
	add(prey, like, form, text, end - first);
}

static void add_texts(struct prey *prey, struct sequence like, bytes b)
{
	add_hex(prey, like, FORM_HEX_LOWER, b);
	add_hex(prey, like, FORM_HEX_UPPER, b);
	for (size_t before = 0; before < 3; before++) {
		add_base64(prey, like, FORM_BASE64, b, before);
		add_base64(prey, like, FORM_BASE64URL, b, before);
	}
}

void prey_add(struct prey *prey, const char *name, uint32_t owner, bytes secret, bool texts)
{
	const struct sequence like = { .owner = owner, .name = name_index(prey, name) };
	uint8_t *big = must(malloc(secret.n)), *little = must(malloc(secret.n));
	for (size_t i = 0; i < secret.n; i++) {
		big[i] = secret.p[i];
		little[i] = secret.p[secret.n - 1 - i];
	}
	add(prey, like, FORM_BIG_ENDIAN, big, secret.n);
	add(prey, like, FORM_LITTLE_ENDIAN, little, secret.n);
	if (!texts)
		return;
	add_texts(prey, like, (bytes){ big, secret.n });
	add_texts(prey, like, (bytes){ little, secret.n });
}

void prey_clear(struct prey *prey)
{
	for (size_t i = 0; i < prey->n; i++)
		free((void *)(uintptr_t)prey->sequences[i].p);
	free(prey->sequences);
	prey->sequences = NULL;
	prey->n = prey->cap = 0;
}
