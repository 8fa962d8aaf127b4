/* A client against its realm's configuration. What is wrong here would be refused, or be
 * dangerous, at its first request. */
#include "client_check.h"

#include "client_method.h"
#include "codec/url.h"
#include "attrs.h"
#include "say.h"

static bool redirect_ok(const struct config_realm *realm, str uri)
{
	struct url u;
	str rest = uri;
	str scheme = str_cut(&rest, ':');
	(void)realm;
	if (str_has(uri, '#') || !rest.p || rest.n == 0)
		return false;
	if (!str_eq(scheme, LIT("http")) && !str_eq(scheme, LIT("https")))
		return str_has(scheme, '.'); /* RFC 8252 section 7.1: a domain name, reversed */
	return !failed(url_parse(uri, &u)) && (str_eq(scheme, LIT("https")) || url_is_loopback(&u));
}

static bool complain(const char *text, str what)
{
	say(text, what);
	return false;
}

static bool home_ok(str uri)
{
	struct url u;
	return !failed(url_parse(uri, &u)) &&
	       (str_eq(u.scheme, LIT("https")) || url_is_loopback(&u));
}

/* What people see of it. */
static bool shown_fits(const struct store_client *c)
{
	if (c->home.n > 0 && !home_ok(c->home))
		return complain("a --home is an https URL", c->home);
	/* one of an earlier version says nothing: people are asked */
	if (c->consent.n > 0 && !str_eq(c->consent, LIT("ask")) && !str_eq(c->consent, LIT("none")))
		return complain("--consent is ask or none", c->consent);
	return true;
}

static bool grant_ok(const struct config_realm *realm, str grant)
{
	(void)realm;
	return str_eq(grant, LIT("authorization_code")) ||
	       str_eq(grant, LIT("client_credentials")) || str_eq(grant, LIT("device_code")) ||
	       str_eq(grant, LIT("refresh_token"));
}

/* "revocations" and "log" are no scopes of tokens: they let a gate read what is revoked, and an
 * auditor what was issued. */
static bool scope_known(const struct config_realm *realm, str scope)
{
	if (str_eq(scope, LIT("revocations")) || str_eq(scope, LIT("log")))
		return true;
	for (size_t i = 0; i < realm->n_scopes; i++)
		if (str_eq(realm->scopes[i], scope))
			return true;
	return false;
}

static bool audience_known(const struct config_realm *realm, str name)
{
	for (size_t i = 0; i < realm->n_audiences; i++)
		if (str_eq(realm->audiences[i].name, name))
			return true;
	return false;
}

static bool lists_fit(const struct config_realm *realm, const struct store_client *c)
{
	const struct {
		str list;
		bool (*ok)(const struct config_realm *realm, str item);
		const char *complaint;
	} lists[] = {
		{ c->scopes, scope_known, "the realm has no such scope" },
		{ c->audience, audience_known, "the realm has no such audience" },
		{ c->audiences, audience_known, "the realm has no such audience" },
		{ c->redirect_uris, redirect_ok,
		  "a redirect URI is https, http on loopback, or com.example.app:…, without #" },
		{ c->logout_uris, redirect_ok,
		  "a --logout-redirect is https, http on loopback, or com.example.app:…, without "
		  "#" },
		{ c->grant_types, grant_ok, "there is no such grant" },
	};
	for (size_t i = 0; i < COUNT_OF(lists); i++)
		for (str left = lists[i].list; left.n > 0;) {
			str one = list_cut(&left);
			if (!lists[i].ok(realm, one))
				return complain(lists[i].complaint, one);
		}
	return true;
}

void client_complete(const struct config_realm *realm, struct store_client *c)
{
	if (c->audience.n == 0 && realm->n_audiences == 1)
		c->audience = realm->audiences[0].name;
	if (c->auth_method.n == 0)
		c->auth_method = LIT("client_secret_basic");
	if (c->consent.n == 0)
		c->consent = LIT("ask");
	if (c->grant_types.n == 0)
		c->grant_types = c->redirect_uris.n > 0 ? LIT("authorization_code")
							: LIT("client_credentials");
}

static bool method_fits(const struct store_client *c)
{
	const struct client_method *m = client_method_of(c->auth_method);
	if (!m)
		return false;
	if (m->has_keys != (c->jwks.n > 0))
		return complain("--auth private_key_jwt and --jwks go together", c->id);
	if (!m->has_secret && c->secret_hash.n > 0)
		return complain("a client that authenticates so has no secret", c->auth_method);
	if (!m->has_secret && !m->has_keys && c->redirect_uris.n == 0 &&
	    !list_has(c->grant_types, LIT("device_code")))
		return complain("a public client needs a --redirect, or --grant device_code",
				c->id);
	return c->jwks.n == 0 || client_keys_ok(c->jwks);
}

bool client_fits(const struct config_realm *realm, const struct store_client *c)
{
	if (!method_fits(c))
		return false;
	if (!shown_fits(c))
		return false;
	if (c->scopes.n == 0)
		return complain("a client needs a scope (--scope)", c->id);
	if (c->audience.n == 0)
		return complain("the realm has several audiences: name one with --audience",
				(str){ 0 });
	if (c->grant_types.n == 0)
		return complain("a client needs a grant (--grant)", c->id);
	return lists_fit(realm, c);
}
