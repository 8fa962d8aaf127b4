/* `show`, `list` and `export`. Hashes are shown to export alone, and when asked for: who has
 * them can try passwords against them, as often as he likes. */
#include <stdio.h>

#include "admin.h"
#include "base/cleanup.h"
#include "say.h"

int admin_show(struct admin_call *c)
{
	AUTO(store_done) struct store *s = NULL;
	union admin_row known = admin_named(c), row = { 0 };
	int r = store_of_realm(&c->a, str_from_c(c->realm), &s);
	if (r != EXIT_YES)
		return r;
	ch_err e = c->kind->find(s, &known, &c->arena, &row);
	if (failed(e))
		return admin_trouble(c, "cannot show", e);
	if (!c->json)
		attrs_print(&c->kind->attrs, &row);
	else
		e = admin_print_json(c, &row);
	return failed(e) ? admin_trouble(c, "cannot show", e) : EXIT_YES;
}

static void print_line(const struct attrs *r, const union admin_row *row)
{
	static const int widths[] = { 10, 32 };
	bool first = true;
	for (size_t i = 0; i < r->n; i++) {
		const struct attr *at = &r->attrs[i];
		bool text = at->kind == ATTR_TEXT || at->kind == ATTR_LOWER ||
			    at->kind == ATTR_WORDS;
		str value = text ? attrs_text(at, row) : (str){ 0 };
		if (!text || at->told_as.n > 0)
			continue;
		(void)printf("%s%-*.*s", first ? "" : " ", i < 2 ? widths[i] : 0, (int)value.n,
			     value.n ? value.p : "");
		first = false;
	}
}

static ch_err print_one(void *ctx, const union admin_row *row)
{
	struct admin_call *c = ctx;
	union admin_row copy = *row;
	if (c->json)
		return admin_print_json(c, row);
	print_line(&c->kind->attrs, row);
	(void)printf("%s\n", *c->kind->disabled(&copy) ? " disabled" : "");
	return CH_DONE;
}

static int list_store(struct store *s, str group, void *ctx)
{
	struct admin_call *c = ctx;
	const struct admin_each each = { print_one, c };
	ch_err e = c->kind->list(s, str_from_c(c->realm), &each);
	return failed(e) ? say_trouble("cannot list the store of group", group, e) : EXIT_YES;
}

int admin_list(struct admin_call *c)
{
	admin_list_begin(c);
	int r = stores_each(&c->a, list_store, c);
	admin_list_end(c);
	return r;
}

int admin_export(struct admin_call *c)
{
	c->json = true;
	if (c->hashes)
		say("this holds hashes: keep it as you keep the store itself", (str){ 0 });
	return admin_list(c);
}
