/* `chancery audit`: what administrators did. */
#include "audit.h"
#include "audit_read.h"
#include "chain_text.h"
#include "commands.h"
#include "options.h"
#include "say.h"
#include "when.h"

static const char usage[] =
	"usage: chancery audit list [--since T] [--json] [-C DIR]\n"
	"       chancery audit verify [--head SEQ:HASH] [--json] [-C DIR]\n"
	"\n"
	"Every command that changes an authority (init, user, client, realm, key, backup, "
	"restore)\n"
	"is recorded in DIR/audit before it begins and after it ended, in files whose records are\n"
	"chained by hashes. What cannot be recorded is not done.\n"
	"\n"
	"list prints a line each: time, who, command, object, result, detail. The result is done,\n"
	"refused (nothing was done) or failed; item is one of several things that the act, whose\n"
	"line follows, changed; unknown: it was cut off, or is still under way.\n"
	"verify reads and checks every record, and prints the head. Exit status 1: damaged, or\n"
	"another one than the head says.\n"
	"\n"
	"  --since T        only acts from this time on: " WHEN_FORMS "\n"
	"  --head SEQ:HASH  a head that verify printed earlier and that you kept elsewhere\n"
	"  --json           an array of objects; of verify, one object\n"
	"  -C DIR           the authority; without it $CHANCERY_DIR\n";

static int take(const char *since, const char *head, struct audit_wish *w)
{
	static struct chain_head kept;
	if (since && !when_read(str_from_c(since), &w->since_ms)) {
		say("no time; write " WHEN_FORMS, str_from_c(since));
		return EXIT_USAGE;
	}
	if (head && !head_read(str_from_c(head), &kept)) {
		say("a head is SEQ:HASH, as `audit verify` prints it", str_from_c(head));
		return EXIT_USAGE;
	}
	w->head = head ? &kept : NULL;
	return EXIT_YES;
}

int cmd_audit(int argc, char **argv)
{
	AUTO(authority_done) struct authority a = { .fd = -1 };
	struct audit_wish w = { .a = &a };
	const char *dir = NULL, *since = NULL, *head = NULL;
	str verb = str_from_c(argc > 1 ? argv[1] : "");
	bool list = str_eq(verb, LIT("list"));
	const struct option_spec options[] = {
		{ .name = "-C", .value = &dir },
		{ .name = "--json", .flag = &w.json },
		{ .name = list ? "--since" : "--head", .value = list ? &since : &head },
	};
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!list && !str_eq(verb, LIT("verify")))
		return command_wrong(usage, "say what to do with the audit: list or verify");
	if (!options_read(argc, argv, 2, options, COUNT_OF(options)))
		return command_usage(usage, false);
	int r = take(since, head, &w);
	if (r == EXIT_YES)
		r = authority_open(dir, &a);
	if (r != EXIT_YES)
		return r;
	return list ? audit_list(&w) : audit_verify(&w);
}
