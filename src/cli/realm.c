/* `chancery realm`. A realm is described in chancery.yaml, which is the administrator's: add
 * makes what it needs besides, and one word in it is all that is ever changed there. */
#include <stdio.h>

#include "audit.h"
#include "authority.h"
#include "base/file.h"
#include "codec/json.h"
#include "commands.h"
#include "keeper.h"
#include "options.h"
#include "realm_switch.h"
#include "say.h"

static const char usage[] =
	"usage: chancery realm list [--json] [-C DIR]\n"
	"       chancery realm show|add|disable|enable NAME [--json] [-C DIR]\n"
	"\n"
	"A realm is an issuer with its own keys, users and clients. DIR/chancery.yaml describes\n"
	"it, and is yours: to change a realm, edit that file (`chancery serve --check DIR` looks\n"
	"at it) and have a running authority read it again (SIGHUP, `systemctl reload\n"
	"chancery`). So there is no `edit`, `import` or `export` here.\n"
	"\n"
	"add, once the file describes it and names it in a group, makes its folders, the group's\n"
	"store and its first key, which signs at once. disable and enable write `issues` into the\n"
	"file, and touch nothing else of it: a realm that is disabled gives no token, and goes on\n"
	"publishing its keys, so tokens that are out stay good until they expire. To remove a\n"
	"realm, take it out of the file; its keys, users and clients stay in DIR until you delete\n"
	"keys/NAME and jwks/NAME.json. There is nothing to reset: `chancery key add` makes a key.\n"
	"\n"
	"DIR is $CHANCERY_DIR if -C is not given.\n";

static int add_it(const struct authority *a, str name, bool json, str *ret_became)
{
	AUTO(fd_close) int passphrase = -1;
	const struct config_realm *m = authority_realm(a, name);
	struct imported k = { 0 };
	size_t has = 0;
	ch_err e = authority_make_folders(a);
	if (!failed(e))
		e = authority_count_keys(a, name, &has);
	if (!failed(e) && has == 0)
		e = keeper_open_passphrase(a, &passphrase);
	if (!failed(e) && has == 0)
		e = keeper_add(a, passphrase, m, &(struct new_key){ .alg = 255 }, &k);
	if (failed(e))
		return say_trouble("cannot add realm", name, e);
	*ret_became = has ? LIT("same") : LIT("added");
	if (json)
		(void)printf("{\"realm\":\"%.*s\",\"outcome\":\"%s\",\"changed\":[]}\n",
			     (int)name.n, name.p, has ? "same" : "added");
	else
		(void)printf("%.*s is there\n", (int)name.n, name.p);
	return EXIT_YES;
}

static int add(const struct authority *a, str name, bool json)
{
	struct audit t = { 0 };
	str became = { 0 };
	if (!authority_realm(a, name)) {
		say("describe this realm in chancery.yaml first", name);
		return EXIT_NO;
	}
	int r = audit_begin(a, "realm add", name, &t);
	return r == EXIT_YES ? audit_end(&t, add_it(a, name, json, &became), became) : r;
}

static void put_json(struct json_out *o, const struct authority *a, const struct config_realm *m)
{
	json_begin(o, (str){ 0 }, '{');
	json_put_str(o, LIT("name"), m->name);
	json_put_str(o, LIT("kind"), m->kind);
	json_put_str(o, LIT("issuer"), m->issuer);
	json_put_str(o, LIT("group"), authority_group_of(a, m->name)->name);
	json_put_bool(o, LIT("issues"), m->issues);
	json_put_str(o, LIT("alg"), m->alg);
	json_put_int(o, LIT("access_ttl_s"), m->access_ttl_s);
	json_put_int(o, LIT("id_ttl_s"), m->id_ttl_s);
	json_put_int(o, LIT("code_ttl_s"), m->code_ttl_s);
	json_put_int(o, LIT("rate_per_s"), m->rate_per_s);
	json_begin(o, LIT("audiences"), '[');
	for (size_t i = 0; i < m->n_audiences; i++)
		json_put_str(o, (str){ 0 }, m->audiences[i].name);
	json_finish(o, ']');
	json_begin(o, LIT("resources"), '{');
	for (size_t i = 0; i < m->n_audiences; i++)
		json_put_str(o, m->audiences[i].name, m->audiences[i].resource);
	json_finish(o, '}');
	json_begin(o, LIT("scopes"), '[');
	for (size_t i = 0; i < m->n_scopes; i++)
		json_put_str(o, (str){ 0 }, m->scopes[i]);
	json_finish(o, ']');
	json_finish(o, '}');
}

