/* Every row of the table of patterns finds what is planted for it, all of it, and leaves what
 * only looks like it; and the documentation says what the table does. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/rw.h"
#include "text_kit.h"

static bool has_case(str row)
{
	for (size_t i = 0; i < text_finds_count(); i++)
		if (str_eq(text_finds[i].row, row))
			return true;
	return false;
}

static bool has_decoy(str row)
{
	for (size_t i = 0; i < text_decoys_count(); i++)
		if (str_eq(text_decoys[i].row, row))
			return true;
	return false;
}

static void every_row_has_both(void **state)
{
	(void)state;
	for (size_t i = 0; i < text_rows_count(); i++) {
		const struct text_row *row = text_row_at(i);
		if (row->flags & ROW_PUBLIC)
			continue;
		if (!has_case(row->name) || !has_decoy(row->name))
			fail_msg("%.*s has no case or no decoy", (int)row->name.n, row->name.p);
	}
}

static void every_case_is_found(void **state)
{
	(void)state;
	static struct planted p;
	int bad = 0;
	for (size_t i = 0; i < text_finds_count(); i++) {
		const struct text_case *c = &text_finds[i];
		plant(c, 600, &p);
		struct said *s = said_new(0x7f0000001000, p.n);
		said_feed(s, (bytes){ p.p, p.n }, 0, 0);
		if (s->unordered || s->outside || !said_all(s, p.from, p.to) ||
		    !said_by(s, c->row) || !said_none(s, 0, 600) || !said_none(s, p.n - 600, p.n)) {
			print_error("case %zu of %.*s: %d %d %d %d\n", i, (int)c->row.n, c->row.p,
				    s->unordered, s->outside, said_all(s, p.from, p.to),
				    said_by(s, c->row));
			bad++;
		}
		said_free(s);
	}
	assert_int_equal(bad, 0);
}

static void every_decoy_is_left(void **state)
{
	(void)state;
	static struct planted p;
	int bad = 0;
	for (size_t i = 0; i < text_decoys_count(); i++) {
		const struct text_decoy *d = &text_decoys[i];
		struct text_case c = { LIT("decoy"), LIT(" "), d->text, LIT("\n") };
		plant(&c, 600, &p);
		struct said *s = said_new(0x7f0000001000, p.n);
		said_feed(s, (bytes){ p.p, p.n }, 0, 0);
		if (s->spans || values_count(s->values)) {
			print_error("decoy %zu of %.*s fires %.*s\n", i, (int)d->row.n, d->row.p,
				    s->spans ? (int)s->list[0].finder.n : 0,
				    s->spans ? s->list[0].finder.p : "");
			bad++;
		}
		said_free(s);
	}
	assert_int_equal(bad, 0);
}

/* docs/COREDUMP-PATTERNS.md has a line for each row, just as the table says. */
static void documentation_is_the_table(void **state)
{
	(void)state;
	uint8_t *p = NULL;
	size_t n = 0, at = 0, lines = 0;
	assert_false(
		failed(file_read_new(AT_FDCWD, DOCS "/COREDUMP-PATTERNS.md", 1 << 20, &p, &n)));
	bytes doc = { p, n };
	for (size_t i = 0; i < text_rows_count(); i++) {
		char storage[1024];
		const struct text_row *row = text_row_at(i);
		struct wr w = wr_of(storage, sizeof(storage));
		wr_lit(&w, "\n| `");
		wr_str(&w, row->name);
		wr_lit(&w, "` | ");
		wr_str(&w, row->flags & ROW_PUBLIC ? LIT("public") : value_kind_name(row->kind));
		wr_lit(&w, " | ");
		wr_str(&w, row->what);
		wr_lit(&w, " |\n");
		if (!bytes_find(doc, wr_text(&w), &at))
			fail_msg("COREDUMP-PATTERNS.md lacks: %.*s", (int)w.n, storage);
	}
	for (size_t i = 0; i + 4 <= n; i++)
		lines += mem_eq(p + i, "\n| `", 4);
	assert_int_equal(lines, text_rows_count());
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_has_both),
		cmocka_unit_test(every_case_is_found),
		cmocka_unit_test(every_decoy_is_left),
		cmocka_unit_test(documentation_is_the_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
