/* Slices: a pointer and a length, passed by value. They own nothing.
 *
 * `bytes` is any data, `str` is text that somebody has found to be text (or will).
 * Neither is NUL-terminated; NUL-terminated strings end at main's arguments. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bytes {
	const uint8_t *p;
	size_t n;
} bytes;

typedef struct str {
	const char *p;
	size_t n;
} str;

/* A str of a string literal; a variable does not compile. */
#define LIT(s) ((str){ "" s, sizeof(s) - 1 })
#define BYTES_OF(array) ((bytes){ (array), sizeof(array) })
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A str of a NUL-terminated string from the C library; NULL gives the empty str. */
str str_from_c(const char *c);
bytes bytes_of_str(str s);
/* The caller knows that b is text. */
str str_of_bytes(bytes b);

/* Equality of n bytes; not for secrets, see mem_eq_ct. */
bool mem_eq(const void *a, const void *b, size_t n);

/* Inline, since most comparisons end at the length. */
static inline bool str_eq(str a, str b)
{
	return a.n == b.n && mem_eq(a.p, b.p, a.n);
}

/* Not for secrets. An empty prefix or suffix fits every text. */
bool bytes_eq(bytes a, bytes b);
bool str_starts(str s, str prefix);
bool str_ends(str s, str suffix);
bool str_has(str s, char c);
/* ASCII case is ignored; for HTTP header names and schemes. */
bool str_eq_nocase(str a, str b);
/* s from offset `from` (at most s.n) for at most n bytes. */
str str_sub(str s, size_t from, size_t n);
/* Cuts s at the first c: returns what stands before it and leaves in *s what
 * follows. Without c, returns all of *s and leaves it empty with p == NULL. */
str str_cut(str *s, char c);
/* A decimal number without sign, leading zero (but "0") or overflow past max. */
bool str_to_u64(str s, uint64_t max, uint64_t *ret_v);

/* The one place where bytes are copied; n == 0 allows NULL. */
void mem_copy(void *to, const void *from, size_t n);
/* Wipes so that the compiler cannot leave it out. */
void mem_wipe(void *p, size_t n);
/* Equality in time that depends on n alone. */
bool mem_eq_ct(const void *a, const void *b, size_t n);
