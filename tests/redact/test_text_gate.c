/* Nothing that a pattern matches is without a fragment, whatever the match is made of; and what
 * looks for fragments and lengths fast sees what is seen plainly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text_engine.h"
#include "text_gate.h"
#include "text_length.h"

enum { MATCH_MAX = 1024 };

static uint32_t state = 7;

static uint32_t draw(uint32_t n)
{
	state = state * 1664525 + 1013904223;
	return (state >> 8) % n;
}

/* --- what a pattern matches, drawn at random --- */

struct drawn {
	uint8_t p[MATCH_MAX];
	size_t n;
	bool any_case;
};

static void put(struct drawn *d, uint8_t c)
{
	uint8_t letter = c | 0x20;
	if (d->any_case && letter >= 'a' && letter <= 'z' && draw(2))
		c ^= 0x20;
	assert_true(d->n < MATCH_MAX);
	d->p[d->n++] = c;
}

static void add(bool *set, unsigned from, unsigned to)
{
	for (; from <= to; from++)
		set[from] = true;
}

/* What a backslash says; false: nothing, it is a place between two characters. */
static bool escape(const char **s, bool *set)
{
	char c = *(*s)++;
	bool space = c == 's' || c == 'S', word = c == 'W';
	if (c == 'b')
		return false;
	if (c == 'x') {
		char hex[3] = { (*s)[0], (*s)[1], 0 };
		unsigned long one = strtoul(hex, NULL, 16);
		*s += 2;
		add(set, (unsigned)one, (unsigned)one);
	} else if (space) {
		add(set, 9, 13);
		add(set, ' ', ' ');
	} else if (word) {
		add(set, '0', '9');
		add(set, 'A', 'Z');
		add(set, 'a', 'z');
		add(set, '_', '_');
	} else {
		unsigned is = c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : (uint8_t)c;
		add(set, is, is);
	}
	for (size_t i = 0; (word || c == 'S') && i < 256; i++)
		set[i] = !set[i];
	return true;
}

static unsigned one_of(const char **s)
{
	bool set[256] = { false };
	unsigned c = (uint8_t) * (*s)++;
	if (c != '\\')
		return c;
	(void)escape(s, set);
	for (c = 0; !set[c]; c++)
		;
	return c;
}

static void bracket(const char **s, bool *set)
{
	bool but = **s == '^';
	*s += but;
	while (**s != ']') {
		if ((*s)[0] == '\\' && strchr("sSW", (*s)[1])) {
			(*s)++;
			(void)escape(s, set);
			continue;
		}
		unsigned from = one_of(s), to = from;
		if ((*s)[0] == '-' && (*s)[1] != ']') {
			(*s)++;
			to = one_of(s);
		}
		add(set, from, to);
	}
	(*s)++;
	for (size_t i = 0; but && i < 256; i++)
		set[i] = !set[i];
}

/* How often, and *s behind it. */
static unsigned times(const char **s)
{
	char *end = NULL;
	unsigned long from = 0, to = 0;
	if (**s == '?') {
		(*s)++;
		return draw(2);
	}
	if (**s != '{' || (*s)[1] < '0' || (*s)[1] > '9')
		return 1;
	from = to = strtoul(*s + 1, &end, 10);
	if (*end == ',')
		to = strtoul(end + 1, &end, 10);
	assert_int_equal(*end, '}');
	*s = end + 1;
	return (unsigned)from + draw((unsigned)(to - from) + 1);
}

static const char *one_char(const char *s, bool *set, bool *ret_is)
{
	*ret_is = true;
	if (*s == '[') {
		s++;
		bracket(&s, set);
	} else if (*s == '\\') {
		s++;
		*ret_is = escape(&s, set);
	} else if (*s == '.') {
		add(set, 0, 255);
		s++;
	} else {
		assert_null(strchr("+*|)", *s)); /* what this does not know */
		add(set, (uint8_t)*s, (uint8_t)*s);
		s++;
	}
	return s;
}

