/* Which mappings of files are code, where the core does not say: gcore leaves mappings that
 * nobody changed out. The ELF header in the memory of the file tells; it is as little to be
 * believed as the core, but then says no more than that somebody's address is an address. */
#include "elfcore/core.h"
#include "layout.h"

enum { PROGRAM_HEADERS_MAX = 64 };

static void mark(struct core_head *h, struct core_file *first, uint64_t from, uint64_t to)
{
	for (struct core_file *f = first; f < h->files + h->n_files; f++) {
		if (f->path.p != first->path.p || (f > first && f->offset == 0))
			return;
		if (f->offset >= from && f->offset < to && !core_map_at(&h->map, f->from))
			f->code = true;
	}
}

static ch_err mark_by_header(struct core_head *h, struct core_memory *m, struct core_file *f)
{
	uint8_t e[CORE_HEADER_SIZE] NOT_ZEROED;
	uint8_t p[CORE_SEGMENT_SIZE] NOT_ZEROED;
	size_t got = 0;
	TRY(m->read(m, f->from, e, sizeof(e), &got));
	if (got < sizeof(e) || !mem_eq(e,
				       "\x7f"
				       "ELF\x02\x01",
				       6))
		return CH_DONE;
	uint64_t at = load_le64(e + E_PHOFF);
	size_t n = load_le16(e + E_PHNUM);
	if (at >= f->to - f->from || n > PROGRAM_HEADERS_MAX ||
	    load_le16(e + E_PHENTSIZE) != CORE_SEGMENT_SIZE)
		return CH_DONE;
	for (size_t i = 0; i < n; i++) {
		TRY(m->read(m, f->from + at + i * sizeof(p), p, sizeof(p), &got));
		if (got < sizeof(p))
			return CH_DONE;
		uint64_t from = load_le64(p + P_OFFSET) & ~(uint64_t)(CORE_PAGE - 1);
		uint64_t size = load_le64(p + P_FILESZ) & INT64_MAX;
		if (load_le32(p + P_TYPE) == SEGMENT_LOAD && load_le32(p + P_FLAGS) & CORE_EXEC &&
		    from <= INT64_MAX)
			mark(h, f, from, load_le64(p + P_OFFSET) + size);
	}
	return CH_DONE;
}

ch_err core_files_find_code(struct core_head *h, struct core_memory *m)
{
	for (size_t i = 0; i < h->n_files; i++)
		if (h->files[i].offset == 0)
			TRY(mark_by_header(h, m, &h->files[i]));
	return CH_DONE;
}
