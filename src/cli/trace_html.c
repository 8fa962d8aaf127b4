/* One page that stands alone: the timeline drawn, a table below it, no script, nothing fetched. All that
 * comes from elsewhere goes through put. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "trace.h"
#include "utc.h"

enum { WIDTH = 960, LEFT = 90, RIGHT = 44, LANE = 44, TOP = 16, DRAWN_MAX = 4000, TICKS = 6 };

#define STYLE                                                                                      \
	"html{color-scheme:light dark;--bg:#eef1f5;--card:#fff;--ink:#16202c;--dim:#5b6875;"       \
	"--line:#d4dbe3;--issued:#2463b8;--seen:#2f7d4f;--refused:#b26a00;--key:#6b4fa0;"          \
	"--admin:#5b6875;--alarm:#c02a2a}"                                                         \
	"@media(prefers-color-scheme:dark){html{--bg:#10161d;--card:#1a222c;--ink:#e4e9ef;"        \
	"--dim:#9aa7b4;--line:#313c49;--issued:#6ea8f0;--seen:#67c08b;--refused:#e0a040;"          \
	"--key:#b49ae6;--admin:#9aa7b4;--alarm:#ff7b72}}"                                          \
	"body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.45 system-ui,sans-serif}" \
	"main{max-width:1040px;margin:0 auto;padding:24px 16px}h1{font-size:20px;margin:0 0 4px}"  \
	"p{margin:4px 0;color:var(--dim)}.verdict{color:var(--ink);font-weight:600}"               \
	".bad{color:var(--alarm)}"                                                                 \
	".card{background:var(--card);border:1px solid var(--line);border-radius:8px;"             \
	"padding:12px;margin:16px 0;overflow-x:auto}svg{display:block;min-width:720px;width:100%}" \
	"svg text{fill:var(--dim);font-size:12px}svg line{stroke:var(--line)}"                     \
	"table{border-collapse:collapse;width:100%;font-size:13px}"                                \
	"th,td{text-align:left;vertical-align:top;padding:5px 10px 5px 0;"                         \
	"border-bottom:1px solid var(--line)}th{color:var(--dim);font-weight:600}"                 \
	"td.t{white-space:nowrap;font-variant-numeric:tabular-nums}"                               \
	"td.d{overflow-wrap:anywhere}.k{font-weight:600}"                                          \
	".issued{color:var(--issued);fill:var(--issued)}.seen{color:var(--seen);fill:var(--seen)}" \
	".refused{color:var(--refused);fill:var(--refused)}.key{color:var(--key);fill:var(--key)}" \
	".admin{color:var(--admin);fill:var(--admin)}.alarm{color:var(--alarm);fill:var(--alarm)}"

static void put(str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
			(void)printf("&#%d;", c);
		else if ((unsigned char)c < ' ' || c == 0x7f)
			(void)fputs("\xef\xbf\xbd", stdout);
		else
			(void)putchar(c);
	}
}

static const char *class_of(const struct trace_event *e)
{
	static const char *const names[TRACE_KIND_COUNT] = {
		[TRACE_ISSUED] = "issued", [TRACE_SEEN] = "seen",   [TRACE_KEY] = "key",
		[TRACE_ADMIN] = "admin",   [TRACE_ALARM] = "alarm",
	};
	if (e->kind == TRACE_SEEN && str_eq(e->what, LIT("not_logged")))
		return "alarm";
	if (e->kind == TRACE_SEEN && !str_eq(e->what, LIT("accepted")))
		return "refused";
	return names[e->kind];
}

struct span {
	int64_t from_ms, to_ms;
};

/* How many of them have been: what is planned for a key would press all else together. */
static size_t past(const struct trace *t)
{
	int64_t now_ms = clock_unix_ms();
	size_t n = 0;
	while (n < t->n && t->events[n].time_ms <= now_ms)
		n++;
	return n;
}

static struct span span_of(const struct trace *t, size_t n)
{
	struct span s = { t->events[0].time_ms, t->events[n - 1].time_ms };
	int64_t margin = (s.to_ms - s.from_ms) / 50 + 500;
	return (struct span){ s.from_ms - margin, s.to_ms + margin };
}

static double x_of(const struct span *s, int64_t ms)
{
	return LEFT +
	       (double)(ms - s->from_ms) * (WIDTH - LEFT - RIGHT) / (double)(s->to_ms - s->from_ms);
}

static int y_of(enum trace_kind kind)
{
	return TOP + LANE / 2 + LANE * (int)kind;
}

static void put_time(int64_t ms)
{
	char room[UTC_MAX];
	str s = utc_text(ms / 1000, room);
	(void)printf("%.*s.%03d", (int)(s.n > 0 ? s.n - 1 : 0), s.p, (int)(ms % 1000));
}

static void draw_lanes(void)
{
	for (int i = 0; i < TRACE_KIND_COUNT; i++) {
		str name = trace_kind_name((enum trace_kind)i);
		int y = y_of((enum trace_kind)i);
		(void)printf("<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>"
			     "<text x=\"0\" y=\"%d\">%.*s</text>\n",
			     LEFT, WIDTH - RIGHT, y, y, y + 4, (int)name.n, name.p);
	}
}

