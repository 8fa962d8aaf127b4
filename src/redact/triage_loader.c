/* What a debugger needs to name code: the loader's list of libraries, the dynamic section that
 * leads to it, headers and build ids of mapped files, the vdso. Every pointer on the way may
 * lie or go round in circles: counts are bounded, and what does not look as the loader writes
 * it ends the walk. */
#include "triage_internal.h"

enum {
	EHDR = 64,
	PHDR = 56,
	PHDRS_MAX = 64,
	PT_DYNAMIC = 2,
	PT_NOTE = 4,
	PT_PHDR = 6,
	DT_NULL = 0,
	DT_DEBUG = 21,
	DYNAMIC_MAX = 256,
	NAME_MAX_HERE = 4096,
	LIBRARIES_MAX = 16 * 1024,
	SPACES_MAX = 16, /* of dlmopen */
	NOTE_BUILD_ID = 3,
	NOTE_HEAD = 16, /* with the name "GNU" */
	BUILD_ID_BYTES = 32,
	NOTES_LOOKED_AT = 1024,
	VDSO_MOST = 16 * 1024,
};

static ch_err word_at(struct triage *t, uint64_t addr, uint64_t *ret_word)
{
	uint8_t p[WORD];
	TRY(memory_exactly(t->memory, addr, p, sizeof(p)));
	*ret_word = load_le64(p);
	return CH_DONE;
}

/* A failure of the source is one; what is not there ends what is being looked at. */
static ch_err unless_absent(ch_err e)
{
	return ch_code_of(e) == CH_E_NOT_FOUND ? CH_DONE : e;
}

/* --- headers of a file --------------------------------------------------------------- */

static ch_err keep_build_id(struct triage *t, uint64_t addr, uint64_t size)
{
	uint8_t p[NOTES_LOOKED_AT];
	size_t n = size < sizeof(p) ? (size_t)size : sizeof(p), at = 0;
	TRY(memory_exactly(t->memory, addr, p, n));
	while (n - at >= NOTE_HEAD) {
		uint64_t name = load_le32(p + at), data = load_le32(p + at + 4);
		uint64_t whole = 12 + (name + 3) / 4 * 4 + (data + 3) / 4 * 4;
		if (name == 4 && load_le32(p + at + 8) == NOTE_BUILD_ID && data <= BUILD_ID_BYTES &&
		    whole <= n - at && mem_eq(p + at + 12, "GNU", 4))
			kept_add(t, addr + at, p + at, (size_t)whole);
		if (whole > n - at)
			break;
		at += (size_t)whole;
	}
	return CH_DONE;
}

static ch_err keep_header(struct triage *t, uint64_t base)
{
	static const uint8_t magic[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	uint8_t h[EHDR], p[PHDRS_MAX * PHDR];
	TRY(memory_exactly(t->memory, base, h, sizeof(h)));
	size_t n = (size_t)(h[56] | h[57] << 8);
	if (!mem_eq(h, magic, sizeof(magic)) || load_le64(h + 32) != EHDR || h[54] != PHDR ||
	    n > PHDRS_MAX)
		return CH_DONE;
	TRY(memory_exactly(t->memory, base + EHDR, p, n * PHDR));
	kept_add(t, base, h, sizeof(h));
	kept_add(t, base + EHDR, p, n * PHDR);
	for (size_t i = 0; i < n; i++) {
		const uint8_t *one = p + i * PHDR;
		if (load_le32(one) == PT_NOTE && load_le64(one + 8) < CORE_PAGE)
			TRY(unless_absent(
				keep_build_id(t, base + load_le64(one + 8), load_le64(one + 32))));
	}
	return CH_DONE;
}

/* Only where nobody may write: a file's head, and nothing that looks like one. */
static ch_err keep_headers(struct triage *t)
{
	for (size_t i = 0; i < t->head->n_files; i++) {
		const struct core_file *f = &t->head->files[i];
		const struct core_load *l = core_map_at(&t->head->map, f->from);
		if (f->offset == 0 && l && !(l->flags & CORE_WRITE))
			TRY(unless_absent(keep_header(t, f->from)));
	}
	return CH_DONE;
}

static ch_err keep_vdso(struct triage *t)
{
	uint64_t n = t->code.vdso_to - t->code.vdso_from;
	size_t got = 0;
	for (uint64_t at = 0; at < n && n <= VDSO_MOST; at += got) {
		TRY(t->memory->read(t->memory, t->code.vdso_from + at, t->in, (size_t)(n - at),
				    &got));
		if (got == 0)
			break;
		kept_add(t, t->code.vdso_from + at, t->in, got);
	}
	return CH_DONE;
}

/* --- the list of libraries ----------------------------------------------------------- */

static bool of_a_file(const struct triage *t, uint64_t addr)
{
	return core_file_at(t->head, addr) ||
	       addr - t->code.vdso_from < t->code.vdso_to - t->code.vdso_from;
}

static bool is_text(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 || p[i] == 0x7f)
			return false;
	return true;
}

/* A path or file name that ends; folders of people are masked as in the notes. */
static ch_err keep_name(struct triage *t, uint64_t addr)
{
	uint8_t *p = t->in;
	size_t got = 0, n = 0;
	TRY(t->memory->read(t->memory, addr, p, NAME_MAX_HERE, &got));
	while (n < got && p[n] != 0)
		n++;
	if (n == got || !is_text(p, n))
		return CH_DONE;
	core_path_mask((char *)p, n);
	kept_add(t, addr, p, n + 1);
	return CH_DONE;
}

