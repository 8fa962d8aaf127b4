/* See the header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rand.h"
#include "made_values.h"

unsigned any_below(unsigned below)
{
	unsigned v = 0;
	rand_fill(&v, sizeof(v));
	return v % below;
}

bytes value_made(struct values *to, enum value_kind kind, bool number, bytes is)
{
	struct value v = { kind, number, is, LIT("test"), 0 };
	assert_false(failed(values_add(to, &v)));
	return values_at(to, values_count(to) - 1)->is;
}

bytes value_random(struct values *to, enum value_kind kind, bool number, size_t n)
{
	uint8_t p[4096];
	assert_true(n <= sizeof(p));
	rand_fill(p, n);
	p[0] |= 1;
	return value_made(to, kind, number, (bytes){ p, n });
}
