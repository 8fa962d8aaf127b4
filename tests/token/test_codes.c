/* The codes have names and sentences, and docs/VERIFY.md lists each of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/rw.h"
#include "token/codes.h"

static void every_code_has_its_text(void **state)
{
	(void)state;
	assert_int_equal(TOKEN_accepted, 0);
	assert_true(str_eq(token_code_name(TOKEN_bad_issuer), LIT("bad_issuer")));
	for (int c = 0; c < TOKEN_CODE_COUNT; c++) {
		assert_true(token_code_name((enum token_code)c).n);
		assert_true(token_code_text((enum token_code)c).n);
	}
	assert_true(str_eq(token_code_name(TOKEN_CODE_COUNT), LIT("unknown")));
}

/* A row `| `name` | text | …` for each code in order, and no row more. */
static void the_document_lists_each(void **state)
{
	(void)state;
	uint8_t *p = NULL;
	size_t n = 0, rows = 0;
	assert_false(failed(file_read_new(AT_FDCWD, VERIFY_DOC, 1 << 20, &p, &n)));
	str rest = str_of_bytes((bytes){ p, n });
	while (rest.n) {
		char want[256];
		str line = str_cut(&rest, '\n');
		struct wr w = wr_of(want, sizeof(want));
		if (!str_starts(line, LIT("| `")) || str_starts(line, LIT("| `--")))
			continue;
		enum token_code c = (enum token_code)rows++;
		wr_lit(&w, "| `");
		wr_str(&w, token_code_name(c));
		wr_lit(&w, "` | ");
		wr_str(&w, token_code_text(c));
		wr_lit(&w, " |");
		if (!str_starts(line, wr_text(&w)))
			fail_msg("docs/VERIFY.md, row %zu: it must begin with: %.*s", rows,
				 (int)w.n, want);
	}
	assert_int_equal(rows, TOKEN_CODE_COUNT);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_its_text),
		cmocka_unit_test(the_document_lists_each),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