static void print_text(const char *name, str value)
{
	(void)printf("%s: %.*s\n", name, (int)value.n, value.p);
}

static void print(const struct authority *a, const struct config_realm *m)
{
	print_text("name", m->name);
	print_text("kind", m->kind);
	print_text("issuer", m->issuer);
	print_text("group", authority_group_of(a, m->name)->name);
	print_text("issues", m->issues ? LIT("yes") : LIT("no"));
	print_text("alg", m->alg);
	(void)printf("access_ttl_s: %u\nid_ttl_s: %u\ncode_ttl_s: %u\nrate_per_s: %u\n",
		     m->access_ttl_s, m->id_ttl_s, m->code_ttl_s, m->rate_per_s);
	for (size_t i = 0; i < m->n_audiences; i++)
		(void)printf("audience: %.*s %.*s\n", (int)m->audiences[i].name.n,
			     m->audiences[i].name.p, (int)m->audiences[i].resource.n,
			     m->audiences[i].resource.p);
	for (size_t i = 0; i < m->n_scopes; i++)
		print_text("scope", m->scopes[i]);
}

static int show(const struct authority *a, str name, bool json)
{
	static uint8_t room[16 * 1024];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	const struct config_realm *m = authority_realm(a, name);
	if (!json) {
		print(a, m);
		return EXIT_YES;
	}
	put_json(&o, a, m);
	(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return EXIT_YES;
}

static int list(const struct authority *a, str name, bool json)
{
	static uint8_t room[128 * 1024];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	(void)name;
	json_begin(&o, (str){ 0 }, '[');
	for (size_t i = 0; i < a->config.n_realms; i++) {
		const struct config_realm *m = &a->config.realms[i];
		put_json(&o, a, m);
		if (!json)
			(void)printf("%.*s\t%.*s\t%.*s%s\n", (int)m->name.n, m->name.p,
				     (int)m->kind.n, m->kind.p, (int)m->issuer.n, m->issuer.p,
				     m->issues ? "" : "\tissues nothing");
	}
	json_finish(&o, ']');
	if (json)
		(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return EXIT_YES;
}

static int disable(const struct authority *a, str name, bool json)
{
	return realm_switch(a, name, false, json);
}

static int enable(const struct authority *a, str name, bool json)
{
	return realm_switch(a, name, true, json);
}

static const struct verb {
	str name;
	int (*run)(const struct authority *a, str name, bool json);
	bool one;   /* it is about one realm */
	bool makes; /* and says itself that there is none */
} verbs[] = {
	{ { "list", 4 }, list, false, false },    { { "show", 4 }, show, true, false },
	{ { "add", 3 }, add, true, true },        { { "disable", 7 }, disable, true, false },
	{ { "enable", 6 }, enable, true, false },
};

static const struct verb *verb_of(str name)
{
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (str_eq(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

int cmd_realm(int argc, char **argv)
{
	AUTO(authority_done) struct authority a = { .fd = -1 };
	const char *dir = NULL, *name = NULL;
	bool json = false;
	const struct option_spec specs[] = {
		{ .name = "-C", .value = &dir },
		{ .name = "--json", .flag = &json },
		{ .name = NULL, .value = &name },
	};
	const struct verb *v = verb_of(str_from_c(argc > 1 ? argv[1] : NULL));
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!v)
		return command_wrong(usage, "that is nothing to do with realms: chancery.yaml "
					    "describes them, and this is what is left to do");
	if (!options_read(argc, argv, 2, specs, COUNT_OF(specs)))
		return command_usage(usage, false);
	if (v->one != (name != NULL))
		return command_wrong(usage,
				     v->one ? "name one realm" : "list takes no further argument");
	int r = authority_open(dir, &a);
	if (r == EXIT_YES && !v->makes)
		r = authority_check_realm(&a, str_from_c(name));
	return r == EXIT_YES ? v->run(&a, str_from_c(name), json) : r;
}