/* struct link_map: l_addr, l_name, l_ld, l_next, l_prev (link.h) */
struct link {
	uint64_t base, name, dynamic, next, prev;
};

static ch_err link_read(struct triage *t, uint64_t addr, struct link *ret_link)
{
	uint8_t p[5 * WORD];
	TRY(memory_exactly(t->memory, addr, p, sizeof(p)));
	*ret_link = (struct link){ load_le64(p), load_le64(p + 8), load_le64(p + 16),
				   load_le64(p + 24), load_le64(p + 32) };
	return CH_DONE;
}

static bool leads_on(const struct triage *t, uint64_t addr)
{
	return addr == 0 || core_map_at(&t->head->map, addr);
}

/* As the loader writes it: each knows the one before, so no circle is walked twice. */
static bool is_link(const struct triage *t, const struct link *l, uint64_t prev)
{
	return l->prev == prev && l->base % CORE_PAGE == 0 && of_a_file(t, l->dynamic) &&
	       leads_on(t, l->next) && leads_on(t, l->name);
}

static ch_err keep_links(struct triage *t, uint64_t first)
{
	struct link l = { 0 };
	uint64_t prev = 0, addr = first;
	for (size_t i = 0; addr && i < LIBRARIES_MAX; i++) {
		TRY(link_read(t, addr, &l));
		if (!is_link(t, &l, prev))
			return CH_DONE;
		const uint64_t words[] = { l.base, l.name, l.dynamic, l.next, l.prev };
		for (size_t k = 0; k < COUNT_OF(words); k++)
			kept_word(t, addr + k * WORD, words[k]);
		if (l.name)
			TRY(unless_absent(keep_name(t, l.name)));
		prev = addr;
		addr = l.next;
	}
	return CH_DONE;
}

/* struct r_debug: r_version, r_map, r_brk, r_state, r_ldbase, and from version 2 on r_next,
 * of another name space (link.h). *ret_next: it, or 0. */
static ch_err keep_debug(struct triage *t, uint64_t addr, uint64_t *ret_next)
{
	uint8_t p[6 * WORD];
	TRY(memory_exactly(t->memory, addr, p, sizeof(p)));
	uint64_t version = load_le32(p), brk = load_le64(p + 16), base = load_le64(p + 32);
	*ret_next = 0;
	if (version == 0 || version > 2 || !leads_on(t, load_le64(p + 8)) || !of_a_file(t, brk) ||
	    !leads_on(t, base) || !leads_on(t, load_le64(p + 40)))
		return CH_DONE;
	/* version and state are ints: what fills them up says nothing */
	kept_word(t, addr, version);
	kept_word(t, addr + 8, load_le64(p + 8));
	kept_word(t, addr + 16, brk);
	kept_word(t, addr + 24, load_le32(p + 24) & 3);
	kept_word(t, addr + 32, base);
	if (version == 2) {
		*ret_next = load_le64(p + 40);
		kept_word(t, addr + 40, *ret_next);
	}
	return unless_absent(keep_links(t, load_le64(p + 8)));
}

static ch_err keep_spaces(struct triage *t, uint64_t addr)
{
	for (size_t i = 0; addr && i < SPACES_MAX; i++)
		TRY(keep_debug(t, addr, &addr));
	return CH_DONE;
}

/* The dynamic section of the program itself; its entry DT_DEBUG leads to the list. */
static ch_err keep_dynamic(struct triage *t, uint64_t addr)
{
	uint64_t tag = 0, value = 0;
	for (size_t i = 0; i < DYNAMIC_MAX && of_a_file(t, addr); i++, addr += 2 * WORD) {
		TRY(word_at(t, addr, &tag));
		TRY(word_at(t, addr + WORD, &value));
		kept_word(t, addr, tag);
		kept_word(t, addr + WORD, value);
		if (tag == DT_DEBUG)
			TRY(unless_absent(keep_spaces(t, value)));
		if (tag == DT_NULL)
			break;
	}
	return CH_DONE;
}

static ch_err keep_list(struct triage *t)
{
	uint8_t p[PHDRS_MAX * PHDR];
	uint64_t at = t->head->auxv_phdr, n = t->head->auxv_phnum, base = 0, dynamic = 0;
	if (!of_a_file(t, at) || n == 0 || n > PHDRS_MAX)
		return CH_DONE;
	TRY(memory_exactly(t->memory, at, p, n * PHDR));
	for (size_t i = 0; i < n; i++) {
		uint64_t where = load_le64(p + i * PHDR + 16);
		if (load_le32(p + i * PHDR) == PT_PHDR)
			base = at - where;
		if (load_le32(p + i * PHDR) == PT_DYNAMIC)
			dynamic = where;
	}
	kept_add(t, at, p, n * PHDR);
	return dynamic ? unless_absent(keep_dynamic(t, base + dynamic)) : CH_DONE;
}

ch_err loader_keep(struct triage *t)
{
	TRY(unless_absent(keep_list(t)));
	TRY(keep_vdso(t));
	return keep_headers(t);
}
