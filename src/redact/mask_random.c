/* Claims what looks random, but for code and constants of programs and libraries, which are
 * public, and for the paths of these. */
#include <string.h>

#include "masker_internal.h"

/* The end of the path in which p[at] lies, or 0 when it lies in none that is known. */
static size_t path_end(const struct masker *m, const struct finish *f, size_t at)
{
	const uint8_t *p = f->p;
	size_t back = 0, end = at;
	while (back < at && back < PATH_STRING_MAX && path_char(p[at - back - 1]))
		back++;
	if (back < at && p[at - back - 1])
		return 0;
	while (end < f->there && end - at < PATH_STRING_MAX && path_char(p[end]))
		end++;
	if (end == f->there || p[end])
		return 0;
	str path = str_of_bytes((bytes){ p + at - back, end - at + back });
	return paths_has(m->paths, path) ? end : 0;
}

size_t mask_step(const uint8_t *p, size_t n)
{
	size_t at = n / 8 * 8;
	/* where one string ends in the word in which the next begins, back over that too */
	while (at && n - at < PATH_STRING_MAX && path_char(p[at - 1])) {
		while (at && path_char(p[at - 1]))
			at--;
		at = at / 8 * 8;
	}
	return at && n - at < PATH_STRING_MAX ? at : n / 8 * 8;
}

/* The path in which p[at] lies stays. */
static void spare_path(struct masker *m, const struct finish *f, size_t at)
{
	size_t end = path_char(f->p[at]) ? path_end(m, f, at) : 0;
	/* and the zero that ends it */
	if (end && m->random_to > m->final && m->random_to - m->final <= end + 1)
		m->random_to = m->final;
	for (size_t i = at; end && i <= end && i < f->n; i++)
		m->owners[i] = 0;
}

/* A path begins before what looks random, or in it behind a zero and with a slash. */
static void spare_paths(struct masker *m, const struct finish *f)
{
	for (size_t at = 0, end = 0; at < f->n; at = end) {
		end = owner_end(m->owners, at, f->n);
		if (m->owners[at] != RANDOM_OWNER)
			continue;
		spare_path(m, f, at);
		const uint8_t *p = f->p + at;
		while (++p < f->p + end && (p = memchr(p, '/', (size_t)(f->p + end - p))))
			if (!p[-1])
				spare_path(m, f, (size_t)(p - f->p));
	}
}

static void carry(struct masker *m, size_t n)
{
	if (m->random_to <= m->final)
		return;
	uint64_t carried = m->random_to - m->final;
	for (size_t i = 0; i < carried && i < n; i++)
		m->owners[i] = RANDOM_OWNER;
}

/* A block of zeros, and as much behind it that nothing random begins in it. */
static bool is_empty(const uint8_t *p, size_t n, size_t there)
{
	size_t more = there - n < RANDOM_WINDOW ? there - n : RANDOM_WINDOW;
	return bytes_are_zero((bytes){ p, n + more });
}

static size_t claim_text(struct masker *m, struct random_block b, uint64_t addr)
{
	size_t judged[RANDOM_WIDTHS];
	for (size_t i = 0; i < RANDOM_WIDTHS; i++)
		judged[i] = m->judged_to[i] > addr ? (size_t)(m->judged_to[i] - addr) : 0;
	size_t covered = random_find_text(b, judged);
	for (size_t i = 0; i < RANDOM_WIDTHS; i++)
		m->judged_to[i] = addr + judged[i];
	return covered;
}

static void claim(struct masker *m, const struct finish *f, size_t at)
{
	const uint8_t *p = f->p + at;
	size_t n = f->n - at < RANDOM_BLOCK ? f->n - at : RANDOM_BLOCK;
	if (is_empty(p, n, f->there - at))
		return;
	struct random_block b = { p, n, f->there - at, m->owners + at, RANDOM_OWNER };
	size_t covered = random_find(&m->random, b), text = claim_text(m, b, m->final + at);
	covered = text > covered ? text : covered;
	for (size_t i = n; i < covered && at + i < f->n; i++)
		m->owners[at + i] = RANDOM_OWNER;
	if (covered && m->final + at + covered > m->random_to)
		m->random_to = m->final + at + covered;
}

static bool is_constant(const struct core_load *l)
{
	return l->flags & CORE_PROGRAM && !(l->flags & CORE_WRITE);
}

/* How far all is alike from p[at] on, in whole words: constant or not. A piece may go over from
 * one segment to the next. */
static size_t alike_to(const struct masker *m, const struct finish *f, size_t at,
		       bool *ret_constant)
{
	const struct core_map *map = m->setup.map;
	uint64_t addr = m->final + at, end = m->final + f->n;
	const struct core_load *l = core_map_at(map, addr);
	*ret_constant = l && is_constant(l);
	for (; l && l < map->loads + map->n && l->addr <= addr && is_constant(l) == *ret_constant;
	     l++)
		addr = l->addr + l->mem_size;
	addr = (addr + 7) / 8 * 8;
	return !l || addr >= end ? f->n : (size_t)(addr - m->final);
}

/* Windows may begin in what is alike up to `to` and go over its end. */
static void claim_alike(struct masker *m, const struct finish *f, size_t at, size_t to)
{
	const struct finish part = { f->p, to, f->there };
	for (; at < to; at += RANDOM_BLOCK)
		claim(m, &part, at);
}

static void spare_constant(struct masker *m, size_t at, size_t to)
{
	for (; at < to; at++)
		m->owners[at] = 0;
}

bool mask_random(struct masker *m, const struct finish *f)
{
	if (!m->is_memory || m->setup.level != LEVEL_STRICT)
		return false;
	carry(m, f->n);
	for (size_t at = 0, to = 0; at < f->n; at = to) {
		bool constant = false;
		to = alike_to(m, f, at, &constant);
		if (!constant)
			claim_alike(m, f, at, to);
		else
			spare_constant(m, at, to);
	}
	bool any = m->random_to > m->final;
	if (any)
		spare_paths(m, f);
	return any;
}
