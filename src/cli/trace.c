/* `chancery trace`: its arguments, and the order in which things are asked. A token that is looked for
 * comes from a file, never an argument. Reads as the authority's administrator does; changes nothing. */
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/sort.h"
#include "chain_text.h"
#include "commands.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "options.h"
#include "say.h"
#include "token/verify.h"
#include "when.h"

static const char usage[] =
	"usage: chancery trace [-C DIR] --token FILE|- [--bundle FILE [--thin]] [--json | --html]\n"
	"       chancery trace [-C DIR] --identity HEX | --kid KID | --client ID\n"
	"                      [--since T] [--json | --html]\n"
	"       chancery trace [-C DIR] --realm REALM --sub SUB [--since T] [--json | --html]\n"
	"       chancery trace [-C DIR] --since T [--realm REALM] [--json | --html]\n"
	"\n"
	"What happened, as a timeline: issued (the log's journal), seen (what gates reported: "
	"where,\n"
	"when, from which address, with what verdict), the life of the key, alarms. Exit status "
	"1:\n"
	"nothing is known of it.\n"
	"\n"
	"  --token FILE|-    one token (- is standard input), genuine or not\n"
	"  --identity HEX    the same by the SHA-256 of its signing input\n"
	"  --kid KID         all that a key signed, and its life\n"
	"  --client ID       all that a client was given\n"
	"  --sub SUB         all that a person was given; needs --realm\n"
	"  --realm REALM     only of this realm\n"
	"  --since T         only from this time on; alone: all that happened since then\n"
	"  --json            an object; --html: one page, with the timeline drawn\n"
	"  --bundle FILE     evidence about the token, which `chancery log verify FILE` checks\n"
	"                    offline; --thin: without the log's entries\n"
	"  -C DIR            the authority; $CHANCERY_DIR otherwise\n"
	"\n"
	"T is seconds since 1970, a date (2026-11-22), a time (2026-11-22T12:00:00Z) or an age\n"
	"(45s, 30m, 12h, 90d).\n";

str trace_kind_name(enum trace_kind k)
{
	static const char *const names[TRACE_KIND_COUNT] = {
		[TRACE_ISSUED] = "issued", [TRACE_SEEN] = "seen",   [TRACE_KEY] = "key",
		[TRACE_ADMIN] = "admin",   [TRACE_ALARM] = "alarm",
	};
	return str_from_c(names[k]);
}

bool trace_wants_id(const struct trace *t, const uint8_t id[static TRACE_ID_SIZE])
{
	return t->by_id && mem_eq(t->id, id, TRACE_ID_SIZE);
}

void trace_add(struct trace *t, const struct trace_event *e)
{
	struct trace_event copy = *e;
	str *const texts[] = { &copy.what,      &copy.realm,    &copy.kid,
			       &copy.client_id, &copy.grant_id, &copy.place,
			       &copy.gate,      &copy.address,  &copy.detail };
	bool room = t->n < TRACE_EVENTS_MAX;
	if (e->time_ms < t->since_ms)
		return;
	for (size_t i = 0; i < COUNT_OF(texts) && room; i++)
		room = !failed(arena_str(&t->memory, *texts[i], texts[i]));
	if (!room) {
		t->left_out++;
		return;
	}
	t->events[t->n++] = copy;
}

static bool is_before(const void *a, const void *b)
{
	const struct trace_event *x = a, *y = b;
	if (x->time_ms != y->time_ms)
		return x->time_ms < y->time_ms;
	return x->kind < y->kind;
}

static int compare(const void *a, const void *b)
{
	return is_before(a, b) ? -1 : is_before(b, a);
}

void trace_sort(struct trace *t)
{
	qsort(t->events, t->n, sizeof(*t->events), compare);
}

struct wish {
	const char *dir, *token, *identity, *kid, *client, *sub, *realm, *since, *bundle;
	bool json, html, thin;
};

static const char *wrong(const struct wish *w)
{
	int asked = !!w->token + !!w->identity + !!w->kid + !!w->client + !!w->sub;
	if (asked > 1 || (asked == 0 && !w->since))
		return "trace: say of what: --token, --identity, --kid, --client or --sub, one of "
		       "them; or since when: --since";
	if (w->sub && !w->realm)
		return "trace: a person is of a realm: --realm";
	if (w->bundle && !w->token)
		return "trace: --bundle is about one token: --token";
	if (w->thin && !w->bundle)
		return "trace: --thin goes with --bundle";
	if (w->json && w->html)
		return "trace: --json or --html, not both";
	return NULL;
}

