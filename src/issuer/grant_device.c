/* A device code for tokens (RFC 8628 sections 3.4 and 3.5). Until a person has answered it is
 * asked for again and again, at a pace; then it is for one use, and is spent together with the
 * grant that it makes. Whoever shows a spent one ends that grant, as with a code. */
#include "base/clock.h"
#include "issuer.h"

static ch_err device_reused(const struct realm *m, const struct store_device *d)
{
	metrics_count(m, COUNT_CODE_REUSED);
	return grant_revoke(m, d->grant_id, d->client_id,
			    ch_fail(CH_E_INVALID_GRANT, "the device code was used before", 0));
}

static ch_err device_find(const struct realm *m, struct arena *a, const struct settling *s,
			  struct store_device *ret_d)
{
	ch_err e = store_device_get(m->issuer->store, m->config->name, s->code_hash, a, ret_d);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return ch_fail(CH_E_INVALID_GRANT, "the device code is unknown", 0);
	return e;
}

static ch_err device_settle(struct job *j)
{
	const struct settling *s = j->settling;
	struct store_device d = { 0 };
	ch_err e = store_device_spend(j->realm->issuer->store, s->code_hash, s->grant.id);
	if (ch_code_of(e) == CH_E_NOT_FOUND) {
		/* another request with it was signed at the same time */
		TRY(device_find(j->realm, &j->http->arena, s, &d));
		return device_reused(j->realm, &d);
	}
	return failed(e) ? e : grant_add(j->realm, &s->grant);
}

static ch_err device_tokens(struct token_request *t, struct job *j, const struct store_device *d)
{
	struct store_user u = { 0 };
	struct store_grant *g = &j->settling->grant;
	const struct store_code as_code = { .client_id = d->client_id,
					    .sub = d->sub,
					    .scope = d->scope,
					    .audience = d->audience,
					    .auth_time = d->auth_time };
	TRY(grant_resource(t, d->audience));
	TRY(grant_person(t, d->sub, &u));
	TRY(grant_make(t, &as_code, g));
	j->scope = g->scope;
	j->settle = device_settle;
	grant_tokens(j, g, &u, (str){ 0 });
	return g->seq > 0 ? refresh_write(j, g, g->seq) : CH_DONE;
}

static ch_err device_waits(struct pace *pace, const struct settling *s)
{
	if (pace_ask(pace, s->code_hash, clock_mono_ns()))
		return ch_fail(CH_E_PENDING, "no person has answered yet", 0);
	return ch_fail(CH_E_SLOW_DOWN,
		       "no person has answered yet; wait five seconds longer each time", 0);
}

ch_err grant_device(struct token_request *t, struct job *j)
{
	struct store_device d = { 0 };
	str code = form_get(&t->form, LIT("device_code"));
	if (!code.p)
		return ch_fail(CH_E_INVALID_REQUEST, "device_code is missing", 0);
	secret_hash(secret_bytes_of(bytes_of_str(code)), j->settling->code_hash);
	TRY(device_find(t->realm, &t->http->arena, j->settling, &d));
	if (!str_eq(d.client_id, t->client->id))
		return ch_fail(CH_E_INVALID_GRANT, "the device code is another client's", 0);
	if (d.state == DEVICE_SPENT)
		return device_reused(t->realm, &d);
	if (d.expires <= clock_unix_s())
		return ch_fail(CH_E_EXPIRED, "the device code is expired: begin anew", 0);
	if (d.state == DEVICE_DENIED)
		return ch_fail(CH_E_REFUSED, "the person has said no", 0);
	if (d.state == DEVICE_WAITS)
		return device_waits(&t->realm->issuer->pace, j->settling);
	return device_tokens(t, j, &d);
}
