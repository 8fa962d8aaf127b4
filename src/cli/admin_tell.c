/* What `user` and `client` say of their work: for people a line, with --json an object, in a
 * list when there may be several. A secret is told this once, and only one made here. */
#include <stdio.h>

#include "admin.h"
#include "say.h"

enum { OBJECT_MAX = 32 * 1024 };

static const struct {
	str word; /* in JSON */
	const char *text;
} outcomes[ADMIN_OUTCOMES] = {
	[ADMIN_ADDED] = { { "added", 5 }, "added" },
	[ADMIN_SAME] = { { "same", 4 }, "is so already" },
	[ADMIN_CHANGED] = { { "changed", 7 }, "changed:" },
	[ADMIN_REMOVED] = { { "removed", 7 }, "removed" },
	[ADMIN_ABSENT] = { { "absent", 6 }, "is not there: nothing to remove" },
	[ADMIN_RESET] = { { "reset", 5 }, "reset" },
};

static void put(struct admin_call *c, str object)
{
	(void)printf("%s%.*s%s", c->in_list && c->told ? ",\n" : "", (int)object.n, object.p,
		     c->in_list ? "" : "\n");
	c->told++;
}

void admin_list_begin(struct admin_call *c)
{
	c->in_list = true;
	if (c->json)
		(void)printf("[");
}

void admin_list_end(struct admin_call *c)
{
	if (c->json)
		(void)printf("]\n");
}

ch_err admin_print_json(struct admin_call *c, const union admin_row *row)
{
	static char room[OBJECT_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	json_begin(&o, (str){ 0 }, '{');
	attrs_json(&o, &c->kind->attrs, row, c->hashes);
	json_finish(&o, '}');
	TRY(wr_done(&w));
	put(c, wr_text(&w));
	return CH_DONE;
}

static void tell_json(struct admin_call *c, const union admin_row *row, enum admin_outcome outcome,
		      uint32_t changed, str secret)
{
	SECRET_BUF(room, 4096);
	const struct attrs *r = &c->kind->attrs;
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, r->attrs[0].name, attrs_text(&r->attrs[0], row));
	json_put_str(&o, r->attrs[1].name, admin_id(c, row));
	json_put_str(&o, LIT("outcome"), outcomes[outcome].word);
	json_begin(&o, LIT("changed"), '[');
	for (size_t i = 0; i < r->n; i++)
		if (changed >> i & 1)
			json_put_str(&o, (str){ 0 }, r->attrs[i].name);
	json_finish(&o, ']');
	if (secret.n > 0)
		json_put_str(&o, str_from_c(c->kind->secret_name), secret);
	if (c->dry_run)
		json_put_bool(&o, LIT("dry_run"), true);
	json_finish(&o, '}');
	put(c, wr_text(&w));
}

static void became(struct wr *w, const struct attrs *r, enum admin_outcome outcome,
		   uint32_t changed)
{
	wr_str(w, outcomes[outcome].word);
	for (size_t i = 0; i < r->n && outcome == ADMIN_CHANGED; i++) {
		if (!(changed >> i & 1))
			continue;
		wr_char(w, ' ');
		wr_str(w, r->attrs[i].name);
	}
}

void admin_note(struct admin_call *c, enum admin_outcome outcome, uint32_t changed)
{
	c->became_w = wr_of(c->became, sizeof(c->became));
	became(&c->became_w, &c->kind->attrs, outcome, changed);
}

int admin_note_item(struct admin_call *c, const union admin_row *row, enum admin_outcome outcome,
		    uint32_t changed)
{
	char room[AUDIT_TEXT_MAX], text[sizeof(c->became)];
	struct wr object = wr_of(room, sizeof(room)), w = wr_of(text, sizeof(text));
	became(&w, &c->kind->attrs, outcome, changed);
	(void)audit_object(&object, attrs_text(&c->kind->attrs.attrs[0], row), admin_id(c, row));
	return audit_item(&c->audit, wr_text(&object), wr_text(&w));
}

int admin_begin(struct admin_call *c)
{
	char command[64], room[AUDIT_TEXT_MAX];
	struct wr w = wr_of(command, sizeof(command) - 1), object = wr_of(room, sizeof(room));
	wr_str(&w, str_from_c(c->kind->noun));
	wr_char(&w, ' ');
	wr_str(&w, str_from_c(c->verb));
	command[w.n] = 0;
	(void)audit_object(&object, str_from_c(c->realm), str_from_c(c->id));
	return audit_begin(&c->a, command, wr_text(&object), &c->audit);
}

int admin_end(struct admin_call *c, int status)
{
	return audit_end(&c->audit, status, wr_text(&c->became_w));
}

void admin_tell(struct admin_call *c, const union admin_row *row, enum admin_outcome outcome,
		uint32_t changed, str secret)
{
	const struct attrs *r = &c->kind->attrs;
	str realm = attrs_text(&r->attrs[0], row), id = admin_id(c, row);
	if (!c->in_list)
		admin_note(c, outcome, changed);
	if (c->json) {
		tell_json(c, row, outcome, changed, secret);
		return;
	}
	/* alone on standard output, what was made can go straight where it shall be */
	if (secret.n > 0) {
		(void)printf("%.*s\n", (int)secret.n, secret.p);
		return;
	}
	(void)printf("%.*s/%.*s %s%s", (int)realm.n, realm.p, (int)id.n, id.p,
		     c->dry_run ? "would be " : "", outcomes[outcome].text);
	const char *before = " ";
	for (size_t i = 0; i < r->n && outcome == ADMIN_CHANGED; i++) {
		str name = r->attrs[i].name;
		if (!(changed >> i & 1))
			continue;
		(void)printf("%s%.*s", before, (int)name.n, name.p);
		before = ", ";
	}
	(void)printf("\n");
}
