/* The memory of a process that waits in its dump. It reads only what the kernel will put into
 * the core, and asks the page tables first, so that what was never touched is neither read
 * nor made. The pages of shared memory and of files need not be in the tables of this process
 * to hold something: there only reading tells. */
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "memory_inside.h"

/* linux/fs.h of 6.7 and later */
struct page_region {
	uint64_t start, end, categories;
};
struct pm_scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define PAGEMAP_SCAN_CALL _IOWR('f', 16, struct pm_scan_arg)
enum {
	PAGE_IS_FILE = 1 << 2,
	PAGE_IS_PRESENT = 1 << 3,
	PAGE_IS_SWAPPED = 1 << 4,
	PAGE_IS_PFNZERO = 1 << 5
};

/* bits of /proc/PID/pagemap */
#define PAGEMAP_THERE (UINT64_C(3) << 62) /* present or swapped */
#define PAGEMAP_FILE (UINT64_C(1) << 61)

enum { ENTRIES = 512, RUN_PAGES = 4096, PAGE = CORE_PAGE, SPARSE_MIN = 128 * 1024 };
/* Gaps that are read over. What is not there costs a fourth of a read a page; where the kernel
 * tells of one page at a time, to ask about it costs more than that. */
enum { GAP_KNOWN = PAGE, GAP_ASKED = 16 * PAGE };

/* Pages of a range that are there, or those of them that are of a file or shared. */
enum wanted { ALL_PAGES, FILE_PAGES };
struct touched {
	uint64_t from, to; /* from == to: none */
};
_Static_assert(sizeof(struct page_region) == sizeof(((struct memory_live *)0)->regions[0]),
	       "the kernel writes into them");

