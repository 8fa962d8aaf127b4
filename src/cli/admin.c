/* `chancery user` and `chancery client`: which verbs there are, and which options each takes. */
#include "admin.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "commands.h"
#include "say.h"

static int run_add(struct admin_call *c)
{
	return c->kind->add(c);
}

static int run_reset(struct admin_call *c)
{
	return c->kind->reset(c);
}

static const struct verb {
	str name;
	unsigned bit;
	int (*run)(struct admin_call *c);
} verbs[] = {
	{ { "add", 3 }, V_ADD, run_add },
	{ { "show", 4 }, V_SHOW, admin_show },
	{ { "edit", 4 }, V_EDIT, admin_edit },
	{ { "disable", 7 }, V_DISABLE, admin_disable },
	{ { "enable", 6 }, V_ENABLE, admin_enable },
	{ { "remove", 6 }, V_REMOVE, admin_remove },
	{ { "reset", 5 }, V_RESET, run_reset },
	{ { "list", 4 }, V_LIST, admin_list },
	{ { "export", 6 }, V_EXPORT, admin_export },
	{ { "import", 6 }, V_IMPORT, admin_import },
};

static const struct verb *verb_of(str name)
{
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (str_eq(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static size_t specs_make(struct admin_call *c, unsigned verb, struct option_spec *specs, size_t max)
{
	const struct {
		struct option_spec spec;
		unsigned verbs;
	} all[] = {
		{ { .name = "-C", .value = &c->dir }, V_ALL },
		{ { .name = "--json", .flag = &c->json }, V_ALL },
		{ { .name = "--realm", .value = &c->realm }, V_ONE | V_LIST | V_EXPORT },
		{ { .name = c->kind->id_option, .value = &c->id }, V_ONE },
		{ { .name = c->kind->secret_option, .value = &c->secret_file }, V_ADD | V_RESET },
		{ { .name = c->kind->own_flag, .flag = &c->own_flag }, c->kind->own_flag_verbs },
		{ { .name = "--with-hashes", .flag = &c->hashes }, V_EXPORT },
		{ { .name = "--dry-run", .flag = &c->dry_run }, V_IMPORT },
		{ { .name = NULL, .value = &c->file }, V_IMPORT },
	};
	size_t n = 0;
	for (size_t i = 0; i < COUNT_OF(all) && n < max; i++)
		if (all[i].verbs & verb)
			specs[n++] = all[i].spec;
	for (size_t i = 0; i < c->kind->attrs.n && n < max; i++) {
		const struct attr *at = &c->kind->attrs.attrs[i];
		bool list = at->kind == ATTR_LIST || at->kind == ATTR_WORDS;
		/* the id's own option names it anew, which only what is there can be */
		if (!at->option || !(verb & (i == 1 ? V_EDIT : V_ADD | V_EDIT)))
			continue;
		c->given[i].list = wr_of(c->given[i].room, sizeof(c->given[i].room));
		specs[n++] = (struct option_spec){ .name = at->option,
						   .value = list ? NULL : &c->given[i].text,
						   .list = list ? &c->given[i].list : NULL };
	}
	return n;
}

static int wrong(const struct admin_call *c, const char *why, str what)
{
	say(why, what);
	return command_usage(c->kind->usage, false);
}

/* The option of a flag that is told something else. */
static const char *flag_wrong(const struct admin_call *c)
{
	for (size_t i = 0; i < c->kind->attrs.n; i++) {
		const struct attr *at = &c->kind->attrs.attrs[i];
		str text = str_from_c(c->given[i].text);
		if (at->kind == ATTR_FLAG && text.p && !str_eq(text, LIT("yes")) &&
		    !str_eq(text, LIT("no")))
			return at->option;
	}
	return NULL;
}

static int run(struct admin_call *c, const struct verb *v, int argc, char **argv)
{
	struct option_spec specs[ATTRS_MAX + 16];
	size_t n = specs_make(c, v->bit, specs, COUNT_OF(specs));
	if (!options_read(argc, argv, 2, specs, n))
		return command_usage(c->kind->usage, false);
	if ((v->bit & V_ONE) && (!c->realm || !c->id))
		return wrong(c, "name the realm (--realm) and which one in it",
			     str_from_c(c->kind->id_option));
	if (v->bit == V_IMPORT && !c->file)
		return wrong(c, "import needs the file of an export; - is standard input",
			     (str){ 0 });
	if (c->own_flag && c->secret_file)
		return wrong(c, "does not go together with the file of a secret",
			     str_from_c(c->kind->own_flag));
	if (flag_wrong(c))
		return wrong(c, "takes yes or no", str_from_c(flag_wrong(c)));
	int r = authority_open(c->dir, &c->a);
	if (r == EXIT_YES)
		r = authority_check_realm(&c->a, str_from_c(c->realm));
	if (r == EXIT_YES && c->kind->prepare)
		r = c->kind->prepare(c);
	c->verb = v->name.p;
	return r == EXIT_YES ? v->run(c) : r;
}

int admin_main(const struct admin_kind *kind, int argc, char **argv)
{
	static uint8_t memory[128 * 1024];
	static struct admin_call c;
	const struct verb *v = argc > 1 ? verb_of(str_from_c(argv[1])) : NULL;
	if (options_help(argc, argv))
		return command_usage(kind->usage, true);
	c.kind = kind;
	c.a.fd = -1;
	arena_init(&c.arena, memory, sizeof(memory));
	if (!v)
		return wrong(&c, "say what to do", (str){ 0 });
	int r = run(&c, v, argc, argv);
	authority_done(&c.a);
	return r;
}

union admin_row admin_named(const struct admin_call *c)
{
	union admin_row row = { 0 };
	const struct attr *attrs = c->kind->attrs.attrs;
	*(str *)(void *)((uint8_t *)&row + attrs[0].at) = str_from_c(c->realm);
	*(str *)(void *)((uint8_t *)&row + attrs[1].at) = str_from_c(c->id);
	return row;
}

str admin_id(const struct admin_call *c, const union admin_row *row)
{
	return attrs_text(&c->kind->attrs.attrs[1], row);
}