/* Behind the group that begins behind s. */
static const char *group_end(const char *s)
{
	for (unsigned depth = 1; depth; s++) {
		bool set[256] = { false };
		if (*s == '\\')
			s++;
		else if (*s == '[') {
			s++;
			bracket(&s, set);
			s--;
		} else
			depth += (*s == '(') - (*s == ')');
	}
	return s;
}

static void match(struct drawn *d, const char *s, const char *end);

/* A way of several, each of the same chance. */
static void ways(struct drawn *d, const char *s, const char *end)
{
	const char *froms[32], *tos[32];
	size_t n = 0;
	froms[0] = s;
	while (s < end) {
		bool set[256] = { false };
		if (*s == '\\')
			s += 2;
		else if (*s == '(')
			s = group_end(s + 1);
		else if (*s == '[') {
			s++;
			bracket(&s, set);
		} else if (*s == '|') {
			tos[n++] = s++;
			assert_true(n < COUNT_OF(froms));
			froms[n] = s;
		} else
			s++;
	}
	tos[n++] = end;
	uint32_t way = draw((uint32_t)n);
	match(d, froms[way], tos[way]);
}

static void match(struct drawn *d, const char *s, const char *end)
{
	while (s < end) {
		bool set[256] = { false }, is = true;
		const char *from = s, *to = s;
		bool group = *s == '(';
		if (group) {
			assert_memory_equal(s, "(?:", 3);
			from = s + 3;
			s = group_end(from);
			to = s - 1;
		} else {
			s = one_char(s, set, &is);
		}
		for (unsigned n = times(&s); n && is; n--) {
			if (group) {
				ways(d, from, to);
				continue;
			}
			uint32_t c = draw(256);
			while (!set[c])
				c = (c + 1) % 256;
			put(d, (uint8_t)c);
		}
	}
}

/* --- */

struct seen {
	unsigned row;
	bool is;
};

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
		    void *context)
{
	struct seen *s = context;
	(void)from;
	(void)to;
	(void)flags;
	s->is |= id == s->row;
	return 0;
}

static bool matches(hs_database_t *db, hs_scratch_t *scratch, unsigned row, const struct drawn *d)
{
	hs_stream_t *stream = NULL;
	struct seen s = { row, false };
	assert_int_equal(hs_open_stream(db, 0, &stream), HS_SUCCESS);
	assert_int_equal(hs_scan_stream(stream, (const char *)d->p, (unsigned)d->n, 0, scratch,
					on_match, &s),
			 HS_SUCCESS);
	assert_int_equal(hs_close_stream(stream, scratch, on_match, &s), HS_SUCCESS);
	return s.is;
}

static void every_match_has_a_fragment(void **state_of)
{
	enum { ROUNDS = 400, LEAST = 20 };
	hs_database_t *db = NULL;
	hs_scratch_t *scratch = NULL;
	(void)state_of;
	assert_false(failed(text_load(&db)));
	assert_int_equal(hs_alloc_scratch(db, &scratch), HS_SUCCESS);
	for (unsigned i = 0; i < text_rows_count(); i++) {
		const struct text_row *row = text_row_at(i);
		const char *pattern = row->pattern;
		unsigned found = 0;
		for (unsigned round = 0; *pattern && round < ROUNDS; round++) {
			struct drawn d = { .any_case = row->flags & ROW_NOCASE };
			ways(&d, pattern, pattern + strlen(pattern));
			if (!matches(db, scratch, i, &d))
				continue;
			found++;
			if (gate_next(d.p, 0, d.n) == d.n)
				fail_msg("%.*s: no fragment in %.*s", (int)row->name.n, row->name.p,
					 (int)d.n, d.p);
		}
		if (*pattern && found < LEAST)
			fail_msg("%.*s: %u of what was drawn match", (int)row->name.n, row->name.p,
				 found);
	}
	hs_free_scratch(scratch);
	hs_free_database(db);
}

