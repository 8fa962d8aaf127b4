/* Which store a realm is in: one for each group. */
#include "stores.h"

#include "base/cleanup.h"
#include "say.h"

static int store_of_group(const struct authority *a, str group, struct store **ret_s)
{
	struct path path;
	ch_err e = authority_store(a, group, &path);
	if (!failed(e))
		e = store_open(str_from_c(path.p), ret_s);
	return failed(e) ? say_trouble("cannot open the store of group", group, e) : EXIT_YES;
}

int store_of_realm(const struct authority *a, str realm, struct store **ret_s)
{
	const struct config_group *g = authority_group_of(a, realm);
	if (!authority_realm(a, realm) || !g) {
		say("there is no such realm in chancery.yaml", realm);
		return EXIT_USAGE;
	}
	return store_of_group(a, g->name, ret_s);
}

int stores_each(const struct authority *a, int (*each)(struct store *s, void *ctx), void *ctx)
{
	for (size_t i = 0; i < a->config.n_groups; i++) {
		AUTO(store_done) struct store *s = NULL;
		int r = store_of_group(a, a->config.groups[i].name, &s);
		if (r == EXIT_YES)
			r = each(s, ctx);
		if (r != EXIT_YES)
			return r;
	}
	return EXIT_YES;
}
