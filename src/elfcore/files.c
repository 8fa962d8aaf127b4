/* NT_FILE: which files were mapped where. It may be long, and counts that it states may lie:
 * rows and texts pass through the window, a bounded number of them stays. Paths are masked as
 * they pass; in the head they stay as they are, so that the files can be found. */
#include <string.h>

#include "base/ck.h"
#include "base/sort.h"
#include "layout.h"
#include "notes.h"

enum { PAGE_MAX = 1 << 30, PATH_KEPT_MAX = 32 * 1024 };

/* The number of its text stands in path.n until the text comes. */
struct file_table {
	uint64_t count, page;
	size_t n_text, cap_text;
	str last; /* mappings of a file follow each other */
};

static bool head_sound(const uint8_t *p, uint64_t n, struct file_table *t)
{
	t->count = load_le64(p);
	t->page = load_le64(p + 8);
	return t->count <= (n - FILE_HEAD) / (FILE_ROW + 1) && t->page > 0 && t->page <= PAGE_MAX;
}

static ch_err table_make(struct core_head *h, struct file_table *t, uint64_t n)
{
	uint64_t text = n - FILE_HEAD - t->count * FILE_ROW;
	t->cap_text = text < CORE_FILE_TEXT_MAX ? (size_t)text : CORE_FILE_TEXT_MAX;
	return room_for_files(h, t->count < CORE_FILES_MAX ? (size_t)t->count : CORE_FILES_MAX,
			      t->cap_text);
}

/* When there are too many, those of code are wanted more. */
static bool wanted(const struct core_head *h, const struct core_load *l)
{
	size_t max = l && l->flags & CORE_EXEC ? CORE_FILES_MAX : CORE_FILES_MAX / 2;
	return h->n_files < max;
}

/* Texts may stand where a count that lies says there are rows: only places in memory pass. */
static bool row_sound(const uint8_t *p)
{
	uint64_t from = load_le64(p);
	uint64_t to = load_le64(p + 8);
	return from < to && from % CORE_PAGE == 0 && to % CORE_PAGE == 0;
}

static void add_row(struct core_head *h, const struct file_table *t, const uint8_t *p, size_t i)
{
	struct core_file f = { .from = load_le64(p), .to = load_le64(p + 8), .path = { NULL, i } };
	if (!ck_mul(load_le64(p + 16), t->page, &f.offset))
		return;
	const struct core_load *l = core_map_at(&h->map, f.from);
	if (l && f.from == l->addr && f.to - f.from >= l->mem_size)
		h->map.loads[l - h->map.loads].file_backed = true;
	if (wanted(h, l))
		h->files[h->n_files++] = f;
}

static ch_err pass_rows(struct notes *s, const struct file_table *t)
{
	for (uint64_t i = 0; i < t->count; i++) {
		TRY(notes_need(s, FILE_ROW));
		if (row_sound(s->p + s->at))
			add_row(s->head, t, s->p + s->at, (size_t)i);
		else
			mem_zero(s->p + s->at, FILE_ROW);
		TRY(notes_pass(s, FILE_ROW));
	}
	return CH_DONE;
}

/* A path into the head; empty when there is no room. */
static str path_kept(struct core_head *h, struct file_table *t, str path)
{
	if (str_eq(path, t->last))
		return t->last;
	if (path.n > t->cap_text - t->n_text)
		return (str){ h->file_text, 0 };
	char *to = h->file_text + t->n_text;
	mem_copy(to, path.p, path.n);
	t->n_text += path.n;
	t->last = (str){ to, path.n };
	return t->last;
}

/* Texts in the order of the rows; *left of the note's bytes are not passed yet. */
static ch_err pass_texts(struct notes *s, struct file_table *t, uint64_t *left)
{
	struct core_head *h = s->head;
	size_t file = 0;
	for (uint64_t i = 0; i<t->count && * left> 0; i++) {
		size_t max = *left < PATH_KEPT_MAX ? (size_t)*left : PATH_KEPT_MAX;
		if (s->n - s->at < max)
			TRY(notes_need(s, max));
		char *p = (char *)s->p + s->at;
		const char *end = memchr(p, 0, max);
		if (!end)
			return CH_DONE;
		str path = { p, (size_t)(end - p) };
		for (; file < h->n_files && h->files[file].path.n == i; file++)
			h->files[file].path = path_kept(h, t, path);
		core_path_mask(p, path.n);
		TRY(notes_pass(s, path.n + 1));
		*left -= path.n + 1;
	}
	return CH_DONE;
}

static bool by_address(const void *a, const void *b)
{
	return ((const struct core_file *)a)->from < ((const struct core_file *)b)->from;
}

/* Cores of gdb have no segment for code that nobody changed. */
static bool is_code(const struct core_head *h, const struct core_file *f)
{
	const struct core_load *l = core_map_at(&h->map, f->from);
	return !l || l->flags & CORE_EXEC;
}

/* Mappings of one file follow each other. */
static void find_programs(struct core_head *h)
{
	for (size_t i = 0, end = 0; i < h->n_files; i = end) {
		bool code = false;
		for (end = i; end < h->n_files && str_eq(h->files[end].path, h->files[i].path);
		     end++)
			code = code || is_code(h, &h->files[end]);
		for (size_t k = i; k < end && code; k++) {
			const struct core_load *l = core_map_at(&h->map, h->files[k].from);
			if (l && l->file_backed)
				h->map.loads[l - h->map.loads].flags |= CORE_PROGRAM;
		}
	}
}

/* Whoever has no text lost it; what overlaps is a lie. */
static void settle(struct core_head *h)
{
	size_t kept = 0;
	uint64_t next = 0;
	for (size_t i = 0; i < h->n_files; i++)
		if (!h->files[i].path.p)
			h->files[i].path = (str){ h->file_text, 0 };
	sort_in_place(h->files, h->n_files, sizeof(*h->files), by_address);
	for (size_t i = 0; i < h->n_files; i++) {
		if (h->files[i].from < next)
			continue;
		next = h->files[i].to;
		h->files[kept++] = h->files[i];
	}
	h->n_files = kept;
	find_programs(h);
}

ch_err notes_files(struct notes *s, uint64_t n)
{
	struct file_table t = { 0 };
	s->head->notes_broken += n < FILE_HEAD || s->files_seen ? n : 0;
	if (n < FILE_HEAD || s->files_seen)
		return notes_pass_zeros(s, n);
	s->files_seen = true;
	TRY(notes_need(s, FILE_HEAD));
	if (!head_sound(s->p + s->at, n, &t)) {
		s->head->notes_broken += n;
		return notes_pass_zeros(s, n);
	}
	TRY(table_make(s->head, &t, n));
	TRY(notes_pass(s, FILE_HEAD));
	ch_err e = pass_rows(s, &t);
	uint64_t left = n - FILE_HEAD - t.count * FILE_ROW;
	if (!failed(e))
		e = pass_texts(s, &t, &left);
	settle(s->head);
	TRY(e);
	s->head->notes_broken += left;
	return notes_pass_zeros(s, left);
}
