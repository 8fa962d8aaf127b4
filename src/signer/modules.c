/* The map of our own code, noted before any key is loaded, so that the warden can turn
 * an instruction's address into module + offset without reading our memory. */
#include <elf.h>
#include <link.h>
#include <string.h>

#include "signer_internal.h"

static void copy_build_id(const struct dl_phdr_info *info, struct status_module *m)
{
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		if (p->p_type != PT_NOTE)
			continue;
		struct rd r = rd_of(
			(bytes){ (const uint8_t *)(info->dlpi_addr + p->p_vaddr), p->p_memsz });
		while (rd_left(&r) >= sizeof(ElfW(Nhdr))) {
			ElfW(Nhdr) note;
			mem_copy(&note, rd_take(&r, sizeof(note)).p, sizeof(note));
			(void)rd_take(&r, (note.n_namesz + 3U) & ~3U);
			bytes id = rd_take(&r, (note.n_descsz + 3U) & ~3U);
			if (!r.bad && note.n_type == NT_GNU_BUILD_ID && id.n >= STATUS_BUILD_ID)
				mem_copy(m->build_id, id.p, STATUS_BUILD_ID);
		}
	}
}

static void copy_name(const char *path, struct status_module *m)
{
	const char *slash = strrchr(path, '/');
	str name = path[0] ? str_from_c(slash ? slash + 1 : path) : LIT("chancery-signer");
	mem_copy(m->name, name.p, name.n < STATUS_NAME ? name.n : STATUS_NAME - 1);
}

static int note_module(struct dl_phdr_info *info, size_t size, void *data)
{
	struct signer_status *status = data;
	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		if (status->n_modules >= STATUS_MODULES)
			return 1;
		struct status_module *m = &status->modules[status->n_modules];
		m->start = info->dlpi_addr + p->p_vaddr;
		m->end = m->start + p->p_memsz;
		m->offset = p->p_vaddr;
		copy_name(info->dlpi_name, m);
		copy_build_id(info, m);
		status->n_modules++;
	}
	return 0;
}

void modules_note(struct signer_status *status)
{
	(void)dl_iterate_phdr(note_module, status);
}
