/* `import`: a list of entries as `export` and `list --json` write them, merged into what is
 * there. All is tried in transactions that are given up before anything is kept: a list with
 * one bad entry changes nothing. The list is trusted in nothing; each entry is parsed strictly
 * and is held against its realm as one of `add` would be. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin.h"
#include "base/file.h"
#include "revoke_ask.h"
#include "say.h"

enum { IMPORT_MAX = 64 * 1024 * 1024, NODES = 512 };

static const str blanks = { " \t\r\n", 4 };

struct import {
	struct admin_call *c;
	str text;
	bool keep; /* the last pass: it is kept, or it is a dry run */
	struct store *store;
	str group;
	size_t number;
	size_t count[ADMIN_OUTCOMES];
};

static void text_free(uint8_t **p)
{
	free(*p);
	*p = NULL;
}

/* What is wrong with the entry at hand; EXIT_NO. */
static int bad_entry(const struct import *im, const union admin_row *row_or_null, const char *what,
		     str subject)
{
	char room[512];
	struct wr w = wr_of(room, sizeof(room));
	wr_lit(&w, "nothing was imported: entry ");
	wr_dec(&w, im->number);
	if (row_or_null) {
		wr_lit(&w, " (");
		wr_str(&w, admin_id(im->c, row_or_null));
		wr_char(&w, ')');
	}
	wr_lit(&w, ": ");
	wr_str(&w, str_from_c(what));
	if (!w.full && w.n < sizeof(room)) {
		room[w.n] = 0;
		say(room, subject);
	} else {
		say("nothing was imported: an entry is bad", subject);
	}
	return EXIT_NO;
}

/* A password of before, or a person who is shut out: what was begun then is over. */
static bool ends(const struct admin_kind *kind, union admin_row *row, uint32_t changed)
{
	for (size_t i = 0; i < kind->attrs.n; i++)
		if ((changed >> i & 1) && kind->attrs.attrs[i].told_as.n > 0)
			return true;
	return *kind->disabled(row);
}

static ch_err keep_entry(const struct import *im, union admin_row *row, enum admin_outcome outcome,
			 uint32_t changed)
{
	const struct admin_kind *kind = im->c->kind;
	if (outcome == ADMIN_ADDED)
		return kind->insert(im->store, row, &im->c->arena);
	if (outcome == ADMIN_SAME)
		return CH_DONE;
	TRY(kind->set(im->store, row));
	return ends(kind, row, changed) ? kind->end(im->store, row) : CH_DONE;
}

/* Is there anything in it that an administrator may set, and a file may not bring? */
static ch_err brought(const struct import *im, const union admin_row *old_or_null,
		      const union admin_row *row)
{
	const struct admin_kind *kind = im->c->kind;
	return kind->brought ? kind->brought(old_or_null, row) : CH_DONE;
}

static int merge(struct import *im, const struct json_node *object,
		 const struct config_realm *realm, union admin_row *entry)
{
	const struct admin_kind *kind = im->c->kind;
	union admin_row old = { 0 }, row = *entry;
	str bad = { 0 };
	ch_err e = kind->find(im->store, entry, &im->c->arena, &old);
	bool fresh = ch_code_of(e) == CH_E_NOT_FOUND;
	if (failed(e) && !fresh)
		return bad_entry(im, entry, e.site->what, (str){ 0 });
	if (!fresh)
		row = old;
	if (!fresh && !attrs_read(&kind->attrs, object, &im->c->arena, &row, &bad))
		return bad_entry(im, entry, "a member is wrong", bad);
	if (fresh)
		kind->complete(realm, &row);
	uint32_t changed = fresh ? 0 : attrs_diff(&kind->attrs, &old, &row);
	enum admin_outcome outcome = fresh ? ADMIN_ADDED : changed ? ADMIN_CHANGED : ADMIN_SAME;
	if (!kind->fits(realm, &row))
		return bad_entry(im, entry, "it does not fit its realm", realm->name);
	e = brought(im, fresh ? NULL : &old, &row);
	if (!failed(e))
		e = keep_entry(im, &row, outcome, changed);
	if (failed(e))
		return bad_entry(im, entry, e.site->what, (str){ 0 });
	im->count[outcome]++;
	bool noted = im->keep && !im->c->dry_run && outcome != ADMIN_SAME;
	if (noted && admin_note_item(im->c, &row, outcome, changed) != EXIT_YES)
		return EXIT_TROUBLE;
	if (im->keep)
		admin_tell(im->c, &row, outcome, changed, (str){ 0 });
	return EXIT_YES;
}

