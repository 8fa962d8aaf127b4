/* Debts by client in a set-associative table. What a client owes shrinks with time, so
 * there is nothing to sweep. Trusts its clock; must never let a newcomer with little debt
 * displace a client that owes more. */
#include "junk.h"

#include "base/rand.h"

enum { BURST_US = 100000, US_PER_S = 20000 };

void junk_init(struct junk *j, const struct junk_limits *limits)
{
	*j = (struct junk){ .limits = *limits };
	if (j->limits.burst_us == 0)
		j->limits.burst_us = BURST_US;
	if (j->limits.us_per_s == 0)
		j->limits.us_per_s = US_PER_S;
	rand_fill(j->key, sizeof(j->key));
}

/* A keyed hash, since who shares a set must not be for others to choose. Half a
 * microsecond, beside a signature check of thirty or more. */
static size_t set_of(const struct junk *j, const struct address *client)
{
	uint8_t hash[MAC_SIZE];
	uint8_t text[1 + sizeof(client->ip)] = { client->family };
	mem_copy(text + 1, client->ip, sizeof(client->ip));
	mac(j->key, BYTES_OF(text), hash);
	return ((size_t)hash[0] << 8 | hash[1]) % JUNK_SETS;
}

static uint32_t debt_at(const struct junk *j, const struct junk_slot *s, uint64_t now_ns)
{
	static const uint64_t long_us = UINT64_C(10000000000); /* forgives every debt */
	uint64_t us = now_ns > s->at_ns ? (now_ns - s->at_ns) / 1000 : 0;
	uint64_t forgiven = (us > long_us ? long_us : us) * j->limits.us_per_s / 1000000;
	return forgiven >= s->debt_us ? 0 : (uint32_t)(s->debt_us - forgiven);
}

static bool is_client(const struct junk_slot *s, const struct address *client)
{
	return s->used && s->client.family == client->family &&
	       mem_eq(s->client.ip, client->ip, sizeof(client->ip));
}

static const struct junk_slot *find(const struct junk *j, const struct address *client)
{
	const struct junk_slot *set = j->slots[set_of(j, client)];
	for (size_t i = 0; i < JUNK_WAYS; i++)
		if (is_client(&set[i], client))
			return &set[i];
	return NULL;
}

bool junk_allowed(struct junk *j, const struct address *a, uint64_t now_ns)
{
	struct address client = address_client(a);
	const struct junk_slot *s = find(j, &client);
	if (!s || debt_at(j, s, now_ns) < j->limits.burst_us)
		return true;
	j->counts.refused++;
	return false;
}

/* The client's own slot; else a free one; else that of who owes least. */
static struct junk_slot *slot_for(struct junk *j, const struct address *client, uint64_t now_ns)
{
	struct junk_slot *set = j->slots[set_of(j, client)], *least = &set[0];
	for (size_t i = 0; i < JUNK_WAYS; i++) {
		if (is_client(&set[i], client))
			return &set[i];
		if (debt_at(j, &set[i], now_ns) < debt_at(j, least, now_ns))
			least = &set[i];
	}
	j->counts.evicted += debt_at(j, least, now_ns) > 0;
	*least = (struct junk_slot){ .client = *client, .used = 1, .at_ns = now_ns };
	return least;
}

void junk_charge(struct junk *j, const struct address *a, uint32_t cost_us, uint64_t now_ns)
{
	struct address client = address_client(a);
	struct junk_slot *s = slot_for(j, &client, now_ns);
	uint32_t before = debt_at(j, s, now_ns);
	/* at most two bursts are ever owed: what one slow check cost ends, too */
	uint64_t owed = (uint64_t)before + cost_us, most = 2 * (uint64_t)j->limits.burst_us;
	s->debt_us = (uint32_t)(owed > most ? most : owed);
	s->at_ns = now_ns;
	j->counts.charged++;
	j->counts.limited += before < j->limits.burst_us && s->debt_us >= j->limits.burst_us;
}
