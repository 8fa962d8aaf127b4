/* Bytes that stay wherever they are in memory, copied when they were judged: memory that
 * others share may change until it is written. It never keeps what the core did not have. */
#include "triage_internal.h"

#include "base/sort.h"

static bool in_core(const struct core_map *m, uint64_t addr, size_t n)
{
	const struct core_load *l = core_map_at(m, addr);
	return l && addr - l->addr < l->file_size && n <= l->file_size - (addr - l->addr);
}

void kept_add(struct triage *t, uint64_t addr, const void *p, size_t n)
{
	struct kept *k = &t->kept;
	if (n == 0 || k->n == KEPT_ITEMS_MAX || n > KEPT_MAX - k->used ||
	    !in_core(&t->head->map, addr, n))
		return;
	mem_copy(k->bytes + k->used, p, n);
	k->items[k->n++] = (struct kept_item){ addr, (uint32_t)k->used, (uint32_t)n };
	k->used += n;
	pages_add(t, addr, addr + n);
}

void kept_word(struct triage *t, uint64_t addr, uint64_t word)
{
	uint8_t p[WORD];
	for (size_t i = 0; i < WORD; i++)
		p[i] = (uint8_t)(word >> 8 * i);
	kept_add(t, addr, p, sizeof(p));
}

static bool item_less(const void *a, const void *b)
{
	return ((const struct kept_item *)a)->addr < ((const struct kept_item *)b)->addr;
}

void kept_sort(struct kept *k)
{
	sort_in_place(k->items, k->n, sizeof(*k->items), item_less);
}

/* The first item that begins at addr or behind it. */
static size_t first_from(const struct kept *k, uint64_t addr)
{
	size_t from = 0, to = k->n;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (k->items[mid].addr < addr)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static uint64_t apply_one(const struct kept *k, const struct kept_item *i, uint64_t addr,
			  uint8_t *p, size_t n)
{
	uint64_t from = i->addr > addr ? i->addr : addr;
	uint64_t to = i->addr + i->n < addr + n ? i->addr + i->n : addr + n;
	if (from >= to)
		return 0;
	mem_copy(p + (from - addr), k->bytes + i->at + (from - i->addr), (size_t)(to - from));
	return to - from;
}

/* No item is longer than a vdso: the ones that reach into a piece begin at most so far before. */
enum { ITEM_MAX = 16 * 1024 };

uint64_t kept_apply(const struct kept *k, uint64_t addr, uint8_t *p, size_t n)
{
	uint64_t kept = 0;
	size_t i = first_from(k, addr > ITEM_MAX ? addr - ITEM_MAX : 0);
	for (; i < k->n && k->items[i].addr < addr + n; i++)
		kept += apply_one(k, &k->items[i], addr, p, n);
	return kept;
}
