/* The core of the triage level: what stays is gathered first, which is little, and then the
 * core is written from its first byte to the last. It trusts no address and no size of the
 * dump; a byte of memory that was not judged must never pass: pages start as 0xc5. */
#include "redact/triage.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "triage_internal.h"

/* More segments than a header can count are counted in a section at the end. */
enum { MANY = 0xffff, SECTION = 64 };

/* Of writable mappings of files, whole pages of 0xc5, so that no debugger shows what the file
 * holds in their place as if the process had had it. */
enum { DATA_MAX = 2 * 1024 * 1024, DATA_TOTAL = 8 * 1024 * 1024 };

static void data_mark(struct triage *t)
{
	uint64_t left = DATA_TOTAL;
	for (size_t i = 0; i < t->head->map.n; i++) {
		const struct core_load *l = &t->head->map.loads[i];
		if (!l->file_backed || !(l->flags & CORE_WRITE) || l->file_size > DATA_MAX ||
		    l->file_size > left)
			continue;
		left -= l->file_size;
		pages_add(t, l->addr, l->addr + l->file_size);
	}
}

/* --- the map ------------------------------------------------------------------------- */

static void map_add(struct core_map *m, const struct core_load *of, uint64_t from, uint64_t to,
		    bool kept)
{
	if (from == to)
		return;
	m->loads[m->n] = *of;
	m->loads[m->n].addr = from;
	m->loads[m->n].mem_size = to - from;
	m->loads[m->n].file_size = kept ? to - from : 0;
	m->n++;
}

/* Its runs as segments of their own, what is between them without content. */
static void map_split(struct triage *t, const struct core_load *l)
{
	uint64_t at = l->addr, end = l->addr + l->file_size;
	for (size_t i = pages_from(&t->pages, at); i < t->pages.n; i++) {
		struct run r = t->pages.runs[i];
		if (r.from >= end)
			break;
		uint64_t from = r.from > at ? r.from : at, to = r.to < end ? r.to : end;
		map_add(&t->map, l, at, from, false);
		map_add(&t->map, l, from, to, true);
		at = to;
	}
	map_add(&t->map, l, at, l->addr + l->mem_size, false);
}

static ch_err map_make(struct triage *t)
{
	size_t cap = t->head->map.n + 4 * t->pages.n;
	t->map.loads = calloc(cap + 1, sizeof(*t->map.loads));
	if (!t->map.loads)
		return ch_fail(CH_E_NOMEM, "no memory for the map of a dump", cap);
	for (size_t i = 0; i < t->head->map.n; i++)
		map_split(t, &t->head->map.loads[i]);
	core_map_lay_out(&t->map, t->head->n_notes);
	return CH_DONE;
}

/* --- memory -------------------------------------------------------------------------- */

static void word_stays(struct triage *t, size_t at)
{
	mem_copy(t->out + at, t->in + at, WORD);
	t->result.kept_bytes += WORD;
}

/* What stays of the words of a stack in t->in, which is memory at addr. Zeros stay beside
 * what stays: a return address of 0 is where debuggers stop. Elsewhere they would tell where
 * in an array of digits there is none. */
static ch_err put_words(struct triage *t, const struct stack *s, uint64_t addr, size_t n)
{
	uint64_t from = s->from > addr ? s->from : addr, to = s->to < addr + n ? s->to : addr + n;
	bool stays = false, stayed = false, was_zero = false;
	for (uint64_t at = from - addr; at + WORD <= to - addr; at += WORD) {
		uint64_t word = load_le64(t->in + at);
		TRY(stack_word_stays(t, s, word, &stays));
		if (stays && was_zero)
			word_stays(t, at - WORD);
		if (stays || (word == 0 && stayed))
			word_stays(t, at);
		was_zero = word == 0 && !stayed;
		stayed = stays;
	}
	return CH_DONE;
}

static ch_err put_stacks(struct triage *t, uint64_t addr, size_t n)
{
	size_t got = 0, from = 0, to = t->stacks.n;
	TRY(t->memory->read(t->memory, addr, t->in, n, &got));
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (t->stacks.all[mid].to <= addr)
			from = mid + 1;
		else
			to = mid;
	}
	for (; from < t->stacks.n && t->stacks.all[from].from < addr + got; from++)
		TRY(put_words(t, &t->stacks.all[from], addr, got));
	return CH_DONE;
}

