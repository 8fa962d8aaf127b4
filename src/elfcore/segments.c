/* The ELF header and the segments of a core. All of it was chosen by the program that crashed:
 * sizes and places are compared with what is possible, a segment that lies is left out and
 * counted, and nothing is allocated for more than was really read. */
#include <stdlib.h>

#include "base/ck.h"
#include "base/cleanup.h"
#include "elfcore/core.h"
#include "layout.h"
#include "base/sort.h"

enum { BLOCK = 64, GAP_MAX = 1024 * 1024 };

struct table {
	struct core_input *in;
	struct core_map map;
	size_t cap;
	uint64_t end; /* of the program headers; while their count is unknown, at most */
	bool counted; /* end is what the header says */
	bool has_notes;
};

static void table_done(struct table *t)
{
	core_map_done(&t->map);
}

static ch_err check_header(const uint8_t *h)
{
	static const uint8_t ident[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	if (!mem_eq(h, ident, 4))
		return ch_fail(CH_E_UNSUPPORTED, "no ELF file", load_le32(h));
	if (!mem_eq(h, ident, sizeof(ident)))
		return ch_fail(CH_E_UNSUPPORTED, "not 64 bits, little endian", h[4]);
	if (load_le16(h + E_TYPE) != ELF_CORE)
		return ch_fail(CH_E_UNSUPPORTED, "an ELF file, but no core", load_le16(h + E_TYPE));
	if (load_le16(h + E_MACHINE) != ELF_X86_64)
		return ch_fail(CH_E_UNSUPPORTED, "a core of another machine",
			       load_le16(h + E_MACHINE));
	if (load_le16(h + E_PHENTSIZE) != CORE_SEGMENT_SIZE)
		return ch_fail(CH_E_SYNTAX, "program headers of a strange size",
			       load_le16(h + E_PHENTSIZE));
	return CH_DONE;
}

static ch_err leave_out(struct core_input *in, uint64_t n)
{
	uint8_t gone[512] NOT_ZEROED;
	if (in->skip)
		return in->skip(in, n);
	if (n > GAP_MAX)
		return ch_fail(CH_E_UNSUPPORTED, "not in the order of a stream", n);
	for (size_t part = 0; n > 0; n -= part) {
		part = n < sizeof(gone) ? (size_t)n : sizeof(gone);
		TRY(core_input_exactly(in, gone, part));
	}
	return CH_DONE;
}

static ch_err read_header(struct table *t)
{
	uint8_t h[CORE_HEADER_SIZE] NOT_ZEROED;
	TRY(core_input_exactly(t->in, h, sizeof(h)));
	TRY(check_header(h));
	uint64_t at = load_le64(h + E_PHOFF);
	size_t n = load_le16(h + E_PHNUM);
	if (at < CORE_HEADER_SIZE || at > INT64_MAX / 2)
		return ch_fail(CH_E_RANGE, "program headers inside the header", at);
	if (n == 0)
		return ch_fail(CH_E_SYNTAX, "a core without segments", 0);
	t->counted = n != SEGMENTS_MANY;
	t->end = at + CORE_SEGMENT_SIZE * (t->counted ? n : CORE_LOADS_MAX + 1);
	return leave_out(t->in, at - CORE_HEADER_SIZE);
}

/* Without a count the table ends where the first thing that it names begins. */
static void bound(struct table *t, uint64_t offset, uint64_t size)
{
	if (!t->counted && size > 0 && offset < t->end && offset >= t->in->done)
		t->end = offset;
}

static ch_err add_notes(struct table *t, const uint8_t *p)
{
	uint64_t offset = load_le64(p + P_OFFSET);
	uint64_t size = load_le64(p + P_FILESZ);
	uint64_t end = 0;
	if (size == 0)
		return CH_DONE;
	if (t->has_notes)
		return ch_fail(CH_E_DUPLICATE, "two segments of notes", offset);
	if (!ck_add(offset, size, &end) || end > INT64_MAX)
		return ch_fail(CH_E_RANGE, "notes of impossible size", size);
	bound(t, offset, size);
	t->has_notes = true;
	t->map.notes_offset = offset;
	t->map.notes_size = size;
	return CH_DONE;
}

static bool load_possible(const struct core_load *l)
{
	uint64_t end = 0;
	return ck_add(l->addr, l->mem_size, &end) && l->file_size <= l->mem_size &&
	       ck_add(l->offset, l->file_size, &end) && end <= INT64_MAX;
}

static ch_err table_grow(struct table *t)
{
	if (t->map.n < t->cap)
		return CH_DONE;
	if (t->cap >= CORE_LOADS_MAX)
		return ch_fail(CH_E_LIMIT, "too many segments", t->cap);
	size_t cap = t->cap ? 2 * t->cap : BLOCK;
	struct core_load *grown = realloc(t->map.loads, cap * sizeof(*grown));
	if (!grown)
		return ch_fail(CH_E_NOMEM, "no memory for segments", cap);
	t->map.loads = grown;
	t->cap = cap;
	return CH_DONE;
}

static ch_err add_load(struct table *t, const uint8_t *p)
{
	struct core_load l = {
		.addr = load_le64(p + P_VADDR),
		.mem_size = load_le64(p + P_MEMSZ),
		.file_size = load_le64(p + P_FILESZ),
		.offset = load_le64(p + P_OFFSET),
		.flags = load_le32(p + P_FLAGS) & (CORE_EXEC | CORE_WRITE | CORE_READ),
	};
	if (l.mem_size == 0 && l.file_size == 0)
		return CH_DONE;
	if (!load_possible(&l)) {
		t->map.left_out++;
		return CH_DONE;
	}
	bound(t, l.offset, l.file_size);
	TRY(table_grow(t));
	t->map.loads[t->map.n++] = l;
	return CH_DONE;
}

/* One by one while their end is not known, since a stream cannot be given back. */
static ch_err read_table(struct table *t)
{
	uint8_t block[BLOCK * CORE_SEGMENT_SIZE] NOT_ZEROED;
	while (t->end - t->in->done >= CORE_SEGMENT_SIZE) {
		uint64_t left = (t->end - t->in->done) / CORE_SEGMENT_SIZE;
		size_t n = !t->counted ? 1 : left < BLOCK ? (size_t)left : BLOCK;
		TRY(core_input_exactly(t->in, block, n * CORE_SEGMENT_SIZE));
		for (const uint8_t *p = block; p < block + n * CORE_SEGMENT_SIZE;
		     p += CORE_SEGMENT_SIZE) {
			uint32_t type = load_le32(p + P_TYPE);
			if (type == SEGMENT_NOTE)
				TRY(add_notes(t, p));
			if (type == SEGMENT_LOAD)
				TRY(add_load(t, p));
		}
	}
	t->map.headers_size = t->in->done;
	return CH_DONE;
}

static bool by_address(const void *a, const void *b)
{
	return ((const struct core_load *)a)->addr < ((const struct core_load *)b)->addr;
}

/* Not inside the headers or the notes. */
static bool has_room(const struct core_map *m, const struct core_load *l)
{
	if (l->file_size == 0)
		return true;
	return l->offset >= m->headers_size && (l->offset >= m->notes_offset + m->notes_size ||
						l->offset + l->file_size <= m->notes_offset);
}

/* By address, without what overlaps; and whether the core is in order. */
static void settle(struct core_map *m)
{
	sort_in_place(m->loads, m->n, sizeof(*m->loads), by_address);
	uint64_t next_addr = 0;
	uint64_t next_offset = m->notes_size ? m->notes_offset + m->notes_size : m->headers_size;
	size_t kept = 0;
	m->size = next_offset;
	m->in_order = true;
	for (size_t i = 0; i < m->n; i++) {
		struct core_load l = m->loads[i];
		if (l.addr < next_addr || !has_room(m, &l)) {
			m->left_out++;
			continue;
		}
		m->loads[kept++] = l;
		next_addr = l.addr + l.mem_size;
		if (l.file_size == 0)
			continue;
		m->in_order = m->in_order && l.offset >= next_offset;
		next_offset = l.offset + l.file_size;
		m->size = next_offset > m->size ? next_offset : m->size;
	}
	m->n = kept;
}

ch_err core_segments_read(struct core_input *in, struct core_head *ret_head)
{
	AUTO(table_done) struct table t = { .in = in };
	TRY(read_header(&t));
	TRY(read_table(&t));
	if (t.has_notes && t.map.notes_offset < t.map.headers_size)
		return ch_fail(CH_E_RANGE, "notes inside the headers", t.map.notes_offset);
	settle(&t.map);
	*ret_head = (struct core_head){ .map = t.map };
	t.map = (struct core_map){ 0 };
	return CH_DONE;
}
