/* Tries of a password, counted for each username that is typed, known or not. Who has
 * used up his tries gets one more each half minute: guessing is slow, and nobody is
 * locked out for ever. A bounded table in memory; it holds no names, and a place is
 * taken from whoever has failed least. */
#include "base/rw.h"
#include "rules.h"

enum { WAYS = 4, NAME_CAP = 128 };

uint64_t throttle_who(const uint8_t key[static MAC_KEY_SIZE], str realm, str username)
{
	uint8_t covered[2 * NAME_CAP + 8];
	uint8_t tag[MAC_SIZE];
	struct wr w = wr_of(covered, sizeof(covered));
	uint64_t who = 0;
	wr_bytes32(&w, bytes_of_str(str_sub(realm, 0, NAME_CAP)));
	/* without ASCII case, as the store compares; no name is longer there */
	for (size_t i = 0; i < username.n && i < NAME_CAP; i++) {
		char c = username.p[i];
		wr_char(&w, c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c);
	}
	mac(key, wr_bytes(&w), tag);
	for (size_t i = 0; i < sizeof(who); i++)
		who = who << 8 | tag[i];
	return who | 1; /* 0 is a free place */
}

static struct throttle_place *set_of(struct throttle *t, uint64_t who)
{
	return &t->places[who / 2 % (THROTTLE_PLACES / WAYS) * WAYS];
}

void throttle_drop(struct throttle *t, uint64_t who)
{
	struct throttle_place *set = set_of(t, who);
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].who == who && set[i].under_way > 0)
			set[i].under_way--;
}

static void decay(struct throttle_place *p, uint64_t now_ns)
{
	const uint64_t refill_ns = (uint64_t)THROTTLE_REFILL_S * 1000000000;
	uint64_t back = (now_ns - p->since_ns) / refill_ns;
	p->since_ns += back * refill_ns;
	p->failures = back >= p->failures ? 0 : (uint16_t)(p->failures - back);
}

static struct throttle_place *find(struct throttle *t, uint64_t who, uint64_t now_ns)
{
	struct throttle_place *set = set_of(t, who);
	for (size_t i = 0; i < WAYS; i++) {
		decay(&set[i], now_ns);
		if (set[i].who == who)
			return &set[i];
	}
	return NULL;
}

/* NULL when all of the set have a try under way. */
static struct throttle_place *make(struct throttle *t, uint64_t who, uint64_t now_ns)
{
	struct throttle_place *set = set_of(t, who), *least = NULL;
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].under_way == 0 && (!least || set[i].failures < least->failures))
			least = &set[i];
	if (least)
		*least = (struct throttle_place){ .who = who, .since_ns = now_ns };
	return least;
}

bool throttle_begin(struct throttle *t, uint64_t who, uint64_t now_ns)
{
	struct throttle_place *p = find(t, who, now_ns);
	if (!p)
		p = make(t, who, now_ns);
	/* those under way may all fail; people who never failed may come in numbers */
	if (p && p->failures > 0 && p->failures + p->under_way >= THROTTLE_TRIES)
		return false;
	if (p)
		p->under_way++;
	return true;
}

bool throttle_end(struct throttle *t, uint64_t who, bool right, uint64_t now_ns)
{
	struct throttle_place *p = find(t, who, now_ns);
	if (!p)
		return false;
	if (p->under_way > 0)
		p->under_way--;
	if (right || p->failures == 0)
		p->since_ns = now_ns;
	p->failures = right ? 0 : (uint16_t)(p->failures + 1);
	return p->failures == THROTTLE_TRIES;
}
