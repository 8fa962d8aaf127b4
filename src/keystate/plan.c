/* When staged keys will sign. Every time it sets keeps the one rule: a key is published for
 * the lead before it signs, so that nobody who keeps a set as long as it allows meets a
 * token whose key the set lacks. */
#include "keystate/keystate.h"

#include <assert.h>

enum { MARGIN_MAX_S = 60, MARGIN_PART = 10 };

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

uint32_t key_lead_s(const struct key_rules *r)
{
	uint32_t margin = r->max_age_s / MARGIN_PART;
	margin = margin < 1 ? 1 : margin > MARGIN_MAX_S ? MARGIN_MAX_S : margin;
	return (r->staged_s > r->max_age_s ? r->staged_s : r->max_age_s) + margin;
}

int64_t key_may_sign_s(const struct key_times *t, const struct key_rules *r)
{
	return t->published_s == 0 ? 0 : t->published_s + key_lead_s(r);
}

/* A staged one that its own limit does not keep from ever signing. */
static bool is_waiting(const struct key_times *t, int64_t now_s)
{
	return key_state_at(t, now_s) == KEY_STAGED && (t->limit_s == 0 || t->limit_s > now_s) &&
	       (t->limit_s == 0 || t->limit_s > t->not_before_s);
}

/* Planned ones by their time, then the others by their age. */
static bool is_before(const struct key_times *a, const struct key_times *b)
{
	if ((a->not_before_s == 0) != (b->not_before_s == 0))
		return a->not_before_s != 0;
	if (a->not_before_s != b->not_before_s)
		return a->not_before_s < b->not_before_s;
	return a->created_s < b->created_s;
}

/* The waiting ones in the order in which they will sign. */
static size_t in_order(struct key_times *keys, size_t n, int64_t now_s,
		       struct key_times *order[static KEY_SET_MAX])
{
	size_t count = 0;
	assert(n <= KEY_SET_MAX);
	for (size_t i = 0; i < n; i++) {
		if (!is_waiting(&keys[i], now_s))
			continue;
		size_t at = count++;
		for (; at > 0 && is_before(&keys[i], order[at - 1]); at--)
			order[at] = order[at - 1];
		order[at] = &keys[i];
	}
	return count;
}

/* Returns when the one behind it may begin. */
static int64_t plan_one(struct key_times *t, const struct key_rules *r, int64_t from_s)
{
	int64_t begin_s = later(from_s, key_may_sign_s(t, r));
	if (t->published_s == 0 || (t->limit_s != 0 && t->limit_s <= begin_s))
		return from_s;
	if (t->not_before_s == 0 || begin_s < t->not_before_s) {
		t->not_before_s = begin_s;
		t->not_after_s = begin_s + r->sign_s;
	}
	return key_ends_s(t);
}

static const struct key_times *first_published(struct key_times *const *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (order[i]->published_s != 0)
			return order[i];
	return NULL;
}

void key_plan(struct key_times *keys, size_t n, const struct key_rules *r, int64_t now_s)
{
	struct key_times *order[KEY_SET_MAX] = { NULL };
	size_t count = in_order(keys, n, now_s, order);
	size_t signer = key_signer(keys, n, now_s);
	const struct key_times *next = first_published(order, count);
	int64_t from_s = now_s;
	if (signer < n) {
		struct key_times *s = &keys[signer];
		/* one that signs until there is another learns when that is */
		if (s->not_after_s == 0 && next)
			s->not_after_s = later(later(s->not_before_s + r->sign_s, now_s),
					       key_may_sign_s(next, r));
		from_s = key_ends_s(s);
		if (from_s == 0)
			return;
	}
	for (size_t i = 0; i < count; i++)
		from_s = plan_one(order[i], r, from_s);
}

/* One that no plan can use (its limit comes first) is as good as none; nor is one enough that
 * will be over before another could follow it. */
bool key_wants_next(const struct key_times *keys, size_t n, const struct key_rules *r,
		    int64_t now_s)
{
	for (size_t i = 0; i < n; i++) {
		const struct key_times *t = &keys[i];
		int64_t end_s = key_ends_s(t);
		bool is_planned = t->not_before_s != 0;
		bool is_short = is_planned && end_s != 0 &&
				end_s < now_s + 2 * (int64_t)key_lead_s(r);
		if (is_waiting(t, now_s) && !is_short && (is_planned || t->published_s == 0))
			return false;
	}
	return true;
}

bool key_may_be_first(const struct key_times *keys, size_t n, const struct key_rules *r,
		      int64_t now_s)
{
	for (size_t i = 0; i < n; i++)
		if (key_state_at(&keys[i], now_s) != KEY_RETIRED ||
		    now_s < key_leaves_s(&keys[i]) + key_lead_s(r))
			return false;
	return true;
}

struct key_times key_first(const struct key_rules *r, int64_t now_s, uint32_t max_ttl_s)
{
	return (struct key_times){ .created_s = now_s,
				   .published_s = now_s,
				   .not_before_s = now_s,
				   .not_after_s = now_s + r->sign_s,
				   .max_ttl_s = max_ttl_s };
}

size_t key_successor(const struct key_times *keys, size_t n, int64_t now_s)
{
	size_t found = n;
	for (size_t i = 0; i < n; i++)
		if (is_waiting(&keys[i], now_s) &&
		    (found == n || is_before(&keys[i], &keys[found])))
			found = i;
	return found;
}

void keys_end_replaced(struct key_times *keys, size_t n, int64_t now_s)
{
	size_t signer = key_signer(keys, n, now_s);
	for (size_t i = 0; i < n; i++)
		if (i != signer && key_state_at(&keys[i], now_s) == KEY_SIGNING)
			keys[i].not_after_s = later(now_s, keys[i].not_before_s + 1);
}

void keys_hand_over(struct key_times *keys, size_t n, size_t next, const struct key_rules *r,
		    int64_t now_s)
{
	if (keys[next].published_s == 0 || keys[next].published_s > now_s)
		keys[next].published_s = now_s;
	keys[next].not_before_s = now_s;
	keys[next].not_after_s = now_s + r->sign_s;
	key_plan(keys, n, r, now_s);
}