static void no_pattern_is_longer_than_what_is_scanned(void **state_of)
{
	(void)state_of;
	for (unsigned i = 0; i < text_rows_count(); i++) {
		const struct text_row *row = text_row_at(i);
		hs_expr_info_t *info = NULL;
		hs_compile_error_t *why = NULL;
		if (!*row->pattern)
			continue;
		assert_int_equal(hs_expression_info(row->pattern, HS_FLAG_DOTALL, &info, &why),
				 HS_SUCCESS);
		if (info->max_width > GATE_REACH - FRAGMENT_MAX)
			fail_msg("%.*s matches %u bytes", (int)row->name.n, row->name.p,
				 info->max_width);
		free(info);
	}
}

/* The lowest of each set, or the highest. */
static void write_fragment(const struct fragment *f, bool highest, uint8_t *to)
{
	for (size_t i = 0; i < f->n; i++) {
		unsigned c = highest ? 255 : 0;
		while (!fragment_has(f, i, (uint8_t)c))
			c = highest ? c - 1 : c + 1;
		to[i] = (uint8_t)c;
	}
}

static bool is_seen(const uint8_t *p, size_t from, size_t to, size_t n)
{
	size_t at = gate_next(p, from > GATE_BACK ? from - GATE_BACK : 0, n);
	assert_int_equal(at, gate_next_plainly(p, from > GATE_BACK ? from - GATE_BACK : 0, n));
	return at < to;
}

/* Wherever it is in a block, at the start and at the end of memory. */
static void every_fragment_is_seen_anywhere(void **state_of)
{
	enum { N = 300 };
	(void)state_of;
	for (size_t i = 0; i < fragments_count(); i++) {
		struct fragment f;
		fragment_at(i, &f);
		for (size_t at = 0; at + f.n <= N; at += 1 + i % 2) {
			uint8_t *p = calloc(1, N);
			assert_non_null(p);
			write_fragment(&f, at % 3 == 0, p + at);
			/* cut right behind it, so that a sanitizer sees what is read there */
			uint8_t *cut = malloc(at + f.n ? at + f.n : 1);
			assert_non_null(cut);
			mem_copy(cut, p, at + f.n);
			if (!is_seen(p, at, at + f.n, N) || !is_seen(cut, at, at + f.n, at + f.n))
				fail_msg("fragment %zu at %zu is not seen", i, at);
			free(cut);
			free(p);
		}
	}
}

/* Memory as text, as noise and as zeros with fragments and lengths in it. */
static void fill(uint8_t *p, size_t n, unsigned round)
{
	static const char text[] = "the key of token= was \"a secret: eyJ\" //:://";
	static const uint8_t lengths[] = { 0x2b, 0, 0, 0, 'a', 0x56, 1, 0, 0, '_', 0x56, 0, 0, 0 };
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(round % 3 == 0 ? draw(256)
				 : round % 3 == 1
					 ? (uint8_t)text[(i + draw(2)) % (sizeof(text) - 1)]
					 : 0u);
	for (size_t k = 0; k < n / 128; k++) {
		struct fragment f;
		fragment_at(draw((uint32_t)fragments_count()), &f);
		size_t at = draw((uint32_t)(n - FRAGMENT_MAX));
		write_fragment(&f, draw(2), p + at);
		at = draw((uint32_t)(n - sizeof(lengths)));
		mem_copy(p + at, lengths, sizeof(lengths));
	}
}

static void fast_is_plain(void **state_of)
{
	(void)state_of;
	for (unsigned round = 0; round < 300; round++) {
		size_t n = 64 + draw(2000);
		uint8_t *p = malloc(n);
		assert_non_null(p);
		fill(p, n, round);
		for (size_t at = 0; at < n; at = gate_next(p, at, n) + 1)
			assert_int_equal(gate_next(p, at, n), gate_next_plainly(p, at, n));
		for (size_t at = 0; at < n; at = length_next(p, at, n) + 1)
			assert_int_equal(length_next(p, at, n), length_next_plainly(p, at, n));
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_match_has_a_fragment),
		cmocka_unit_test(no_pattern_is_longer_than_what_is_scanned),
		cmocka_unit_test(every_fragment_is_seen_anywhere),
		cmocka_unit_test(fast_is_plain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
