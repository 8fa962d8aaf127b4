/* Who connects, where a front stands between: the last address of X-Forwarded-For that is no
 * front of ours. What stands before it was written by somebody whom we do not know. */
#include "rules.h"

static bool same(const struct address *a, const struct address *b)
{
	return a->family == b->family && mem_eq(a->ip, b->ip, sizeof(a->ip));
}

static bool is_front(const struct issuer_config *c, const struct address *a)
{
	for (size_t i = 0; i < c->n_fronts; i++) {
		struct address front;
		if (address_of(c->fronts[i], &front) && same(&front, a))
			return true;
	}
	return false;
}

static bool is_loopback(const struct address *a)
{
	static const uint8_t six[16] = { [15] = 1 };
	return a->family == 4 ? a->ip[0] == 127 : a->family == 6 && mem_eq(a->ip, six, sizeof(six));
}

/* Cuts the last one off; empty when there is none. */
static str list_last(str *list)
{
	size_t at = list->n;
	while (at > 0 && list->p[at - 1] != ',')
		at--;
	str last = str_trim(str_sub(*list, at, list->n), LIT(" \t"));
	list->n = at > 0 ? at - 1 : 0;
	return last;
}

struct address front_client(const struct issuer_config *c, const struct address *peer,
			    str forwarded)
{
	const struct address unknown = { 0 };
	struct address a;
	if (!is_front(c, peer))
		return is_loopback(peer) ? unknown : address_client(peer);
	while (forwarded.n > 0) {
		if (!address_of(list_last(&forwarded), &a))
			return unknown;
		if (!is_front(c, &a))
			return address_client(&a);
	}
	return unknown;
}
