/* One word of chancery.yaml changed in place: the file is the administrator's, with comments
 * and an order of his own. A change is tried on a copy, and kept only if the copy then says
 * exactly what was said before, but for this realm's `issues`. */
#include "realm_switch.h"

#include <stdio.h>

#include "audit.h"
#include "base/file.h"
#include "codec/json.h"
#include "say.h"

struct yaml {
	uint8_t text[CONFIG_FILE_MAX];
	size_t n;
};

/* The first value of `issues:` at or behind `from`; *ret_end is where it ends. */
static bool value_find(str text, size_t from, size_t *ret_start, size_t *ret_end)
{
	const str key = LIT("issues:");
	for (size_t i = from; i + key.n < text.n; i++) {
		if (!str_eq(str_sub(text, i, key.n), key))
			continue;
		size_t start = i + key.n;
		while (start < text.n && text.p[start] == ' ')
			start++;
		size_t end = start;
		while (end < text.n && text.p[end] >= 'a' && text.p[end] <= 'z')
			end++;
		*ret_start = start;
		*ret_end = end;
		return end > start;
	}
	return false;
}

static ch_err written(const struct config *c, struct wr *w)
{
	config_write(w, c);
	return wr_done(w);
}

/* Is this text what is wanted, all of it? */
static bool says(const struct yaml *y, const struct config *wanted)
{
	static uint8_t rooms[2][CONFIG_WRITE_MAX];
	static struct config c;
	char complaint[CONFIG_WHY_MAX];
	struct wr why = wr_of(complaint, sizeof(complaint));
	struct wr a = wr_of(rooms[0], CONFIG_WRITE_MAX), b = wr_of(rooms[1], CONFIG_WRITE_MAX);
	AUTO(config_text_done) struct config_text *text = NULL;
	if (failed(config_parse(LIT("chancery.yaml"), (bytes){ y->text, y->n }, &why, &c, &text)))
		return false;
	return !failed(written(&c, &a)) && !failed(written(wanted, &b)) &&
	       bytes_eq(wr_bytes(&a), wr_bytes(&b));
}

static ch_err changed(const struct yaml *old, const struct config *wanted, bool issues,
		      struct yaml *new)
{
	str text = str_of_bytes((bytes){ old->text, old->n });
	str value = issues ? LIT("true") : LIT("false");
	size_t start = 0, end = 0;
	for (size_t from = 0; value_find(text, from, &start, &end); from = end) {
		struct wr w = wr_of(new->text, sizeof(new->text));
		wr_str(&w, str_sub(text, 0, start));
		wr_str(&w, value);
		wr_str(&w, str_sub(text, end, text.n));
		TRY(wr_done(&w));
		new->n = w.n;
		if (says(new, wanted))
			return CH_DONE;
	}
	return ch_fail(CH_E_NOT_FOUND, "its `issues` is not where it could be changed: edit it", 0);
}

static void tell(str name, str outcome, bool json)
{
	char room[256];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	bool same = str_eq(outcome, LIT("same"));
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("realm"), name);
	json_put_str(&o, LIT("outcome"), outcome);
	json_begin(&o, LIT("changed"), '[');
	if (!same)
		json_put_str(&o, (str){ 0 }, LIT("issues"));
	json_finish(&o, ']');
	json_finish(&o, '}');
	if (json)
		(void)printf("%.*s\n", (int)w.n, room);
	else
		(void)printf("%.*s %s\n", (int)name.n, name.p,
			     same ? "is so already" : "changed: issues");
	if (!same)
		say("a running authority does so once it has read chancery.yaml again (SIGHUP,"
		    " `systemctl reload chancery`)",
		    (str){ 0 });
}

static int switch_it(const struct authority *a, str name, bool issues, const struct config *wanted)
{
	static struct yaml old, new;
	ch_err e = file_read(a->fd, "chancery.yaml", old.text, sizeof(old.text), &old.n);
	if (!failed(e))
		e = changed(&old, wanted, issues, &new);
	if (!failed(e))
		e = file_replace(a->fd, "chancery.yaml", (bytes){ new.text, new.n }, 0644);
	return failed(e) ? say_trouble("chancery.yaml was not changed for", name, e) : EXIT_YES;
}

int realm_switch(const struct authority *a, str name, bool issues, bool json)
{
	static struct config wanted;
	struct audit t = { 0 };
	bool same = true;
	wanted = a->config;
	for (size_t i = 0; i < wanted.n_realms; i++) {
		if (!str_eq(wanted.realms[i].name, name))
			continue;
		same = wanted.realms[i].issues == issues;
		wanted.realms[i].issues = issues;
	}
	int r = audit_begin(a, issues ? "realm enable" : "realm disable", name, &t);
	if (r != EXIT_YES)
		return r;
	r = same ? EXIT_YES : switch_it(a, name, issues, &wanted);
	if (r == EXIT_YES)
		tell(name, same ? LIT("same") : LIT("changed"), json);
	return audit_end(&t, r, same ? LIT("same") : LIT("changed issues"));
}
