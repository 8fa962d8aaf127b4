/* Which store a realm is in: one for each group. It belongs to its issuer, which may be
 * taken over, and the engine opens, changes and deletes files that those in the folder
 * name. So root touches it with the issuer's rights alone. */
#include "stores.h"

#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "say.h"

static ch_err become_owner(const struct path *folder)
{
	struct stat st = { 0 };
	if (geteuid() != 0)
		return CH_DONE;
	if (stat(folder->p, &st) != 0)
		return ch_fail(CH_E_IO, "cannot look at the store's folder", errno);
	if (setgroups(0, NULL) != 0 || setegid(st.st_gid) != 0 || seteuid(st.st_uid) != 0)
		return ch_fail(CH_E_IO, "cannot take the rights of the store's owner", errno);
	return CH_DONE;
}

ch_err stores_leave(void)
{
	if (seteuid(getuid()) != 0 || setegid(getgid()) != 0)
		return ch_fail(CH_E_IO, "cannot give up the rights of a store's owner", errno);
	return CH_DONE;
}

static int store_of_group(const struct authority *a, str group, struct store **ret_s)
{
	struct path path;
	ch_err e = authority_store(a, group, &path);
	if (!failed(e))
		e = become_owner(&path);
	if (!failed(e))
		e = store_open(str_from_c(path.p), ret_s);
	return failed(e) ? say_trouble("cannot open the store of group", group, e) : EXIT_YES;
}

int store_of_realm(const struct authority *a, str realm, struct store **ret_s)
{
	const struct config_group *g = authority_group_of(a, realm);
	if (!authority_realm(a, realm) || !g)
		return authority_check_realm(a, realm);
	return store_of_group(a, g->name, ret_s);
}

static int one_store(const struct authority *a, str group,
		     int (*each)(struct store *s, str group, void *ctx), void *ctx)
{
	AUTO(store_done) struct store *s = NULL;
	int r = store_of_group(a, group, &s);
	return r == EXIT_YES ? each(s, group, ctx) : r;
}

int stores_each(const struct authority *a, int (*each)(struct store *s, str group, void *ctx),
		void *ctx)
{
	for (size_t i = 0; i < a->config.n_groups; i++) {
		str group = a->config.groups[i].name;
		int r = one_store(a, group, each, ctx);
		ch_err e = stores_leave();
		if (failed(e))
			return say_trouble("cannot go on after the store of group", group, e);
		if (r != EXIT_YES)
			return r;
	}
	return EXIT_YES;
}
