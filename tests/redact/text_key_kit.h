/* Private keys in every wrapping and what is to be said of each, for tests; drawn for them and worth
 * nothing. */
#pragma once
#include "text_kit.h"

struct text_key {
	const char *name, *pem;
	bool has_public;
	enum public_kind public_kind;
	const char *public_hex;
	struct {
		enum value_kind kind;
		const char *hex;
	} numbers[6];
};

struct text_public {
	const char *name, *text;
	enum public_kind kind;
	const char *hex;
};

extern const struct text_key text_keys[];
extern const struct text_public text_publics[];
size_t text_keys_count(void);
size_t text_publics_count(void);

/* Was it said, as a number unless it is none? */
bool text_key_says(const struct said *s, enum value_kind kind, const char *hex);
bool text_key_public(const struct said *s, enum public_kind kind, const char *hex);
/* All of a key. */
bool text_key_said(const struct said *s, const struct text_key *k);

/* What is planted, behind zeros. */
struct text_memory {
	uint8_t p[16 * 1024];
	size_t n, from;
};
void text_memory_begin(struct text_memory *m);
void text_memory_put(struct text_memory *m, const void *p, size_t n);
/* The key decoded, in m. */
bytes text_key_der(const struct text_key *k, struct text_memory *m);
