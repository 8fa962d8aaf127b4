/* Compiles the table for Vectorscan. It runs while Chancery is built, and at start only when
 * the installed library does not take what was built. */
#include "text_engine.h"

enum { ROWS_MAX = 128 };

struct patterns {
	const char *text[ROWS_MAX];
	unsigned flags[ROWS_MAX], ids[ROWS_MAX];
	unsigned n;
};

static void collect(struct patterns *p)
{
	for (size_t i = 0; i < text_rows_count() && p->n < ROWS_MAX; i++) {
		const struct text_row *row = text_row_at(i);
		if (row->flags & ROW_COUNTED)
			continue;
		p->text[p->n] = row->pattern;
		p->flags[p->n] = HS_FLAG_DOTALL | (row->flags & ROW_NOCASE ? HS_FLAG_CASELESS : 0u);
		p->ids[p->n] = (unsigned)i;
		p->n++;
	}
}

ch_err text_compile(hs_database_t **ret_db)
{
	/* for no processor in particular: little memory is seen by it, and what was built on one
	 * machine runs on all */
	struct hs_platform_info any = { 0 };
	struct patterns p = { .n = 0 };
	hs_compile_error_t *why = NULL;
	collect(&p);
	hs_error_t e =
		hs_compile_multi(p.text, p.flags, p.ids, p.n, HS_MODE_STREAM, &any, ret_db, &why);
	int at = why ? why->expression : 0;
	hs_free_compile_error(why);
	if (e == HS_COMPILER_ERROR)
		return ch_fail(CH_E_INTERNAL, "a text pattern does not compile", at);
	return e ? ch_fail(CH_E_NOMEM, "compiling text patterns", e) : CH_DONE;
}
