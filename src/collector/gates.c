/* Who reports: each gate by a secret of its own, and each at a pace of its own, so that one that
 * is taken over can neither speak for another nor keep us from hearing it. */
#include "base/clock.h"
#include "collector_internal.h"

bool pace_take(struct pace *p, uint64_t burst, uint64_t per_s, uint64_t now_ns)
{
	uint64_t each = UINT64_C(1000000000) / per_s;
	if (p->spent_until_ns > now_ns + (burst - 1) * each)
		return false;
	p->spent_until_ns = each + (p->spent_until_ns > now_ns ? p->spent_until_ns : now_ns);
	return true;
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

void answer_later(struct http_req *r, unsigned status)
{
	static const struct http_out later = { { "Retry-After", 11 }, { "1", 1 } };
	http_answer(r, &(struct http_answer){ .status = status, .fields = &later, .n_fields = 1 });
}
