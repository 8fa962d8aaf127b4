/* The headers of a core from its map, as the kernel writes them. It writes what the map says
 * and nothing of the core that was read. */
#include "elfcore/core.h"
#include "layout.h"

static bool many(const struct core_map *m)
{
	return m->n + (m->notes_size > 0) >= SEGMENTS_MANY;
}

static void make_header(const struct core_map *m, uint8_t *h)
{
	static const uint8_t ident[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	mem_copy(h, ident, sizeof(ident));
	store_le(h + E_TYPE, ELF_CORE, 2);
	store_le(h + E_MACHINE, ELF_X86_64, 2);
	store_le(h + E_VERSION, 1, 4);
	store_le(h + E_PHOFF, CORE_HEADER_SIZE, 8);
	store_le(h + E_EHSIZE, CORE_HEADER_SIZE, 2);
	store_le(h + E_PHENTSIZE, CORE_SEGMENT_SIZE, 2);
	store_le(h + E_PHNUM, many(m) ? SEGMENTS_MANY : m->n + (m->notes_size > 0), 2);
	if (!many(m))
		return;
	store_le(h + E_SHOFF, m->size, 8);
	store_le(h + E_SHENTSIZE, CORE_SECTION_SIZE, 2);
	store_le(h + E_SHNUM, 1, 2);
}

static ch_err put_notes(const struct core_map *m, struct core_sink *sink)
{
	uint8_t p[CORE_SEGMENT_SIZE] = { 0 };
	store_le(p + P_TYPE, SEGMENT_NOTE, 4);
	store_le(p + P_OFFSET, m->notes_offset, 8);
	store_le(p + P_FILESZ, m->notes_size, 8);
	store_le(p + P_ALIGN, 4, 8);
	return sink->put(sink, BYTES_OF(p));
}

static ch_err put_load(const struct core_load *l, struct core_sink *sink)
{
	uint8_t p[CORE_SEGMENT_SIZE] = { 0 };
	store_le(p + P_TYPE, SEGMENT_LOAD, 4);
	store_le(p + P_FLAGS, l->flags & (CORE_EXEC | CORE_WRITE | CORE_READ), 4);
	store_le(p + P_OFFSET, l->offset, 8);
	store_le(p + P_VADDR, l->addr, 8);
	store_le(p + P_FILESZ, l->file_size, 8);
	store_le(p + P_MEMSZ, l->mem_size, 8);
	store_le(p + P_ALIGN, CORE_PAGE, 8);
	return sink->put(sink, BYTES_OF(p));
}

ch_err core_segments_write(const struct core_map *map, struct core_sink *sink)
{
	uint8_t h[CORE_HEADER_SIZE] = { 0 };
	make_header(map, h);
	TRY(sink->put(sink, BYTES_OF(h)));
	if (map->notes_size)
		TRY(put_notes(map, sink));
	for (size_t i = 0; i < map->n; i++)
		TRY(put_load(&map->loads[i], sink));
	return CH_DONE;
}

ch_err core_end_write(const struct core_map *map, struct core_sink *sink)
{
	uint8_t section[CORE_SECTION_SIZE] = { 0 };
	if (!many(map))
		return CH_DONE;
	store_le(section + SH_INFO, map->n + (map->notes_size > 0), 4);
	return sink->put(sink, BYTES_OF(section));
}
