/* Is a stack word a return address? Code tells: a call stands before it. It trusts neither
 * the word nor the code, which may be anything; bytes that cannot be seen are no call. */
#include <stdlib.h>

#include "triage_internal.h"

enum { CALL_MAX = 8, AFTER_MAX = 16, VDSO_MAX = 16 * 1024, NOP = 0x90, CALL_REL = 0xe8 };

static void find_vdso(struct code *c)
{
	const struct core_load *l = core_map_at(&c->head->map, c->head->auxv_vdso);
	if (!c->head->auxv_vdso || !l || l->addr != c->head->auxv_vdso)
		return;
	if (l->flags != (CORE_READ | CORE_EXEC) || l->mem_size > VDSO_MAX)
		return;
	c->vdso_from = l->addr;
	c->vdso_to = l->addr + l->mem_size;
}

static void find_range(struct code *c)
{
	const struct core_head *h = c->head;
	c->low = h->n_files ? h->files[0].from : UINT64_MAX;
	c->high = h->n_files ? h->files[h->n_files - 1].to : 0;
	if (c->vdso_to && c->vdso_from < c->low)
		c->low = c->vdso_from;
	if (c->vdso_to > c->high)
		c->high = c->vdso_to;
}

ch_err code_new(struct code *ret_c, const struct core_head *head, struct core_memory *memory,
		struct core_memory *from)
{
	*ret_c = (struct code){ .head = head, .memory = memory, .from = from };
	ret_c->pages = calloc(CODE_PAGES, sizeof(struct code_page));
	if (!ret_c->pages)
		return ch_fail(CH_E_NOMEM, "no memory to look at code", CODE_PAGES);
	for (size_t i = 0; i < CODE_PAGES; i++)
		ret_c->pages[i].addr = UINT64_MAX;
	find_vdso(ret_c);
	find_range(ret_c);
	return CH_DONE;
}

void code_done(struct code *c)
{
	free(c->pages);
	c->pages = NULL;
}

static bool in_vdso(const struct code *c, uint64_t addr)
{
	return addr - c->vdso_from < c->vdso_to - c->vdso_from;
}

static bool is_code(const struct code *c, uint64_t addr)
{
	return addr >= c->low && addr < c->high &&
	       (in_vdso(c, addr) || core_is_code(c->head, addr));
}

bool code_is_executable(const struct code *c, uint64_t addr)
{
	const struct core_load *l = core_map_at(&c->head->map, addr);
	return is_code(c, addr) || (l && (l->flags & CORE_EXEC));
}

/* From whoever knows the code; else the core itself, if it has it. */
static ch_err read_code(struct code *c, uint64_t addr, uint8_t *to, size_t n, size_t *ret_n)
{
	*ret_n = 0;
	if (c->from && !in_vdso(c, addr))
		TRY(c->from->read(c->from, addr, to, n, ret_n));
	return *ret_n ? CH_DONE : c->memory->read(c->memory, addr, to, n, ret_n);
}

static ch_err page_of(struct code *c, uint64_t addr, const struct code_page **ret_page)
{
	uint64_t at = addr & ~(uint64_t)(CORE_PAGE - 1);
	struct code_page *page = &c->pages[at / CORE_PAGE % CODE_PAGES];
	if (page->addr != at) {
		size_t n = 0;
		page->addr = UINT64_MAX;
		TRY(read_code(c, at, page->p, sizeof(page->p), &n));
		page->n = (uint32_t)n;
		page->addr = at;
	}
	*ret_page = page;
	return CH_DONE;
}

/* Bytes of code; fewer where it ends. */
static ch_err take(struct code *c, uint64_t addr, uint8_t *to, size_t n, size_t *ret_n)
{
	const struct code_page *page = NULL;
	size_t got = 0;
	while (got < n && is_code(c, addr + got)) {
		TRY(page_of(c, addr + got, &page));
		size_t from = (size_t)(addr + got - page->addr);
		if (from >= page->n)
			break;
		size_t more = page->n - from < n - got ? page->n - from : n - got;
		mem_copy(to + got, page->p + from, more);
		got += more;
	}
	*ret_n = got;
	return CH_DONE;
}

/* call of a register or through memory, FF /2, of exactly n bytes (Intel SDM vol. 2, 2.1.3 and
 * 2.1.5: what follows the ModR/M byte). */
static bool is_call_through(const uint8_t *p, size_t n)
{
	if (p[0] != 0xff || (p[1] >> 3 & 7) != 2)
		return false;
	unsigned mod = p[1] >> 6, rm = p[1] & 7;
	bool sib = mod != 3 && rm == 4;
	if (sib && n < 3)
		return false;
	bool wide = mod == 2 || (mod == 0 && (rm == 5 || (sib && (p[2] & 7) == 5)));
	return n == 2 + (size_t)sib + (mod == 1 ? 1 : 0) + (wide ? 4 : 0);
}

static bool is_direct_call(const struct code *c, const uint8_t *p, uint64_t behind)
{
	return p[0] == CALL_REL &&
	       is_code(c, behind + (uint64_t)(int64_t)(int32_t)load_le32(p + 1));
}

static bool follows_call(const struct code *c, uint64_t addr, const uint8_t *before)
{
	const uint8_t *end = before + CALL_MAX;
	if (is_direct_call(c, end - 5, addr))
		return true;
	for (size_t n = 2; n <= 7; n++)
		if (is_call_through(end - n, n))
			return true;
	return false;
}

/* What code at such an address begins with although no call stands before it. */
static const struct {
	uint8_t n;
	enum code_kind kind;
	uint8_t p[AFTER_MAX];
} known[] = {
	/* mov $15,%rax; syscall: rt_sigreturn of every C library and of Go */
	{ 9, CODE_SIGNAL, { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 } },
	/* mov $15,%eax; syscall */
	{ 7, CODE_SIGNAL, { 0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05 } },
	/* glibc's __start_context, which makecontext puts there */
	{ 10, CODE_RETURN, { 0x48, 0x89, 0xdc, 0x48, 0x8b, 0x3c, 0x24, 0x48, 0x85, 0xff } },
};

static enum code_kind known_kind(const uint8_t *after, size_t n)
{
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (n >= known[i].n && mem_eq(after, known[i].p, known[i].n))
			return known[i].kind;
	return CODE_NONE;
}

/* Go's goexit, on which every goroutine stands: nop; call; nop, entered behind its nop. */
static bool is_goexit(const struct code *c, uint64_t addr, uint8_t before, const uint8_t *after,
		      size_t n)
{
	return before == NOP && n > 5 && after[5] == NOP && is_direct_call(c, after, addr + 5);
}

ch_err code_kind_of(struct code *c, uint64_t addr, enum code_kind *ret_kind)
{
	uint8_t before[CALL_MAX] = { 0 }, after[AFTER_MAX];
	size_t n_before = 0, n_after = 0;
	*ret_kind = CODE_NONE;
	if (!is_code(c, addr) || !is_code(c, addr - CALL_MAX))
		return CH_DONE;
	TRY(take(c, addr - CALL_MAX, before, sizeof(before), &n_before));
	TRY(take(c, addr, after, sizeof(after), &n_after));
	if (n_before < sizeof(before)) {
		c->unseen += core_is_code(c->head, addr);
		return CH_DONE;
	}
	if (follows_call(c, addr, before) ||
	    is_goexit(c, addr, before[CALL_MAX - 1], after, n_after))
		*ret_kind = CODE_RETURN;
	else
		*ret_kind = known_kind(after, n_after);
	return CH_DONE;
}
