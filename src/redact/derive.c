/* States of HMAC keys: what a program holds that signs, long after it dropped the key. Which
 * hash it is for nobody says, so that all are looked for. And what signs in place of an Ed25519
 * seed, whoever found that. */
#include "derive.h"

#include "base/secret.h"
#include "crypto/hmac_state.h"
#include "crypto/related.h"

enum { KEY = 32 };

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

/* The hash of the seed: on stacks its first half has not yet the bits set that make a scalar
 * of it, so its inside is looked for, too. */
static ch_err expand(struct values *v, const struct value *seed)
{
	SECRET_BUF(both, 2 * KEY);
	ed25519_expand(seed->is.p, both);
	const bytes parts[] = { { both, KEY }, { both + 1, KEY - 2 }, { both + KEY, KEY } };
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		const struct value one = { VALUE_ED25519_SCALAR, false, parts[i], seed->finder,
					   seed->first_addr };
		TRY(values_add(v, &one));
	}
	return CH_DONE;
}

ch_err values_derive(struct values *v)
{
	size_t n = values_count(v);
	for (size_t i = 0; i < n; i++) {
		const struct value *one = values_at(v, i);
		if (one->kind == VALUE_ED25519_SEED && one->is.n == KEY)
			TRY(expand(v, one));
		bool state = str_eq(one->finder, LIT("hmac-state"));
		for (unsigned hash = 0; hash < HMAC_HASH_COUNT; hash++) {
			if (one->kind == VALUE_HMAC_KEY && !state)
				TRY(derive(v, one, (enum hmac_hash)hash));
		}
	}
	return CH_DONE;
}
