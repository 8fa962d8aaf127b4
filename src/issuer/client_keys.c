/* The keys that clients sign assertions with, kept ready: making one from its text is some ten
 * microseconds, and one that is used often gets a table by which it verifies three times as fast.
 * It is known by all of its parts, so a client's row stays the only word on which keys are
 * whose; nothing here ever makes one good. Bounded: who is not among the last few pays each time. */
#include "crypto/public_key.h"
#include "issuer.h"
#include "token/jwk.h"

/* A table costs 150 KB and stops the loop for 20 ms: only for who has come back so often. */
enum { WARM_AFTER = 256 };

static struct client_key *place_of(struct client_keys *k, enum alg alg, const uint8_t *thumbprint)
{
	struct client_key *oldest = &k->keys[0];
	for (size_t i = 0; i < COUNT_OF(k->keys); i++) {
		struct client_key *one = &k->keys[i];
		if (one->key && one->alg == alg &&
		    mem_eq(one->thumbprint, thumbprint, sizeof(one->thumbprint)))
			return one;
		if (!one->key || (oldest->key && one->used < oldest->used))
			oldest = one;
	}
	public_key_done(&oldest->key);
	oldest->uses = 0;
	return oldest;
}

ch_err client_key_find(struct client_keys *k, const struct key_parts *parts,
		       const struct public_key **ret_key)
{
	uint8_t thumbprint[THUMBPRINT_SIZE];
	TRY(jwk_thumbprint(parts, thumbprint));
	if (!k->work)
		TRY(key_work_new(&k->work));
	struct client_key *one = place_of(k, parts->alg, thumbprint);
	if (!one->key) {
		TRY(public_key_new(parts, &one->key));
		one->alg = parts->alg;
		mem_copy(one->thumbprint, thumbprint, sizeof(thumbprint));
	}
	one->used = ++k->clock;
	/* without a table it verifies as well */
	if (++one->uses == WARM_AFTER)
		(void)public_key_warm(one->key);
	*ret_key = one->key;
	return CH_DONE;
}
