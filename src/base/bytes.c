/* Slices and the few operations on raw memory. Everything that copies, wipes or
 * compares in constant time does it here, so that one place need be right. */
#include "base/bytes.h"

#include <string.h>

str str_from_c(const char *c)
{
	return c ? (str){ c, strlen(c) } : (str){ NULL, 0 };
}

bytes bytes_of_str(str s)
{
	return (bytes){ (const uint8_t *)s.p, s.n };
}

str str_of_bytes(bytes b)
{
	return (str){ (const char *)b.p, b.n };
}

bool mem_eq(const void *a, const void *b, size_t n)
{
	/* most differ in the first byte already */
	return n == 0 || (*(const uint8_t *)a == *(const uint8_t *)b && memcmp(a, b, n) == 0);
}

bool bytes_eq(bytes a, bytes b)
{
	return a.n == b.n && mem_eq(a.p, b.p, a.n);
}

bool str_starts(str s, str prefix)
{
	return s.n >= prefix.n && str_eq((str){ s.p, prefix.n }, prefix);
}

bool str_ends(str s, str suffix)
{
	return s.n >= suffix.n && str_eq((str){ s.p + (s.n - suffix.n), suffix.n }, suffix);
}

bool str_has(str s, char c)
{
	return s.n && memchr(s.p, c, s.n);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_eq_nocase(str a, str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

str str_sub(str s, size_t from, size_t n)
{
	if (from > s.n)
		from = s.n;
	if (n > s.n - from)
		n = s.n - from;
	return (str){ s.p ? s.p + from : NULL, n };
}

str str_trim(str s, str blanks)
{
	while (s.n && str_has(blanks, s.p[0]))
		s = str_sub(s, 1, s.n);
	while (s.n && str_has(blanks, s.p[s.n - 1]))
		s.n--;
	return s;
}

str str_cut(str *s, char c)
{
	const char *at = s->n ? memchr(s->p, c, s->n) : NULL;
	if (!at) {
		str all = *s;
		*s = (str){ NULL, 0 };
		return all;
	}
	str head = { s->p, (size_t)(at - s->p) };
	*s = (str){ at + 1, s->n - head.n - 1 };
	return head;
}

bool str_to_u64(str s, uint64_t max, uint64_t *ret_v)
{
	uint64_t v = 0;
	if (s.n == 0 || (s.n > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10U, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	if (v > max)
		return false;
	*ret_v = v;
	return true;
}

void mem_copy(void *to, const void *from, size_t n)
{
	if (n)
		memcpy(to, from, n);
}

void mem_move(void *to, const void *from, size_t n)
{
	if (n)
		memmove(to, from, n);
}

void mem_zero(void *p, size_t n)
{
	memset(p, 0, n);
}

void mem_wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}

enum { ZERO_BLOCK = 256 };
typedef uint64_t vec __attribute__((vector_size(16)));

static vec vec_at(const uint8_t *p)
{
	vec v NOT_ZEROED;
	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

/* No array: compilers would keep it in memory. */
static bool block_is_zero(const uint8_t *p)
{
	vec a = { 0 };
	vec b = { 0 };
	for (size_t i = 0; i < ZERO_BLOCK; i += 4 * sizeof(vec)) {
		a |= vec_at(p + i) | vec_at(p + i + 16);
		b |= vec_at(p + i + 32) | vec_at(p + i + 48);
	}
	a |= b;
	return (a[0] | a[1]) == 0;
}

bool bytes_are_zero(bytes b)
{
	size_t at = 0;
	for (; b.n - at >= ZERO_BLOCK; at += ZERO_BLOCK)
		if (!block_is_zero(b.p + at))
			return false;
	uint8_t any = 0;
	for (; at < b.n; at++)
		any |= b.p[at];
	return any == 0;
}

bool mem_eq_ct(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a;
	const volatile uint8_t *y = b;
	uint8_t diff = 0;
	for (size_t i = 0; i < n; i++)
		diff |= (uint8_t)(x[i] ^ y[i]);
	return diff == 0;
}
