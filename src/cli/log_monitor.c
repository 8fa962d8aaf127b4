/* `chancery log monitor`: watches logs, and tells people when one lies, is damaged or falls silent.
 * Whatever a log serves is a stranger's: it is verified, and printed escaped; a program that is
 * to be run for an alarm gets it on its standard input, never as an argument. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/signals.h"
#include "chain_text.h"
#include "codec/json.h"
#include "commands.h"
#include "crypto/key.h"
#include "log.h"
#include "log_exec.h"
#include "log_walls.h"
#include "log_watch.h"
#include "options.h"
#include "sandbox/sandbox.h"
#include "say.h"

static const char usage[] =
	"usage: chancery log monitor --state S --log VKEY=PLACE… [OPTIONS]\n"
	"\n"
	"Follows logs, each at a URL or in a folder: every head must be signed and go on from the\n"
	"one before, and the entries must give its root. Tells what is wrong, a line each, when "
	"it\n"
	"begins and when it is over. Heads that contradict each other are kept in S as evidence.\n"
	"Runs until SIGTERM; with --once, the exit status is 1 if anything is wrong.\n"
	"\n"
	"  --state S            a folder for what was seen last of each log\n"
	"  --log VKEY=PLACE     a log: its verifier key, and https://…/log or its folder\n"
	"  --client ID          who asks at URLs, if the log is not public, and\n"
	"  --secret-file F      the file whose first line is the secret\n"
	"  --ca-file C          who may certify the logs' servers\n"
	"  --witness VKEY       a witness that must have cosigned; several\n"
	"  --quorum K           so many of them; without it, all\n"
	"  --silence S          alarm when the newest head is older: seconds (30)\n"
	"  --witness-silence S  the same for the one that witnesses cosigned (60)\n"
	"  --from N|now         where to begin with a log that was never seen: an entry (0), or\n"
	"                       its newest head\n"
	"  --realm R, --kid K   the realms and keys that there are; several. Alarm at others\n"
	"  --foreign            not a log of Chancery's: entries are not looked into\n"
	"  --exec PROGRAM       run for each alarm, which it gets as JSON on standard input\n"
	"  --webhook URL        where each alarm is posted to, as JSON\n"
	"  --every S            seconds between two looks, and for reading one log in one (5)\n"
	"  --once               one look\n"
	"  --json               alarms as JSON, a line each\n";

enum {
	LINE_MAX = 4096,
	TEXTS_MAX = 16 * 1024,
	WEBHOOK_TIMEOUT_S = 10,
	SECONDS_MAX = 86400 * 30,
	ADDRESSES_MAX = 512
};

struct monitor {
	const char *state, *client, *secret_file, *ca_file, *quorum, *silence, *witness_silence;
	const char *from, *exec, *webhook, *every;
	bool once, json;
	struct wr logs, witnesses, realms, kids;
	char logs_room[TEXTS_MAX], witnesses_room[TEXTS_MAX], realms_room[TEXTS_MAX],
		kids_room[TEXTS_MAX];
	uint64_t every_s;
	struct watch_rules rules;
	size_t n;
	struct path places[WATCH_LOGS_MAX];
	bool away[WATCH_LOGS_MAX]; /* it could not be read, and that was said */
	bool trouble;              /* an alarm could not be handed on */
	int runner;                /* of the program for alarms */
	struct fetch *client_of_webhook;
};

static struct watched all[WATCH_LOGS_MAX];

/* --- telling --- */

static void alarm_json(struct wr *w, const struct alarm *a)
{
	struct json_out o = json_out_of(w);
	json_begin(&o, (str){ 0 }, '{');
	json_put_int(&o, LIT("time"), clock_unix_s());
	json_put_str(&o, LIT("origin"), a->origin);
	json_put_str(&o, LIT("alarm"), alarm_name(a->kind));
	json_put_bool(&o, LIT("over"), a->over);
	json_put_u64(&o, a->kind >= ALARM_ENTRY ? LIT("index") : LIT("size"), a->size);
	json_put_str(&o, LIT("what"), a->what);
	if (a->more.n > 0)
		json_put_str(&o, LIT("detail"), a->more);
	json_finish(&o, '}');
}

