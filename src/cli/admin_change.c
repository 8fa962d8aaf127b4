/* `edit`, `disable`, `enable` and `remove`: each in one transaction, and each once is as good
 * as twice. A running authority sees what was written at its next request. */
#include "admin.h"
#include "base/cleanup.h"
#include "revoke_ask.h"
#include "say.h"

int admin_trouble(const struct admin_call *c, const char *what, ch_err e)
{
	char room[2 * STORE_NAME_MAX + 2];
	struct wr w = wr_of(room, sizeof(room));
	wr_str(&w, str_from_c(c->realm));
	wr_char(&w, '/');
	wr_str(&w, str_from_c(c->id));
	if (ch_code_of(e) == CH_E_NOT_FOUND) {
		say("there is none of that name in this realm (`list` has all)", wr_text(&w));
		return EXIT_NO;
	}
	int r = say_trouble(what, wr_text(&w), e);
	return ch_code_of(e) == CH_E_EXISTS || ch_code_of(e) == CH_E_DENIED ? EXIT_NO : r;
}

/* The old row is kept for the comparison. */
static ch_err in_transaction(struct admin_call *c, struct store *s,
			     const struct admin_change *change, union admin_row *old,
			     union admin_row *row)
{
	union admin_row known = admin_named(c);
	TRY(store_begin(s));
	ch_err e = c->kind->find(s, &known, &c->arena, old);
	*row = *old;
	if (!failed(e))
		e = change->run(c, s, row, change->ctx);
	ch_err ended = store_end(s, !failed(e));
	return failed(e) ? e : ended;
}

static int change_it(struct admin_call *c, const struct admin_change *change)
{
	AUTO(store_done) struct store *s = NULL;
	union admin_row old = { 0 }, row = { 0 };
	int r = store_of_realm(&c->a, str_from_c(c->realm), &s);
	if (r != EXIT_YES)
		return r;
	ch_err e = in_transaction(c, s, change, &old, &row);
	if (ch_code_of(e) == CH_E_NOT_FOUND && change->done == ADMIN_REMOVED) {
		old = admin_named(c);
		admin_tell(c, &old, ADMIN_ABSENT, 0, (str){ 0 });
		return EXIT_YES;
	}
	if (ch_code_of(e) == CH_E_USAGE)
		return EXIT_USAGE; /* it was said */
	if (failed(e))
		return admin_trouble(c, "cannot change", e);
	uint32_t changed = attrs_diff(&c->kind->attrs, &old, &row);
	bool same = change->done == ADMIN_CHANGED && changed == 0;
	admin_tell(c, &row, same ? ADMIN_SAME : change->done, changed, change->secret);
	return EXIT_YES;
}

int admin_change(struct admin_call *c, const struct admin_change *change)
{
	bool queued = false;
	int r = admin_begin(c);
	if (r != EXIT_YES)
		return r;
	r = change_it(c, change);
	if (r == EXIT_YES)
		r = revoke_settle(&c->a, &queued);
	return admin_end(c, r);
}

static ch_err edit(struct admin_call *c, struct store *s, union admin_row *row, void *ctx)
{
	const struct config_realm *realm = authority_realm(&c->a, str_from_c(c->realm));
	const union admin_row old = *row;
	(void)ctx;
	TRY(attrs_apply(&c->kind->attrs, c->given, &c->arena, row));
	if (c->kind->follow)
		c->kind->follow(c, &old, row);
	if (!c->kind->fits(realm, row))
		return ch_fail(CH_E_USAGE, "it does not fit the realm", 0);
	return c->kind->set(s, row);
}

int admin_edit(struct admin_call *c)
{
	bool any = false;
	for (size_t i = 0; i < c->kind->attrs.n; i++)
		any = any || c->given[i].text || c->given[i].list.n > 0;
	if (!any) {
		say("say what to change; --help lists what can be", (str){ 0 });
		return EXIT_USAGE;
	}
	return admin_change(c, &(struct admin_change){ .run = edit, .done = ADMIN_CHANGED });
}

static ch_err set_disabled(struct admin_call *c, struct store *s, union admin_row *row, void *ctx)
{
	*c->kind->disabled(row) = *(const bool *)ctx;
	TRY(c->kind->set(s, row));
	return *(const bool *)ctx ? c->kind->end(s, row) : CH_DONE;
}

int admin_disable(struct admin_call *c)
{
	bool yes = true;
	return admin_change(c, &(struct admin_change){
				       .run = set_disabled, .ctx = &yes, .done = ADMIN_CHANGED });
}

int admin_enable(struct admin_call *c)
{
	bool no = false;
	return admin_change(c, &(struct admin_change){
				       .run = set_disabled, .ctx = &no, .done = ADMIN_CHANGED });
}

static ch_err remove_it(struct admin_call *c, struct store *s, union admin_row *row, void *ctx)
{
	(void)ctx;
	return c->kind->remove(s, row);
}

int admin_remove(struct admin_call *c)
{
	return admin_change(c, &(struct admin_change){ .run = remove_it, .done = ADMIN_REMOVED });
}
