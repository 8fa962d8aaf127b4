/* `chancery coredump`: finds the command below it and runs it. Trusts its arguments; opens
 * and reads nothing itself. */
#include <stdio.h>
#include <string.h>

#include "base/rw.h"
#include "commands.h"
#include "coredump.h"
#include "say.h"

static const struct subcommand {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} subcommands[] = {
	{ "scan", coredump_scan, "say where a core holds secrets" },
	{ "redact", coredump_redact, "write a core without its secrets" },
	{ "install", coredump_install, "let this machine's crashes come to us" },
	{ "uninstall", coredump_uninstall, "put core_pattern back as it was" },
	{ "status", coredump_status, "does it work, and what is stored" },
	{ "self-test", coredump_self_test, "crash a process with a secret and look at its dump" },
	{ "register", coredump_register, "tell what no dump shall hold" },
	{ "list", coredump_list, "crashes whose dumps are stored" },
	{ "show", coredump_show, "what is known of one, and what was masked in it" },
	{ "open", coredump_open, "decrypt one, for the holder of the private key" },
	{ "prune", coredump_prune, "remove the oldest" },
	{ "keygen", coredump_keygen, "make the pair of keys that dumps are sealed to" },
	{ "help", coredump_help, "this list, or what a command takes" },
};

static const struct subcommand *subcommand_of(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(subcommands); i++)
		if (strcmp(subcommands[i].name, name) == 0)
			return &subcommands[i];
	return NULL;
}

static int list_subcommands(FILE *to)
{
	(void)fputs("usage: chancery coredump COMMAND …\n"
		    "\n"
		    "Crash dumps of any program, without its secrets.\n"
		    "\n",
		    to);
	for (size_t i = 0; i < COUNT_OF(subcommands); i++)
		(void)fprintf(to, "  %-10s %s\n", subcommands[i].name, subcommands[i].summary);
	(void)fputs("\n`chancery coredump COMMAND --help` says what a command takes.\n", to);
	return to == stdout ? EXIT_YES : EXIT_USAGE;
}

static int no_such_subcommand(const char *name)
{
	say("coredump: no such command; `chancery coredump help` lists them", str_from_c(name));
	return EXIT_USAGE;
}

static int run(const struct subcommand *c, int argc, char **argv)
{
	static char title[64];
	struct wr w = wr_of(title, sizeof(title) - 1);
	wr_lit(&w, "chancery coredump ");
	wr_str(&w, str_from_c(c->name));
	argv[0] = title;
	return c->run(argc, argv);
}

int coredump_help(int argc, char **argv)
{
	static char option[] = "--help";
	const struct subcommand *c = argc > 1 ? subcommand_of(argv[1]) : NULL;
	if (argc < 2 || strcmp(argv[1], option) == 0 || (c && c->run == coredump_help))
		return list_subcommands(stdout);
	if (!c)
		return no_such_subcommand(argv[1]);
	char *asked[] = { argv[1], option, NULL };
	return run(c, 2, asked);
}

int cmd_coredump(int argc, char **argv)
{
	if (argc < 2)
		return list_subcommands(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return list_subcommands(stdout);
	const struct subcommand *c = subcommand_of(argv[1]);
	return c ? run(c, argc - 1, argv + 1) : no_such_subcommand(argv[1]);
}