static ch_err post(struct monitor *m, str text)
{
	static uint8_t memory[128 * 1024];
	struct arena arena;
	struct fetch_answer a = { 0 };
	char address_text[ADDRESSES_MAX];
	struct wr addresses = wr_of(address_text, sizeof(address_text));
	arena_init(&arena, memory, sizeof(memory));
	TRY(fetch_lookup(str_from_c(m->webhook), &addresses));
	TRY(fetch_run(m->client_of_webhook,
		      &(struct fetch_request){ .url = str_from_c(m->webhook),
					       .form = text,
					       .form_type = LIT("application/json"),
					       .timeout_s = WEBHOOK_TIMEOUT_S,
					       .max = 64 * 1024,
					       .pinned = true,
					       .ca_file = str_from_c(m->ca_file),
					       .addresses = wr_text(&addresses) },
		      &arena, &a));
	return a.status / 100 == 2 ? CH_DONE
				   : ch_fail(CH_E_DENIED, "the webhook did not take it", a.status);
}

static void print(const struct monitor *m, const struct alarm *a, str json)
{
	char size[24];
	struct wr w = wr_of(size, sizeof(size));
	if (m->json) {
		(void)printf("%.*s\n", (int)json.n, json.p);
		return;
	}
	wr_dec(&w, a->size);
	print_time(clock_unix_ms());
	(void)printf("\t");
	print_field(a->over ? LIT("over") : LIT("ALARM"), '\t');
	print_field(alarm_name(a->kind), '\t');
	print_field(a->origin, '\t');
	print_field(wr_text(&w), '\t');
	print_words(a->what, a->more.n > 0 ? '\t' : '\n');
	if (a->more.n > 0)
		print_field(a->more, '\n');
}

static void tell(void *ctx, const struct alarm *a)
{
	struct monitor *m = ctx;
	char line[LINE_MAX];
	struct wr w = wr_of(line, sizeof(line));
	alarm_json(&w, a);
	print(m, a, wr_text(&w));
	(void)fflush(stdout);
	if (m->exec && !log_exec_run(m->runner, wr_text(&w))) {
		say("log monitor: the program did not succeed", str_from_c(m->exec));
		m->trouble = true;
	}
	ch_err e = m->webhook ? post(m, wr_text(&w)) : CH_DONE;
	if (failed(e)) {
		(void)say_trouble("log monitor: an alarm was not posted", str_from_c(m->webhook),
				  e);
		m->trouble = true;
	}
}

/* --- what is to be watched --- */

/* Cuts the next word of a list; false: there is none. */
static bool word_next(str *list, str *ret_word)
{
	if (list->n == 0)
		return false;
	*ret_word = str_cut(list, ' ');
	return true;
}

static int log_add(struct monitor *m, str word)
{
	struct note_key key;
	str place = word;
	str vkey = str_cut(&place, '=');
	size_t i = m->n;
	if (i == WATCH_LOGS_MAX || place.n == 0 || failed(vkey_read(vkey, &key)) ||
	    key.type != NOTE_ED25519 || failed(path_of(&m->places[i], place)))
		return command_wrong(usage, "--log is VKEY=PLACE, a key of type 1; at most 8 logs");
	bool url = str_starts(place, LIT("https://")) || str_starts(place, LIT("http://"));
	const struct log_place p = { .folder = url ? NULL : m->places[i].p,
				     .url = url ? m->places[i].p : NULL,
				     .client = m->client,
				     .secret_file = m->secret_file,
				     .ca_file = m->ca_file };
	ch_err e = watch_open(&m->rules, &p, &key, &all[i]);
	if (failed(e))
		return say_trouble("log monitor: cannot take up", key.name, e);
	m->n++;
	return EXIT_YES;
}

static int logs_open(struct monitor *m)
{
	str left = wr_text(&m->logs), word = { 0 };
	int r = EXIT_YES;
	while (r == EXIT_YES && word_next(&left, &word))
		r = log_add(m, word);
	return r;
}

