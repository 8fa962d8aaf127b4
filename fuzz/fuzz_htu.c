/* Two lines as addresses: what is the same is so both ways, what is an address is the same
 * as itself, and nothing behind a '?' or '#' matters. */
#include <assert.h>

#include "htu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_tail(str s)
{
	return s.n && (s.p[0] == '?' || s.p[0] == '#');
}

/* s without query and fragment */
static str trunk_of(str s)
{
	size_t n = 0;
	while (n < s.n && !is_tail(str_sub(s, n, s.n)))
		n++;
	return str_sub(s, 0, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	str b = str_of_bytes((bytes){ data, size });
	str a = str_cut(&b, '\n');
	bool same = htu_matches(a, b);
	assert(same == htu_matches(b, a));
	assert(htu_ok(a) == htu_matches(a, a) && htu_ok(b) == htu_matches(b, b));
	assert(!same || (htu_ok(a) && htu_ok(b)));
	if (htu_ok(a))
		assert(htu_matches(a, trunk_of(a)) && htu_matches(trunk_of(a), b) == same);
	return 0;
}
