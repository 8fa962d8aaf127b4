/* Tries of a password, counted for whoever could be guessing: strangers to an account, one of
 * its own browsers, an address. Who has used up the first tries waits, longer after each, and
 * never for ever; the counts shrink with time. A bounded table in memory; it holds no names, and
 * a place is taken from whoever has failed least. */
#include "base/rw.h"
#include "rules.h"

enum { WAYS = 4, NAME_CAP = 128 };

const struct throttle_rule throttle_account = { .tries = THROTTLE_TRIES,
						.first_s = THROTTLE_FIRST_S,
						.most_s = THROTTLE_MOST_S,
						.forget_s = 600 };
const struct throttle_rule throttle_code = {
	.tries = THROTTLE_TRIES, .first_s = 30, .most_s = 30, .forget_s = 30
};
/* many people may share one */
const struct throttle_rule throttle_address = {
	.tries = 100, .first_s = 10, .most_s = 60, .forget_s = 10
};

uint64_t throttle_who(const uint8_t key[static MAC_KEY_SIZE], str kind, str realm, str name)
{
	uint8_t covered[3 * NAME_CAP];
	uint8_t tag[MAC_SIZE];
	struct wr w = wr_of(covered, sizeof(covered));
	uint64_t who = 0;
	wr_bytes32(&w, bytes_of_str(str_sub(kind, 0, NAME_CAP / 2)));
	wr_bytes32(&w, bytes_of_str(str_sub(realm, 0, NAME_CAP)));
	/* without ASCII case, as the store compares; no name is longer there */
	for (size_t i = 0; i < name.n && i < NAME_CAP; i++) {
		char c = name.p[i];
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

static struct throttle_place *find(struct throttle *t, uint64_t who)
{
	struct throttle_place *set = set_of(t, who);
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].who == who)
			return &set[i];
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

static uint64_t ns_of(uint64_t seconds)
{
	return seconds * 1000000000;
}

static void forget(struct throttle_place *p, const struct throttle_rule *rule, uint64_t now_ns)
{
	uint64_t back = (now_ns - p->since_ns) / ns_of(rule->forget_s);
	p->since_ns += back * ns_of(rule->forget_s);
	p->failures = back >= p->failures ? 0 : (uint16_t)(p->failures - back);
}

static uint32_t seconds_left(uint64_t until_ns, uint64_t now_ns)
{
	return (uint32_t)((until_ns - now_ns + ns_of(1) - 1) / ns_of(1));
}

uint32_t throttle_begin(struct throttle *t, const struct throttle_try *one, uint64_t now_ns)
{
	struct throttle_place *p = find(t, one->who);
	if (!p)
		p = make(t, one->who, now_ns);
	if (!p)
		return 0;
	if (p->until_ns > now_ns)
		return seconds_left(p->until_ns, now_ns);
	forget(p, one->rule, now_ns);
	/* those under way may all fail; people who never failed may come in numbers */
	if (p->failures > 0 && p->under_way > 0 && p->failures + p->under_way >= one->rule->tries)
		return 1;
	p->under_way++;
	return 0;
}

void throttle_drop(struct throttle *t, uint64_t who)
{
	struct throttle_place *p = find(t, who);
	if (p && p->under_way > 0)
		p->under_way--;
}

/* After the last free try first_s, then twice as long each time. */
static uint32_t delay_of(const struct throttle_rule *rule, uint16_t failures)
{
	uint32_t s = rule->first_s;
	if (failures < rule->tries)
		return 0;
	for (uint32_t i = rule->tries; i < failures && s < rule->most_s; i++)
		s *= 2;
	return s < rule->most_s ? s : rule->most_s;
}

uint32_t throttle_end(struct throttle *t, const struct throttle_try *one, bool right,
		      uint64_t now_ns)
{
	struct throttle_place *p = find(t, one->who);
	if (!p)
		return 0;
	if (p->under_way > 0)
		p->under_way--;
	if (right) {
		if (one->clears)
			p->failures = 0;
		return 0;
	}
	if (p->failures < UINT16_MAX)
		p->failures++;
	p->since_ns = now_ns;
	uint32_t delay = delay_of(one->rule, p->failures);
	p->until_ns = now_ns + ns_of(delay);
	return delay;
}