static ch_err put_load(struct triage *t, const struct core_load *l, struct core_sink *sink)
{
	for (uint64_t at = 0; at < l->file_size;) {
		uint64_t left = l->file_size - at;
		size_t n = left < TRIAGE_CHUNK ? (size_t)left : TRIAGE_CHUNK;
		uint64_t before = t->result.kept_bytes;
		memset(t->out, TRIAGE_MASKED, n);
		TRY(put_stacks(t, l->addr + at, n));
		t->result.kept_bytes += kept_apply(&t->kept, l->addr + at, t->out, n);
		if (t->result.kept_bytes == before)
			TRY(sink->fill(sink, TRIAGE_MASKED, n));
		else
			TRY(sink->put(sink, (bytes){ t->out, n }));
		at += n;
	}
	return CH_DONE;
}

static ch_err write_core(struct triage *t, struct core_sink *sink)
{
	uint64_t at = t->map.headers_size + t->head->n_notes;
	TRY(core_segments_write(&t->map, sink));
	if (t->head->n_notes)
		TRY(sink->put(sink, (bytes){ t->head->notes, t->head->n_notes }));
	for (size_t i = 0; i < t->map.n; i++) {
		const struct core_load *l = &t->map.loads[i];
		if (l->file_size == 0)
			continue;
		if (l->offset > at)
			TRY(sink->fill(sink, 0, l->offset - at));
		TRY(put_load(t, l, sink));
		at = l->offset + l->file_size;
	}
	if (t->map.size > at)
		TRY(sink->fill(sink, 0, t->map.size - at));
	return core_end_write(&t->map, sink);
}

/* --- all of it ----------------------------------------------------------------------- */

static ch_err gather(struct triage *t)
{
	TRY(stacks_find(t));
	TRY(stacks_mark(t));
	TRY(loader_keep(t));
	TRY(signals_keep(t));
	data_mark(t);
	pages_sort(t);
	kept_sort(&t->kept);
	return map_make(t);
}

static ch_err storage_new(struct triage *t)
{
	t->stacks.cap = t->head->n_threads + STACKS_MORE;
	t->stacks.all = calloc(t->stacks.cap, sizeof(struct stack));
	t->stacks.signals = calloc(STACKS_MORE, sizeof(uint64_t));
	t->kept.items = calloc(KEPT_ITEMS_MAX, sizeof(struct kept_item));
	t->kept.bytes = calloc(1, KEPT_MAX);
	t->pages.runs = calloc(RUNS_MAX, sizeof(struct run));
	t->in = calloc(2, TRIAGE_CHUNK);
	if (!t->stacks.all || !t->stacks.signals || !t->kept.items || !t->kept.bytes ||
	    !t->pages.runs || !t->in)
		return ch_fail(CH_E_NOMEM, "no memory for what stays of a dump", 0);
	t->out = t->in + TRIAGE_CHUNK;
	return CH_DONE;
}

static void triage_done(struct triage *t)
{
	code_done(&t->code);
	core_map_done(&t->map);
	free(t->stacks.all);
	free(t->stacks.signals);
	free(t->kept.items);
	free(t->kept.bytes);
	free(t->pages.runs);
	if (t->in)
		mem_wipe(t->in, 2 * TRIAGE_CHUNK);
	free(t->in);
}

ch_err triage_write(const struct core_head *head, struct core_memory *memory,
		    struct core_memory *code_or_null, struct core_sink *sink,
		    struct triage_result *ret_result)
{
	AUTO(triage_done) struct triage t = { .head = head, .memory = memory };
	TRY(storage_new(&t));
	TRY(code_new(&t.code, head, memory, code_or_null));
	TRY(gather(&t));
	TRY(write_core(&t, sink));
	t.result.size_bytes = t.map.size + (t.map.n + (t.map.notes_size > 0) < MANY ? 0 : SECTION);
	*ret_result = t.result;
	return CH_DONE;
}
