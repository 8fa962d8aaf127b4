/* The names of the algorithms. Nothing but these four: a name that is not in the
 * table has no number, so no other code can be asked for it. */
#include "crypto/alg.h"

#include <assert.h>

static const str names[ALG_COUNT] = {
	[ALG_ES256] = LIT("ES256"),
	[ALG_EDDSA] = LIT("EdDSA"),
	[ALG_RS256] = LIT("RS256"),
	[ALG_PS256] = LIT("PS256"),
};

str alg_name(enum alg a)
{
	assert(a < ALG_COUNT);
	return names[a];
}

bool alg_by_name(str name, enum alg *ret_alg)
{
	for (size_t i = 0; i < ALG_COUNT; i++) {
		if (str_eq(name, names[i])) {
			*ret_alg = (enum alg)i;
			return true;
		}
	}
	return false;
}
