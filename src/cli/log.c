/* `chancery log VERB`: the log of what is issued, and those who watch it. Finds the verb; each has a
 * file of its own. */
#include "log.h"

#include <string.h>

#include "commands.h"
#include "say.h"

static const char usage[] =
	"usage: chancery log VERB …\n"
	"\n"
	"  begin        make the log of an authority that has none\n"
	"  check        read all of an authority's log, and say what is damaged\n"
	"  prove        show that a token is in the log, as a file\n"
	"  verify       check such a file, or evidence about a token, offline\n"
	"  consistency  show that a head goes on from one that you kept\n"
	"  cosign       ask witnesses for their cosignatures of a log's heads\n"
	"  monitor      follow logs, and tell when one lies or falls silent\n"
	"  prune        erase entries at its start that expired long ago\n"
	"  repair       make again what can be made of a damaged one\n"
	"  stat         how large it is, and how old its head\n"
	"  witness      vouch that logs only grow: https://c2sp.org/tlog-witness\n"
	"\n"
	"`chancery log VERB --help` says what a verb takes; docs/LEDGER.md what the log is.\n";

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{ "begin", log_begin_run },
	{ "check", log_check },
	{ "prove", log_prove },
	{ "verify", log_verify },
	{ "consistency", log_consistency },
	{ "cosign", log_cosign },
	{ "monitor", log_monitor },
	{ "prune", log_prune },
	{ "repair", log_repair },
	{ "stat", log_stat },
	{ "witness", log_witness },
};

int cmd_log(int argc, char **argv)
{
	if (argc < 2)
		return command_usage(usage, false);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return command_usage(usage, true);
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	say("no such verb", str_from_c(argv[1]));
	return command_usage(usage, false);
}