static uint64_t page_up(uint64_t v)
{
	return (v + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

/* A run ends somewhere, so that who asks again and again for the rest does not pay for all of it
 * each time. */
static bool grows(struct touched *t, uint64_t from, uint64_t to, uint64_t gap)
{
	if (t->from == t->to)
		t->from = from;
	else if (from - t->to > gap || t->to - t->from >= RUN_PAGES * PAGE)
		return false;
	t->to = to;
	return true;
}

/* Asks for as many regions as there is room for: most are a page or two, and a question costs as
 * much as to read them. */
static ch_err scan(struct memory_live *m, enum wanted what, uint64_t from, uint64_t to)
{
	struct pm_scan_arg a = {
		.size = sizeof(a),
		.start = from,
		.end = to,
		.vec = (uintptr_t)m->regions,
		.vec_len = MEMORY_REGIONS,
		.max_pages = RUN_PAGES,
		.category_inverted = PAGE_IS_PFNZERO,
		.category_mask = PAGE_IS_PFNZERO | (what == FILE_PAGES ? PAGE_IS_FILE : 0),
		.category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
		.return_mask = PAGE_IS_PRESENT,
	};
	m->n_regions = 0;
	m->asked_from = m->asked_to = 0;
	int n = ioctl(m->pagemap_fd, PAGEMAP_SCAN_CALL, &a);
	if (n < 0)
		return ch_fail(CH_E_UNSUPPORTED, "page tables cannot be scanned", errno);
	m->n_regions = (size_t)n;
	m->asked_from = from;
	m->asked_to = a.walk_end;
	return CH_DONE;
}

/* The first run of regions behind `from`, as far as was asked. */
static struct touched first_of(const struct memory_live *m, uint64_t from, uint64_t to)
{
	size_t low = 0, high = m->n_regions;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (m->regions[mid].to <= from)
			low = mid + 1;
		else
			high = mid;
	}
	struct touched t = { to, to };
	for (; low < m->n_regions && m->regions[low].from < to; low++) {
		uint64_t start = m->regions[low].from > from ? m->regions[low].from : from;
		uint64_t end = m->regions[low].to < to ? m->regions[low].to : to;
		if (!grows(&t, start, end, GAP_KNOWN))
			break;
	}
	return t;
}

static ch_err find_by_scan(struct memory_live *m, enum wanted what, uint64_t from, uint64_t to,
			   struct touched *ret_t)
{
	struct touched t = { to, to };
	while (from < to) {
		bool known = what == ALL_PAGES && from >= m->asked_from && from < m->asked_to;
		if (!known)
			TRY(scan(m, what, from, to));
		uint64_t end = m->asked_to < to ? m->asked_to : to;
		t = first_of(m, from, end);
		if (t.from < t.to)
			break;
		if (end <= from)
			return ch_fail(CH_E_UNSUPPORTED, "page tables cannot be scanned", 0);
		from = end;
		t = (struct touched){ to, to };
	}
	*ret_t = t;
	/* regions of files alone are no answer to the other question */
	if (what == FILE_PAGES)
		m->asked_from = m->asked_to = 0;
	return CH_DONE;
}

/* The same by reading them, in older kernels. */
static ch_err walk(int fd, enum wanted what, uint64_t from, uint64_t to, struct touched *ret_t)
{
	uint64_t entries[ENTRIES];
	struct touched t = { to, to };
	for (uint64_t page = from / PAGE; page * PAGE < to;) {
		uint64_t left = to / PAGE - page;
		size_t want = left < ENTRIES ? (size_t)left : ENTRIES;
		ssize_t r = pread(fd, entries, want * 8, (off_t)(page * 8));
		if (r < 8)
			return ch_fail(CH_E_UNSUPPORTED, "page tables cannot be read", errno);
		for (size_t i = 0; i < (size_t)r / 8; i++, page++) {
			if (!(entries[i] & PAGEMAP_THERE) ||
			    (what == FILE_PAGES && !(entries[i] & PAGEMAP_FILE)))
				continue;
			if (!grows(&t, page * PAGE, (page + 1) * PAGE, GAP_ASKED)) {
				*ret_t = t;
				return CH_DONE;
			}
		}
	}
	*ret_t = t;
	return CH_DONE;
}

static ch_err find_touched(struct memory_live *m, enum wanted what, uint64_t from, uint64_t to,
			   struct touched *ret_t)
{
	if (!m->no_scan && !failed(find_by_scan(m, what, from, to, ret_t)))
		return CH_DONE;
	m->no_scan = true;
	return walk(m->pagemap_fd, what, from, to, ret_t);
}

/* Private memory that belongs to no file holds nothing but the pages it has, and none of
 * them is of a file. Where there is no page at all, the segment would not be in a core if
 * it were plain private memory that nobody wrote to. The data of programs are small. */
static bool is_sparse(struct memory_live *m, const struct core_load *l)
{
	const uint64_t end = page_up(l->addr + l->file_size);
	struct touched t = { 0 };
	if (m->pagemap_fd < 0 || l->file_backed || l->addr % PAGE || l->file_size < SPARSE_MIN)
		return false;
	if (failed(find_touched(m, ALL_PAGES, l->addr, end, &t)) || t.from == t.to)
		return false;
	return !failed(find_touched(m, FILE_PAGES, l->addr, end, &t)) && t.from == t.to;
}

static void judge(struct memory_live *m, const struct core_load *l)
{
	if (m->judged == l)
		return;
	m->judged = l;
	m->sparse = is_sparse(m, l);
}

static ch_err live_read(struct core_memory *mem, uint64_t addr, void *to, size_t n, size_t *ret_n)
{
	const struct memory_live *m = (const struct memory_live *)mem;
	size_t got = 0;
	while (got < n) {
		uint64_t offset = 0;
		size_t part = memory_part(m->map, addr + got, n - got, &offset);
		size_t have = 0;
		if (part)
			TRY(memory_pread(m->mem_fd, addr + got, (uint8_t *)to + got, part, &have));
		got += have;
		if (have < part || part == 0)
			break;
	}
	*ret_n = got;
	return CH_DONE;
}

static ch_err live_next(struct core_memory *mem, uint64_t addr, uint64_t end, uint64_t *ret_from,
			uint64_t *ret_to)
{
	struct memory_live *m = (struct memory_live *)mem;
	uint64_t from = addr;
	uint64_t to = addr;
	const struct core_load *l = NULL;
	while ((l = memory_stretch(m->map, to, end, &from, &to)) && l->addr <= INT64_MAX) {
		struct touched t = { from, to };
		judge(m, l);
		if (m->sparse && failed(find_touched(m, ALL_PAGES, from & ~(uint64_t)(PAGE - 1),
						     page_up(to), &t)))
			t = (struct touched){ from, to };
		if (t.from == t.to)
			continue;
		*ret_from = t.from > from ? t.from : from;
		*ret_to = t.to < to ? t.to : to;
		return CH_DONE;
	}
	*ret_from = end;
	*ret_to = end;
	return CH_DONE;
}

void memory_live_init(struct memory_live *m, const struct core_map *map, int mem_fd, int pagemap_fd)
{
	*m = (struct memory_live){ .memory = { live_read, live_next },
				   .map = map,
				   .mem_fd = mem_fd,
				   .pagemap_fd = pagemap_fd };
}
