/* See the header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "there_and_back.h"

static void flips(reader redo, struct wr *w, uint8_t *again)
{
	bytes b = wr_bytes(w);
	for (size_t i = 0; i < 8 * b.n; i++) {
		w->p[i / 8] ^= (uint8_t)(1 << i % 8);
		struct wr out = wr_of(again, w->cap);
		if (!failed(redo(b, &out)))
			assert_true(bytes_eq(b, wr_bytes(&out)));
		w->p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

void there_and_back(reader redo, struct wr *w)
{
	uint8_t *again = malloc(w->cap);
	struct wr out = wr_of(again, w->cap);
	bytes b = wr_bytes(w);
	assert_non_null(again);
	assert_false(w->full);
	assert_false(failed(redo(b, &out)));
	assert_true(bytes_eq(b, wr_bytes(&out)));
	for (size_t k = 0; k < b.n; k++)
		assert_int_equal(ch_code_of(redo((bytes){ b.p, k }, &out)), CH_E_PROTOCOL);
	assert_true(failed(redo((bytes){ b.p, b.n + 1 }, &out)));
	flips(redo, w, again);
	free(again);
}