static const char *witnesses_take(struct monitor *m)
{
	struct watch_rules *r = &m->rules;
	str left = wr_text(&m->witnesses), word = { 0 };
	uint64_t k = 0;
	while (word_next(&left, &word)) {
		if (r->n_witnesses == WATCH_WITNESSES_MAX ||
		    failed(vkey_read(word, &r->witnesses[r->n_witnesses])) ||
		    r->witnesses[r->n_witnesses].type != NOTE_COSIGNATURE)
			return "--witness is a verifier key of type 4; at most 8";
		r->n_witnesses++;
	}
	r->quorum = r->n_witnesses;
	if (!m->quorum)
		return NULL;
	if (!str_to_u64(str_from_c(m->quorum), r->n_witnesses, &k) || k == 0)
		return "--quorum is 1 to the number of witnesses";
	r->quorum = (size_t)k;
	return NULL;
}

static const char *names_take(struct monitor *m)
{
	struct watch_rules *r = &m->rules;
	str realms = wr_text(&m->realms), kids = wr_text(&m->kids), word = { 0 };
	while (r->n_realms < WATCH_NAMES_MAX && word_next(&realms, &word))
		r->realms[r->n_realms++] = word;
	while (r->n_kids < WATCH_NAMES_MAX && word_next(&kids, &word))
		r->kids[r->n_kids++] = word;
	return realms.n > 0 || kids.n > 0 ? "at most 32 realms and 32 keys" : NULL;
}

static bool seconds(const char *text, uint64_t otherwise, uint64_t *ret_s)
{
	*ret_s = otherwise;
	return !text || (str_to_u64(str_from_c(text), SECONDS_MAX, ret_s) && *ret_s > 0);
}

static const char *numbers_take(struct monitor *m)
{
	uint64_t silence = 0, witness_silence = 0;
	struct watch_rules *r = &m->rules;
	if (!seconds(m->silence, 30, &silence) ||
	    !seconds(m->witness_silence, 60, &witness_silence) ||
	    !seconds(m->every, 5, &m->every_s))
		return "--silence, --witness-silence and --every are seconds, 1 at least";
	/* others wait for their look, and whoever stops us; --once was asked for all of it */
	r->patience_ms = m->once ? 0 : m->every_s * 1000;
	r->silence_s = (int64_t)silence;
	r->witness_silence_s = (int64_t)witness_silence;
	r->from_now = m->from && strcmp(m->from, "now") == 0;
	if (m->from && !r->from_now && !str_to_u64(str_from_c(m->from), MERKLE_SIZE_MAX, &r->from))
		return "--from is the number of an entry, or `now`";
	return NULL;
}

static const char *wrong(struct monitor *m)
{
	if (!m->state || m->logs.n == 0)
		return "name a folder for the state, and a log";
	if (!m->client != !m->secret_file)
		return "--client and --secret-file go together";
	const char *why = witnesses_take(m);
	why = why ? why : names_take(m);
	return why ? why : numbers_take(m);
}

/* --- looking --- */

static bool is_of_state(ch_err e)
{
	return ch_code_of(e) == CH_E_IO || ch_code_of(e) == CH_E_NO_ROOM;
}

/* That it cannot be reached is said once; the silence that follows is an alarm. */
static ch_err look(struct monitor *m, size_t i)
{
	ch_err e = watch_look(&all[i], clock_unix_s());
	if (failed(e) && !m->away[i])
		(void)say_trouble("log monitor: cannot read now", all[i].key.name, e);
	m->away[i] = failed(e);
	return e;
}

static int look_once(struct monitor *m)
{
	int r = EXIT_YES;
	for (size_t i = 0; i < m->n; i++) {
		const struct watched *w = &all[i];
		ch_err e = look(m, i);
		bool good = !failed(e) && watch_is_good(w) && !w->alarmed;
		if (!m->json) {
			print_field(w->key.name, '\t');
			(void)printf("%llu\t%s\n", (unsigned long long)w->edge.size,
				     good ? "good" : "not good");
		}
		if (failed(e) && !w->alarmed)
			r = EXIT_TROUBLE;
		else if (!good && r == EXIT_YES)
			r = EXIT_NO;
	}
	return m->trouble ? EXIT_TROUBLE : r;
}

