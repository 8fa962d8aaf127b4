/* Reads sidecars for people. What a sidecar says of a program was chosen by that program: it
 * is printed only as plain ASCII, or inside JSON. */
#include "coredump_row.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "say.h"

enum { DEPTH_MAX = 10, MEMBERS_MAX = 65 * 1024 };

static struct json_node nodes[MEMBERS_MAX + 1];
static uint8_t texts[DUMP_SIDECAR_MAX];

static int64_t number_of(const struct json_node *obj, str name)
{
	const struct json_node *m = obj ? json_member(obj, name) : NULL;
	return m && m->type == JSON_INT ? m->number : 0;
}

static str text_of(const struct json_node *obj, str name, struct arena *a)
{
	const struct json_node *m = obj ? json_member(obj, name) : NULL;
	str s = { 0 };
	return m && !failed(json_to_str(m, a, &s)) ? s : (str){ 0 };
}

ch_err row_read(const struct dump_entry *e, struct row *ret_r)
{
	const struct json_limits limits = { DEPTH_MAX, MEMBERS_MAX };
	struct arena a;
	size_t n = 0;
	arena_init(&a, texts, sizeof(texts));
	TRY(json_parse(e->sidecar, limits, nodes, COUNT_OF(nodes), &n));
	if (nodes[0].type != JSON_OBJECT)
		return ch_fail(CH_E_SYNTAX, "a sidecar is no object", 0);
	const struct json_node *report = json_member(nodes, LIT("report"));
	const struct json_node *whole = report ? json_member(report, LIT("whole")) : NULL;
	*ret_r = (struct row){
		.entry = e,
		.time_s = number_of(nodes, LIT("time")),
		.pid = number_of(nodes, LIT("pid")),
		.uid = number_of(nodes, LIT("uid")),
		.signal = number_of(nodes, LIT("signal")),
		.secrets = number_of(report, LIT("secrets")),
		.executable = text_of(nodes, LIT("executable"), &a),
		.build_id = text_of(nodes, LIT("build_id"), &a),
		.level = text_of(nodes, LIT("level"), &a),
		.why = text_of(nodes, LIT("why"), &a),
		.cgroup = text_of(nodes, LIT("cgroup"), &a),
		.whole = whole && whole->type == JSON_TRUE,
		.report = report,
	};
	return CH_DONE;
}

bool dumps_open(const char *folder_or_null, bool to_change, int *ret_dir)
{
	const char *folder = folder_or_null ? folder_or_null : DUMPS_DEFAULT;
	ch_err e = to_change ? dumpstore_open(folder, ret_dir)
			     : dumpstore_open_to_read(folder, ret_dir);
	if (failed(e))
		(void)say_trouble("coredump: cannot open", str_from_c(folder), e);
	return !failed(e);
}

int dumps_find(int dir, const char *id, struct dump_id *ret_id)
{
	ch_err e = dumpstore_find(dir, str_from_c(id), ret_id);
	if (!failed(e))
		return EXIT_YES;
	(void)say_trouble("coredump:", str_from_c(id), e);
	return ch_code_of(e) == CH_E_NOT_FOUND ? EXIT_NO : EXIT_TROUBLE;
}

str signal_text(int64_t number, char *room, size_t cap)
{
	const char *name = number > 0 && number < NSIG ? sigabbrev_np((int)number) : NULL;
	int n = name ? snprintf(room, cap, "SIG%s", name)
		     : snprintf(room, cap, "%lld", (long long)number);
	return n > 0 && (size_t)n < cap ? (str){ room, (size_t)n } : (str){ 0 };
}

str size_text(uint64_t n, char *room, size_t cap)
{
	static const char units[] = "KMGTPE";
	double v = (double)n;
	size_t unit = 0;
	for (; v >= 1024 && unit < sizeof(units) - 1; unit++)
		v /= 1024;
	int written = unit == 0 ? snprintf(room, cap, "%dB", (int)n)
				: snprintf(room, cap, "%.1f%c", v, units[unit - 1]);
	return written > 0 && (size_t)written < cap ? (str){ room, (size_t)written } : (str){ 0 };
}

str time_text(int64_t s, char *room, size_t cap)
{
	time_t t = (time_t)s;
	struct tm tm = { 0 };
	size_t n = gmtime_r(&t, &tm) ? strftime(room, cap, "%Y-%m-%d %H:%M:%S", &tm) : 0;
	return (str){ room, n };
}

void print_shown(str s)
{
	for (size_t i = 0; i < s.n; i++)
		(void)putchar(s.p[i] >= ' ' && s.p[i] <= '~' ? s.p[i] : '?');
}
