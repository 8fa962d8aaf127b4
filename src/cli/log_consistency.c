/* `chancery log consistency`: does a newer head go on from an older one? Both are signed; the tiles
 * that show it come from wherever the log is, and show it or do not. */
#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "codec/base64.h"
#include "commands.h"
#include "crypto/key.h"
#include "log.h"
#include "log_tell.h"
#include "log_trust.h"
#include "log_walls.h"
#include "options.h"
#include "say.h"

static const char usage[] =
	"usage: chancery log consistency OLD [NEW] [OPTION…]\n"
	"\n"
	"Shows that the log of the head in the file NEW begins with all of the log of the head in\n"
	"OLD, one that you kept. Without NEW it is the log's newest. Both must be signed by the\n"
	"log. Exit status 1: it does not, so the log has shrunk or was written anew.\n"
	"\n" LOG_TRUST_USAGE "  --json            an object with sizes, roots and the proof\n";

enum { HEAD_MAX = NOTE_MAX, JSON_MAX = 16 * 1024 };

struct two {
	struct log_trust trust;
	struct log_source source;
	bool json;
	const char *names[2];
	char rooms[2][HEAD_MAX];
	size_t sizes[2];
	struct log_head heads[2];
	struct merkle_proof proof;
	size_t witnessed;
};

static ch_err files_read(struct two *t)
{
	for (size_t i = 0; i < COUNT_OF(t->names); i++) {
		if (!t->names[i])
			continue;
		ch_err e = file_read(AT_FDCWD, t->names[i], t->rooms[i], HEAD_MAX, &t->sizes[i]);
		if (!failed(e))
			continue;
		(void)say_trouble("log consistency: cannot read the head", str_from_c(t->names[i]),
				  e);
		return e;
	}
	return CH_DONE;
}

static int head_take(struct two *t, size_t i)
{
	struct wr w = wr_of(t->rooms[i], sizeof(t->rooms[i]));
	const char *name = t->names[i] ? t->names[i] : "the log's newest";
	ch_err e = t->names[i] ? CH_DONE : log_source_note(&t->source, LIT("checkpoint"), &w);
	if (failed(e))
		return say_trouble("log consistency: cannot read the head", str_from_c(name), e);
	e = log_trust_head(&t->trust, (str){ t->rooms[i], t->names[i] ? t->sizes[i] : w.n },
			   &t->heads[i], &t->witnessed);
	if (!failed(e))
		return EXIT_YES;
	(void)say_trouble("log consistency: not a head of this log", str_from_c(name), e);
	return log_status_of(e);
}

static void put_head(struct json_out *o, str name, const struct checkpoint *c)
{
	uint8_t room[44];
	struct wr w = wr_of(room, sizeof(room));
	base64_write(&w, BYTES_OF(c->root.b));
	json_begin(o, name, '{');
	json_put_u64(o, LIT("size"), c->size);
	json_put_str(o, LIT("root"), wr_text(&w));
	json_finish(o, '}');
}

static void tell_json(const struct two *t, bool good)
{
	static uint8_t room[JSON_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	json_begin(&o, (str){ 0 }, '{');
	json_put_bool(&o, LIT("consistent"), good);
	json_put_str(&o, LIT("origin"), t->heads[1].c.origin);
	put_head(&o, LIT("old"), &t->heads[0].c);
	put_head(&o, LIT("new"), &t->heads[1].c);
	json_begin(&o, LIT("proof"), '[');
	for (size_t i = 0; good && i < t->proof.n; i++) {
		uint8_t text[44];
		struct wr h = wr_of(text, sizeof(text));
		base64_write(&h, BYTES_OF(t->proof.h[i].b));
		json_put_str(&o, (str){ 0 }, wr_text(&h));
	}
	json_finish(&o, ']');
	json_finish(&o, '}');
	log_print_json(&w);
}

static int tell(const struct two *t, bool good)
{
	const struct checkpoint *old = &t->heads[0].c, *new = &t->heads[1].c;
	if (t->json)
		tell_json(t, good);
	else if (good)
		(void)printf("consistent: %.*s of %llu entries begins with that of %llu\n",
			     (int)new->origin.n, new->origin.p, (unsigned long long)new->size,
			     (unsigned long long)old->size);
	if (!good && new->size < old->size)
		say("log consistency: the log is shorter than it was: it has shrunk", new->origin);
	else if (!good)
		say("log consistency: the log does not begin with the older one: keep both heads",
		    new->origin);
	return good ? EXIT_YES : EXIT_NO;
}

static int compare(struct two *t)
{
	const struct checkpoint *old = &t->heads[0].c, *new = &t->heads[1].c;
	if (new->size < old->size)
		return tell(t, false);
	ch_err e = merkle_prove_consistency(&t->source.tiles, old->size, new->size, &t->proof);
	if (failed(e))
		return say_trouble("log consistency: cannot read the log's tiles", new->origin, e);
	e = merkle_check_consistency(old->size, &old->root, new->size, &new->root, &t->proof);
	return tell(t, !failed(e));
}

static int run(struct two *t)
{
	struct log_walls walls = { .folder = -1 };
	ch_err e = crypto_init(NULL);
	if (!failed(e))
		e = log_source_open(&t->trust.place, &t->source);
	if (failed(e))
		return say_trouble("log consistency: cannot open the log", (str){ 0 }, e);
	if (failed(files_read(t)))
		return EXIT_TROUBLE;
	log_walls_add(&walls, &t->source);
	e = log_walls_up(&walls);
	if (failed(e))
		return say_trouble("log consistency: its walls", (str){ 0 }, e);
	int r = head_take(t, 0);
	if (r == EXIT_YES)
		r = head_take(t, 1);
	return r == EXIT_YES ? compare(t) : r;
}

int log_consistency(int argc, char **argv)
{
	static struct two t = { .source.store.dir_fd = -1 };
	struct option_spec specs[LOG_TRUST_OPTIONS + 1] = { { 0 } };
	struct word_list words = { t.names, COUNT_OF(t.names), 0 };
	log_trust_options(&t.trust, specs);
	specs[LOG_TRUST_OPTIONS] = (struct option_spec){ .name = "--json", .flag = &t.json };
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_and_words(argc, argv, specs, COUNT_OF(specs), &words))
		return command_usage(usage, false);
	if (!t.names[0])
		return command_wrong(usage, "log consistency: name the file of an older head");
	int r = log_trust_read(&t.trust, true, true);
	if (r == EXIT_YES)
		r = run(&t);
	log_source_close(&t.source);
	return r;
}
