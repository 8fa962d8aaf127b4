/* `chancery log prove`: a token's proof that it is in the log, for whoever has the log's key. Trusts its
 * arguments; reads the log from where it is told and believes nothing of it: a proof that does
 * not check is not printed. A token comes from a file, never an argument. */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "codec/base64.h"
#include "commands.h"
#include "crypto/key.h"
#include "log.h"
#include "log_find.h"
#include "log_tell.h"
#include "log_trust.h"
#include "log_walls.h"
#include "merkle/proof.h"
#include "options.h"
#include "say.h"

static const char usage[] =
	"usage: chancery log prove FILE|- [OPTION…]\n"
	"\n"
	"Looks up the token in FILE (- is standard input) in the log and prints a proof that it "
	"is\n"
	"there: https://c2sp.org/tlog-proof, with the entry as its extra line. Exit status 1: the\n"
	"token is not in the log. What is proved is that its entry was there before the head was\n"
	"signed; that a token is in no entry is shown by evidence (`chancery trace --bundle`).\n"
	"\n" LOG_TRUST_USAGE "  --seconds S       reading a log over HTTP may take so long (300)\n"
	"  --megabytes M     and its server may send so much (1024)\n"
	"  --cosigned        up to the last head that the witnesses have cosigned\n"
	"  --json            an object with what the entry says, and the proof as text\n";

enum {
	SETTLE_S = 2, /* by then a token that was let out is in a head */
	RETRIES = 20,
	RETRY_NS = 250000000,
	SECONDS = 300,
	SECONDS_MAX = 24 * 3600,
	MEGABYTES = 1024,
	MEGABYTES_MAX = 1024 * 1024,
	HEAD_MAX = 16 * 1024,
	JSON_MAX = PROOF_LINES_MAX + 2 * HEAD_MAX + 4096
};

struct proving {
	struct log_trust trust;
	struct log_source source;
	bool cosigned, json;
	uint64_t seconds, megabytes;
	struct token_scratch scratch;
	struct token_facts facts;
	char token[TOKEN_MAX + 2], head_room[HEAD_MAX];
	struct log_head head;
	str head_text;
	uint8_t tile[TILE_ROOM_MAX], extra[512], out[JSON_MAX];
	struct log_found found;
	struct tlog_proof proof;
	size_t witnessed;
};

/* A server makes a head that is newer than the question; without that, the newest there is. */
static ch_err head_get(struct proving *p, bool fresh)
{
	struct wr w = wr_of(p->head_room, sizeof(p->head_room));
	str name = p->cosigned ? LIT("cosigned/checkpoint") : LIT("checkpoint");
	ch_err e = CH_DONE;
	if (fresh && !p->cosigned) {
		e = log_source_note(&p->source, LIT("now"), &w);
		if (failed(e))
			w.n = 0;
	}
	if (!fresh || p->cosigned || failed(e))
		TRY(log_source_note(&p->source, name, &w));
	p->head_text = wr_text(&w);
	return log_trust_head(&p->trust, p->head_text, &p->head, &p->witnessed);
}

static ch_err look(struct proving *p, bool fresh)
{
	TRY(head_get(p, fresh));
	return log_find(&p->source, &p->facts, p->head.c.size, p->tile, &p->found);
}

static bool may_come(const struct proving *p)
{
	return !p->found.found && p->facts.iat + SETTLE_S > clock_unix_s();
}

/* A token of this second may be in the next head. */
static ch_err find(struct proving *p)
{
	TRY(look(p, false));
	for (int i = 0; i < RETRIES && !p->found.found; i++) {
		bool last = !may_come(p);
		TRY(look(p, true));
		if (last)
			break;
		(void)nanosleep(&(struct timespec){ .tv_nsec = RETRY_NS }, NULL);
	}
	return CH_DONE;
}

static ch_err prove(struct proving *p, struct log_entry *ret_entry)
{
	struct wr extra = wr_of(p->extra, sizeof(p->extra));
	struct merkle_hash leaf;
	TRY(log_entry_read(p->found.entry, ret_entry));
	TRY(log_entry_check(ret_entry, &p->facts));
	merkle_leaf(p->found.entry, &leaf);
	TRY(merkle_prove_inclusion(&p->source.tiles, p->found.index, p->head.c.size,
				   &p->proof.proof));
	TRY(merkle_check_inclusion(&leaf, p->found.index, p->head.c.size, &p->proof.proof,
				   &p->head.c.root));
	base64_write(&extra, p->found.entry);
	p->proof.index = p->found.index;
	p->proof.extra = wr_text(&extra);
	p->proof.checkpoint = p->head_text;
	return wr_done(&extra);
}

