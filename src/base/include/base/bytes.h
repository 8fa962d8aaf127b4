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

/* Little endian, from any address. */
static inline uint32_t load_le32(const void *p)
{
	uint32_t v = 0;
	__builtin_memcpy(&v, p, sizeof(v));
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v : __builtin_bswap32(v);
}

static inline uint64_t load_le64(const void *p)
{
	uint64_t v = 0;
	__builtin_memcpy(&v, p, sizeof(v));
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v : __builtin_bswap64(v);
}

/* The first eight bytes as a number, zeros behind a shorter text: texts of up to eight
 * bytes are equal when this and their lengths are; longer ones mostly differ in it. */
static inline uint64_t str_head(str s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	if (s.n >= 8)
		return load_le64(p);
	if (s.n >= 4)
		return load_le32(p) | (uint64_t)load_le32(p + s.n - 4) << 8 * (s.n - 4);
	return s.n ? p[0] | (uint64_t)p[s.n / 2] << 8 * (s.n / 2) |
			       (uint64_t)p[s.n - 1] << 8 * (s.n - 1)
		   : 0;
}

/* The same of a string literal, for constant tables. */
#define STR_HEAD(s)                                                                           \
	(STR_BYTE(s, 0) | STR_BYTE(s, 1) | STR_BYTE(s, 2) | STR_BYTE(s, 3) | STR_BYTE(s, 4) | \
	 STR_BYTE(s, 5) | STR_BYTE(s, 6) | STR_BYTE(s, 7))
#define STR_BYTE(s, i) \
	((uint64_t)(uint8_t)(sizeof(s) > (i) ? (s)[(i) < sizeof(s) ? (i) : 0] : 0) << 8 * (i))

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
/* Without any of these characters before and behind it. */
str str_trim(str s, str blanks);
/* Cuts s at the first c: returns what stands before it and leaves in *s what
 * follows. Without c, returns all of *s and leaves it empty with p == NULL. */
str str_cut(str *s, char c);
/* A decimal number without sign, leading zero (but "0") or overflow past max. */
bool str_to_u64(str s, uint64_t max, uint64_t *ret_v);

/* The one place where bytes are copied; n == 0 allows NULL. */
void mem_copy(void *to, const void *from, size_t n);
/* The same where the two may overlap. */
void mem_move(void *to, const void *from, size_t n);
/* For large structs on hot paths: compilers zero those by slow means. Not for secrets. */
void mem_zero(void *p, size_t n);
/* Before a local that is written whole before it is read: builds zero all others. */
#define NOT_ZEROED __attribute__((uninitialized))
/* Wipes so that the compiler cannot leave it out. */
void mem_wipe(void *p, size_t n);
/* Nothing but zeros? Leaves at the first block that has something; else at the speed of
 * memory. */
bool bytes_are_zero(bytes b);
/* Equality in time that depends on n alone. */
bool mem_eq_ct(const void *a, const void *b, size_t n);
