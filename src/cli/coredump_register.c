/* `chancery coredump register`: tells the registry what no dump shall hold. A secret comes from
 * a file or standard input, lies in secret memory, and goes into one socket; it is never an
 * argument, and no message repeats what was given in its place. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "codec/json.h"
#include "commands.h"
#include "coredump.h"
#include "crypto/key.h"
#include "fingerprint/inputs.h"
#include "registry.h"
#include "say.h"
#include "wire/registry.h"

static const char usage[] =
	"usage: chancery coredump register [--label LABEL] [--weak] -|FILE\n"
	"       chancery coredump register --list [--json]\n"
	"       chancery coredump register --remove LABEL\n"
	"\n"
	"What is registered is removed from every dump of this host, at every level, in every\n"
	"form: bytes of either order, base64, hex, UTF-16, one in the other. Kept are\n"
	"fingerprints alone.\n"
	"\n"
	"Reads, from a file or standard input, what it finds there: private keys in PEM (all\n"
	"in the file), a JWK or a set of them (private members alone), or else lines of text,\n"
	"each line one secret as it stands: no blank, quote or # is special. 64 KiB at most.\n"
	"\n"
	"  --label LABEL   what reports call it, `default` otherwise; several secrets may\n"
	"                  share one. Not secret\n"
	"  --weak          take what could be guessed: under 80 bits in 16 characters (words,\n"
	"                  digits, a UUID). Who steals the registry can then guess it\n"
	"  --list          the labels\n"
	"  --remove LABEL  forget all of a label\n"
	"  --state DIR     the handler's folder, /var/lib/chancery-coredump otherwise\n"
	"\n"
	"A secret has 16 bytes or more. Shorter passwords are found by what stands around\n"
	"them (`password=`), not by this.\n"
	"\n"
	"Exit status: 0 all of it is registered, 1 some of it was refused, 3 trouble.\n";

struct wish {
	const char *label, *remove, *state, *input;
	bool weak, list, json, help, bad;
};

static struct wish parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "label", required_argument, NULL, 'l' },
		{ "remove", required_argument, NULL, 'r' },
		{ "state", required_argument, NULL, 's' },
		{ "weak", no_argument, NULL, 'w' },
		{ "list", no_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct wish w = { 0 };
	/* getopt would repeat an argument, which may be a secret in the wrong place */
	opterr = 0;
	for (int o = 0; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		const char **const value = o == 'l'   ? &w.label
					   : o == 'r' ? &w.remove
					   : o == 's' ? &w.state
						      : NULL;
		if (value)
			*value = optarg;
		w.weak |= o == 'w';
		w.list |= o == 'a';
		w.json |= o == 'j';
		w.help |= o == 'h';
		w.bad |= o == '?';
	}
	w.input = optind + 1 == argc ? argv[optind] : NULL;
	w.bad |= optind + 1 < argc;
	return w;
}

struct sender {
	struct input_taker taker;
	const struct wish *wish;
	int registry;
	size_t added, there, refused;
	uint8_t room[MESSAGE_MAX];
};

/* In the words of the one who gave it. */
static const char *why_not(enum ch_code code)
{
	static const struct {
		enum ch_code code;
		const char *text;
	} words[] = {
		{ CH_E_RANGE, "shorter than 16 bytes, or longer than 16 KiB: not registered" },
		{ CH_E_MISMATCH, "could be guessed: not registered; --weak takes it, see --help" },
		{ CH_E_LIMIT, "the registry is full: not registered" },
		{ CH_E_DENIED, "this user may not register" },
	};
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (words[i].code == code)
			return words[i].text;
	return NULL;
}

static ch_err send_one(struct input_taker *t, const struct input_secret *s)
{
	struct sender *p = (struct sender *)t;
	struct registry_answer answer = { 0 };
	char number[48];
	const struct registry_ask ask = { .kind = REGISTRY_REGISTER,
					  .registered_kind = (uint8_t)s->kind,
					  .weak = p->wish->weak,
					  .label = str_from_c(p->wish->label),
					  .secret = secret_said(s->is) };
	if (secret_size(s->is) > REGISTRY_SECRET_MAX)
		return ch_fail(CH_E_RANGE, "a secret of over 16 KiB", s->line);
	ch_err e = registry_tell(p->registry, &ask, p->room, &answer, NULL);
	const char *why = why_not(ch_code_of(e));
	if (ch_code_of(e) == CH_E_EXISTS)
		p->there++;
	else if (!failed(e))
		p->added++;
	else if (!why)
		return e;
	if (!why)
		return CH_DONE;
	p->refused++;
	int n = snprintf(number, sizeof(number), "%s %zu",
			 s->kind == REGISTERED_TEXT ? "line" : "key", s->line);
	say(why, (str){ number, (size_t)n });
	return CH_DONE;
}

static int open_input(const char *name, int *ret_fd)
{
	*ret_fd = strcmp(name, "-") == 0 ? dup(STDIN_FILENO)
					 : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (*ret_fd >= 0)
		return EXIT_YES;
	say("cannot open the file that was named (`-` reads standard input; a secret is never "
	    "an argument)",
	    (str){ 0 });
	return EXIT_TROUBLE;
}

