/* Where the hunter looks: files, folders, cores by their segments, the memory of a live
 * process through /proc/PID/mem. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "hunter.h"

/* of a region, at once; what lies across the seam of two is seen in the overlap */
enum { CHUNK = 16 << 20, OVERLAP = 4096, WALK_FDS = 16, WALKS_MAX = 20 };

static bool is_core(bytes b)
{
	Elf64_Ehdr h;
	if (b.n < sizeof(h))
		return false;
	memcpy(&h, b.p, sizeof(h));
	return memcmp(h.e_ident, ELFMAG, SELFMAG) == 0 && h.e_ident[EI_CLASS] == ELFCLASS64 &&
	       h.e_type == ET_CORE && h.e_phentsize == sizeof(Elf64_Phdr) && h.e_phoff < b.n &&
	       h.e_phnum <= (b.n - h.e_phoff) / sizeof(Elf64_Phdr);
}

static Elf64_Phdr segment(bytes b, size_t i)
{
	Elf64_Ehdr h;
	Elf64_Phdr p;
	memcpy(&h, b.p, sizeof(h));
	memcpy(&p, b.p + h.e_phoff + i * sizeof(p), sizeof(p));
	if (i >= h.e_phnum || p.p_offset >= b.n)
		return (Elf64_Phdr){ 0 };
	if (p.p_filesz > b.n - p.p_offset)
		p.p_filesz = b.n - p.p_offset;
	return p;
}

/* The end of what is known from `at` on: a segment's, or the next one's start. */
static size_t next_edge(bytes b, size_t n, size_t at, bool *ret_inside)
{
	size_t edge = b.n;
	*ret_inside = false;
	for (size_t i = 0; i < n; i++) {
		Elf64_Phdr p = segment(b, i);
		if (p.p_offset <= at && at - p.p_offset < p.p_filesz) {
			*ret_inside = true;
			return p.p_offset + p.p_filesz;
		}
		if (p.p_filesz && p.p_offset > at && p.p_offset < edge)
			edge = p.p_offset;
	}
	return edge;
}

/* Each segment, then what belongs to none. */
static void take_core(struct input_eater *e, bytes b, const char *path)
{
	Elf64_Ehdr h;
	bool inside = false;
	memcpy(&h, b.p, sizeof(h));
	for (size_t i = 0; i < h.e_phnum; i++) {
		Elf64_Phdr p = segment(b, i);
		if (p.p_filesz)
			e->take(e, (bytes){ b.p + p.p_offset, p.p_filesz },
				p.p_type == PT_NOTE ? PLACE_REGISTERS : PLACE_MEMORY, path);
	}
	for (size_t at = 0, edge; at < b.n; at = edge) {
		edge = next_edge(b, h.e_phnum, at, &inside);
		if (!inside)
			e->take(e, (bytes){ b.p + at, edge - at }, PLACE_OTHER, path);
	}
}

static bool take_mapped(struct input_eater *e, int fd, size_t n, const char *path)
{
	void *p = n ? mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	if (p == MAP_FAILED)
		return false;
	const bytes b = { p, n };
	if (is_core(b))
		take_core(e, b, path);
	else
		e->take(e, b, PLACE_FILE, path);
	if (n)
		(void)munmap(p, n);
	return true;
}

/* Kept, since it is asked for again with each lot of signatures. */
static bool take_stream(struct input_eater *e, int fd)
{
	static uint8_t *p;
	static size_t n;
	size_t cap = n;
	for (ssize_t got = 1; got > 0; n += (size_t)got) {
		if (n == cap)
			p = realloc(p, cap += CHUNK);
		got = p ? read(fd, p + n, cap - n) : -1;
		if (got < 0)
			return false;
	}
	e->take(e, (bytes){ p, n }, PLACE_FILE, "-");
	return true;
}

static struct input_eater *walker;
static bool walk_failed;

static bool take_file(struct input_eater *e, const char *path, const struct stat *st)
{
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	/* it may be gone since it was listed: a file that is replaced by rename is */
	if (fd < 0)
		return errno == ENOENT;
	return take_mapped(e, fd, (size_t)st->st_size, path);
}

static int walk(const char *path, const struct stat *st, int type, struct FTW *at)
{
	struct stat again;
	(void)at;
	/* what was listed may be gone by now; what is there must be seen */
	if (type == FTW_DNR || (type == FTW_NS && (lstat(path, &again) == 0 || errno != ENOENT)))
		walk_failed = true;
	if (type == FTW_F && S_ISREG(st->st_mode) && !take_file(walker, path, st))
		walk_failed = true;
	return 0;
}

bool input_path(struct input_eater *e, const char *path)
{
	if (strcmp(path, "-") == 0)
		return take_stream(e, STDIN_FILENO);
	walker = e;
	walk_failed = false;
	int r = nftw(path, walk, WALK_FDS, FTW_PHYS);
	/* a folder that goes away as it is entered ends the walk: once more, from the start */
	for (int tries = 0; r != 0 && errno == ENOENT && tries < WALKS_MAX; tries++)
		r = nftw(path, walk, WALK_FDS, FTW_PHYS);
	return r == 0 && !walk_failed;
}

struct region {
	pid_t pid;
	int mem;
	uint64_t start, end;
	char name[80];
};

static void take_region(struct input_eater *e, const struct region *r, uint8_t *room)
{
	char where[128];
	for (uint64_t at = r->start; at < r->end;) {
		size_t want = r->end - at < CHUNK ? (size_t)(r->end - at) : CHUNK;
		ssize_t n = pread(r->mem, room, want, (off_t)at);
		if (n <= 0) {
			e->refused(e, r->pid, r->name, (size_t)(r->end - at), n < 0 ? errno : 0);
			return;
		}
		(void)snprintf(where, sizeof(where), "pid %d %s 0x%llx", (int)r->pid, r->name,
			       (unsigned long long)at);
		e->take(e, (bytes){ room, (size_t)n }, PLACE_MEMORY, where);
		if (at + (size_t)n >= r->end)
			return;
		at += (size_t)n > OVERLAP ? (size_t)n - OVERLAP : (size_t)n;
	}
}

/* The kernel's own pages; they hold no memory of the process. */
static bool is_kernels(const char *name)
{
	return strncmp(name, "[vvar", 5) == 0 || strcmp(name, "[vsyscall]") == 0;
}

static bool region_of(const char *line, struct region *r)
{
	unsigned long long start = 0, end = 0;
	r->name[0] = 0;
	if (sscanf(line, "%llx-%llx %*s %*s %*s %*s %79[^\n]", &start, &end, r->name) < 2)
		return false;
	r->start = start;
	r->end = end;
	return true;
}

bool input_process(struct input_eater *e, pid_t pid)
{
	char path[64], line[4096];
	struct region r = { .pid = pid };
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(path, "r");
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	AUTO(fd_close) int mem = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *room = malloc(CHUNK);
	bool ok = maps && mem >= 0 && room;
	r.mem = mem;
	while (ok && fgets(line, sizeof(line), maps))
		if (region_of(line, &r) && !is_kernels(r.name))
			take_region(e, &r, room);
	free(room);
	if (maps)
		(void)fclose(maps);
	return ok;
}
