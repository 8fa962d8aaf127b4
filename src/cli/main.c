/* `chancery`: finds the command and runs it. Exit status: 0 yes or done, 1 no or
 * refused, 2 called wrongly, 3 trouble. Results go to standard output, all else to
 * standard error. */
#include <stdio.h>
#include <string.h>

#include "base/rw.h"
#include "build_info.h"
#include "commands.h"
#include "say.h"

static int cmd_help(int argc, char **argv);

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "init", cmd_init, "make a new authority" },
	{ "serve", cmd_serve, "run an authority; --dev: a throw-away one with sample data" },
	{ "realm", cmd_realm, "realms: list, show, add, disable, enable" },
	{ "key", cmd_key, "list, add and import signing keys" },
	{ "client", cmd_client, "applications: add, change, reset, remove, export, import" },
	{ "user", cmd_user, "people: add, change, reset, remove, export, import" },
	{ "revoke", cmd_revoke, "end tokens, grants, or what a client, person or key gave" },
	{ "token", cmd_token, "get a token from an issuer" },
	{ "audit", cmd_audit, "what administrators did: list, verify" },
	{ "doctor", cmd_doctor, "what is wrong with an installation, and how to mend it" },
	{ "backup", cmd_backup, "all that an authority must not lose, but its keys, in one file" },
	{ "restore", cmd_restore, "an authority out of such a file, with new keys" },
	{ "gate", cmd_gate, "say to mail and web servers whether a token is good" },
	{ "log", cmd_log, "the log of what is issued: check it, watch it, vouch for it" },
	{ "coredump", cmd_coredump, "crash dumps of any program, without its secrets" },
	{ "sightings", cmd_sightings, "read, verify and erase what a gate recorded" },
	{ "trace", cmd_trace,
	  "what happened to a token, with a key, or to a person, as a timeline" },
	{ "verify", cmd_verify, "check a token by its issuer's keys; says which check failed" },
	{ "help", cmd_help, "this list, or what a command takes" },
};

static const struct command *command_of(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int list_commands(FILE *to)
{
	(void)fputs("usage: chancery COMMAND …\n\n", to);
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		(void)fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
	(void)fputs("\n`chancery COMMAND --help` says what a command takes.\n", to);
	return to == stdout ? EXIT_YES : EXIT_USAGE;
}

/* argv[0] becomes "chancery NAME": getopt puts it in front of what it complains about. */
static int run(const struct command *c, int argc, char **argv)
{
	static char title[64];
	struct wr w = wr_of(title, sizeof(title) - 1);
	wr_lit(&w, "chancery ");
	wr_str(&w, str_from_c(c->name));
	argv[0] = title;
	return c->run(argc, argv);
}

static int no_such_command(const char *name)
{
	say("no such command; `chancery help` lists them", str_from_c(name));
	return EXIT_USAGE;
}

static int cmd_help(int argc, char **argv)
{
	static char option[] = "--help";
	const struct command *c = argc > 1 ? command_of(argv[1]) : NULL;
	if (argc < 2 || strcmp(argv[1], option) == 0 || (c && c->run == cmd_help))
		return list_commands(stdout);
	if (!c)
		return no_such_command(argv[1]);
	char *asked[] = { argv[1], option, NULL };
	return run(c, 2, asked);
}

static int start(int argc, char **argv)
{
	if (argc < 2)
		return list_commands(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return list_commands(stdout);
	if (strcmp(argv[1], "--version") == 0) {
		(void)printf("chancery %s (%s)\n", CHANCERY_VERSION, CHANCERY_BUILD);
		return EXIT_YES;
	}
	const struct command *c = command_of(argv[1]);
	return c ? run(c, argc - 1, argv + 1) : no_such_command(argv[1]);
}

int main(int argc, char **argv)
{
	int status = start(argc, argv);
	/* a result that nobody got is trouble, whatever it was */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		say("cannot write the result", (str){ NULL, 0 });
		return EXIT_TROUBLE;
	}
	return status;
}