static int add(const struct wish *w, int registry)
{
	static struct sender p;
	AUTO(fd_close) int fd = -1;
	AUTO(secret_done) struct secret *input = NULL;
	enum input_kind kind = INPUT_LINES;
	p.taker.take = send_one;
	p.wish = w;
	p.registry = registry;
	int r = open_input(w->input, &fd);
	if (r != EXIT_YES)
		return r;
	ch_err e = crypto_init(NULL);
	if (!failed(e))
		e = secret_read(fd, INPUT_MAX, false, &input);
	if (ch_code_of(e) == CH_E_FULL)
		e = ch_fail(CH_E_FULL, "it is longer than 64 KiB: split it", INPUT_MAX);
	if (!failed(e))
		e = input_read(input, &p.taker, &kind);
	if (failed(e) && ch_code_of(e) != CH_E_GONE && p.refused == 0 && p.added + p.there == 0)
		return say_trouble("nothing was registered", (str){ 0 }, e), EXIT_NO;
	if (failed(e))
		return say_trouble("not all was registered", (str){ 0 }, e);
	(void)printf("%s: %zu registered, %zu there already\n", w->label, p.added, p.there);
	return p.refused ? EXIT_NO : EXIT_YES;
}

static int remove_label(const struct wish *w, int registry)
{
	static uint8_t room[MESSAGE_MAX];
	struct registry_answer answer = { 0 };
	const struct registry_ask ask = { .kind = REGISTRY_REMOVE, .label = str_from_c(w->remove) };
	ch_err e = registry_tell(registry, &ask, room, &answer, NULL);
	if (ch_code_of(e) == CH_E_NOT_FOUND) {
		say("the registry has no such label", str_from_c(w->remove));
		return EXIT_NO;
	}
	return failed(e) ? say_trouble("not removed:", str_from_c(w->remove), e) : EXIT_YES;
}

static void print_row(const struct json_node *row)
{
	const struct json_node *label = json_member(row, LIT("label"));
	const struct json_node *windows = json_member(row, LIT("windows"));
	const struct json_node *weak = json_member(row, LIT("weak"));
	if (!label || !windows || !weak)
		return;
	(void)printf("%-40.*s %6.*s%s\n", (int)label->text.n, label->text.p, (int)windows->text.n,
		     windows->text.p, weak->type == JSON_TRUE ? "  weak" : "");
}

static int print_table(str text)
{
	enum { NODES = 4 * FINGERPRINT_LABELS_MAX + 8 };
	static struct json_node nodes[NODES];
	size_t n = 0;
	ch_err e = json_parse(bytes_of_str(text), (struct json_limits){ 4, NODES - 1 }, nodes,
			      NODES, &n);
	const struct json_node *labels = failed(e) ? NULL : json_member(nodes, LIT("labels"));
	if (!labels)
		return say_trouble("the registry's list", (str){ 0 }, e);
	(void)printf("%-40s %6s\n", "LABEL", "WINDOWS");
	for (const struct json_node *r = json_first(labels); r; r = json_next(labels, r))
		print_row(r);
	return EXIT_YES;
}

static int list(const struct wish *w, int registry)
{
	static uint8_t room[MESSAGE_MAX];
	struct registry_answer answer = { 0 };
	const struct registry_ask ask = { .kind = REGISTRY_LIST };
	ch_err e = registry_tell(registry, &ask, room, &answer, NULL);
	if (failed(e))
		return say_trouble("cannot list", (str){ 0 }, e);
	str text = str_of_bytes(answer.text);
	if (!w->json)
		return print_table(text);
	(void)printf("%.*s\n", (int)text.n, text.p);
	return EXIT_YES;
}

static int no_registry(ch_err e)
{
	if (ch_code_of(e) == CH_E_NOT_FOUND) {
		say("there is no registry: `chancery coredump install` brings one", (str){ 0 });
		return EXIT_TROUBLE;
	}
	return say_trouble("cannot reach the registry", (str){ 0 }, e);
}

int coredump_register(int argc, char **argv)
{
	AUTO(fd_close) int registry = -1;
	struct wish w = parse(argc, argv);
	if (w.help)
		return command_usage(usage, true);
	if (w.bad)
		return command_wrong(usage, "an option that is none, or one argument too many");
	if (!!w.input + w.list + !!w.remove != 1)
		return command_wrong(usage, "name one file, or - for standard input, or --list");
	if (!w.label)
		w.label = "default";
	if (!fingerprint_label_ok(str_from_c(w.remove ? w.remove : w.label)))
		return command_wrong(usage,
				     "a label is of letters, digits, . _ - and one / at most");
	ch_err e = registry_open(w.state, &registry);
	if (failed(e))
		return no_registry(e);
	if (w.list)
		return list(&w, registry);
	return w.remove ? remove_label(&w, registry) : add(&w, registry);
}
