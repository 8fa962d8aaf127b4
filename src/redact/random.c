/* The rule of `strict`: as it is defined, every window at every byte; and fast, by counts of
 * the windows of whole words, which rule out most others and cover most of what is random.
 * The memory is hostile, and nothing here depends on what it holds but time, by a factor. */
#include "random_kernels.h"

#define INLINE static inline __attribute__((always_inline))

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
	for (size_t i = 0; i < map->n; i++) {
		/* what nobody may read holds nothing, and there may be terabytes of it: of the last words
		 * of keys that are at no multiple of eight, one in a hundred would point there */
		if (!(map->loads[i].flags & (CORE_READ | CORE_WRITE | CORE_EXEC)))
			continue;
		from[n] = map->loads[i].addr;
		size[n] = map->loads[i].mem_size;
		n += from[n] && size[n] && from[n] + size[n] <= INT64_MAX;
		if (n > RANDOM_RANGES)
			n = join(from, size, n, nearest(from, size, n));
	}
	*r = (struct random_rule){ .n = n, .kernel = random_kernel_plain };
	if (random_has_avx2())
		r->kernel = random_kernel_avx2;
	if (random_has_avx512())
		r->kernel = random_kernel_avx512;
	for (size_t i = 0; i < n; i++) {
		r->before[i] = (int64_t)from[i] - 1;
		r->end[i] = (int64_t)(from[i] + size[i]);
	}
}

static bool is_pointer(const struct random_rule *r, uint64_t word)
{
	for (size_t i = 0; i < r->n; i++) {
		if ((int64_t)word > r->before[i] && (int64_t)word < r->end[i])
			return true;
	}
	return false;
}

/* Which of the 256 values there are. */
struct set {
	uint64_t bits[4];
};

INLINE void set_add(struct set *s, uint8_t b)
{
	s->bits[b >> 6] |= UINT64_C(1) << (b & 63);
}

INLINE struct set set_of(const uint8_t *p, size_t n)
{
	struct set s = { 0 };
	for (size_t i = 0; i < n; i++)
		set_add(&s, p[i]);
	return s;
}

