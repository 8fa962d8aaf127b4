/* Who reports: each gate by a secret of its own, and each at a pace of its own, so that one that
 * is taken over can neither speak for another nor keep us from hearing it. And how much is kept of
 * what is signed with one key. */
#include "base/clock.h"
#include "collector_internal.h"

bool pace_take(struct pace *p, uint64_t burst, uint64_t each_ns, uint64_t now_ns)
{
	if (p->spent_until_ns > now_ns + (burst - 1) * each_ns)
		return false;
	p->spent_until_ns = each_ns + (p->spent_until_ns > now_ns ? p->spent_until_ns : now_ns);
	return true;
}

struct pace *pace_of_key(struct key_pace paces[static KEY_PACES], str realm, str kid)
{
	struct key_pace *oldest = &paces[0];
	kid = kid.n > KEY_NAME_MAX ? str_sub(kid, 0, KEY_NAME_MAX) : kid;
	for (size_t i = 0; i < KEY_PACES; i++) {
		struct key_pace *k = &paces[i];
		if (str_eq(k->realm, realm) && str_eq((str){ k->kid, k->n }, kid))
			return &k->pace;
		if (k->pace.spent_until_ns < oldest->pace.spent_until_ns)
			oldest = k;
	}
	*oldest = (struct key_pace){ .realm = realm, .n = kid.n };
	mem_copy(oldest->kid, kid.p, kid.n);
	return &oldest->pace;
}

bool gate_of(struct collector *c, struct http_req *r, size_t *ret_gate)
{
	static const struct http_out ask = { { "WWW-Authenticate", 16 },
					     { "Basic realm=\"collector\"", 23 } };
	str field = http_field(r, "Authorization");
	size_t found = COLLECTOR_GATES_MAX;
	for (size_t i = 0; i < c->config.n_gates; i++)
		if (basic_ok(&c->gates[i], field))
			found = i;
	if (found < COLLECTOR_GATES_MAX) {
		*ret_gate = found;
		return true;
	}
	c->counters.unauthorized++;
	http_answer(r, &(struct http_answer){ .status = 401, .fields = &ask, .n_fields = 1 });
	return false;
}

void serve_known(struct http_req *r, void *ctx)
{
	size_t gate = 0;
	if (gate_of(ctx, r, &gate))
		http_answer(r, &(struct http_answer){ .status = 204 });
}

void answer_later(struct http_req *r, unsigned status)
{
	static const struct http_out later = { { "Retry-After", 11 }, { "1", 1 } };
	http_answer(r, &(struct http_answer){ .status = status, .fields = &later, .n_fields = 1 });
}
