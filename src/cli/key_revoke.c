/* `chancery key compromise` reaches those who follow the realm's revocations, not its keys. */
#include "key_revoke.h"

#include "base/clock.h"
#include "revoke_ask.h"
#include "say.h"
#include "stores.h"

static ch_err make_due(struct store *s, str realm, str kid)
{
	const struct revocation r = { .kind = REVOKE_KEY,
				      .why = REVOKE_COMPROMISED,
				      .when_s = clock_unix_s(),
				      .subject = bytes_of_str(kid) };
	TRY(store_begin(s));
	ch_err e = revoke_due(s, realm, &r);
	ch_err end = store_end(s, !failed(e));
	return failed(e) ? e : end;
}

static int in_store(const struct authority *a, str realm, str kid)
{
	AUTO(store_done) struct store *s = NULL;
	int r = store_of_realm(a, realm, &s);
	if (r != EXIT_YES)
		return r;
	ch_err e = make_due(s, realm, kid);
	return failed(e) ? say_trouble("the key could not be revoked", kid, e) : EXIT_YES;
}

int key_revoke(const struct authority *a, str realm, str kid)
{
	bool queued = false;
	int r = in_store(a, realm, kid);
	/* the keys' folder is not the store's owner's */
	ch_err e = stores_leave();
	if (failed(e))
		return say_trouble("cannot go on", realm, e);
	return r == EXIT_YES ? revoke_settle(a, &queued) : EXIT_TROUBLE;
}
