/* `chancery realm list|add`. A realm is described in chancery.yaml; add makes what it needs. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "authority.h"
#include "base/file.h"
#include "codec/json.h"
#include "commands.h"
#include "keeper.h"
#include "say.h"

static const char usage[] =
	"usage: chancery realm list [-C DIR] [--json]\n"
	"       chancery realm add [-C DIR] NAME\n"
	"\n"
	"A realm is an issuer with its own keys, users and clients. To add one, describe it in\n"
	"DIR/chancery.yaml (and name it in a group), then run `chancery realm add NAME`: that\n"
	"makes its folders, the group's store and its first key, which signs at once. Restart\n"
	"the authority to serve it. DIR is $CHANCERY_DIR if -C is not given.\n";

static int add(const struct authority *a, str name)
{
	AUTO(fd_close) int passphrase = -1;
	const struct config_realm *m = authority_realm(a, name);
	struct imported k = { 0 };
	size_t has = 0;
	if (!m) {
		say("describe this realm in chancery.yaml first", name);
		return EXIT_NO;
	}
	ch_err e = authority_make_folders(a);
	if (!failed(e))
		e = authority_count_keys(a, name, &has);
	if (!failed(e) && has == 0)
		e = keeper_open_passphrase(a, &passphrase);
	if (!failed(e) && has == 0)
		e = keeper_add(a, passphrase, m, 255, &k);
	if (failed(e))
		return say_trouble("cannot add realm", name, e);
	(void)printf("%.*s is there\n", (int)name.n, name.p);
	return EXIT_YES;
}

static void put_json(struct json_out *o, const struct authority *a, const struct config_realm *m)
{
	json_begin(o, (str){ 0 }, '{');
	json_put_str(o, LIT("name"), m->name);
	json_put_str(o, LIT("kind"), m->kind);
	json_put_str(o, LIT("issuer"), m->issuer);
	json_put_str(o, LIT("group"), authority_group_of(a, m->name)->name);
	json_put_bool(o, LIT("issues"), m->issues);
	json_begin(o, LIT("audiences"), '[');
	for (size_t i = 0; i < m->n_audiences; i++)
		json_put_str(o, (str){ 0 }, m->audiences[i].name);
	json_finish(o, ']');
	json_finish(o, '}');
}

static void list(const struct authority *a, bool json)
{
	static uint8_t room[64 * 1024];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	json_begin(&o, (str){ 0 }, '[');
	for (size_t i = 0; i < a->config.n_realms; i++) {
		const struct config_realm *m = &a->config.realms[i];
		put_json(&o, a, m);
		if (!json)
			(void)printf("%.*s\t%.*s\t%.*s\n", (int)m->name.n, m->name.p,
				     (int)m->kind.n, m->kind.p, (int)m->issuer.n, m->issuer.p);
	}
	json_finish(&o, ']');
	if (json)
		(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
}

int cmd_realm(int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' },
						 { "help", no_argument, NULL, 'h' },
						 { 0 } };
	AUTO(authority_done) struct authority a = { .fd = -1 };
	const char *dir = NULL;
	bool json = false;
	bool adds = argc > 1 && strcmp(argv[1], "add") == 0;
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return command_usage(usage, true);
	if (argc < 2 || (!adds && strcmp(argv[1], "list") != 0))
		return command_wrong(usage, "say what to do with realms: list or add");
	for (int o = 0; (o = getopt_long(argc - 1, argv + 1, "C:", options, NULL)) != -1;) {
		if (o == 'C')
			dir = optarg;
		else if (o == 'j')
			json = true;
		else
			return command_usage(usage, o == 'h');
	}
	if (argc - 1 - optind != (adds ? 1 : 0))
		return command_wrong(usage, adds ? "add needs the name of one realm"
						 : "list takes no further argument");
	int r = authority_open(dir, &a);
	if (r != EXIT_YES)
		return r;
	if (adds)
		return add(&a, str_from_c(argv[1 + optind]));
	list(&a, json);
	return EXIT_YES;
}
