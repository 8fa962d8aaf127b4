/* States of HMAC keys: what a program holds that signs, long after it dropped the key. Which
 * hash it is for nobody says, so that all are looked for. */
#include "derive.h"

#include "base/secret.h"
#include "crypto/hmac_state.h"

static ch_err derive(struct values *v, const struct value *key, enum hmac_hash hash)
{
	SECRET_BUF(inner, HMAC_STATE_MAX);
	SECRET_BUF(outer, HMAC_STATE_MAX);
	size_t n = hmac_states(hash, key->is, inner, outer);
	struct value one = {
		VALUE_HMAC_KEY, false, { inner, n }, LIT("hmac-state"), key->first_addr
	};
	TRY(values_add(v, &one));
	one.is.p = outer;
	return values_add(v, &one);
}

ch_err values_derive(struct values *v)
{
	size_t n = values_count(v);
	for (size_t i = 0; i < n; i++) {
		const struct value *one = values_at(v, i);
		bool state = str_eq(one->finder, LIT("hmac-state"));
		for (unsigned hash = 0; hash < HMAC_HASH_COUNT; hash++) {
			if (one->kind == VALUE_HMAC_KEY && !state)
				TRY(derive(v, one, (enum hmac_hash)hash));
		}
	}
	return CH_DONE;
}