static int follow(struct monitor *m, int signals)
{
	for (;;) {
		struct pollfd p = { .fd = signals, .events = POLLIN };
		for (size_t i = 0; i < m->n; i++) {
			ch_err e = look(m, i);
			/* what cannot be remembered would be forgotten by the next start */
			if (is_of_state(e))
				return say_trouble("log monitor: state", str_from_c(m->state), e);
			if (poll(&p, 1, 0) > 0)
				return EXIT_YES;
		}
		if (poll(&p, 1, (int)(m->every_s * 1000)) > 0)
			return EXIT_YES;
	}
}

/* Before the walls: what starts processes, opens files, and what libraries read. */
static ch_err prepare(struct monitor *m, int *ret_signals)
{
	const int stops[] = { SIGTERM, SIGINT };
	TRY(crypto_init(NULL));
	TRY(sandbox_undumpable());
	TRY(dir_make(AT_FDCWD, m->state, 0755));
	m->rules.state_fd = open(m->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->rules.state_fd < 0)
		return ch_fail(CH_E_IO, "cannot open the folder", errno);
	if (m->exec)
		TRY(log_exec_start(m->exec, &m->runner));
	if (m->webhook)
		TRY(fetch_new(&m->client_of_webhook));
	return m->once ? CH_DONE : signals_open(stops, COUNT_OF(stops), ret_signals);
}

static int confine(const struct monitor *m)
{
	struct log_walls w = { .asks = m->webhook,
			       .ca_file = m->ca_file,
			       .folder = m->rules.state_fd };
	for (size_t i = 0; i < m->n; i++)
		log_walls_add(&w, &all[i].source);
	ch_err e = log_walls_up(&w);
	return failed(e) ? say_trouble("log monitor: its walls", (str){ 0 }, e) : EXIT_YES;
}

static int run(struct monitor *m)
{
	AUTO(fd_close) int signals = -1;
	ch_err e = prepare(m, &signals);
	if (failed(e))
		return say_trouble("log monitor: state", str_from_c(m->state), e);
	int r = logs_open(m);
	if (r == EXIT_YES)
		r = confine(m);
	if (r == EXIT_YES)
		r = m->once ? look_once(m) : follow(m, signals);
	for (size_t i = 0; i < m->n; i++)
		watch_close(&all[i]);
	fetch_free(m->client_of_webhook);
	fd_close(&m->runner);
	fd_close(&m->rules.state_fd);
	return r;
}

int log_monitor(int argc, char **argv)
{
	static struct monitor m = { .runner = -1, .rules.state_fd = -1 };
	const struct option_spec specs[] = {
		{ .name = "--state", .value = &m.state },
		{ .name = "--log", .list = &m.logs },
		{ .name = "--client", .value = &m.client },
		{ .name = "--secret-file", .value = &m.secret_file },
		{ .name = "--ca-file", .value = &m.ca_file },
		{ .name = "--witness", .list = &m.witnesses },
		{ .name = "--quorum", .value = &m.quorum },
		{ .name = "--silence", .value = &m.silence },
		{ .name = "--witness-silence", .value = &m.witness_silence },
		{ .name = "--from", .value = &m.from },
		{ .name = "--realm", .list = &m.realms },
		{ .name = "--kid", .list = &m.kids },
		{ .name = "--foreign", .flag = &m.rules.foreign },
		{ .name = "--exec", .value = &m.exec },
		{ .name = "--webhook", .value = &m.webhook },
		{ .name = "--every", .value = &m.every },
		{ .name = "--once", .flag = &m.once },
		{ .name = "--json", .flag = &m.json },
	};
	m.logs = wr_of(m.logs_room, sizeof(m.logs_room));
	m.witnesses = wr_of(m.witnesses_room, sizeof(m.witnesses_room));
	m.realms = wr_of(m.realms_room, sizeof(m.realms_room));
	m.kids = wr_of(m.kids_room, sizeof(m.kids_room));
	m.rules.tell = tell;
	m.rules.ctx = &m;
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_read(argc, argv, 1, specs, COUNT_OF(specs)))
		return command_usage(usage, false);
	const char *why = wrong(&m);
	return why ? command_wrong(usage, why) : run(&m);
}
