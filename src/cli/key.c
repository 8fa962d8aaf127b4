/* `chancery key`: list, add, import, rotate, compromise and tend signing keys. There is no
 * export. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "base/clock.h"
#include "base/file.h"
#include "commands.h"
#include "crypto/alg.h"
#include "keeper.h"
#include "key_alarm.h"
#include "key_change.h"
#include "key_list.h"
#include "passphrase.h"
#include "plan_of.h"
#include "say.h"
#include "when.h"

static const char usage[] =
	"usage: chancery key list [-C DIR] [--realm REALM] [--all] [--json]\n"
	"       chancery key import [-C DIR] --realm REALM [--alg ALG] [--not-after WHEN] -|FILE\n"
	"       chancery key add [-C DIR] --realm REALM [--alg ALG] [--not-after WHEN]\n"
	"       chancery key rotate [-C DIR] --realm REALM [--force] [--json]\n"
	"       chancery key compromise [-C DIR] --realm REALM [--reason TEXT] [--json] KID\n"
	"       chancery key compromise [-C DIR] --alarm ID [--json]\n"
	"       chancery key tend [-C DIR]\n"
	"\n"
	"A key is staged (published, and does not sign), signs, is for verifying only, and "
	"leaves.\n"
	"A running authority does all that by itself: `keys` in chancery.yaml says how long.\n"
	"\n"
	"  list        each key with its state, since when, and its next step and when\n"
	"  import      a private key in PEM (P-256, Ed25519, RSA 2048 to 4096), sealed; add makes\n"
	"              one. The first key of a realm signs at once, any other is staged and signs\n"
	"              when those before it have had their time\n"
	"  rotate      the staged key signs now. Refused, with the time when it will be allowed,\n"
	"              while verifiers may have a key set without it; --force does it all the "
	"same\n"
	"  compromise  the key leaves at once, for good; its successor signs. Says what verifiers\n"
	"              elsewhere go on believing, and until when. --alarm: if the evidence in\n"
	"              alarms/ID is good, another key may sign, and none left so within the hour\n"
	"  tend        does what is due now, as a running authority does at each look\n"
	"\n"
	"No command gives a private key back. A running authority takes all this up without a\n"
	"pause.\n"
	"\n"
	"  -C DIR       the authority; $CHANCERY_DIR otherwise\n"
	"  --all        keys that have left as well\n"
	"  --alg ALG    ES256, EdDSA, RS256 or PS256; otherwise the realm's, or what the PEM is\n"
	"  --not-after WHEN  the key never signs from then on: 2026-11-22, 2026-11-22T12:00:00Z\n"
	"  --reason TEXT  kept with the key's public half\n"
	"  --passphrase-file FILE, --ask-passphrase  as for `chancery serve`\n";

struct key_wish {
	const char *dir, *passphrase_file;
	str realm, reason, alarm;
	struct new_key new_key;
	bool json, all, force, ask, inherited, help, bad;
};

static bool limit_of(const char *text, int64_t *ret_limit_s)
{
	int64_t ms = 0;
	if (!when_read(str_from_c(text), &ms) || ms / 1000 <= clock_unix_s())
		return false;
	*ret_limit_s = ms / 1000;
	return true;
}

static void take_value(struct key_wish *w, int o, const char *value)
{
	enum alg alg = ALG_ES256;
	if (o == 'C')
		w->dir = value;
	else if (o == 'r')
		w->realm = str_from_c(value);
	else if (o == 'w')
		w->reason = str_from_c(value);
	else if (o == 'm')
		w->alarm = str_from_c(value);
	else if (o == 'p')
		w->passphrase_file = value;
	else if (o == 'n')
		w->bad |= !limit_of(value, &w->new_key.limit_s);
	else if (o == 'a' && alg_by_name(str_from_c(value), &alg))
		w->new_key.alg = (uint8_t)alg;
	else
		w->bad = true;
}

static struct key_wish parse(int argc, char **argv)
{
	struct key_wish w = { .new_key = { .alg = 255 } };
	int json = 0, all = 0, force = 0, ask = 0, inherited = 0, help = 0;
	const struct option options[] = {
		{ "realm", required_argument, NULL, 'r' },
		{ "alg", required_argument, NULL, 'a' },
		{ "not-after", required_argument, NULL, 'n' },
		{ "reason", required_argument, NULL, 'w' },
		{ "alarm", required_argument, NULL, 'm' },
		{ "passphrase-file", required_argument, NULL, 'p' },
		{ "json", no_argument, &json, 1 },
		{ "all", no_argument, &all, 1 },
		{ "force", no_argument, &force, 1 },
		{ "ask-passphrase", no_argument, &ask, 1 },
		{ "inherited", no_argument, &inherited, 1 },
		{ "help", no_argument, &help, 1 },
		{ 0 },
	};
	/* getopt would repeat an argument, which may be a key in the wrong place */
	opterr = 0;
	for (int o = 0; (o = getopt_long(argc, argv, "C:", options, NULL)) != -1;)
		if (o != 0)
			take_value(&w, o, optarg);
	w.json = json;
	w.all = all;
	w.force = force;
	w.ask = ask;
	w.inherited = inherited;
	w.help = help;
	w.bad |= w.alarm.n > 0 && (w.reason.n > 0 || w.realm.n > 0);
	w.bad |= w.reason.n > KEY_REASON_MAX || (w.ask && w.passphrase_file);
	return w;
}

