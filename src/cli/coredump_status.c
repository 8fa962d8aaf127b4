/* `chancery coredump status`: is this machine's handler there, does it work, what has it kept?
 * Looks and changes nothing. What is degraded is said loudly and is exit status 1. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "codec/json.h"
#include "commands.h"
#include "coredump.h"
#include "coredump_plan.h"
#include "dumpstore/store.h"
#include "options.h"
#include "say.h"

enum { TROUBLES_MAX = 12, OUT_MAX = 64 * 1024, SWAPS_MAX = 4096, LINUX_6_17 = 6017 };

static const char usage[] =
	"usage: chancery coredump status [--json] [--state DIR]\n"
	"\n"
	"Says how the kernel hands crashes over, whether they would be handled now, and what is\n"
	"stored.\n"
	"\n"
	"It is healthy, DEGRADED (crashes are handled, but something is to be mended) or NOT\n"
	"HEALTHY (crashes are not handled); lines that begin so say why.\n"
	"\n"
	"Exit status: 0 healthy, 1 not installed or anything else, 3 trouble.\n";

struct kept {
	struct entry_taker taker;
	uint64_t dumps, notes, bytes;
	struct dump_id last;
	char sidecar[16 * 1024];
	size_t sidecar_n;
};

struct status {
	const struct handler *h;
	struct kernel_pattern now;
	bool armed, daemon, answers;
	struct kept kept;
	bool store_readable;
	char former_room[FORMER_ROOM];
	struct dump_former former;
	bool hands_over;  /* some crashes go to it, as they are */
	bool better_mode; /* this kernel has one; whoever installed may have had a reason */
	const char *troubles[TROUBLES_MAX];
	size_t n_troubles;
};

static void trouble(struct status *s, bool is, const char *text)
{
	if (is && s->n_troubles < TROUBLES_MAX)
		s->troubles[s->n_troubles++] = text;
}

static ch_err take_entry(struct entry_taker *t, const struct dump_entry *e)
{
	struct kept *k = (struct kept *)t;
	k->dumps += e->has_dump;
	k->notes += !e->has_dump;
	k->bytes += e->stored_bytes;
	k->last = e->id;
	k->sidecar_n = e->sidecar.n <= sizeof(k->sidecar) ? e->sidecar.n : 0;
	mem_copy(k->sidecar, e->sidecar.p, k->sidecar_n);
	return CH_DONE;
}

static void look_into_store(struct status *s)
{
	struct path path;
	AUTO(fd_close) int dir = -1;
	s->kept.taker.take = take_entry;
	s->store_readable = !failed(path_of(&path, s->h->settings.store)) &&
			    !failed(dumpstore_open_to_read(path.p, &dir)) &&
			    !failed(dumpstore_list(dir, &s->kept.taker));
}

/* A line behind the heading: somewhere to swap to. */
static bool has_swap(void)
{
	char text[SWAPS_MAX];
	size_t n = 0;
	if (failed(file_read(AT_FDCWD, "/proc/swaps", text, sizeof(text), &n)))
		return false;
	str left = { text, n };
	(void)str_cut(&left, '\n');
	return left.n > 0;
}

static void judge(struct status *s)
{
	const struct dump_settings *d = &s->h->settings;
	bool socket = d->mode != DUMP_MODE_PIPE;
	trouble(s, !s->armed, "core_pattern is not the handler's: crashes go elsewhere");
	trouble(s, !s->daemon, "the daemon does not run");
	trouble(s, s->armed && socket && !s->answers,
		"nobody answers at the socket: every crash is lost");
	trouble(s, s->armed && !socket && s->now.limit == 0,
		"core_pipe_limit is 0: the kernel does not wait for the handler");
	trouble(s, kernel_number("fs/suid_dumpable") == 1,
		"fs.suid_dumpable is 1: set-uid programs crash with a dump as of their user; set 0 "
		"or 2");
	trouble(s, has_swap(),
		"swap is on: what a redactor has in memory could be written there; encrypt it, or "
		"run the unit, which forbids it");
	trouble(s, !s->store_readable, "the store cannot be read");
}

static void look(struct status *s)
{
	const struct dump_settings *d = &s->h->settings;
	s->armed = str_eq(s->now.pattern, d->pattern);
	s->daemon = daemon_find(s->h) > 0;
	s->answers = d->mode == DUMP_MODE_PIPE ||
		     socket_answers(s->h, DUMP_SOCKET_CORE, SOCK_STREAM);
	if (failed(handler_former(s->h, s->former_room, &s->former)))
		s->former = (struct dump_former){ 0 };
	s->hands_over = leaves_to_former(d) && takes_crashes(&s->former);
	s->better_mode = d->mode != DUMP_MODE_SOCKET && kernel_version() >= LINUX_6_17;
	look_into_store(s);
	judge(s);
}