static int tell(struct proving *p, const struct log_entry *e)
{
	static uint8_t text[JSON_MAX];
	struct wr w = wr_of(text, sizeof(text)), o = wr_of(p->out, sizeof(p->out));
	struct json_out json = json_out_of(&o);
	tlog_proof_write(&w, &p->proof);
	if (!p->json && !w.full)
		(void)printf("%.*s", (int)w.n, (const char *)text);
	if (!p->json || w.full)
		return w.full ? EXIT_TROUBLE : EXIT_YES;
	json_begin(&json, (str){ 0 }, '{');
	json_put_str(&json, LIT("origin"), p->head.c.origin);
	json_put_u64(&json, LIT("index"), p->proof.index);
	json_put_u64(&json, LIT("size"), p->head.c.size);
	if (p->trust.has_log)
		json_put_int(&json, LIT("time"), p->head.time_s);
	json_put_u64(&json, LIT("witnesses"), p->witnessed);
	log_put_entry(&json, e);
	json_put_str(&json, LIT("proof"), wr_text(&w));
	json_finish(&json, '}');
	log_print_json(&o);
	return o.full ? EXIT_TROUBLE : EXIT_YES;
}

static int token_read(struct proving *p, const char *file)
{
	str token = { 0 };
	ch_err e = first_line_read(file, p->token, sizeof(p->token), &token);
	if (!failed(e))
		e = token_facts_read(token, &p->scratch, &p->facts);
	return failed(e) ? say_trouble("log prove: no token in", str_from_c(file), e) : EXIT_YES;
}

static int run(struct proving *p)
{
	struct log_entry entry;
	struct log_walls walls = { .folder = -1 };
	str where = str_from_c(p->trust.place.url ? p->trust.place.url : p->trust.place.folder);
	ch_err e = crypto_init(NULL);
	if (!failed(e))
		e = log_source_open(&p->trust.place, &p->source);
	if (!failed(e))
		log_walls_add(&walls, &p->source);
	if (!failed(e))
		e = log_walls_up(&walls);
	log_source_bound(&p->source, p->megabytes << 20, p->seconds);
	if (!failed(e))
		e = find(p);
	if (!failed(e) && !p->found.found) {
		say("log prove: the token is not in the log", where);
		return EXIT_NO;
	}
	if (!failed(e))
		e = prove(p, &entry);
	if (failed(e))
		return say_trouble("log prove: cannot prove it from", where, e);
	return tell(p, &entry);
}

static bool number(const char *text, uint64_t otherwise, uint64_t max, uint64_t *ret_n)
{
	*ret_n = otherwise;
	return !text || (str_to_u64(str_from_c(text), max, ret_n) && *ret_n > 0);
}

int log_prove(int argc, char **argv)
{
	static struct proving p = { .source.store.dir_fd = -1 };
	const char *file = NULL, *seconds = NULL, *megabytes = NULL;
	struct option_spec specs[LOG_TRUST_OPTIONS + 4] = { { 0 } };
	struct word_list words = { &file, 1, 0 };
	log_trust_options(&p.trust, specs);
	specs[LOG_TRUST_OPTIONS] =
		(struct option_spec){ .name = "--cosigned", .flag = &p.cosigned };
	specs[LOG_TRUST_OPTIONS + 1] = (struct option_spec){ .name = "--json", .flag = &p.json };
	specs[LOG_TRUST_OPTIONS + 2] =
		(struct option_spec){ .name = "--seconds", .value = &seconds };
	specs[LOG_TRUST_OPTIONS + 3] =
		(struct option_spec){ .name = "--megabytes", .value = &megabytes };
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_and_words(argc, argv, specs, COUNT_OF(specs), &words))
		return command_usage(usage, false);
	if (!file)
		return command_wrong(usage, "log prove: name the token's file, or -");
	if (!number(seconds, SECONDS, SECONDS_MAX, &p.seconds) ||
	    !number(megabytes, MEGABYTES, MEGABYTES_MAX, &p.megabytes))
		return command_wrong(
			usage, "log prove: --seconds and --megabytes are numbers, 1 at least");
	int r = log_trust_read(&p.trust, true, false);
	if (r == EXIT_YES)
		r = token_read(&p, file);
	if (r == EXIT_YES)
		r = run(&p);
	log_source_close(&p.source);
	mem_wipe(p.token, sizeof(p.token));
	mem_wipe(&p.scratch, sizeof(p.scratch));
	return r;
}
