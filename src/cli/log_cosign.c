/* `chancery log cosign`: asks witnesses for their cosignatures of a log's head, and publishes the head
 * with them. It stands between the ledger, which speaks no HTTP, and witnesses elsewhere: it
 * reads the log's folder, holds no key, and writes one file. What it gets from a witness is
 * held against that witness's key; what it publishes, readers check again. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/signals.h"
#include "commands.h"
#include "crypto/key.h"
#include "fetch/many.h"
#include "log.h"
#include "log_walls.h"
#include "logstore/logstore.h"
#include "merkle/checkpoint.h"
#include "merkle/proof.h"
#include "options.h"
#include "owner.h"
#include "say.h"

static const char usage[] =
	"usage: chancery log cosign --folder F --witness VKEY=URL… [--quorum K] [--every S]\n"
	"                           [--out O] [--ca-file C] [--once]\n"
	"\n"
	"Asks witnesses to cosign the newest head of the log in F (DIR/log of an authority), and\n"
	"writes it with their lines as F/cosigned/checkpoint, once K of them have signed. Runs\n"
	"until SIGTERM. It holds no key; gates and monitors check what it publishes.\n"
	"\n"
	"  --witness VKEY=URL  a witness: its verifier key, and what stands before "
	"/add-checkpoint\n"
	"  --quorum K          so many must sign; without it, all\n"
	"  --every S           seconds between two rounds (2)\n"
	"  --out O             the folder to write checkpoint into, instead of F/cosigned\n"
	"  --ca-file C         who may certify the witnesses' servers\n"
	"  --once              one round; exit status 1 if fewer than K signed\n"
	"\n"
	"Started by root, it becomes the owner of the folder that it writes.\n";

enum {
	WITNESSES_MAX = 16,
	TEXTS_MAX = 8192,
	REQUEST_MAX = 24 * 1024,
	ANSWER_MAX = 8 * 1024,
	ADDRESSES_MAX = 512,
	TIMEOUT_S = 5,
	EVERY_S = 2,
	EVERY_MAX_S = 3600,
	ROUND_TURN_MS = 200,
	STATUS_GONE = 1,  /* beside those of HTTP: it did not answer; */
	STATUS_WRONG = 2, /* its line is none, or not its own */
};

struct asked {
	str vkey, url;
	struct note_key key;
	uint64_t size;   /* of the last head it cosigned, as far as we know */
	unsigned status; /* of its last answer */
	bool again;      /* this round, after it said where it stands */
	char line[NOTE_LINE_MAX];
	size_t line_n; /* 0: it has not signed this head */
};

struct cosigning {
	const char *folder, *out, *quorum_text, *every_text, *ca_file;
	bool once;
	struct wr texts;
	char texts_room[TEXTS_MAX];
	size_t n, quorum;
	uint64_t every_s;
	struct asked all[WITNESSES_MAX];
	struct fetches *fetches;
	struct logstore store;
	int out_fd, signals;
	bool short_of; /* of signatures, as was said */
	/* this round's head */
	char note_room[LOGSTORE_NOTE_MAX];
	str text;
	struct note note;
	struct checkpoint head;
};

/* --- one round --- */

static ch_err head_read(struct cosigning *c)
{
	struct wr w = wr_of(c->note_room, sizeof(c->note_room));
	TRY(logstore_checkpoint(&c->store, &w));
	c->text = wr_text(&w);
	TRY(note_open(c->text, &c->note));
	return checkpoint_read(c->note.body, &c->head);
}

static ch_err ask(struct cosigning *c, size_t i)
{
	static uint8_t room[REQUEST_MAX];
	struct asked *a = &c->all[i];
	char url_text[1024], address_text[ADDRESSES_MAX];
	struct wr url = wr_of(url_text, sizeof(url_text)), body = wr_of(room, sizeof(room));
	struct wr addresses = wr_of(address_text, sizeof(address_text));
	struct witness_request q = { .old_size = a->size, .checkpoint = c->text };
	if (a->size > c->head.size)
		return ch_fail(CH_E_MISMATCH, "the witness has seen a longer log than this one",
			       a->size);
	TRY(merkle_prove_consistency(&c->store.tiles, a->size, c->head.size, &q.proof));
	witness_request_write(&body, &q);
	TRY(wr_done(&body));
	wr_str(&url, str_ends(a->url, LIT("/")) ? str_sub(a->url, 0, a->url.n - 1) : a->url);
	wr_lit(&url, "/add-checkpoint");
	TRY(wr_done(&url));
	TRY(fetch_lookup(wr_text(&url), &addresses));
	return fetches_start(c->fetches, i,
			     &(struct fetch_request){ .url = wr_text(&url),
						      .form = wr_text(&body),
						      .form_type = LIT("text/plain; charset=utf-8"),
						      .timeout_s = TIMEOUT_S,
						      .max = ANSWER_MAX,
						      .pinned = true,
						      .reuse = true,
						      .ca_file = str_from_c(c->ca_file),
						      .addresses = wr_text(&addresses) });
}

