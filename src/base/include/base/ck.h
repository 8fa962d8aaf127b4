/* Arithmetic on numbers that somebody else chose: true when it fits. */
#pragma once
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ck_add(a, b, ret) (!__builtin_add_overflow((a), (b), (ret)))
#define ck_sub(a, b, ret) (!__builtin_sub_overflow((a), (b), (ret)))
#define ck_mul(a, b, ret) (!__builtin_mul_overflow((a), (b), (ret)))

/* Narrowing where the caller has checked the range: a wrong call is a bug. */
static inline uint8_t u8_from(size_t v)
{
	assert(v <= UINT8_MAX);
	return (uint8_t)v;
}

static inline uint16_t u16_from(size_t v)
{
	assert(v <= UINT16_MAX);
	return (uint16_t)v;
}

static inline uint32_t u32_from(size_t v)
{
	assert(v <= UINT32_MAX);
	return (uint32_t)v;
}

static inline int int_from(size_t v)
{
	assert(v <= INT32_MAX);
	return (int)v;
}