static ch_err find_passphrase(const struct authority *a, const struct key_wish *w, int *ret_fd)
{
	if (w->inherited) {
		*ret_fd = fcntl(PLAN_PASSPHRASE_FD, F_DUPFD_CLOEXEC, PLAN_SPARE_FD);
		if (*ret_fd < 0)
			return ch_fail(CH_E_IO, "no passphrase was left open", 0);
		return CH_DONE;
	}
	if (w->ask)
		return passphrase_ask(ret_fd);
	if (w->passphrase_file)
		return passphrase_open(w->passphrase_file, ret_fd);
	return keeper_open_passphrase(a, ret_fd);
}

static int told(const struct authority *a, const struct config_realm *realm, int passphrase_fd,
		const struct imported *k)
{
	static struct realm_keys keys;
	const struct tending t = { a, passphrase_fd, false, true };
	ch_err e = realm_keys_mark(a, realm->name);
	if (!failed(e))
		e = key_tend(&t, realm, &keys);
	if (failed(e))
		return say_trouble(
			"the key is sealed, but the running authority did not take it up;"
			" restart it.",
			(str){ 0 }, e);
	(void)printf("%.*s %s\n", (int)k->kid_n, k->kid, k->staged ? "staged" : "signing");
	return EXIT_YES;
}

/* A key that cannot be taken is a "no"; all else is trouble. */
static int refused(str realm, ch_err e)
{
	static const enum ch_code nos[] = { CH_E_SYNTAX, CH_E_MISMATCH, CH_E_RANGE, CH_E_MISSING,
					    CH_E_FULL };
	if (ch_code_of(e) == CH_E_EXISTS) {
		say("the realm has this key already", realm);
		return EXIT_NO;
	}
	int status = say_trouble("no key was added to realm", realm, e);
	for (size_t i = 0; i < COUNT_OF(nos); i++)
		if (ch_code_of(e) == nos[i])
			return EXIT_NO;
	return status;
}

static int open_input(const char *name, int *ret_fd)
{
	if (strcmp(name, "-") == 0) {
		*ret_fd = dup(STDIN_FILENO);
		return EXIT_YES;
	}
	*ret_fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (*ret_fd >= 0)
		return EXIT_YES;
	/* a key given as an argument must not be repeated in a message */
	say("cannot open the PEM file that was named (`-` reads standard input)", (str){ 0 });
	return EXIT_TROUBLE;
}

/* pem < 0: one is made. */
static int add_it(const struct authority *a, const struct key_wish *w, int pem, struct imported *k)
{
	AUTO(fd_close) int passphrase = -1;
	AUTO(fd_close) int lock = -1;
	const struct config_realm *realm = authority_realm(a, w->realm);
	ch_err e = find_passphrase(a, w, &passphrase);
	if (!failed(e))
		e = realm_keys_lock(a, &lock);
	if (!failed(e))
		e = pem >= 0 ? keeper_import(a, passphrase, pem, realm, &w->new_key, k)
			     : keeper_add(a, passphrase, realm, &w->new_key, k);
	if (!failed(e))
		return told(a, realm, passphrase, k);
	return refused(w->realm, e);
}

static int add(const struct authority *a, const struct key_wish *w, const char *input)
{
	AUTO(fd_close) int pem = -1;
	struct imported k = { .kid_n = 0 };
	struct audit t = { .items = 0 };
	char became[sizeof(k.kid) + 16];
	struct wr text = wr_of(became, sizeof(became));
	if (input && open_input(input, &pem) != EXIT_YES)
		return EXIT_TROUBLE;
	int r = audit_begin(a, input ? "key import" : "key add", w->realm, &t);
	if (r != EXIT_YES)
		return r;
	r = add_it(a, w, pem, &k);
	if (k.kid_n > 0) {
		wr_str(&text, (str){ k.kid, k.kid_n });
		wr_str(&text, k.staged ? LIT(" staged") : LIT(" signing"));
	}
	return audit_end(&t, r, wr_text(&text));
}

static int run_list(const struct authority *a, const struct key_wish *w, const char *word)
{
	(void)word;
	return key_list(a, &(struct key_list_wish){ w->realm, w->json, w->all });
}

static int change(const struct authority *a, const struct key_wish *w, struct key_change *c,
		  int (*act)(const struct key_change *))
{
	AUTO(fd_close) int passphrase = -1;
	ch_err e = find_passphrase(a, w, &passphrase);
	if (failed(e))
		return say_trouble("cannot open the passphrase of the keys of", w->realm, e);
	c->a = a;
	c->realm = authority_realm(a, w->realm);
	c->passphrase_fd = passphrase;
	c->force = w->force;
	c->json = w->json;
	return act(c);
}