/* What a witness did is said when it differs from what it did before. */
static void say_change(struct asked *a, unsigned status, ch_err e)
{
	if (a->status != status && status != 200)
		LOG(LOG_WARN, "a witness does not cosign", log_str("witness", a->key.name),
		    log_u64("status", status), log_err(e));
	else if (a->status != status && a->status != 0)
		LOG(LOG_INFO, "a witness cosigns again", log_str("witness", a->key.name));
	a->status = status;
}

/* Its line, out of all that it sent: of its own key, and over this very head. */
static ch_err line_take(struct cosigning *c, struct asked *a, str lines)
{
	static char room[LOGSTORE_NOTE_MAX + ANSWER_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct note n;
	int64_t when_s = 0;
	wr_str(&w, c->note.body);
	wr_char(&w, '\n');
	wr_str(&w, lines);
	TRY(wr_done(&w));
	TRY(note_open(wr_text(&w), &n));
	TRY(cosignature_check(&n, &a->key, &when_s));
	for (size_t i = 0; i < n.n; i++) {
		if (n.lines[i].id != a->key.id || !str_eq(n.lines[i].name, a->key.name))
			continue;
		struct wr line = wr_of(a->line, sizeof(a->line));
		wr_lit(&line, "\xe2\x80\x94 ");
		wr_str(&line, n.lines[i].name);
		wr_char(&line, ' ');
		wr_str(&line, n.lines[i].base64);
		wr_char(&line, '\n');
		TRY(wr_done(&line));
		a->line_n = line.n;
		a->size = c->head.size;
		return CH_DONE;
	}
	return ch_fail(CH_E_MISSING, "the witness sent no line of its own", 0);
}

/* 409: it stands elsewhere than we thought. Once a round it is asked again from there. */
static ch_err size_take(struct cosigning *c, size_t i, str body)
{
	struct asked *a = &c->all[i];
	uint64_t size = 0;
	if (!str_to_u64(str_trim(body, LIT("\n")), MERKLE_SIZE_MAX, &size) || a->again ||
	    size == a->size)
		return ch_fail(CH_E_MISMATCH,
			       "the witness holds another tree, or others go on from it too", size);
	a->size = size;
	a->again = true;
	return ask(c, i);
}

static void answer_take(struct cosigning *c, size_t i, ch_err how, const struct fetch_answer *r)
{
	struct asked *a = &c->all[i];
	unsigned status = failed(how) ? STATUS_GONE : r->status;
	ch_err e = how;
	if (status == 409) {
		e = size_take(c, i, str_of_bytes(r->body));
		if (!failed(e))
			return;
	} else if (status == 200) {
		e = line_take(c, a, str_of_bytes(r->body));
		status = failed(e) ? STATUS_WRONG : 200;
	}
	say_change(a, status, e);
}

static bool busy(const struct cosigning *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (fetches_busy(c->fetches, i))
			return true;
	return false;
}

static ch_err gather(struct cosigning *c)
{
	while (busy(c)) {
		struct pollfd p = { .fd = fetches_fd(c->fetches), .events = POLLIN };
		int ms = fetches_timeout_ms(c->fetches);
		size_t i = 0;
		ch_err how = CH_DONE;
		struct fetch_answer r = { 0 };
		(void)poll(&p, 1, ms < 0 || ms > ROUND_TURN_MS ? ROUND_TURN_MS : ms);
		TRY(fetches_run(c->fetches));
		while (fetches_next(c->fetches, &i, &how, &r))
			answer_take(c, i, how, &r);
	}
	return CH_DONE;
}

static ch_err publish(const struct cosigning *c)
{
	static uint8_t room[LOGSTORE_NOTE_MAX + WITNESSES_MAX * NOTE_LINE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	wr_str(&w, c->text);
	for (size_t i = 0; i < c->n; i++)
		wr_str(&w, (str){ c->all[i].line, c->all[i].line_n });
	TRY(wr_done(&w));
	return file_replace(c->out_fd, "checkpoint", wr_bytes(&w), 0644);
}

static ch_err round_run(struct cosigning *c, bool *ret_enough)
{
	size_t n = 0;
	TRY(head_read(c));
	for (size_t i = 0; i < c->n; i++) {
		c->all[i].line_n = 0;
		c->all[i].again = false;
		ch_err e = ask(c, i);
		if (failed(e))
			say_change(&c->all[i], STATUS_GONE, e);
	}
	TRY(gather(c));
	for (size_t i = 0; i < c->n; i++)
		n += c->all[i].line_n > 0;
	*ret_enough = n >= c->quorum;
	if (*ret_enough == c->short_of)
		LOG(*ret_enough ? LOG_INFO : LOG_ALARM, "witnesses who cosigned the head",
		    log_u64("witnesses", n), log_u64("needed", c->quorum),
		    log_u64("size", c->head.size));
	c->short_of = !*ret_enough;
	return *ret_enough ? publish(c) : CH_DONE;
}

/* --- the command --- */

static bool is_told_to_stop(const struct cosigning *c, uint64_t until_ns)
{
	struct pollfd p = { .fd = c->signals, .events = POLLIN };
	uint64_t now = clock_mono_ns();
	int ms = until_ns > now ? (int)((until_ns - now) / 1000000) + 1 : 0;
	return poll(&p, 1, ms) > 0;
}

static int run(struct cosigning *c)
{
	bool enough = false, failing = false;
	uint64_t next_ns = clock_mono_ns();
	for (;;) {
		ch_err e = round_run(c, &enough);
		if (c->once && failed(e))
			return say_trouble("log cosign", str_from_c(c->folder), e);
		if (c->once)
			return enough ? EXIT_YES : EXIT_NO;
		if (failed(e) && !failing)
			LOG(LOG_ERROR, "a round failed; the next ones go on trying", log_err(e));
		failing = failed(e);
		next_ns += c->every_s * 1000000000;
		if (next_ns < clock_mono_ns())
			next_ns = clock_mono_ns();
		if (is_told_to_stop(c, next_ns))
			return EXIT_YES;
	}
}

static ch_err open_all(struct cosigning *c)
{
	const int stops[] = { SIGTERM, SIGINT };
	struct path out;
	TRY(logstore_open(AT_FDCWD, c->folder, &c->store));
	TRY(c->out ? path_of(&out, str_from_c(c->out))
		   : path_join(&out, str_from_c(c->folder), LIT("cosigned"), (str){ 0 }));
	TRY(dir_make(AT_FDCWD, out.p, 0755));
	c->out_fd = open(out.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->out_fd < 0)
		return ch_fail(CH_E_IO, "cannot open the folder to write into", errno);
	TRY(owner_become(c->out_fd));
	TRY(signals_open(stops, COUNT_OF(stops), &c->signals));
	TRY(crypto_init(NULL));
	return fetches_new(c->n, ANSWER_MAX, &c->fetches);
}

static ch_err confine(const struct cosigning *c)
{
	return log_walls_up(&(struct log_walls){ .logs = { c->store.dir_fd },
						 .n_logs = 1,
						 .asks = true,
						 .ca_file = c->ca_file,
						 .folder = c->out_fd });
}

static bool witnesses_take(struct cosigning *c)
{
	str left = wr_text(&c->texts);
	while (left.n > 0) {
		struct asked *a = &c->all[c->n];
		str url = str_cut(&left, ' ');
		a->vkey = str_cut(&url, '=');
		a->url = url;
		if (c->n == WITNESSES_MAX - 1 || url.n == 0 ||
		    failed(vkey_read(a->vkey, &a->key)) || a->key.type != NOTE_COSIGNATURE) {
			say("log cosign: no witness: VKEY=URL, its key of type 4; at most 15",
			    a->vkey);
			return false;
		}
		c->n++;
	}
	return true;
}

static bool numbers_take(struct cosigning *c)
{
	c->quorum = c->n;
	c->every_s = EVERY_S;
	uint64_t k = 0;
	if (c->quorum_text && (!str_to_u64(str_from_c(c->quorum_text), c->n, &k) || k == 0))
		return false;
	c->quorum = c->quorum_text ? (size_t)k : c->n;
	return !c->every_text ||
	       (str_to_u64(str_from_c(c->every_text), EVERY_MAX_S, &c->every_s) && c->every_s > 0);
}

int log_cosign(int argc, char **argv)
{
	static struct cosigning c = { .out_fd = -1, .signals = -1, .store.dir_fd = -1 };
	const struct option_spec specs[] = {
		{ .name = "--folder", .value = &c.folder },
		{ .name = "--witness", .list = &c.texts },
		{ .name = "--quorum", .value = &c.quorum_text },
		{ .name = "--every", .value = &c.every_text },
		{ .name = "--out", .value = &c.out },
		{ .name = "--ca-file", .value = &c.ca_file },
		{ .name = "--once", .flag = &c.once },
	};
	c.texts = wr_of(c.texts_room, sizeof(c.texts_room));
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_read(argc, argv, 1, specs, COUNT_OF(specs)))
		return command_usage(usage, false);
	if (!c.folder || c.texts.n == 0)
		return command_wrong(usage, "name the log's folder, and a witness");
	if (!witnesses_take(&c))
		return EXIT_USAGE;
	if (!numbers_take(&c))
		return command_wrong(usage, "--quorum is 1 to the number of witnesses, --every 1 "
					    "to 3600 seconds");
	log_open("chancery-cosign");
	ch_err e = open_all(&c);
	if (!failed(e))
		e = confine(&c);
	int r = failed(e) ? say_trouble("log cosign", str_from_c(c.folder), e) : run(&c);
	fetches_free(c.fetches);
	fd_close(&c.out_fd);
	fd_close(&c.signals);
	logstore_close(&c.store);
	return r;
}
