/* `chancery init DIR`: a new authority. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "commands.h"
#include "create.h"
#include "say.h"

static const char usage[] =
	"usage: chancery init [--passphrase-file FILE] [--no-keys]\n"
	"                     [--crash-handler DIR|none] DIR\n"
	"\n"
	"Makes a new authority in DIR: a commented chancery.yaml with the realms home, corp\n"
	"and staff, an empty store for each group of realms, and two sealed keys a realm: one\n"
	"signs, one is staged to follow it.\n"
	"\n"
	"  --passphrase-file FILE  unlocks the keys (at least 8 bytes); must be there at every\n"
	"                          start. Without it a random one is put into DIR/passphrase:\n"
	"                          move it to a place of its own and name that in chancery.yaml\n"
	"  --no-keys               no keys yet: `chancery key import` brings them\n"
	"  --crash-handler DIR     the folder of the host's handler of crashes, to which keys are\n"
	"                          told so that no dump shows them; its usual one otherwise\n"
	"\n"
	"Then: edit DIR/chancery.yaml, add clients and users, and run `chancery serve DIR`.\n";

int cmd_init(int argc, char **argv)
{
	static const struct option options[] = {
		{ "passphrase-file", required_argument, NULL, 'p' },
		{ "no-keys", no_argument, NULL, 'n' },
		{ "crash-handler", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static struct config config;
	struct creation c = { .config = &config, .dir_mode = 0711 };
	AUTO(authority_done) struct authority a = { .fd = -1 };
	char *passphrase = NULL;
	config_defaults(&config);
	for (int o = 0; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o == 'p')
			passphrase = realpath(optarg, NULL);
		else if (o == 'n')
			c.no_keys = true;
		else if (o == 'c')
			config.crash_handler = str_from_c(optarg);
		else
			return command_usage(usage, o == 'h');
		if (o == 'p' && !passphrase)
			return say_trouble("cannot read", str_from_c(optarg),
					   ch_fail(CH_E_NOT_FOUND, "there is no such file", 0));
	}
	if (argc - optind != 1)
		return command_wrong(usage, "name one folder, the new authority's");
	c.dir = argv[optind];
	c.random_passphrase = !passphrase;
	config.passphrase_file = passphrase ? str_from_c(passphrase) : LIT("passphrase");
	int r = create_authority(&c, &a);
	if (r == EXIT_YES)
		(void)printf("made an authority in %s\n", a.dir.p);
	if (r == EXIT_YES && !passphrase)
		say("the keys' passphrase is in the file `passphrase` of this folder; keep it "
		    "elsewhere, apart from backups",
		    str_from_c(a.dir.p));
	free(passphrase);
	return r;
}
