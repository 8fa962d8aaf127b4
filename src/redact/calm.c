/* Which memory is calm, and still the same. It may only err by saying that it is not: memory
 * that is not known, that changed, or for which there was no room is looked at again. Who
 * writes to the memory meanwhile does not know the key of the hash. */
#include "calm.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/rand.h"
#include "room.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { STEP = 64 };
_Static_assert(CALM_PAGE % STEP == 0, "no page is summed in parts");
_Static_assert(CALM_CELL / CALM_PAGE == 16, "a bit for each page of a cell");

struct cell {
	uint64_t addr; /* where it starts */
	uint64_t hash; /* of its pages, added up; those of zeros add nothing */
};

struct calm {
	uint8_t key[CALM_PAGE];
	uint64_t turn[2]; /* odd: what a page adds depends on its place */
	uint64_t next;    /* up to here memory was seen */
	uint64_t first,
		before; /* memory before `first` is another's, and masked from `before` on */
	size_t n;
	bool full;
	uint64_t disturbed[CALM_CELLS_MAX / 64];
	uint16_t pages[CALM_CELLS_MAX]; /* of each cell, those that are not zeros */
	struct cell cells[CALM_CELLS_MAX];
};

ch_err calm_new(struct calm **ret_c)
{
	void *p = NULL;
	TRY(room_new(sizeof(struct calm), &p));
	struct calm *c = p;
	rand_fill(c->key, sizeof(c->key));
	rand_fill(c->turn, sizeof(c->turn));
	c->turn[0] |= 1;
	c->turn[1] |= 1;
	*ret_c = c;
	return CH_DONE;
}

ch_err calm_new_later(const struct calm *c, uint64_t from, struct calm **ret_c)
{
	struct calm *later = NULL;
	TRY(calm_new(&later));
	mem_copy(later->key, c->key, sizeof(later->key));
	mem_copy(later->turn, c->turn, sizeof(later->turn));
	later->next = later->first = later->before = from;
	*ret_c = later;
	return CH_DONE;
}

void calm_done(struct calm **c)
{
	if (*c)
		room_done(*c, sizeof(**c));
	*c = NULL;
}

/* --- the hash --- */

uint64_t calm_sum_plainly(const uint8_t *key, const uint8_t *p, size_t n)
{
	uint64_t sum = 0;
	for (size_t i = 0; i + 8 <= n; i += 8) {
		uint32_t a = load_le32(p + i) + load_le32(key + i);
		uint32_t b = load_le32(p + i + 4) + load_le32(key + i + 4);
		sum += (uint64_t)a * b;
	}
	return sum;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint64_t sum_avx2(const uint8_t *key, const uint8_t *p,
							 size_t n)
{
	__m256i sums = _mm256_setzero_si256();
	for (size_t i = 0; i < n; i += 32) {
		__m256i k = _mm256_loadu_si256((const __m256i *)(const void *)(key + i));
		__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(p + i));
		__m256i both = _mm256_add_epi32(v, k);
		__m256i product = _mm256_mul_epu32(both, _mm256_srli_epi64(both, 32));
		sums = _mm256_add_epi64(sums, product);
	}
	uint64_t four[4];
	_mm256_storeu_si256((__m256i *)(void *)four, sums);
	return four[0] + four[1] + four[2] + four[3];
}

__attribute__((target("avx512f"))) static uint64_t sum_avx512(const uint8_t *key, const uint8_t *p,
							      size_t n)
{
	__m512i sums = _mm512_setzero_si512();
	for (size_t i = 0; i < n; i += 64) {
		__m512i k = _mm512_loadu_si512((const void *)(key + i));
		__m512i v = _mm512_loadu_si512((const void *)(p + i));
		__m512i both = _mm512_add_epi32(v, k);
		__m512i product = _mm512_mul_epu32(both, _mm512_srli_epi64(both, 32));
		sums = _mm512_add_epi64(sums, product);
	}
	uint64_t eight[8], sum = 0;
	_mm512_storeu_si512((void *)eight, sums);
	/* not _mm512_reduce_add_epi64: gcc's adds signed numbers, which must not overflow */
	for (size_t i = 0; i < COUNT_OF(eight); i++)
		sum += eight[i];
	return sum;
}
#endif

uint64_t calm_sum(const uint8_t *key, const uint8_t *p, size_t n)
{
#if defined(__x86_64__)
	if (n % STEP == 0 && __builtin_cpu_supports("avx512f"))
		return sum_avx512(key, p, n);
	if (n % STEP == 0 && __builtin_cpu_supports("avx2"))
		return sum_avx2(key, p, n);
#endif
	return calm_sum_plainly(key, p, n);
}

/* What a page, or a part of one, adds. */
static uint64_t hash_of(const struct calm *c, uint64_t addr, bytes b)
{
	uint8_t NOT_ZEROED end[8];
	size_t whole = b.n / 8 * 8;
	uint64_t sum = calm_sum(c->key, b.p, whole);
	if (whole < b.n) {
		mem_zero(end, sizeof(end));
		mem_copy(end, b.p + whole, b.n - whole);
		sum += calm_sum(c->key + whole, end, sizeof(end));
	}
	uint64_t x = (sum ^ addr * c->turn[0] ^ b.n) * c->turn[1];
	return (x ^ x >> 32) * c->turn[0];
}

/* Of a cell, or a part of one. */
struct sum {
	uint64_t hash;
	uint16_t pages;
};

static uint16_t page_bit(uint64_t addr)
{
	return (uint16_t)(1u << addr % CALM_CELL / CALM_PAGE);
}

