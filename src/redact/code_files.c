/* Code from the files that were mapped. The paths are the core's and may name anything, and
 * a file may be of another version: one that does not begin as its mapping in the core does
 * is left alone, and only what its program headers call executable is read. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ck.h"
#include "base/file.h"
#include "redact/code.h"

enum { RANGES = 4, EHDR = 64, PHDR = 56, PHDRS_MAX = 64, PT_LOAD = 1, PF_X = 1, NO_FILE = -1 };

struct range {
	uint64_t from, to; /* offsets in the file */
};

/* Mappings of one file, which follow each other in NT_FILE. */
struct mapped {
	size_t first; /* of head->files */
	bool asked;
	int fd; /* NO_FILE: not to be had */
	struct range code[RANGES];
};

struct code_files {
	struct core_memory memory;
	const struct core_head *head;
	struct core_memory *core;
	struct code_opener *opener;
	struct mapped *all;
	size_t n, wanted, missing;
};

/* The mapping from which the file's beginning was mapped, or NULL. */
static const struct core_file *beginning_of(const struct code_files *c, const struct mapped *m)
{
	const struct core_head *h = c->head;
	for (size_t i = m->first;
	     i < h->n_files && str_eq(h->files[i].path, h->files[m->first].path); i++)
		if (h->files[i].offset == 0)
			return &h->files[i];
	return NULL;
}

static bool find_ranges(struct mapped *m, const uint8_t *head)
{
	static const uint8_t magic[] = { 0x7f, 'E', 'L', 'F', 2, 1 };
	size_t n = (size_t)(head[56] | head[57] << 8), k = 0;
	if (!mem_eq(head, magic, sizeof(magic)) || load_le64(head + 32) != EHDR ||
	    head[54] != PHDR || n > PHDRS_MAX)
		return false;
	for (size_t i = 0; i < n && k < RANGES; i++) {
		const uint8_t *p = head + EHDR + i * PHDR;
		uint64_t from = load_le64(p + 8), to = 0;
		/* whole pages are mapped */
		if (load_le32(p) == PT_LOAD && (load_le32(p + 4) & PF_X) &&
		    ck_add(from, load_le64(p + 32), &to) && to < UINT64_MAX - CORE_PAGE)
			m->code[k++] = (struct range){ from - from % CORE_PAGE,
						       to + (CORE_PAGE - to % CORE_PAGE) };
	}
	return k > 0;
}

/* E_NOT_FOUND: it is another file, or the core does not say. */
static ch_err check(struct code_files *c, struct mapped *m, int fd)
{
	/* what a file is too short for is zeros in its mapping */
	uint8_t ours[CORE_PAGE] = { 0 }, theirs[CORE_PAGE];
	const struct core_file *f = beginning_of(c, m);
	if (!f)
		return ch_fail(CH_E_NOT_FOUND, "a file's beginning was not mapped", 0);
	TRY(memory_exactly(c->core, f->from, theirs, sizeof(theirs)));
	if (pread(fd, ours, sizeof(ours), 0) < 0)
		return ch_fail(CH_E_IO, "cannot read a mapped file", errno);
	if (!mem_eq(ours, theirs, sizeof(ours)) || !find_ranges(m, ours))
		return ch_fail(CH_E_NOT_FOUND, "another file is where one was mapped", 0);
	return CH_DONE;
}

static ch_err ask(struct code_files *c, struct mapped *m)
{
	AUTO(fd_close) int fd = NO_FILE;
	m->asked = true;
	c->wanted++;
	ch_err e = ch_fail(CH_E_NOT_FOUND, "too many files are mapped", CODE_FILES_MAX);
	if (c->wanted - c->missing <= CODE_FILES_MAX)
		e = c->opener->open(c->opener, c->head->files[m->first].path, &fd);
	if (!failed(e))
		e = check(c, m, fd);
	if (failed(e)) {
		c->missing++;
		return ch_code_of(e) == CH_E_NOT_FOUND ? CH_DONE : e;
	}
	m->fd = TAKE_FD(fd);
	return CH_DONE;
}

static struct mapped *mapped_of(struct code_files *c, size_t file)
{
	size_t from = 0, to = c->n;
	while (to - from > 1) {
		size_t mid = from + (to - from) / 2;
		if (c->all[mid].first <= file)
			from = mid;
		else
			to = mid;
	}
	return &c->all[from];
}

static uint64_t code_left(const struct mapped *m, uint64_t offset)
{
	for (size_t i = 0; i < RANGES; i++)
		if (offset >= m->code[i].from && offset < m->code[i].to)
			return m->code[i].to - offset;
	return 0;
}

static ch_err files_read(struct core_memory *memory, uint64_t addr, void *to, size_t n,
			 size_t *ret_n)
{
	struct code_files *c = (struct code_files *)memory;
	const struct core_file *f = core_file_at(c->head, addr);
	*ret_n = 0;
	if (!f)
		return CH_DONE;
	struct mapped *m = mapped_of(c, (size_t)(f - c->head->files));
	uint64_t offset = addr - f->from + f->offset;
	if (!m->asked)
		TRY(ask(c, m));
	uint64_t left = m->fd == NO_FILE ? 0 : code_left(m, offset);
	if (left > f->to - addr)
		left = f->to - addr;
	if (left == 0 || offset > INT64_MAX)
		return CH_DONE;
	ssize_t got = pread(m->fd, to, n < left ? n : (size_t)left, (off_t)offset);
	if (got < 0)
		return ch_fail(CH_E_IO, "cannot read a mapped file", errno);
	*ret_n = (size_t)got;
	return CH_DONE;
}

static ch_err files_next(struct core_memory *memory, uint64_t addr, uint64_t end,
			 uint64_t *ret_from, uint64_t *ret_to)
{
	(void)memory;
	*ret_from = addr;
	*ret_to = end;
	return CH_DONE;
}

ch_err code_files_new(const struct core_head *head, struct core_memory *memory,
		      struct code_opener *opener, struct code_files **ret_c)
{
	AUTO(code_files_done) struct code_files *c = calloc(1, sizeof(*c));
	if (c)
		c->all = calloc(head->n_files + 1, sizeof(*c->all));
	if (!c || !c->all)
		return ch_fail(CH_E_NOMEM, "no memory for mapped files", head->n_files);
	c->memory = (struct core_memory){ files_read, files_next };
	c->head = head;
	c->core = memory;
	c->opener = opener;
	for (size_t i = 0; i < head->n_files; i++)
		if (i == 0 || !str_eq(head->files[i].path, head->files[i - 1].path))
			c->all[c->n++] = (struct mapped){ .first = i, .fd = NO_FILE };
	*ret_c = TAKE(c);
	return CH_DONE;
}

void code_files_done(struct code_files **c)
{
	if (!*c)
		return;
	for (size_t i = 0; i < (*c)->n; i++)
		fd_close(&(*c)->all[i].fd);
	free((*c)->all);
	free(*c);
	*c = NULL;
}

struct core_memory *code_files_memory(struct code_files *c)
{
	return &c->memory;
}

void code_files_count(const struct code_files *c, size_t *ret_wanted, size_t *ret_missing)
{
	*ret_wanted = c->wanted;
	*ret_missing = c->missing;
}