/* Are crashes handled, whatever else is to be mended? */
static bool works(const struct status *s)
{
	return s->armed && s->daemon && s->answers;
}

static const char *state_word(const struct status *s)
{
	if (!works(s))
		return "NOT HEALTHY";
	return s->n_troubles ? "DEGRADED" : "healthy";
}

static void put_last(struct json_out *o, const struct status *s)
{
	if (s->kept.last.p[0] == 0)
		return;
	json_put_str(o, LIT("last"), str_from_c(s->kept.last.p));
	if (s->kept.sidecar_n > 0)
		json_put_raw(o, LIT("last_sidecar"), (str){ s->kept.sidecar, s->kept.sidecar_n });
}

static void print_json(const struct status *s)
{
	static char room[OUT_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	json_begin(&o, (str){ NULL, 0 }, '{');
	json_put_bool(&o, LIT("installed"), s->h->installed);
	json_put_str(&o, LIT("core_pattern"), s->now.pattern);
	json_put_int(&o, LIT("core_pipe_limit"), s->now.limit);
	if (s->h->installed) {
		json_put_str(&o, LIT("mode"), install_mode_name(s->h->settings.mode));
		json_put_bool(&o, LIT("armed"), s->armed);
		json_put_bool(&o, LIT("daemon"), s->daemon);
		json_put_bool(&o, LIT("works"), works(s));
		json_put_bool(&o, LIT("healthy"), works(s) && s->n_troubles == 0);
		json_put_bool(&o, LIT("better_mode"), s->better_mode);
		json_put_str(&o, LIT("former"), s->former.pattern);
		json_put_bool(&o, LIT("hands_over"), s->hands_over);
		json_put_str(&o, LIT("store"), s->h->settings.store);
		json_put_int(&o, LIT("dumps"), (int64_t)s->kept.dumps);
		json_put_int(&o, LIT("notes"), (int64_t)s->kept.notes);
		json_put_int(&o, LIT("stored_bytes"), (int64_t)s->kept.bytes);
		put_last(&o, s);
	}
	json_begin(&o, LIT("degraded"), '[');
	for (size_t i = 0; i < s->n_troubles; i++)
		json_put_str(&o, (str){ NULL, 0 }, str_from_c(s->troubles[i]));
	json_finish(&o, ']');
	json_finish(&o, '}');
	(void)printf("%.*s\n", (int)w.n, room);
}

static void print_text(const struct status *s)
{
	str mode = install_mode_name(s->h->settings.mode);
	str store = s->h->settings.store;
	(void)printf("%s: mode %.*s, core_pattern %.*s\n", state_word(s), (int)mode.n, mode.p,
		     (int)s->now.pattern.n, s->now.pattern.p);
	(void)printf("stored in %.*s: %llu dumps, %llu notes of crashes that were not kept, "
		     "%llu bytes\n",
		     (int)store.n, store.p, (unsigned long long)s->kept.dumps,
		     (unsigned long long)s->kept.notes, (unsigned long long)s->kept.bytes);
	if (s->hands_over)
		(void)printf("some crashes go unredacted to the former handler: %.*s\n",
			     (int)s->former.pattern.n, s->former.pattern.p);
	if (s->kept.last.p[0])
		(void)printf("last: %s\n", s->kept.last.p);
	for (size_t i = 0; i < s->n_troubles; i++)
		(void)printf("%s: %s\n", state_word(s), s->troubles[i]);
	if (s->better_mode)
		(void)puts(
			"note: this kernel has a better mode, socket; install without --mode takes "
			"it if it passes the test");
}

static int status(const struct handler *h, bool json)
{
	static struct status s;
	s.h = h;
	ch_err e = kernel_pattern_read(&s.now);
	if (failed(e))
		return say_trouble("coredump status: cannot read core_pattern", (str){ NULL, 0 },
				   e);
	if (h->installed)
		look(&s);
	if (json)
		print_json(&s);
	else if (h->installed)
		print_text(&s);
	else
		(void)printf("not installed; core_pattern %.*s\n", (int)s.now.pattern.n,
			     s.now.pattern.p);
	return h->installed && s.n_troubles == 0 ? EXIT_YES : EXIT_NO;
}

int coredump_status(int argc, char **argv)
{
	const char *state = NULL;
	bool json = false;
	const struct option_spec specs[] = { { "--state", &state, NULL, NULL },
					     { "--json", NULL, NULL, &json } };
	AUTO(handler_done) struct handler h;
	handler_init(&h);
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_read(argc, argv, 1, specs, COUNT_OF(specs)))
		return command_usage(usage, false);
	ch_err e = handler_open(state, &h);
	if (failed(e))
		return say_trouble("coredump status: cannot read", str_from_c(h.state.p), e);
	return status(&h, json);
}