static struct sum sum_up(const struct calm *c, uint64_t addr, bytes b)
{
	struct sum s = { 0 };
	while (b.n) {
		size_t n = CALM_PAGE - (size_t)(addr % CALM_PAGE);
		n = n < b.n ? n : b.n;
		bytes part = { b.p, n };
		if (!bytes_are_zero(part)) {
			s.hash += hash_of(c, addr, part);
			s.pages |= page_bit(addr);
		}
		addr += n;
		b = (bytes){ b.p + n, b.n - n };
	}
	return s;
}

/* --- cells --- */

static uint64_t start_of(const struct core_load *segment, uint64_t addr)
{
	uint64_t cell = addr / CALM_CELL * CALM_CELL;
	return cell > segment->addr ? cell : segment->addr;
}

size_t calm_left(const struct core_load *segment_or_null, uint64_t addr)
{
	size_t left = CALM_CELL - (size_t)(addr % CALM_CELL);
	if (!segment_or_null || addr < segment_or_null->addr)
		return left;
	uint64_t in = addr - segment_or_null->addr, size = segment_or_null->mem_size;
	return in < size && size - in < left ? (size_t)(size - in) : left;
}

/* The last cell that starts at or before addr; c->n when there is none. */
static size_t cell_at(const struct calm *c, uint64_t addr)
{
	size_t from = 0, to = c->n;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (c->cells[mid].addr <= addr)
			from = mid + 1;
		else
			to = mid;
	}
	return from ? from - 1 : c->n;
}

static void add(struct calm *c, uint64_t start, struct sum s)
{
	if (!c->n || c->cells[c->n - 1].addr != start) {
		c->full |= c->n == CALM_CELLS_MAX;
		if (c->full)
			return;
		c->cells[c->n++].addr = start;
	}
	c->cells[c->n - 1].hash += s.hash;
	c->pages[c->n - 1] |= s.pages;
}

void calm_see(struct calm *c, const struct core_load *segment, uint64_t addr, bytes b)
{
	uint64_t seen = c->next > addr ? c->next - addr : 0;
	if (seen >= b.n || c->full)
		return;
	addr += seen;
	b = (bytes){ b.p + seen, b.n - (size_t)seen };
	c->next = addr + b.n;
	while (b.n) {
		size_t left = calm_left(segment, addr), n = left < b.n ? left : b.n;
		add(c, start_of(segment, addr), sum_up(c, addr, (bytes){ b.p, n }));
		addr += n;
		b = (bytes){ b.p + n, b.n - n };
	}
}

void calm_blind(struct calm *c, const struct core_load *segment, uint64_t addr)
{
	if (addr < c->next || c->full)
		return;
	c->next = addr;
	add(c, start_of(segment, addr), (struct sum){ 0, page_bit(addr) });
}

void calm_disturb(struct calm *c, uint64_t from, uint64_t to)
{
	size_t i = cell_at(c, from);
	c->before = from < c->before ? from : c->before;
	for (i = i < c->n ? i : 0; i < c->n && c->cells[i].addr < to; i++)
		c->disturbed[i / 64] |= UINT64_C(1) << i % 64;
}

void calm_join(struct calm *c, const struct calm *later)
{
	c->full |= later->full || later->n > CALM_CELLS_MAX - c->n;
	if (later->before < later->first)
		calm_disturb(c, later->before, later->first);
	for (size_t i = 0; i < later->n && c->n < CALM_CELLS_MAX; i++) {
		size_t at = c->n++;
		c->cells[at] = later->cells[i];
		c->pages[at] = later->pages[i];
		c->disturbed[at / 64] |= (later->disturbed[i / 64] >> i % 64 & 1) << at % 64;
	}
}

bool calm_is(const struct calm *c, const struct core_load *segment, uint64_t addr, bytes b)
{
	uint64_t start = start_of(segment, addr);
	size_t i = cell_at(c, start);
	if (i == c->n || c->cells[i].addr != start || c->disturbed[i / 64] >> i % 64 & 1)
		return false;
	return sum_up(c, addr, b).hash == c->cells[i].hash;
}

/* --- what there is --- */

struct run {
	uint64_t from, to; /* from == to: none yet */
};

/* Adds pages of a cell, in order, as long as they are neighbours; false: the run is over. */
static bool grow(struct run *r, uint64_t cell, unsigned pages)
{
	while (pages) {
		unsigned first = (unsigned)__builtin_ctz(pages);
		unsigned n = (unsigned)__builtin_ctz(~(pages >> first));
		uint64_t from = cell + (uint64_t)first * CALM_PAGE, to = from + n * CALM_PAGE;
		if (r->from < r->to && from > r->to)
			return false;
		r->from = r->from < r->to ? r->from : from;
		r->to = to;
		pages &= ~0u << (first + n);
	}
	return true;
}

bool calm_next(const struct calm *c, uint64_t addr, uint64_t end, uint64_t *ret_from,
	       uint64_t *ret_to)
{
	struct run r = { 0 };
	size_t i = cell_at(c, addr);
	for (i = i < c->n ? i : 0; i < c->n && c->cells[i].addr < end; i++) {
		uint64_t cell = c->cells[i].addr / CALM_CELL * CALM_CELL;
		uint64_t past = addr > cell ? (addr - cell) / CALM_PAGE : 0;
		unsigned pages = past < 16 ? c->pages[i] & ~0u << past : 0;
		if (!grow(&r, cell, pages))
			break;
	}
	bool any = r.from < r.to && r.from < end;
	uint64_t from = r.from > addr ? r.from : addr;
	*ret_from = any ? from : end;
	*ret_to = any && r.to < end ? r.to : end;
	return !c->full;
}