static void draw_ticks(const struct span *s)
{
	int bottom = TOP + LANE * TRACE_KIND_COUNT;
	for (int i = 0; i <= TICKS; i++) {
		int64_t ms = s->from_ms + (s->to_ms - s->from_ms) * i / TICKS;
		char room[UTC_MAX];
		str text = utc_text(ms / 1000, room);
		bool days = s->to_ms - s->from_ms > (int64_t)2 * 86400 * 1000;
		text = days ? str_sub(text, 0, 10) : str_sub(text, 11, 8);
		(void)printf("<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>"
			     "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.*s</text>\n",
			     x_of(s, ms), x_of(s, ms), TOP, bottom, x_of(s, ms), bottom + 16,
			     (int)text.n, text.p);
	}
}

static void draw_event(const struct span *s, const struct trace_event *e)
{
	double x = x_of(s, e->time_ms);
	int y = y_of(e->kind);
	if (e->kind == TRACE_ALARM)
		(void)printf("<path class=\"alarm\" d=\"M%.1f %dl8 14h-16z\">", x, y - 8);
	else
		(void)printf("<circle class=\"%s\" cx=\"%.1f\" cy=\"%d\" r=\"%d\">", class_of(e), x,
			     y, e->more > 0 ? 7 : 5);
	(void)fputs("<title>", stdout);
	put_time(e->time_ms);
	(void)putchar(' ');
	put(e->what);
	(void)puts(e->kind == TRACE_ALARM ? "</title></path>" : "</title></circle>");
}

static void draw(const struct trace *t)
{
	size_t n = past(t);
	if (n == 0)
		return;
	struct span s = span_of(t, n);
	(void)printf("<div class=\"card\"><svg viewBox=\"0 0 %d %d\" role=\"img\" "
		     "aria-label=\"Timeline; the table below says the same\">\n",
		     WIDTH, TOP + LANE * TRACE_KIND_COUNT + 24);
	draw_lanes();
	draw_ticks(&s);
	for (size_t i = 0; i < n && i < DRAWN_MAX; i++)
		draw_event(&s, &t->events[i]);
	(void)puts("</svg></div>");
}

static void cell(const char *name, str value)
{
	if (value.n == 0)
		return;
	(void)printf(" %s ", name);
	put(value);
}

static void row(const struct trace_event *e)
{
	str kind = trace_kind_name(e->kind);
	(void)fputs("<tr><td class=\"t\">", stdout);
	put_time(e->time_ms);
	(void)printf("</td><td class=\"k %s\">%.*s</td><td>", class_of(e), (int)kind.n, kind.p);
	put(e->what);
	if (e->time_ms > clock_unix_ms())
		(void)fputs(" (planned)", stdout);
	(void)fputs("</td><td class=\"d\">", stdout);
	cell("realm", e->realm);
	cell("key", e->kid);
	cell("client", e->client_id);
	cell("grant", e->grant_id);
	cell(e->kind == TRACE_ADMIN ? "by" : "gate", e->gate);
	cell("place", e->place);
	cell("from", e->address);
	cell("", e->detail);
	if (e->kind == TRACE_ISSUED)
		(void)printf(" index %" PRIu64 ", good for %" PRId64 " s", e->index,
			     e->exp - e->iat);
	if (e->more > 0)
		(void)printf(" and %" PRIu64 " times more", e->more);
	(void)puts("</td></tr>");
}

static void put_subject(const struct trace *t)
{
	char hex[2 * TRACE_ID_SIZE];
	struct wr w = wr_of(hex, sizeof(hex));
	if (t->by_id) {
		wr_hex(&w, BYTES_OF(t->id));
		(void)printf("token %.*s", (int)w.n, hex);
		return;
	}
	if (t->all) {
		(void)fputs("all that happened", stdout);
		return;
	}
	(void)fputs(t->kid.n > 0 ? "key " : t->client.n > 0 ? "client " : "person ", stdout);
	put(t->kid.n > 0 ? t->kid : t->client.n > 0 ? t->client : t->sub);
}

static void put_judgement(const struct trace *t)
{
	if (t->no_log)
		(void)puts("<p>This authority has no log: nothing says what was issued.</p>");
	else if (t->by_id && t->in_log)
		(void)puts("<p class=\"verdict\">The token is in the log: it was issued.</p>");
	else if (t->by_id)
		(void)printf("<p class=\"verdict bad\">The token is in none of the %" PRIu64
			     " entries of the log: it was not issued here.</p>\n",
			     t->log_entries);
	if (t->left_out > 0)
		(void)printf("<p>%zu more events are left out.</p>\n", t->left_out);
}

void trace_html(const struct trace *t)
{
	char room[UTC_MAX];
	str now = utc_text(clock_unix_s(), room);
	(void)puts("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		   "style-src 'unsafe-inline'\">\n"
		   "<meta name=\"viewport\" content=\"width=device-width\">\n"
		   "<title>Chancery trace</title>\n<style>" STYLE
		   "</style>\n</head>\n<body>\n<main>");
	(void)fputs("<h1>What is known of ", stdout);
	put_subject(t);
	(void)printf("</h1>\n<p>%zu events, made %.*s</p>\n", t->n, (int)now.n, now.p);
	put_judgement(t);
	draw(t);
	(void)puts("<div class=\"card\"><table><thead><tr><th>time (UTC)</th><th></th><th>what</th>"
		   "<th>details</th></tr></thead><tbody>");
	for (size_t i = 0; i < t->n; i++)
		row(&t->events[i]);
	(void)puts("</tbody></table></div>\n</main>\n</body>\n</html>");
}