static int run_rotate(const struct authority *a, const struct key_wish *w, const char *word)
{
	char room[KEY_DETAIL_MAX];
	struct wr detail = wr_of(room, sizeof(room));
	struct audit t = { .items = 0 };
	struct key_change c = { .detail = &detail };
	(void)word;
	int r = audit_begin(a, w->force ? "key rotate --force" : "key rotate", w->realm, &t);
	if (r != EXIT_YES)
		return r;
	r = change(a, w, &c, key_rotate);
	return audit_end(&t, r, wr_text(&detail));
}

static int run_compromise(const struct authority *a, const struct key_wish *w, const char *kid)
{
	char room[KEY_DETAIL_MAX], object_room[AUDIT_TEXT_MAX];
	struct wr detail = wr_of(room, sizeof(room));
	struct wr object = wr_of(object_room, sizeof(object_room));
	struct audit t = { .items = 0 };
	struct key_change c = { .detail = &detail, .kid = str_from_c(kid), .reason = w->reason };
	int r = audit_begin(a, "key compromise", audit_object(&object, w->realm, c.kid), &t);
	if (r != EXIT_YES)
		return r;
	r = change(a, w, &c, key_compromise);
	return audit_end(&t, r, wr_text(&detail));
}

/* The lock is held from the look at the keys to their change. */
static int compromise_for(const struct authority *a, struct key_wish *w, struct key_change *c,
			  const struct key_alarm *k)
{
	w->realm = k->realm->name;
	int r = key_alarm_allow(a, k);
	return r == EXIT_YES ? change(a, w, c, key_compromise) : r;
}

/* By itself, for an alarm of the collector. */
static int run_alarm(const struct authority *a, struct key_wish *w)
{
	char room[KEY_DETAIL_MAX], object_room[AUDIT_TEXT_MAX], reason_room[KEY_REASON_MAX];
	struct wr detail = wr_of(room, sizeof(room));
	struct wr object = wr_of(object_room, sizeof(object_room));
	struct wr reason = wr_of(reason_room, sizeof(reason_room));
	struct key_alarm k;
	struct audit t = { .items = 0 };
	int r = key_alarm_read(a, w->alarm, &k);
	if (r != EXIT_YES)
		return r;
	wr_lit(&reason, "alarm ");
	wr_str(&reason, w->alarm);
	struct key_change c = { .detail = &detail,
				.kid = { k.kid, k.kid_n },
				.reason = wr_text(&reason) };
	r = audit_begin(a, "key compromise --alarm", audit_object(&object, k.realm->name, c.kid),
			&t);
	if (r != EXIT_YES)
		return r;
	return audit_end(&t, compromise_for(a, w, &c, &k), wr_text(&detail));
}

static int run_tend(const struct authority *a, const struct key_wish *w, const char *word)
{
	AUTO(fd_close) int passphrase = -1;
	ch_err e = find_passphrase(a, w, &passphrase);
	(void)word;
	if (failed(e))
		return say_trouble("cannot open the passphrase of the keys", (str){ 0 }, e);
	return key_tend_all(&(struct tending){ a, passphrase, true, false });
}

static const struct verb {
	const char *name;
	int (*run)(const struct authority *a, const struct key_wish *w, const char *word);
	bool one_realm;
	const char *word; /* what its one argument is; NULL: it takes none */
} verbs[] = {
	{ "list", run_list, false, NULL },
	{ "add", add, true, NULL },
	{ "import", add, true, "name one PEM file, or - for standard input" },
	{ "rotate", run_rotate, true, NULL },
	{ "compromise", run_compromise, true, "name one key by its kid" },
	{ "tend", run_tend, false, NULL },
};

static const struct verb *verb_of(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* What is wrong with the call; NULL: nothing. */
static const char *wrong(const struct verb *v, const struct key_wish *w, int words)
{
	if (w->bad)
		return "an option, algorithm or time that is none";
	if (w->alarm.n > 0)
		return v->run != run_compromise ? "--alarm goes with compromise"
		       : words > 0              ? "an alarm says which key it is about"
						: NULL;
	if (v->one_realm && w->realm.n == 0)
		return "which realm? name it with --realm";
	if (words != (v->word ? 1 : 0))
		return v->word ? v->word : "this takes no further argument";
	return NULL;
}

int cmd_key(int argc, char **argv)
{
	AUTO(authority_done) struct authority a = { .fd = -1 };
	const char *name = argc > 1 ? argv[1] : "";
	const struct verb *v = verb_of(name);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return command_usage(usage, true);
	if (!v)
		return command_wrong(usage, "say what to do with keys: list, add, import, rotate, "
					    "compromise or tend");
	struct key_wish w = parse(argc - 1, argv + 1);
	if (w.help)
		return command_usage(usage, true);
	const char *why = wrong(v, &w, argc - 1 - optind);
	if (why)
		return command_wrong(usage, why);
	int r = authority_open(w.dir, &a);
	if (r == EXIT_YES)
		r = authority_check_realm(&a, w.realm);
	if (r == EXIT_YES && w.alarm.n > 0)
		return run_alarm(&a, &w);
	return r == EXIT_YES ? v->run(&a, &w, v->word ? argv[1 + optind] : NULL) : r;
}
