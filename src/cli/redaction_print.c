/* A redactor's report for people. Its texts come from a core: control characters become
 * question marks. */
#include <stdio.h>

#include "codec/json.h"
#include "redaction.h"
#include "say.h"

enum { NODES = 64 * 1024, DEPTH = 6, ARENA = 256 * 1024 };

static void print_text(const struct json_node *n)
{
	static uint8_t room[4096];
	struct arena a;
	str s = { 0 };
	arena_init(&a, room, sizeof(room));
	if (!n || failed(json_to_str(n, &a, &s)))
		return;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		(void)putchar(c < 0x20 || c == 0x7f ? '?' : c);
	}
}

static int64_t number(const struct json_node *o, str name)
{
	const struct json_node *n = json_member(o, name);
	int64_t v = 0;
	if (n)
		(void)json_to_int(n, &v);
	return v;
}

static void print_facts(const struct json_node *o)
{
	const struct json_node *exe = json_member(o, LIT("executable"));
	const struct json_node *id = json_member(o, LIT("build_id"));
	if (exe && exe->text.n) {
		(void)printf("  program   ");
		print_text(exe);
		(void)printf("\n");
	}
	if (id && id->text.n) {
		(void)printf("  build id  ");
		print_text(id);
		(void)printf("\n");
	}
	(void)printf("  signal    %lld\n  threads   %lld\n", (long long)number(o, LIT("signal")),
		     (long long)number(o, LIT("threads")));
}

static void print_kinds(const struct json_node *o)
{
	const struct json_node *kinds = json_member(o, LIT("kinds"));
	const struct json_node *k = kinds ? json_first(kinds) : NULL;
	for (; k; k = json_next(kinds, k)) {
		(void)printf("  masked    ");
		print_text(json_member(k, LIT("kind")));
		long long places = (long long)number(k, LIT("places"));
		(void)printf(": %lld place%s, %lld bytes\n", places, places == 1 ? "" : "s",
			     (long long)number(k, LIT("bytes")));
	}
}

static void print_flaws(const struct json_node *o)
{
	const struct json_node *flaws = json_member(o, LIT("flaws"));
	const struct json_node *f = flaws ? json_first(flaws) : NULL;
	for (; f; f = json_next(flaws, f)) {
		(void)printf("  flaw      ");
		print_text(json_member(f, LIT("text")));
		(void)printf(" (%lld)\n", (long long)number(f, LIT("n")));
	}
}

static void print_places(const struct json_node *o)
{
	static const str members[] = {
		{ "kind", 4 }, { "form", 4 }, { "finder", 6 }, { "mapping", 7 }
	};
	const struct json_node *all = json_member(o, LIT("masked"));
	const struct json_node *p = all ? json_first(all) : NULL;
	for (; p; p = json_next(all, p)) {
		(void)printf("  ");
		print_text(json_member(p, LIT("addr")));
		(void)printf(" %6lld bytes", (long long)number(p, LIT("bytes")));
		for (size_t i = 0; i < COUNT_OF(members); i++) {
			(void)printf(" ");
			print_text(json_member(p, members[i]));
		}
		(void)printf("\n");
	}
}

int redaction_print(const char *file, const struct redaction_result *r, bool places)
{
	static struct json_node nodes[NODES + 1];
	size_t n = 0;
	ch_err e = json_parse(r->report, (struct json_limits){ DEPTH, NODES }, nodes,
			      COUNT_OF(nodes), &n);
	if (failed(e))
		return say_trouble("coredump: a report is not well formed", str_from_c(file), e);
	(void)printf("%s: %llu secret%s%s\n", file, (unsigned long long)r->secrets,
		     r->secrets == 1 ? "" : "s", r->whole ? "" : ", not whole");
	if (json_member(nodes, LIT("threads")))
		print_facts(nodes);
	print_kinds(nodes);
	print_flaws(nodes);
	if (places)
		print_places(nodes);
	return EXIT_YES;
}
