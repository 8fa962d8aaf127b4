/* However memory is cut into pieces, what is planted is masked whole; long secrets to their
 * end; and values and spans say the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text_kit.h"

static struct planted p;

static void check(const struct said *s, const struct text_case *c, size_t cut, const char *how)
{
	if (!said_all(s, p.from, p.to) || s->unordered || s->outside)
		fail_msg("%.*s, %s, cut at %zu: %d %d %d", (int)c->row.n, c->row.p, how, cut,
			 said_all(s, p.from, p.to), s->unordered, s->outside);
}

/* Two pieces, cut at each offset from before the anchor to behind the secret. */
static void cut_everywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < text_finds_count(); i++) {
		const struct text_case *c = &text_finds[i];
		plant(c, 64, &p);
		struct said *s = said_new(0x10000, p.n);
		size_t step = p.n > 1500 ? 7 : 1;
		for (size_t cut = 1; cut < p.n; cut += step) {
			memset(s->masked, 0, p.n);
			s->spans = 0;
			said_spans(s, (bytes){ p.p, p.n }, 0, cut);
			check(s, c, cut, "in two");
		}
		said_free(s);
	}
}

static void byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < text_finds_count(); i++) {
		const struct text_case *c = &text_finds[i];
		plant(c, 64, &p);
		struct said *s = said_new(0x10000, p.n);
		said_feed(s, (bytes){ p.p, p.n }, 1, 0);
		check(s, c, 1, "byte by byte");
		said_free(s);
	}
}

/* Over the edges of slices, blocks and of the buffer inside. */
static void over_inner_edges(void **state)
{
	(void)state;
	enum { N = 300 * 1024 };
	static const size_t edges[] = { 1024, 32768, 65536, 131072, 4 * 32768 + 64, 196608 };
	uint8_t *memory = malloc(N);
	assert_non_null(memory);
	for (size_t i = 0; i < text_finds_count(); i++) {
		const struct text_case *c = &text_finds[i];
		plant(c, 16, &p);
		for (size_t k = 0; k < COUNT_OF(edges); k++) {
			size_t at = edges[k] - p.from - (p.to - p.from) * (k + 1) / 7;
			memset(memory, 0, N);
			mem_copy(memory + at, p.p, p.n);
			struct said *s = said_new(0x10000, N);
			static const size_t pieces[] = { N, 65536, 40000, 70000 };
			said_spans(s, (bytes){ memory, N }, pieces[(i + k) % 4], 0);
			if (!said_all(s, at + p.from, at + p.to) || s->unordered || s->outside)
				fail_msg("%.*s at edge %zu: %d %d %d", (int)c->row.n, c->row.p,
					 edges[k], said_all(s, at + p.from, at + p.to),
					 s->unordered, s->outside);
			said_free(s);
		}
	}
	free(memory);
}

static void long_ones_to_their_end(void **state)
{
	(void)state;
	enum { N = 200 * 1024, FROM = 777, END = 150 * 1024 };
	static const char *const starts[] = {
		"eyJpc3MiOiJhIiwiZXhwIjoxNzkwMDAwMDAwfQ.",
		"-----BEGIN RSA PRIVATE KEY-----\n",
		"v4.local.",
	};
	uint8_t *memory = calloc(1, N);
	assert_non_null(memory);
	for (size_t k = 0; k < COUNT_OF(starts) * 3; k++) {
		const char *start = starts[k / 3];
		static const size_t pieces[] = { N, 65536, 1000 };
		memset(memory, 0, N);
		mem_copy(memory + FROM, start, strlen(start));
		for (size_t i = FROM + strlen(start); i < END; i++)
			memory[i] = (uint8_t) "aB3dE6gH9jKlMn0pQ7sT"[i * 7 % 20];
		struct said *s = said_new(0x10000, N);
		said_spans(s, (bytes){ memory, N }, pieces[k % 3], 0);
		size_t from = FROM + (k / 3 == 2 ? 9 : 0);
		if (!said_all(s, from, END) || !said_none(s, END, N) || s->unordered || s->outside)
			fail_msg("%s in pieces of %zu", start, pieces[k % 3]);
		said_free(s);
	}
	free(memory);
}

/* What lies behind a gap has nothing to do with what was before. */
static void a_jump_starts_afresh(void **state)
{
	(void)state;
	struct text_spans *t = NULL;
	struct said *s = said_new(0, 4096);
	assert_false(failed(text_spans_new(&t)));
	static const char first[] = "password=", second[] = "s3cr3t-99\n";
	assert_false(failed(text_spans_feed(
		t, 100, (bytes){ (const uint8_t *)first, sizeof(first) - 1 }, &s->taker)));
	assert_false(failed(text_spans_feed(
		t, 1000, (bytes){ (const uint8_t *)second, sizeof(second) - 1 }, &s->taker)));
	assert_int_equal(s->spans, 0);
	assert_false(failed(text_spans_feed(
		t, 200, (bytes){ (const uint8_t *)first, sizeof(first) - 1 }, &s->taker)));
	assert_false(failed(text_spans_feed(
		t, 209, (bytes){ (const uint8_t *)second, sizeof(second) - 1 }, &s->taker)));
	assert_true(said_all(s, 209, 218));
	said_free(s);
	text_spans_done(&t);
}

/* A value that stands in memory as it is lies in spans; nothing else is said of text. */
static void values_lie_in_spans(void **state)
{
	(void)state;
	for (size_t i = 0; i < text_finds_count(); i++) {
		const struct text_case *c = &text_finds[i];
		plant(c, 64, &p);
		struct said *s = said_new(0x10000, p.n);
		said_feed(s, (bytes){ p.p, p.n }, 0, 0);
		for (size_t k = 0; k < values_count(s->values); k++) {
			bytes is = values_at(s->values, k)->is;
			size_t at = 0;
			bool there = bytes_find((bytes){ p.p, p.n }, str_of_bytes(is), &at);
			if (there && !said_all(s, at, at + is.n))
				fail_msg("%.*s: a value is not in a span", (int)c->row.n, c->row.p);
		}
		said_free(s);
	}
}

/* Anchors without end cost no more than memory does. */
static void repeated_anchors_are_bounded(void **state)
{
	(void)state;
	enum { N = 256 * 1024 };
	static const char *const anchors[] = {
		"eyJh",    "-----BEGIN ", "cookie: a", "password=a", "\"d\":\"aaaaaaaaaaaaaaaa",
		"PASS a\n"
	};
	uint8_t *memory = malloc(N);
	assert_non_null(memory);
	for (size_t k = 0; k < COUNT_OF(anchors); k++) {
		size_t n = strlen(anchors[k]);
		for (size_t i = 0; i < N; i++)
			memory[i] = (uint8_t)anchors[k][i % n];
		struct said *s = said_new(0x10000, N);
		said_feed(s, (bytes){ memory, N }, 65536, 0);
		assert_false(s->unordered || s->outside);
		said_free(s);
	}
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_everywhere),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(over_inner_edges),
		cmocka_unit_test(long_ones_to_their_end),
		cmocka_unit_test(a_jump_starts_afresh),
		cmocka_unit_test(values_lie_in_spans),
		cmocka_unit_test(repeated_anchors_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
