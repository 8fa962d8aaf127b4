/* `chancery log begin`: for an authority of before there was a log. `chancery serve` does the same
 * when it starts, where it has the right to hand a folder over; a unit of systemd has not. */
#include <stdio.h>
#include <unistd.h>

#include "audit.h"
#include "base/file.h"
#include "commands.h"
#include "keeper.h"
#include "log.h"
#include "log_begin.h"
#include "options.h"
#include "passphrase.h"
#include "say.h"

static const char usage[] =
	"usage: chancery log begin [--passphrase-file F] [-C DIR]\n"
	"\n"
	"Makes the log of an authority that has none: its folder, its key, log.vkey, which says "
	"by\n"
	"what it is checked. Nothing is changed where there is one. Tokens of before are in no "
	"log:\n"
	"let gates hold tokens against it only when the last of them has expired.\n"
	"\n"
	"  --passphrase-file F  unlocks the keys, or - for standard input; without it the file\n"
	"                       that chancery.yaml names\n"
	"  -C DIR               the authority; without it $CHANCERY_DIR\n";

static int begin(const struct authority *a, int passphrase)
{
	static struct log_facts facts;
	ch_err e = log_ensure(a, passphrase);
	if (!failed(e))
		e = log_facts_read(a, &facts);
	mem_wipe(facts.journal_key, sizeof(facts.journal_key));
	if (failed(e))
		return say_trouble("there is no log", str_from_c(a->dir.p), e);
	(void)printf("%.*s\n", (int)facts.vkey.n, facts.vkey.p);
	return EXIT_YES;
}

int log_begin_run(int argc, char **argv)
{
	AUTO(authority_done) struct authority a = { .fd = -1 };
	AUTO(fd_close) int passphrase = -1;
	struct audit t = { 0 };
	const char *dir = NULL, *file = NULL;
	const struct option_spec options[] = {
		{ .name = "-C", .value = &dir },
		{ .name = "--passphrase-file", .value = &file },
	};
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_read(argc, argv, 1, options, COUNT_OF(options)))
		return command_usage(usage, false);
	int r = authority_open(dir, &a);
	if (r != EXIT_YES)
		return r;
	ch_err e = file ? passphrase_open(file, &passphrase)
			: keeper_open_passphrase(&a, &passphrase);
	if (failed(e))
		return say_trouble("cannot open",
				   file ? str_from_c(file) : a.config.passphrase_file, e);
	r = audit_begin(&a, "log begin", LOG_REALM, &t);
	return r == EXIT_YES ? audit_end(&t, begin(&a, passphrase), (str){ 0 }) : r;
}
