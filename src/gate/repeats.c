/* Counts of repeated sightings in a set-associative table. Trusts its caller to record what
 * a slot counts before the slot is given to another; must never take two sightings that
 * differ for one: the hash only finds the set, the bytes decide. */
#include "repeats.h"

#include "base/ck.h"
#include "base/rand.h"

void repeats_init(struct repeats *r)
{
	mem_zero(r->slots, sizeof(r->slots));
	rand_fill(r->key, sizeof(r->key));
}

static bool holds(const struct repeats *r, size_t at, uint64_t hash, bytes sighting)
{
	const struct repeats_slot *s = &r->slots[at];
	return s->hash == hash && s->n == sighting.n &&
	       mem_eq(r->texts[at], sighting.p, sighting.n);
}

/* A free one comes before one that counts nothing yet. */
static bool is_lesser(const struct repeats_slot *a, const struct repeats_slot *b)
{
	return b->n > 0 && (a->n == 0 || a->r.more < b->r.more);
}

struct repeats_found repeats_find(const struct repeats *r, bytes sighting)
{
	uint64_t hash = short_hash(r->key, sighting);
	size_t first = (size_t)(hash % REPEATS_SETS) * REPEATS_WAYS, least = first;
	for (size_t at = first; at < first + REPEATS_WAYS; at++) {
		if (holds(r, at, hash, sighting))
			return (struct repeats_found){ true, at, hash };
		if (is_lesser(&r->slots[at], &r->slots[least]))
			least = at;
	}
	return (struct repeats_found){ false, least, hash };
}

void repeats_count(struct repeats *r, size_t at, int64_t now_ms)
{
	struct sighting_repeats *s = &r->slots[at].r;
	if (s->more++ == 0)
		s->first_ms = now_ms;
	s->last_ms = now_ms;
}

void repeats_begin(struct repeats *r, struct repeats_found at, bytes sighting, int64_t now_ms)
{
	r->slots[at.at] = (struct repeats_slot){ .hash = at.hash,
						 .since_ms = now_ms,
						 .n = u16_from(sighting.n) };
	mem_copy(r->texts[at.at], sighting.p, sighting.n);
}

bool repeats_over(const struct repeats *r, size_t at, int64_t now_ms)
{
	const struct repeats_slot *s = &r->slots[at];
	return s->n > 0 &&
	       (now_ms < s->since_ms || now_ms - s->since_ms >= (int64_t)REPEATS_WINDOW_MS);
}

size_t repeats_size(const struct repeats *r, size_t at)
{
	return SIGHTING_REPEATS_HEAD + r->slots[at].n;
}

void repeats_write(const struct repeats *r, size_t at, uint8_t *p)
{
	sighting_repeats_write(p, &r->slots[at].r);
	mem_copy(p + SIGHTING_REPEATS_HEAD, r->texts[at], r->slots[at].n);
}
