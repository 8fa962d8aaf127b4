/* The rule of `strict`, as it is defined: every window at every byte. */
#include "random.h"

/* The smallest gap between two ranges of n; its index. */
static size_t nearest(const uint64_t *from, const uint64_t *size, size_t n)
{
	size_t best = 0;
	uint64_t least = UINT64_MAX;
	for (size_t i = 0; i + 1 < n; i++) {
		uint64_t gap = from[i + 1] - (from[i] + size[i]);
		if (gap >= least)
			continue;
		least = gap;
		best = i;
	}
	return best;
}

/* Makes one of range i and the next. */
static size_t join(uint64_t *from, uint64_t *size, size_t n, size_t i)
{
	size[i] = from[i + 1] + size[i + 1] - from[i];
	for (i++; i + 1 < n; i++) {
		from[i] = from[i + 1];
		size[i] = size[i + 1];
	}
	return n - 1;
}

void random_rule_init(struct random_rule *r, const struct core_map *map)
{
	uint64_t from[RANDOM_RANGES + 1] = { 0 }, size[RANDOM_RANGES + 1] = { 0 };
	size_t n = 0;
	*r = (struct random_rule){ 0 };
	for (size_t i = 0; i < map->n; i++) {
		from[n] = map->loads[i].addr;
		size[n++] = map->loads[i].mem_size;
		if (n > RANDOM_RANGES)
			n = join(from, size, n, nearest(from, size, n));
	}
	for (size_t i = 0; i < n; i++) {
		r->from[i] = from[i];
		r->size[i] = size[i];
	}
}

static bool is_pointer(const struct random_rule *r, uint64_t word)
{
	for (size_t i = 0; i < RANDOM_RANGES; i++) {
		if (word - r->from[i] < r->size[i])
			return true;
	}
	return false;
}

static size_t distinct(const uint8_t *p)
{
	uint64_t seen[4] = { 0 };
	size_t n = 0;
	for (size_t i = 0; i < RANDOM_WINDOW; i++)
		seen[p[i] >> 6] |= UINT64_C(1) << (p[i] & 63);
	for (size_t i = 0; i < 4; i++)
		n += (size_t)__builtin_popcountll(seen[i]);
	return n;
}

/* Does the window at `at` touch a pointer? Words that are not wholly there are none. */
static bool touches_pointer(const struct random_rule *r, const uint8_t *p, size_t at, size_t there)
{
	for (size_t i = at / 8 * 8; i < at + RANDOM_WINDOW && i + 8 <= there; i += 8) {
		if (is_pointer(r, load_le64(p + i)))
			return true;
	}
	return false;
}

size_t random_find_plain(const struct random_rule *r, const uint8_t *p, size_t n, size_t there,
			 uint16_t *owners, uint16_t owner)
{
	size_t covered = 0;
	for (size_t at = 0; at < n && at + RANDOM_WINDOW <= there; at++) {
		if (distinct(p + at) < RANDOM_DISTINCT || touches_pointer(r, p, at, there))
			continue;
		for (size_t i = at > covered ? at : covered; i < at + RANDOM_WINDOW && i < n; i++)
			owners[i] = owner;
		covered = at + RANDOM_WINDOW;
	}
	return covered;
}

size_t random_find(const struct random_rule *r, const uint8_t *p, size_t n, size_t there,
		   uint16_t *owners, uint16_t owner)
{
	return random_find_plain(r, p, n, there, owners, owner);
}
