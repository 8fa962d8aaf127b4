/* Values and a memory: what the plain masker masks is masked, in one piece and in many, and
 * nothing else is touched. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/rw.h"
#include "needles_internal.h"
#include "plain_masker.h"
#include "redact/spans.h"

enum { MEMORY_MAX = 1024, VALUES = 8, ADDR = 0x10000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct core_load load = { ADDR, MEMORY_MAX, MEMORY_MAX, 0, CORE_READ | CORE_WRITE, false };
static const struct core_map map = { .loads = &load, .n = 1 };

static bool is_mark(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || str_has(LIT("<>:*-"), (char)c);
}

struct text_seen {
	struct span_taker taker;
	bool any;
};

static ch_err take(struct span_taker *t, const struct span *one)
{
	(void)one;
	((struct text_seen *)t)->any = true;
	return CH_DONE;
}

/* What text patterns see is masked too, and the plain masker knows none. */
static bool has_text(bytes memory)
{
	static struct text_spans *text;
	struct text_seen t = { { take }, false };
	if (!text)
		assert(!failed(text_spans_new(&text)));
	assert(!failed(text_spans_feed(text, 0, (bytes){ (const uint8_t *)"", 0 }, &t.taker)));
	assert(!failed(text_spans_feed(text, ADDR, memory, &t.taker)));
	return t.any;
}

static void read_values(struct rd *r, struct values *values)
{
	for (unsigned n = rd_u8(r) % VALUES; n; n--) {
		struct value v = { .finder = LIT("fuzz") };
		v.kind = (enum value_kind)(rd_u8(r) % VALUE_RANDOM);
		v.number = rd_u8(r) & 1;
		v.is = rd_take(r, rd_u8(r));
		(void)values_add(values, &v);
	}
}

static void compare(const struct masker_setup *s, bytes memory, size_t step)
{
	uint8_t *once = malloc(memory.n + 1), *parts = malloc(memory.n + 1);
	uint8_t *covered = calloc(1, memory.n + 1);
	struct masker *m = NULL;
	struct needles *needles = NULL;
	assert(once && parts && covered);
	bool text = has_text(memory);
	mem_copy(once, memory.p, memory.n);
	mem_copy(parts, memory.p, memory.n);
	if (!failed(needles_new(s->values, &needles)) && !failed(masker_new(s, &m))) {
		assert(!failed(mask_in_pieces(m, ADDR, once, memory.n, memory.n)));
		assert(!failed(mask_in_pieces(m, ADDR, parts, memory.n, step)));
		plain_masker(s, ADDR, memory, covered);
		for (size_t i = 0; i < memory.n && !needles->left_out; i++) {
			assert(!covered[i] || (is_mark(once[i]) && is_mark(parts[i])));
			assert(covered[i] || text || once[i] == memory.p[i]);
		}
	}
	needles_done(&needles);
	masker_done(&m);
	free(once);
	free(parts);
	free(covered);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_of((bytes){ data, size });
	struct masker_setup s = { .map = &map };
	struct values *values = NULL;
	s.level = rd_u8(&r) & 1 ? LEVEL_STRICT : LEVEL_FULL;
	size_t step = 1 + (size_t)rd_u16(&r) % MEMORY_MAX;
	assert(!failed(values_new(&values)) && !failed(report_new(&s.report)));
	read_values(&r, values);
	s.values = values;
	bytes memory = rd_take(&r, rd_left(&r));
	if (!r.bad && memory.n && memory.n <= MEMORY_MAX)
		compare(&s, memory, step);
	values_done(&values);
	report_done(&s.report);
	return 0;
}
