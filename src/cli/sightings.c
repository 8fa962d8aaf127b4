/* `chancery sightings`: what a gate has recorded, read by people. Trusts its arguments; what
 * the files hold was written by a gate or by whoever could write there, so texts are printed
 * only quoted or escaped. A token that is looked for comes from a file, never an argument. */
#include "chain_text.h"
#include "commands.h"
#include "crypto/hash.h"
#include "options.h"
#include "say.h"
#include "sightings_read.h"
#include "token/verify.h"
#include "when.h"

static const char usage[] =
	"usage: chancery sightings DIR [--since T] [--token FILE|- | --identity HEX] [--json]\n"
	"       chancery sightings DIR --verify [--head CHAIN=SEQ:HASH]… [--json]\n"
	"       chancery sightings DIR --erase-before T\n"
	"\n"
	"Reads the verdicts that a gate recorded in DIR, oldest first: time, code, place, client,\n"
	"realm, kid, identity of the token (SHA-256 of its signing input). A line that ends in\n"
	"`+N, T to T` stands for N more of the same.\n"
	"\n"
	"  --since T         only from this time on\n"
	"  --token FILE|-    only this token's; exit status 1 if it was never seen\n"
	"  --identity HEX    the same by its identity\n"
	"  --json            an array of objects\n"
	"  --verify          check every record and the chains' links; prints their heads.\n"
	"                    Exit status 1: damaged, or another chain than the head says\n"
	"  --head C=SEQ:HASH a head that --verify printed earlier and that you kept: C is\n"
	"                    `signed` or `unsigned`\n"
	"  --erase-before T  erase the files whose records are all older. Exit status 1: some\n"
	"                    older ones are left, since they share a file with later ones\n"
	"\n"
	"T is seconds since 1970, a date (2026-11-22), a time (2026-11-22T12:00:00Z) or an age\n"
	"(45s, 30m, 12h, 90d).\n";

struct wish {
	const char *since, *token, *identity, *erase;
	bool verify;
	char heads[256];
	struct wr heads_w;
};

static int time_take(const char *text, int64_t *ret_ms)
{
	str t = str_from_c(text);
	if (when_read(t, ret_ms))
		return EXIT_YES;
	say("sightings: no time; write " WHEN_FORMS, t);
	return EXIT_USAGE;
}

/* The identity of a token, good or not: what stands before its last dot. */
static int token_take(const char *file, uint8_t ret_identity[static 32])
{
	static char line[TOKEN_MAX + 2];
	str token = { 0 };
	ch_err e = first_line_read(file, line, sizeof(line), &token);
	if (failed(e))
		return say_trouble("sightings: cannot read the token from", str_from_c(file), e);
	size_t n = token.n;
	while (n > 0 && token.p[n - 1] != '.')
		n--;
	sha256(bytes_of_str(n > 0 ? str_sub(token, 0, n - 1) : token), ret_identity);
	mem_wipe(line, sizeof(line));
	return EXIT_YES;
}

/* CHAIN=SEQ:HASH */
static int head_take(str text, struct chain_head heads[static SIGHTINGS_CHAINS],
		     struct sightings_wish *w)
{
	str rest = text, name = str_cut(&rest, '=');
	for (size_t i = 0; i < SIGHTINGS_CHAINS; i++) {
		if (!str_eq(name, str_from_c(sighting_folder[i])) || w->heads[i])
			continue;
		if (!head_read(rest, &heads[i]))
			break;
		w->heads[i] = &heads[i];
		return EXIT_YES;
	}
	say("sightings: a head is signed=SEQ:HASH or unsigned=SEQ:HASH, each once", text);
	return EXIT_USAGE;
}

static int heads_take(const struct wish *from, struct sightings_wish *w)
{
	static struct chain_head heads[SIGHTINGS_CHAINS];
	str left = wr_text(&from->heads_w);
	int status = EXIT_YES;
	while (status == EXIT_YES && left.n > 0)
		status = head_take(str_cut(&left, ' '), heads, w);
	return status;
}

static int wish_check(const struct wish *from, const struct sightings_wish *w)
{
	bool filters = from->since || from->token || from->identity;
	if (from->verify + (from->erase != NULL) + filters > 1)
		return command_wrong(usage, "sightings: listing, --verify or --erase-before: one");
	if (from->token && from->identity)
		return command_wrong(usage, "sightings: --token or --identity, not both");
	if (from->heads_w.n > 0 && !from->verify)
		return command_wrong(usage, "sightings: --head goes with --verify");
	if (from->erase && w->json)
		return command_wrong(usage, "sightings: --erase-before prints no JSON");
	return EXIT_YES;
}

static int wish_take(const struct wish *from, struct sightings_wish *w)
{
	int status = wish_check(from, w);
	if (status == EXIT_YES && from->since)
		status = time_take(from->since, &w->since_ms);
	w->has_identity = from->token || from->identity;
	if (status == EXIT_YES && from->token)
		status = token_take(from->token, w->identity);
	if (status == EXIT_YES && from->identity &&
	    !hex_read(str_from_c(from->identity), w->identity)) {
		say("sightings: an identity is 64 digits, 0-9 and a-f", str_from_c(from->identity));
		status = EXIT_USAGE;
	}
	return status == EXIT_YES ? heads_take(from, w) : status;
}

int cmd_sightings(int argc, char **argv)
{
	struct wish from = { 0 };
	struct sightings_wish w = { 0 };
	int64_t before_ms = 0;
	from.heads_w = wr_of(from.heads, sizeof(from.heads));
	const struct option_spec options[] = {
		{ .name = "--since", .value = &from.since },
		{ .name = "--token", .value = &from.token },
		{ .name = "--identity", .value = &from.identity },
		{ .name = "--erase-before", .value = &from.erase },
		{ .name = "--head", .list = &from.heads_w },
		{ .name = "--verify", .flag = &from.verify },
		{ .name = "--json", .flag = &w.json },
	};
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (argc < 2 || argv[1][0] == '-')
		return command_wrong(usage, "sightings: name the folder first");
	w.folder = argv[1];
	if (!options_read(argc, argv, 2, options, COUNT_OF(options)))
		return command_usage(usage, false);
	int status = wish_take(&from, &w);
	if (status == EXIT_YES && from.erase)
		status = time_take(from.erase, &before_ms);
	if (status != EXIT_YES)
		return status;
	if (from.erase)
		return sightings_erase(&w, before_ms);
	return from.verify ? sightings_verify(&w) : sightings_list(&w);
}
