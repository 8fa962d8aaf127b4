/* The kernel's own page of code, which triage keeps whole. It is the same in every process, this
 * one's too, unless who crashed wrote to it: then it may hold anything, and is left out. */
#include <elf.h>
#include <sys/auxv.h>

#include "redactor_internal.h"

enum { EHDR = 64, PHDR = 56, PHDRS_MAX = 16, CHUNK = 1024 };

/* Of this process: to the end of the page in which what is mapped ends. 0: there is none. */
static uint64_t own_size(const uint8_t *p)
{
	uint64_t end = 0;
	unsigned n = p ? p[56] : 0;
	for (unsigned i = 0; i < n && i < PHDRS_MAX; i++) {
		const uint8_t *one = p + EHDR + PHDR * (size_t)i;
		if (load_le32(one) == PT_LOAD)
			end = load_le64(one + 16) + load_le64(one + 40);
	}
	return (end + CORE_PAGE - 1) / CORE_PAGE * CORE_PAGE;
}

ch_err vdso_judge(struct core_head *head, struct core_memory *memory)
{
	const uint8_t *own = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
	const struct core_load *l = core_map_at(&head->map, head->auxv_vdso);
	uint64_t size = own_size(own), addr = head->auxv_vdso;
	uint8_t theirs[CHUNK];
	head->auxv_vdso = 0;
	if (!l || l->addr != addr || l->mem_size != size)
		return CH_DONE;
	for (uint64_t at = 0; at < size; at += CHUNK) {
		ch_err e = memory_exactly(memory, addr + at, theirs, CHUNK);
		if (ch_code_of(e) == CH_E_NOT_FOUND ||
		    (!failed(e) && !mem_eq(theirs, own + at, CHUNK)))
			return CH_DONE;
		TRY(e);
	}
	head->auxv_vdso = addr;
	return CH_DONE;
}
