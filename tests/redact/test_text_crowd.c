/* Anchors that stand so close together that each would be judged by what the next ones are, too:
 * work is bounded by the size of the memory, and what is not judged is masked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text_kit.h"

enum { CROWD = 32 * 1024, N = 200 * 1024, REACH = TEXT_REACH + 1024 };

static struct planted p;
static uint8_t *memory;

static void crowd(const char *anchor, size_t n)
{
	size_t size = strlen(anchor);
	memset(memory, 0, N);
	for (size_t i = 0; i < n; i++)
		memory[i] = (uint8_t)anchor[i % size];
}

/* By patterns that a crowd has tired before. */
static void feed(struct text_spans *t, struct said *s, size_t piece)
{
	for (size_t at = 0, n = 0; at < N; at += n) {
		n = piece < N - at ? piece : N - at;
		s->last_end = 0;
		assert_false(failed(
			text_spans_feed(t, s->addr + at, (bytes){ memory + at, n }, &s->taker)));
	}
	assert_false(s->unordered || s->outside);
}

static struct text_spans *tired(void)
{
	struct text_spans *t = NULL;
	assert_false(failed(text_spans_new(&t)));
	crowd("API_KEY=", N);
	struct said *s = said_new(0x10000, N);
	feed(t, s, N);
	said_free(s);
	return t;
}

static uint64_t unjudged(size_t n)
{
	struct text_stream *t = NULL;
	struct text_sink none = { NULL, NULL, NULL, NULL };
	assert_false(failed(text_stream_new(&t)));
	assert_false(failed(text_stream_feed(t, 0x10000, (bytes){ memory, n }, &none)));
	uint64_t count = text_stream_unjudged(t);
	text_stream_done(&t);
	return count;
}

/* Each is a run of 4 KiB and more behind its anchor; most are not looked at. */
static void work_is_bounded(void **state)
{
	static const char *const anchors[] = { "API_KEY=",      "X-Api-Key:",     ".eyJh",
					       "refreshToken:", "Authorization:", "hvs.eyJ" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(anchors); i++) {
		crowd(anchors[i], N);
		assert_true(unjudged(N) > N / strlen(anchors[i]) / 2);
		struct said *s = said_new(0x10000, N);
		said_spans(s, (bytes){ memory, N }, 0, 0);
		assert_true(said_all(s, N / 2, N));
		assert_false(s->unordered || s->outside);
		said_free(s);
	}
}

/* Whatever stands right behind is masked, wherever memory is cut, and what is far away is judged
 * as ever. */
static void others_are_still_found(void **state)
{
	static const size_t pieces[] = { N, 65536, 40000, 4096 };
	struct text_spans *t = tired();
	(void)state;
	for (size_t i = 0; i < text_finds_count(); i++) {
		const struct text_case *c = &text_finds[i];
		size_t near = CROWD + 64 * (i % 7), far = near + REACH + 48 * 1024;
		crowd("API_KEY=", CROWD);
		plant(c, 16, &p);
		mem_copy(memory + near, p.p, p.n);
		mem_copy(memory + far, p.p, p.n);
		struct said *s = said_new(0x10000, N);
		feed(t, s, pieces[i % COUNT_OF(pieces)]);
		if (!said_all(s, near + p.from, near + p.to) ||
		    !said_all(s, far + p.from, far + p.to))
			fail_msg("%.*s: %d %d", (int)c->row.n, c->row.p,
				 said_all(s, near + p.from, near + p.to),
				 said_all(s, far + p.from, far + p.to));
		assert_true(said_none(s, far - 1024, far) && said_none(s, far + p.n, N));
		said_free(s);
	}
	text_spans_done(&t);
}

/* And what has no end within reach is masked to it. */
static void long_ones_to_their_end(void **state)
{
	enum { END = 150 * 1024 };
	static const char *const starts[] = { "-----BEGIN RSA PRIVATE KEY-----\n", " v4.local.",
					      " eyJpc3MiOiJhIiwiZXhwIjoxNzkwMDAwMDAwfQ." };
	static const size_t pieces[] = { N, 65536, 40000 };
	struct text_spans *t = tired();
	(void)state;
	for (size_t k = 0; k < COUNT_OF(starts) * COUNT_OF(pieces); k++) {
		const char *start = starts[k % COUNT_OF(starts)];
		crowd("API_KEY=", CROWD);
		mem_copy(memory + CROWD, start, strlen(start));
		for (size_t i = CROWD + strlen(start); i < END; i++)
			memory[i] = (uint8_t) "aB3dE6gH9jKlMn0pQ7sT"[i * 7 % 20];
		struct said *s = said_new(0x10000, N);
		feed(t, s, pieces[k / COUNT_OF(starts)]);
		if (!said_all(s, CROWD, END) || !said_none(s, END, N))
			fail_msg("%s in pieces of %zu: %d %d", start, pieces[k / COUNT_OF(starts)],
				 said_all(s, CROWD, END), said_none(s, END, N));
		said_free(s);
	}
	text_spans_done(&t);
}

/* Text of common programs leaves it at that. */
static void nothing_is_unjudged_else(void **state)
{
	(void)state;
	memset(memory, 0, N);
	size_t at = 0;
	for (size_t i = 0; at + sizeof(p.p) < N; i++) {
		plant(&text_finds[i % text_finds_count()], 16, &p);
		mem_copy(memory + at, p.p, p.n);
		at += p.n;
	}
	assert_int_equal(unjudged(N), 0);
}

int main(void)
{
	memory = malloc(N);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_is_bounded),
		cmocka_unit_test(others_are_still_found),
		cmocka_unit_test(long_ones_to_their_end),
		cmocka_unit_test(nothing_is_unjudged_else),
	};
	int failures = memory ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
	free(memory);
	return failures;
}
