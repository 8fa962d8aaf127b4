/* `chancery coredump show`: one crash, from its sidecar. That is not sealed: who may write
 * into the folder could have changed it; `open --report` prints the one that is. */
#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"
#include "commands.h"
#include "coredump.h"
#include "coredump_row.h"
#include "options.h"
#include "say.h"

static const char usage[] =
	"usage: chancery coredump show ID [--json] [--store DIR]\n"
	"\n"
	"What is known of one crash, and what was masked in its dump. ID: as `list`\n"
	"prints it, or the beginning of it.\n"
	"\n"
	"  --json       all of it, as it was recorded\n"
	"  --store DIR  the folder of dumps (" DUMPS_DEFAULT ")\n";

enum { PLACES_SHOWN = 20 };

struct showing {
	struct entry_taker t;
	bool json;
};

static void line(const char *name, str value)
{
	if (value.n == 0)
		return;
	(void)printf("%-14s", name);
	print_shown(value);
	(void)putchar('\n');
}

static void line_number(const char *name, int64_t v)
{
	(void)printf("%-14s%" PRId64 "\n", name, v);
}

static void print_facts(const struct row *r)
{
	char when[32], sig[16], size[16];
	line("id:", str_from_c(r->entry->id.p));
	line("time:", time_text(r->time_s, when, sizeof(when)));
	line("executable:", r->executable);
	line("build id:", r->build_id);
	line("signal:", signal_text(r->signal, sig, sizeof(sig)));
	line_number("pid:", r->pid);
	line_number("uid:", r->uid);
	line("cgroup:", r->cgroup);
	line("level:", r->level);
	if (r->entry->has_dump)
		line("stored:", size_text(r->entry->stored_bytes, size, sizeof(size)));
	else
		line("not kept:", r->why.n > 0 ? r->why : LIT("its dump is gone"));
}

static int64_t number_in(const struct json_node *obj, str name)
{
	const struct json_node *m = json_member(obj, name);
	return m && m->type == JSON_INT ? m->number : 0;
}

/* As it stands in the JSON: only what has no escapes is shown whole. */
static str text_in(const struct json_node *obj, str name)
{
	const struct json_node *m = json_member(obj, name);
	return m && m->type == JSON_STRING ? m->text : (str){ 0 };
}

static void print_numbers(const struct json_node *report)
{
	static const struct {
		const char *shown;
		str name;
	} numbers[] = { { "threads:", { "threads", 7 } },
			{ "core bytes:", { "size_bytes", 10 } },
			{ "kept bytes:", { "kept_bytes", 10 } },
			{ "masked bytes:", { "masked_bytes", 12 } },
			{ "secrets:", { "secrets", 7 } } };
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		if (json_member(report, numbers[i].name))
			line_number(numbers[i].shown, number_in(report, numbers[i].name));
}

static const struct json_node *array_in(const struct json_node *obj, str name)
{
	const struct json_node *m = json_member(obj, name);
	return m && m->type == JSON_ARRAY ? m : NULL;
}

static void print_flaws(const struct json_node *report)
{
	const struct json_node *a = array_in(report, LIT("flaws"));
	const struct json_node *m = a ? json_first(a) : NULL;
	for (; m; m = json_next(a, m))
		line("flaw:", text_in(m, LIT("text")));
}

static void print_places(const struct json_node *report)
{
	const struct json_node *a = array_in(report, LIT("masked"));
	const struct json_node *m = a ? json_first(a) : NULL;
	uint64_t left = (uint64_t)number_in(report, LIT("places_left_out"));
	static const str texts[] = { { "kind", 4 }, { "finder", 6 },  { "form", 4 },
				     { "addr", 4 }, { "mapping", 7 }, { "symbol", 6 } };
	for (size_t i = 0; m; m = json_next(a, m), i++) {
		if (i >= PLACES_SHOWN) {
			left++;
			continue;
		}
		(void)printf("%-14s", "masked:");
		for (size_t k = 0; k < COUNT_OF(texts); k++) {
			str s = text_in(m, texts[k]);
			print_shown(s);
			(void)fputs(s.n > 0 ? " " : "", stdout);
		}
		(void)printf("(%" PRId64 " bytes)\n", number_in(m, LIT("bytes")));
	}
	if (left > 0)
		(void)printf("%-14s%" PRIu64 " more places; --json has those that were recorded\n",
			     "", left);
}

static ch_err take(struct entry_taker *t, const struct dump_entry *e)
{
	struct showing *s = (struct showing *)t;
	struct row r;
	TRY(row_read(e, &r));
	if (s->json) {
		(void)fwrite(e->sidecar.p, 1, e->sidecar.n, stdout);
		return CH_DONE;
	}
	print_facts(&r);
	if (!r.report)
		return CH_DONE;
	print_numbers(r.report);
	print_flaws(r.report);
	print_places(r.report);
	return CH_DONE;
}

int coredump_show(int argc, char **argv)
{
	struct showing s = { .t = { take } };
	const char *id_text = NULL, *store = NULL;
	struct dump_id id;
	AUTO(fd_close) int dir = -1;
	const struct option_spec options[] = {
		{ .name = NULL, .value = &id_text },
		{ .name = "--store", .value = &store },
		{ .name = "--json", .flag = &s.json },
	};
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_read(argc, argv, 1, options, COUNT_OF(options)))
		return command_usage(usage, false);
	if (!id_text)
		return command_wrong(usage, "coredump show: which one?");
	if (!dumps_open(store, false, &dir))
		return EXIT_TROUBLE;
	int status = dumps_find(dir, id_text, &id);
	if (status != EXIT_YES)
		return status;
	ch_err e = dumpstore_show(dir, &id, &s.t);
	return failed(e) ? say_trouble("coredump show: cannot read the sidecar of",
				       str_from_c(id.p), e)
			 : EXIT_YES;
}
