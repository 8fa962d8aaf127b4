/* Which level a dump is kept at, by uid and file, which the opener saw, and by the build id,
 * which stands in the file that ran: none of them is the crashed program's to choose. */
#include <errno.h>
#include <unistd.h>

#include "redactor_internal.h"

enum {
	EHDR = 64,
	PHDR = 56,
	PHDRS_MAX = 64,
	PT_NOTE = 4,
	NOTE_BUILD_ID = 3,
	NOTE_HEAD = 16, /* with the name "GNU" */
	NOTES_MAX = 4096,
};

static size_t id_in_notes(const uint8_t *p, size_t n, uint8_t *ret_id)
{
	for (size_t at = 0; n - at >= NOTE_HEAD;) {
		uint64_t name = load_le32(p + at), data = load_le32(p + at + 4);
		uint64_t head = 12 + (name + 3) / 4 * 4, whole = head + (data + 3) / 4 * 4;
		if (whole > n - at)
			return 0;
		if (name == 4 && load_le32(p + at + 8) == NOTE_BUILD_ID && data > 0 &&
		    data <= BUILD_ID_MAX && mem_eq(p + at + 12, "GNU", 4)) {
			mem_copy(ret_id, p + at + head, (size_t)data);
			return (size_t)data;
		}
		at += (size_t)whole;
	}
	return 0;
}

static ch_err id_at(struct core_memory *m, uint64_t addr, uint64_t size, uint8_t *ret_id,
		    size_t *ret_n)
{
	uint8_t p[NOTES_MAX];
	size_t got = 0;
	TRY(m->read(m, addr, p, size < sizeof(p) ? (size_t)size : sizeof(p), &got));
	*ret_n = id_in_notes(p, got, ret_id);
	return CH_DONE;
}

ch_err build_id_of_memory(struct core_memory *m, uint64_t base, uint8_t ret_id[static BUILD_ID_MAX],
			  size_t *ret_n)
{
	static const uint8_t magic[] = { 0x7f, 'E', 'L', 'F', 2, 1 };
	uint8_t head[EHDR + PHDRS_MAX * PHDR];
	size_t got = 0;
	*ret_n = 0;
	TRY(m->read(m, base, head, sizeof(head), &got));
	if (got < EHDR || !mem_eq(head, magic, sizeof(magic)) || load_le64(head + 32) != EHDR)
		return CH_DONE;
	size_t n = (size_t)(head[56] | head[57] << 8);
	for (size_t i = 0; i < n && *ret_n == 0 && EHDR + (i + 1) * PHDR <= got; i++) {
		const uint8_t *p = head + EHDR + i * PHDR;
		uint64_t at = load_le64(p + 8);
		if (load_le32(p) == PT_NOTE && at <= INT64_MAX)
			TRY(id_at(m, base + at, load_le64(p + 32), ret_id, ret_n));
	}
	return CH_DONE;
}

struct fd_memory {
	struct core_memory memory;
	int fd;
};

static ch_err fd_read_at(struct core_memory *m, uint64_t addr, void *to, size_t n, size_t *ret_n)
{
	const struct fd_memory *f = (const struct fd_memory *)m;
	ssize_t got = addr > INT64_MAX ? 0 : pread(f->fd, to, n, (off_t)addr);
	if (got < 0)
		return ch_fail(CH_E_IO, "cannot read the executable", errno);
	*ret_n = (size_t)got;
	return CH_DONE;
}

ch_err build_id_of_fd(int fd, uint8_t ret_id[static BUILD_ID_MAX], size_t *ret_n)
{
	struct fd_memory f = { { fd_read_at, NULL }, fd };
	return build_id_of_memory(&f.memory, 0, ret_id, ret_n);
}

static bool fits(const struct dump_rule *r, const struct redactor_config *c, bytes build_id)
{
	if (r->has_uid && (c->uid < r->uid_from || c->uid > r->uid_to))
		return false;
	if (r->has_file && (r->device != c->device || r->inode != c->inode))
		return false;
	return !r->has_build_id || bytes_eq(build_id, (bytes){ r->build_id, r->build_id_n });
}

enum dump_wish wish_of(const struct redactor_config *c, bytes build_id)
{
	for (size_t i = 0; i < c->n_rules; i++)
		if (fits(&c->rules[i], c, build_id))
			return c->rules[i].wish;
	return c->wish;
}