static char token_line[TOKEN_MAX + 2];

/* The token's identity is of what stands before its last dot, whatever it is. */
static int take_token(const struct wish *w, struct trace *t, str *ret_token)
{
	ch_err e = first_line_read(w->token, token_line, sizeof(token_line), ret_token);
	if (failed(e))
		return say_trouble("trace: cannot read the token from", str_from_c(w->token), e);
	size_t n = ret_token->n;
	while (n > 0 && ret_token->p[n - 1] != '.')
		n--;
	sha256(bytes_of_str(n > 0 ? str_sub(*ret_token, 0, n - 1) : *ret_token), t->id);
	t->by_id = true;
	return EXIT_YES;
}

static int take(const struct wish *w, struct trace *t, str *ret_token)
{
	t->kid = str_from_c(w->kid);
	t->sub = str_from_c(w->sub);
	t->client = str_from_c(w->client);
	t->realm = str_from_c(w->realm);
	if (w->since && !when_read(str_from_c(w->since), &t->since_ms)) {
		say("trace: no time; write " WHEN_FORMS, str_from_c(w->since));
		return EXIT_USAGE;
	}
	if (w->identity && !hex_read(str_from_c(w->identity), t->id)) {
		say("trace: an identity is 64 digits, 0-9 and a-f", str_from_c(w->identity));
		return EXIT_USAGE;
	}
	t->by_id = w->identity;
	t->all = !w->token && !w->identity && !w->kid && !w->client && !w->sub;
	return w->token ? take_token(w, t, ret_token) : EXIT_YES;
}

static ch_err make_room(struct trace *t)
{
	size_t size = TRACE_MEMORY + TRACE_EVENTS_MAX * sizeof(*t->events);
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return ch_fail(CH_E_NOMEM, "no memory for a timeline", size);
	t->events = (struct trace_event *)(void *)p;
	arena_init(&t->memory, p + TRACE_EVENTS_MAX * sizeof(*t->events), TRACE_MEMORY);
	return CH_DONE;
}

static ch_err gather(struct trace *t)
{
	TRY(make_room(t));
	TRY(trace_log(t));
	TRY(trace_seen(t));
	TRY(trace_alarms(t));
	TRY(trace_keys(t));
	trace_sort(t);
	return CH_DONE;
}

static int run(const struct wish *w, const struct authority *a)
{
	static struct trace t;
	str token = { 0 };
	t.a = a;
	int status = take(w, &t, &token);
	if (status != EXIT_YES)
		return status;
	ch_err e = gather(&t);
	if (failed(e))
		return say_trouble("trace: cannot gather what is known in", str_from_c(a->dir.p),
				   e);
	if (w->html)
		trace_html(&t);
	else if (w->json)
		trace_json(&t);
	else
		trace_print(&t);
	status = t.n > 0 ? EXIT_YES : EXIT_NO;
	int written = w->bundle ? trace_bundle(a, token, w->bundle, w->thin) : EXIT_YES;
	mem_wipe(token_line, sizeof(token_line));
	return written != EXIT_YES ? written : status;
}

int cmd_trace(int argc, char **argv)
{
	AUTO(authority_done) struct authority a = { .fd = -1 };
	struct wish w = { 0 };
	const struct option_spec options[] = {
		{ .name = "-C", .value = &w.dir },
		{ .name = "--token", .value = &w.token },
		{ .name = "--identity", .value = &w.identity },
		{ .name = "--kid", .value = &w.kid },
		{ .name = "--client", .value = &w.client },
		{ .name = "--sub", .value = &w.sub },
		{ .name = "--realm", .value = &w.realm },
		{ .name = "--since", .value = &w.since },
		{ .name = "--bundle", .value = &w.bundle },
		{ .name = "--json", .flag = &w.json },
		{ .name = "--html", .flag = &w.html },
		{ .name = "--thin", .flag = &w.thin },
	};
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_read(argc, argv, 1, options, COUNT_OF(options)))
		return command_usage(usage, false);
	const char *why = wrong(&w);
	if (why)
		return command_wrong(usage, why);
	ch_err e = crypto_init(NULL);
	if (failed(e))
		return say_trouble("trace", (str){ 0 }, e);
	int status = authority_open(w.dir, &a);
	if (status == EXIT_YES && w.realm)
		status = authority_check_realm(&a, str_from_c(w.realm));
	return status == EXIT_YES ? run(&w, &a) : status;
}
