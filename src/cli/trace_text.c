/* A timeline for people, and as JSON. Texts of gates and of tokens are printed escaped: nothing in them
 * reaches the terminal as a control character. */
#include <inttypes.h>
#include <stdio.h>

#include "chain_text.h"
#include "codec/json.h"
#include "trace.h"

static const str none = { NULL, 0 };

/* " name=value" without a blank behind. */
static void put(const char *name, str value)
{
	char room[512];
	struct wr w = wr_of(room, sizeof(room));
	if (value.n == 0)
		return;
	json_write_str(&w, value);
	if (!w.full)
		(void)printf(" %s=%.*s", name, (int)w.n, room);
}

static void put_id(const struct trace *t, const struct trace_event *e)
{
	char hex[2 * TRACE_ID_SIZE];
	struct wr w = wr_of(hex, sizeof(hex));
	if (!e->has_id || t->by_id)
		return;
	wr_hex(&w, BYTES_OF(e->id));
	(void)printf(" token=%.16s…", hex);
}

static void print_event(const struct trace *t, const struct trace_event *e)
{
	str kind = trace_kind_name(e->kind);
	print_time(e->time_ms);
	(void)printf("  %-6.*s ", (int)kind.n, kind.p);
	(void)printf("%.*s", (int)e->what.n, e->what.p);
	put("realm", e->realm);
	put("kid", e->kid);
	put("client", e->client_id);
	put("grant", e->grant_id);
	put(e->kind == TRACE_ADMIN ? "by" : "gate", e->gate);
	put("place", e->place);
	put("from", e->address);
	put("detail", e->detail);
	if (e->kind == TRACE_ISSUED)
		(void)printf(" index=%" PRIu64 " life_s=%" PRId64, e->index, e->exp - e->iat);
	if (e->more > 0)
		(void)printf(" +%" PRIu64 " more", e->more);
	put_id(t, e);
	(void)putchar('\n');
}

/* What the list alone does not say. */
static void print_judgement(const struct trace *t)
{
	if (t->no_log)
		(void)puts("This authority has no log: nothing says what was issued.");
	else if (t->by_id && t->in_log)
		(void)puts("The token is in the log: it was issued.");
	else if (t->by_id)
		(void)printf("The token is in none of the %" PRIu64
			     " entries of the log: it was not issued here (`--bundle` for "
			     "evidence).\n",
			     t->log_entries);
	if (t->no_sightings)
		(void)puts("No collector: what gates saw is with them (`chancery sightings`).");
	if (t->left_out > 0)
		(void)printf("%zu more are left out: narrow it with --since or --realm.\n",
			     t->left_out);
}

void trace_print(const struct trace *t)
{
	for (size_t i = 0; i < t->n; i++)
		print_event(t, &t->events[i]);
	print_judgement(t);
}

/* --- JSON --- */

static void put_str(struct json_out *o, const char *name, str value)
{
	if (value.n > 0)
		json_put_str(o, str_from_c(name), value);
}

static void write_event(struct json_out *o, const struct trace_event *e)
{
	uint8_t hex[2 * TRACE_ID_SIZE];
	struct wr w = wr_of(hex, sizeof(hex));
	json_begin(o, none, '{');
	json_put_int(o, LIT("time_ms"), e->time_ms);
	json_put_str(o, LIT("kind"), trace_kind_name(e->kind));
	put_str(o, "what", e->what);
	if (e->has_id) {
		wr_hex(&w, BYTES_OF(e->id));
		json_put_str(o, LIT("token"), wr_text(&w));
	}
	put_str(o, "realm", e->realm);
	put_str(o, "kid", e->kid);
	put_str(o, "client_id", e->client_id);
	put_str(o, "grant_id", e->grant_id);
	put_str(o, e->kind == TRACE_ADMIN ? "who" : "gate", e->gate);
	put_str(o, "location", e->place);
	put_str(o, "client", e->address);
	put_str(o, "detail", e->detail);
	if (e->kind == TRACE_ISSUED) {
		json_put_u64(o, LIT("index"), e->index);
		json_put_int(o, LIT("iat"), e->iat);
		json_put_int(o, LIT("exp"), e->exp);
	}
	if (e->more > 0)
		json_put_u64(o, LIT("repeats"), e->more);
	json_finish(o, '}');
}

static void flush(struct wr *w)
{
	(void)fwrite(w->p, 1, w->n, stdout);
	w->n = 0;
}

void trace_json(const struct trace *t)
{
	static uint8_t room[16 * 1024];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	json_begin(&o, none, '{');
	if (t->by_id && !t->no_log)
		json_put_bool(&o, LIT("in_log"), t->in_log);
	json_put_bool(&o, LIT("has_log"), !t->no_log);
	json_put_u64(&o, LIT("log_entries"), t->log_entries);
	json_put_u64(&o, LIT("left_out"), t->left_out);
	json_begin(&o, LIT("events"), '[');
	for (size_t i = 0; i < t->n; i++) {
		write_event(&o, &t->events[i]);
		flush(&w);
	}
	json_finish(&o, ']');
	json_finish(&o, '}');
	wr_char(&w, '\n');
	flush(&w);
}
