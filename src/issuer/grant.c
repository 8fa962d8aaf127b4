/* What a client gets: scope and audience, from what it asks and what it may have. */
#include "rules.h"

bool realm_has_scope(const struct issuer_realm *realm, str scope)
{
	for (size_t i = 0; i < realm->n_scopes; i++)
		if (str_eq(realm->scopes[i], scope))
			return true;
	return false;
}

ch_err scope_resolve(const struct issuer_realm *realm, str allowed, str asked, struct arena *a,
		     str *ret_scope)
{
	str left = asked.n > 0 ? asked : allowed;
	char *room = arena_alloc(a, left.n);
	struct wr w = wr_of(room, left.n);
	if (!room)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", a->cap);
	while (left.n > 0) {
		str item = list_cut(&left);
		bool known = list_has(allowed, item) && realm_has_scope(realm, item);
		if (known)
			list_put(&w, item);
		else if (asked.n > 0 && item.n > 0)
			return ch_fail(CH_E_INVALID_SCOPE,
				       "a scope is unknown or not this client's", 0);
	}
	*ret_scope = wr_text(&w);
	return CH_DONE;
}

static const struct role_audience *audience_find(const struct issuer_realm *realm, str name,
						 str resource)
{
	for (size_t i = 0; i < realm->n_audiences; i++) {
		const struct role_audience *one = &realm->audiences[i];
		if (resource.p ? str_eq(one->resource, resource) : str_eq(one->name, name))
			return one;
	}
	return NULL;
}

ch_err audience_resolve(const struct issuer_realm *realm, const struct store_client *c,
			str resource, str *ret_audience)
{
	const struct role_audience *found = audience_find(realm, c->audience, resource);
	if (!found && resource.p)
		return ch_fail(CH_E_INVALID_TARGET, "the resource is not registered here", 0);
	if (!found)
		return ch_fail(CH_E_INVALID_TARGET, "the client has no audience: name a resource",
			       0);
	if (!str_eq(found->name, c->audience) && !list_has(c->audiences, found->name))
		return ch_fail(CH_E_INVALID_TARGET, "the resource is not for this client", 0);
	*ret_audience = found->name;
	return CH_DONE;
}

bool audience_allowed(const struct issuer_realm *realm, const struct store_client *c, str audience)
{
	return audience_find(realm, audience, (str){ 0 }) &&
	       (str_eq(audience, c->audience) || list_has(c->audiences, audience));
}

ch_err scope_without(str scope, str others, str within, struct arena *a, str *ret_scope)
{
	char *room = arena_alloc(a, scope.n);
	struct wr w = wr_of(room, scope.n);
	if (!room)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", a->cap);
	while (scope.n > 0) {
		str item = list_cut(&scope);
		if (!list_has(others, item) && (!within.p || list_has(within, item)))
			list_put(&w, item);
	}
	*ret_scope = wr_text(&w);
	return CH_DONE;
}

bool audience_is_mail(str audience)
{
	return str_eq(audience, LIT("mail")) || str_starts(audience, LIT("mail-"));
}
