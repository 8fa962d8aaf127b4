/* What state a key is in. Believes the times, which the seal covers, and the clock that
 * the caller read. */
#include "keystate/keystate.h"

static const char *const names[] = {
	[KEY_STAGED] = "staged",
	[KEY_SIGNING] = "signing",
	[KEY_VERIFY_ONLY] = "verify-only",
	[KEY_RETIRED] = "retired",
};

const char *key_state_name(enum key_state s)
{
	return names[s];
}

int64_t key_ends_s(const struct key_times *t)
{
	if (t->not_after_s == 0)
		return t->limit_s;
	return t->limit_s != 0 && t->limit_s < t->not_after_s ? t->limit_s : t->not_after_s;
}

int64_t key_leaves_s(const struct key_times *t)
{
	int64_t end_s = key_ends_s(t);
	return end_s == 0 ? 0 : end_s + t->max_ttl_s + KEY_SLACK_S;
}

enum key_state key_state_at(const struct key_times *t, int64_t now_s)
{
	int64_t end_s = key_ends_s(t);
	if (t->not_before_s == 0 || now_s < t->not_before_s)
		return KEY_STAGED;
	if (end_s == 0 || now_s < end_s)
		return KEY_SIGNING;
	return now_s < key_leaves_s(t) ? KEY_VERIFY_ONLY : KEY_RETIRED;
}

static void earlier_of(int64_t candidate_s, int64_t now_s, int64_t *at_s)
{
	if (candidate_s > now_s && (*at_s == 0 || candidate_s < *at_s))
		*at_s = candidate_s;
}

int64_t key_next_change_s(const struct key_times *keys, size_t n, int64_t now_s)
{
	int64_t at_s = 0;
	for (size_t i = 0; i < n; i++) {
		if (keys[i].not_before_s == 0)
			continue;
		earlier_of(keys[i].not_before_s, now_s, &at_s);
		earlier_of(key_ends_s(&keys[i]), now_s, &at_s);
		earlier_of(key_leaves_s(&keys[i]), now_s, &at_s);
	}
	return at_s;
}

bool key_signs_rather(const struct key_times *t, const struct key_times *other, int64_t now_s)
{
	if (key_state_at(t, now_s) != KEY_SIGNING)
		return false;
	if (!other || t->not_before_s != other->not_before_s)
		return !other || t->not_before_s > other->not_before_s;
	return t->created_s > other->created_s;
}

size_t key_signer(const struct key_times *keys, size_t n, int64_t now_s)
{
	size_t found = n;
	for (size_t i = 0; i < n; i++)
		if (key_signs_rather(&keys[i], found < n ? &keys[found] : NULL, now_s))
			found = i;
	return found;
}

int64_t key_newest_s(const struct key_times *keys, size_t n)
{
	int64_t newest_s = 0;
	for (size_t i = 0; i < n; i++) {
		if (keys[i].created_s > newest_s)
			newest_s = keys[i].created_s;
		if (keys[i].published_s > newest_s)
			newest_s = keys[i].published_s;
	}
	return newest_s;
}
