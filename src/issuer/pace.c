/* How often a device asks (RFC 8628 section 3.5): who comes too soon must wait five seconds
 * longer from then on. A bounded table in memory; who has asked least lately loses a place, and is
 * then told `pending` once where `slow_down` was due. */
#include "rules.h"

enum { WAYS = 4 };

static struct pace_place *place_of(struct pace *t, uint64_t who)
{
	struct pace_place *set = &t->places[who % (PACE_PLACES / WAYS) * WAYS], *oldest = set;
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].who == who)
			return &set[i];
		if (set[i].asked_ns < oldest->asked_ns)
			oldest = &set[i];
	}
	*oldest = (struct pace_place){ .who = who, .interval_s = PACE_INTERVAL_S };
	return oldest;
}

bool pace_ask(struct pace *t, const uint8_t hash[static STORE_HASH_SIZE], uint64_t now_ns)
{
	uint64_t who = 0;
	for (size_t i = 0; i < sizeof(who); i++)
		who = who << 8 | hash[i];
	who |= 1; /* 0 is a free place */
	struct pace_place *p = place_of(t, who);
	uint64_t waited_ns = now_ns - p->asked_ns;
	/* who waited as he should may come early by what the network took the last time */
	uint64_t least_ns = ((uint64_t)p->interval_s - PACE_GRACE_S) * 1000000000;
	bool soon = p->asked_ns > 0 && waited_ns < least_ns;
	p->asked_ns = now_ns;
	if (soon && p->interval_s < PACE_INTERVAL_MAX_S)
		p->interval_s = (uint16_t)(p->interval_s + PACE_STEP_S);
	return !soon;
}

bool guesses_left(struct guesses *g, uint64_t now_ns)
{
	const uint64_t step_ns = (uint64_t)GUESSES_REFILL_MS * 1000000;
	uint64_t back = (now_ns - g->since_ns) / step_ns;
	g->since_ns += back * step_ns;
	g->spent = back >= g->spent ? 0 : g->spent - (unsigned)back;
	return g->spent < GUESSES_MAX;
}

void guesses_spend(struct guesses *g)
{
	g->spent++;
}