static int one_entry(struct import *im, str text)
{
	static struct json_node nodes[NODES];
	const struct json_limits limits = { .depth = 6, .members = NODES - 1 };
	union admin_row row = { 0 };
	str bad = { 0 };
	size_t n = 0;
	arena_reset(&im->c->arena);
	ch_err e = json_parse(bytes_of_str(text), limits, nodes, COUNT_OF(nodes), &n);
	if (failed(e))
		return bad_entry(im, NULL, "this is no JSON", str_from_c(e.site->what));
	if (nodes[0].type != JSON_OBJECT)
		return bad_entry(im, NULL, "this is no object", (str){ 0 });
	if (!attrs_read(&im->c->kind->attrs, nodes, &im->c->arena, &row, &bad))
		return bad_entry(im, NULL, "a member is unknown, or of another type than here",
				 bad);
	str name = attrs_text(&im->c->kind->attrs.attrs[0], &row);
	const struct config_realm *realm = authority_realm(&im->c->a, name);
	if (!realm)
		return bad_entry(im, &row, "chancery.yaml has no such realm", name);
	if (admin_id(im->c, &row).n == 0)
		return bad_entry(im, NULL, "it has no", im->c->kind->attrs.attrs[1].name);
	if (!str_eq(authority_group_of(&im->c->a, name)->name, im->group))
		return EXIT_YES; /* it is another store's */
	return merge(im, nodes, realm, &row);
}

/* Where the first value of a list ends, by brackets and quotes; what is in between is parsed
 * by itself. */
static size_t value_end(str s)
{
	size_t depth = 0;
	bool quoted = false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (quoted) {
			i += c == '\\';
			quoted = c != '"';
		} else if (c == '"') {
			quoted = true;
		} else if (c == '[' || c == '{') {
			depth++;
		} else if (depth == 0 && (c == ',' || c == ']' || c == '}')) {
			return i;
		} else if (c == ']' || c == '}') {
			depth--;
		}
	}
	return s.n;
}

static int all_entries(struct import *im)
{
	str left = str_trim(im->text, blanks);
	if (!str_starts(left, LIT("[")) || !str_ends(left, LIT("]"))) {
		say("nothing was imported: this is no list such as `export` writes", (str){ 0 });
		return EXIT_NO;
	}
	left = str_trim(str_sub(left, 1, left.n - 2), blanks);
	im->number = 0;
	for (bool more = left.n > 0; more;) {
		size_t end = value_end(left);
		im->number++;
		more = end < left.n && left.p[end] == ',';
		if (end < left.n && !more)
			return bad_entry(im, NULL, "a bracket too many", (str){ 0 });
		int r = one_entry(im, str_trim(str_sub(left, 0, end), blanks));
		if (r != EXIT_YES)
			return r;
		left = str_sub(left, end + more, left.n);
	}
	return EXIT_YES;
}

static int import_store(struct store *s, str group, void *ctx)
{
	struct import *im = ctx;
	im->store = s;
	im->group = group;
	ch_err e = store_begin(s);
	if (failed(e))
		return say_trouble("cannot import into the store of group", group, e);
	int r = all_entries(im);
	if (r == EXIT_YES)
		r = audit_keep_items(&im->c->audit);
	e = store_end(s, r == EXIT_YES && im->keep && !im->c->dry_run);
	return failed(e) ? say_trouble("cannot import into the store of group", group, e) : r;
}

static void note_counts(struct admin_call *c, const size_t count[static ADMIN_OUTCOMES])
{
	static const struct {
		enum admin_outcome outcome;
		str word;
	} told[] = { { ADMIN_ADDED, { " added ", 7 } },
		     { ADMIN_CHANGED, { " changed ", 9 } },
		     { ADMIN_SAME, { " same", 5 } } };
	c->became_w = wr_of(c->became, sizeof(c->became));
	for (size_t i = 0; i < COUNT_OF(told); i++) {
		wr_dec(&c->became_w, count[told[i].outcome]);
		wr_str(&c->became_w, told[i].word);
	}
}

static int import_text(struct admin_call *c, str text)
{
	struct import im = { .c = c, .text = text };
	int r = stores_each(&c->a, import_store, &im);
	if (r != EXIT_YES)
		return r;
	im = (struct import){ .c = c, .text = text, .keep = true };
	admin_list_begin(c);
	r = stores_each(&c->a, import_store, &im);
	admin_list_end(c);
	note_counts(c, im.count);
	if (r == EXIT_YES && !c->json)
		(void)printf("%s%zu added, %zu changed, %zu so already\n",
			     c->dry_run ? "dry run: " : "", im.count[ADMIN_ADDED],
			     im.count[ADMIN_CHANGED], im.count[ADMIN_SAME]);
	return r;
}

static int import_recorded(struct admin_call *c, str text)
{
	bool queued = false;
	int r = c->dry_run ? EXIT_YES : admin_begin(c);
	if (r != EXIT_YES)
		return r;
	r = import_text(c, text);
	if (r == EXIT_YES && !c->dry_run)
		r = revoke_settle(&c->a, &queued);
	return admin_end(c, r);
}

int admin_import(struct admin_call *c)
{
	AUTO(text_free) uint8_t *text = NULL;
	size_t n = 0;
	bool standard = str_eq(str_from_c(c->file), LIT("-"));
	ch_err e =
		file_read_new(AT_FDCWD, standard ? "/dev/stdin" : c->file, IMPORT_MAX, &text, &n);
	if (failed(e))
		return say_trouble("cannot read", str_from_c(c->file), e);
	return import_recorded(c, (str){ (const char *)text, n });
}
