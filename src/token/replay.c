/* Used proofs in sets of slots, shared without a lock. What is noted was checked before,
 * by the caller. Must never answer "new" twice for one proof while it is kept: of two
 * threads that note the same, each looks again after its own note is in place, and at
 * least the later one finds the other's. */
#include "token/replay.h"

#include "base/ck.h"
#include "base/rand.h"
#include "base/rw.h"
#include "crypto/hash.h"
#include "replay_internal.h"

_Static_assert(MAC_KEY_SIZE == sizeof(((struct replay *)0)->key), "key");

static const uint64_t until_mask = (UINT64_C(1) << REPLAY_UNTIL_BITS) - 1;
static const size_t proofs_max = (size_t)1 << 28; /* 8 GiB */

/* Of 64 slots 16 are taken on average, 32 bytes a proof: that any set overflows while no
 * more proofs are kept than were asked for has a chance below 1 in 10^12. */
static size_t sets_for(size_t proofs)
{
	return proofs / REPLAY_PER_SET + 1;
}

size_t replay_size(size_t proofs)
{
	if (!proofs || proofs > proofs_max)
		return 0;
	return sizeof(struct replay) + sets_for(proofs) * sizeof(struct replay_set);
}

ch_err replay_init(void *storage, size_t n, size_t proofs, struct replay **ret_r)
{
	struct replay *r = storage;
	size_t need = replay_size(proofs);
	if (!need)
		return ch_fail(CH_E_RANGE, "impossible number of proofs to remember", proofs);
	if (n < need)
		return ch_fail(CH_E_RANGE, "too little storage for so many proofs", need);
	if ((uintptr_t)storage % _Alignof(struct replay))
		return ch_fail(CH_E_USAGE, "storage for proofs is not aligned to 64", 0);
	r->n_sets = sets_for(proofs);
	for (size_t i = 0; i < r->n_sets; i++)
		for (size_t k = 0; k < REPLAY_WAYS; k++)
			atomic_init(&r->sets[i].slots[k], 0);
	rand_fill(r->key, sizeof(r->key));
	*ret_r = r;
	return CH_DONE;
}

ch_err replay_attach(void *storage, size_t n, size_t proofs, struct replay **ret_r)
{
	struct replay *r = storage;
	size_t need = replay_size(proofs);
	if (!need || n < need || (uintptr_t)storage % _Alignof(struct replay) ||
	    r->n_sets != sets_for(proofs))
		return ch_fail(CH_E_MISMATCH, "no store of so many proofs is there", proofs);
	*ret_r = r;
	return CH_DONE;
}

static bool is_live(uint64_t slot, int64_t now_s)
{
	uint64_t left = (slot - (uint64_t)now_s) & until_mask;
	return slot && left && left <= REPLAY_FAR_S;
}

static bool is_same(uint64_t slot, uint64_t mine, int64_t now_s)
{
	return slot >> REPLAY_UNTIL_BITS == mine >> REPLAY_UNTIL_BITS && is_live(slot, now_s);
}

/* Is the proof in a slot other than this one? */
static bool is_beside(struct replay_set *s, size_t at, uint64_t mine, int64_t now_s)
{
	for (size_t i = 0; i < REPLAY_WAYS; i++)
		if (i != at && is_same(atomic_load(&s->slots[i]), mine, now_s))
			return true;
	return false;
}

enum replay_answer replay_set_note(struct replay_set *s, uint64_t mine, int64_t now_s)
{
	if (is_beside(s, REPLAY_WAYS, mine, now_s))
		return REPLAY_USED;
	for (size_t i = 0; i < REPLAY_WAYS; i++) {
		uint64_t there = atomic_load(&s->slots[i]);
		if (!is_live(there, now_s) &&
		    atomic_compare_exchange_strong(&s->slots[i], &there, mine))
			return is_beside(s, i, mine, now_s) ? REPLAY_USED : REPLAY_NEW;
		/* who took it meanwhile may have had the same proof */
		if (is_same(there, mine, now_s))
			return REPLAY_USED;
	}
	return REPLAY_FULL;
}

/* Where it belongs, and what stands there above the time. */
static struct replay_set *set_of(struct replay *r, bytes key, bytes jti, uint64_t *ret_print)
{
	uint8_t both[2 * SHA256_SIZE], code[MAC_SIZE];
	sha256(key, both);
	sha256(jti, both + SHA256_SIZE);
	keyed_hash(r->key, BYTES_OF(both), code);
	struct rd words = rd_of(BYTES_OF(code));
	uint64_t place = rd_u64(&words);
	uint64_t print = rd_u64(&words) >> REPLAY_UNTIL_BITS;
	*ret_print = (print + !print) << REPLAY_UNTIL_BITS;
	return &r->sets[(size_t)((unsigned __int128)place * r->n_sets >> 64)];
}

enum replay_answer replay_note(struct replay *r, bytes key, bytes jti, int64_t until_s,
			       int64_t now_s)
{
	uint64_t print = 0;
	int64_t left = 0;
	if (!ck_sub(until_s, now_s, &left) || left <= 0 || left > REPLAY_KEPT_MAX_S)
		return REPLAY_FULL;
	struct replay_set *set = set_of(r, key, jti, &print);
	return replay_set_note(set, print | ((uint64_t)until_s & until_mask), now_s);
}

bool replay_has(struct replay *r, bytes key, bytes jti, int64_t now_s)
{
	uint64_t print = 0;
	struct replay_set *set = set_of(r, key, jti, &print);
	return is_beside(set, REPLAY_WAYS, print, now_s);
}