INLINE size_t distinct(const uint8_t *p, size_t n)
{
	struct set s = set_of(p, n);
	size_t sum = 0;
	for (size_t i = 0; i < COUNT_OF(s.bits); i++)
		sum += (size_t)__builtin_popcountll(s.bits[i]);
	return sum;
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

size_t random_find_plain(const struct random_rule *r, struct random_block b)
{
	const uint8_t *p = b.p;
	size_t covered = 0;
	for (size_t at = 0; at < b.n && at + RANDOM_WINDOW <= b.there; at++) {
		if (distinct(p + at, RANDOM_WINDOW) < RANDOM_DISTINCT ||
		    touches_pointer(r, p, at, b.there))
			continue;
		for (size_t i = at > covered ? at : covered; i < at + RANDOM_WINDOW && i < b.n; i++)
			b.owners[i] = b.owner;
		covered = at + RANDOM_WINDOW;
	}
	return covered;
}

void random_kernel_plain(const struct random_rule *r, const uint8_t *p, size_t n, uint8_t *d)
{
	for (size_t i = 0; i < n; i++, p += 8) {
		bool maybe = distinct(p, RANDOM_WINDOW + 8) >= RANDOM_DISTINCT;
		uint8_t count = (uint8_t)distinct(p, RANDOM_WINDOW);
		d[i] = count | (maybe ? RANDOM_MAYBE : 0);
		if (touches_pointer(r, p, 0, RANDOM_WINDOW))
			d[i] = 0;
	}
}

/* What was found in a block. */
struct found {
	uint16_t *owners, owner;
	size_t n, covered;
};

INLINE void cover(struct found *f, size_t at)
{
	for (size_t i = at > f->covered ? at : f->covered; i < at + RANDOM_WINDOW && i < f->n; i++)
		f->owners[i] = f->owner;
	f->covered = at + RANDOM_WINDOW;
}

typedef uint8_t sixteen __attribute__((vector_size(16)));
typedef sixteen sixteen_anywhere __attribute__((aligned(1), may_alias));

/* Is it one of 31 bytes? */
INLINE bool among_31(const uint8_t *p, uint8_t b)
{
	typedef uint64_t two __attribute__((vector_size(16)));
	sixteen x = *(const sixteen_anywhere *)p, y = *(const sixteen_anywhere *)(p + 15);
	sixteen all = (sixteen){ 0 } + b;
	two same = (two)((x == all) | (y == all));
	return (same[0] | same[1]) != 0;
}

/* Of the seven windows that begin within a word, those that are random, as bits. From one to the
 * next a byte goes and one comes. differ: bytes of the window at p. */
INLINE unsigned random_behind(const uint8_t *p, size_t differ)
{
	unsigned is = 0;
	for (size_t i = 1; i < 8; i++) {
		const uint8_t *same = p + i;
		differ += !among_31(same, same[RANDOM_WINDOW - 1]);
		differ -= !among_31(same, same[-1]);
		is |= (unsigned)(differ >= RANDOM_DISTINCT) << i;
	}
	return is;
}

/* The same; differ: bytes of the window a word on. */
INLINE unsigned random_before(const uint8_t *p, size_t differ)
{
	unsigned is = 0;
	for (size_t i = 7; i; i--) {
		const uint8_t *same = p + i + 1;
		differ += !among_31(same, same[-1]);
		differ -= !among_31(same, same[RANDOM_WINDOW - 1]);
		is |= (unsigned)(differ >= RANDOM_DISTINCT) << i;
	}
	return is;
}

/* Between two windows of whole words of which a and b bytes differ. The window i bytes behind
 * the first lacks i bytes of it and 8 - i of the other: so many fewer may differ in them. */
INLINE void between(struct found *f, const uint8_t *p, size_t at, size_t a, size_t b)
{
	/* below RANDOM_NEAR the counts may be too low */
	size_t most = (a < RANDOM_NEAR ? RANDOM_NEAR - 1 : a) +
		      (b < RANDOM_NEAR ? RANDOM_NEAR - 1 : b);
	if (most + 8 < 2 * RANDOM_DISTINCT)
		return;
	unsigned is = a < RANDOM_NEAR ? random_before(p + at, b) : random_behind(p + at, a);
	if (!is)
		return;
	/* what is between the first and the last is covered by them */
	cover(f, at + (size_t)__builtin_ctz(is));
	cover(f, at + 31 - (size_t)__builtin_clz(is));
}

/* May windows that begin in none of the next eight words be random? */
INLINE bool none_may(const uint8_t *d)
{
	const uint64_t ones = 0x0101010101010101;
	return !(load_le64(d) & ones * RANDOM_MAYBE);
}

static void find(struct found *f, const uint8_t *p, const uint8_t *d)
{
	for (size_t i = 0; i < f->n / 8; i++) {
		if (none_may(d + i)) {
			i += 7;
			continue;
		}
		if (!(d[i] & RANDOM_MAYBE))
			continue;
		size_t a = d[i] & RANDOM_COUNT, b = d[i + 1] & RANDOM_COUNT;
		if (a >= RANDOM_DISTINCT)
			cover(f, 8 * i);
		bool near = a >= RANDOM_NEAR || b >= RANDOM_NEAR;
		bool both = a >= RANDOM_DISTINCT && b >= RANDOM_DISTINCT && 8 * (i + 1) < f->n;
		if (near && !both && b)
			between(f, p, 8 * i, a, b);
	}
}

/* As many words as are asked for, the last of them out of a copy where what is behind them cannot be
 * read. */
static void count(random_kernel *kernel, const struct random_rule *r, struct random_block b,
		  size_t n, uint8_t *d)
{
	enum { MOST = RANDOM_AHEAD + 8 * (RANDOM_STEP + 16) };
	uint8_t NOT_ZEROED copy[MOST + RANDOM_AHEAD];
	size_t direct = n, rest = 0;
	if (b.there < 8 * n + RANDOM_AHEAD)
		direct = b.there < RANDOM_AHEAD ? 0 : (b.there - RANDOM_AHEAD) / 8;
	direct = direct < n ? direct / RANDOM_STEP * RANDOM_STEP : n;
	if (direct)
		kernel(r, b.p, direct, d);
	if (direct == n)
		return;
	rest = b.there - 8 * direct;
	mem_copy(copy, b.p + 8 * direct, rest);
	mem_zero(copy + rest, sizeof(copy) - rest);
	kernel(r, copy, n - direct, d + direct);
}

size_t random_find_by(random_kernel *kernel, const struct random_rule *r, struct random_block b)
{
	uint8_t NOT_ZEROED d[RANDOM_WORDS + 8 + 8];
	struct found f = { b.owners, b.owner, b.n, 0 };
	size_t n = (b.n / 8 + 8) / 8 * 8; /* and one more, for what lies between */
	if (b.there % 8) /* the end of a segment that is odd in more than one way */
		return random_find_plain(r, b);
	count(kernel, r, b, n, d);
	mem_zero(d + n, 8);
	/* windows that go over the end */
	for (size_t i = b.there < RANDOM_WINDOW ? 0 : (b.there - RANDOM_WINDOW) / 8 + 1; i < n; i++)
		d[i] = 0;
	find(&f, b.p, d);
	return f.covered;
}

size_t random_find(const struct random_rule *r, struct random_block b)
{
	return random_find_by(r->kernel, r, b);
}
