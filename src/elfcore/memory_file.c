/* The memory in a core that is a file. The file may be shorter than its headers say, or full
 * of holes: neither costs more than what is there. */
#include <sys/stat.h>
#include <unistd.h>

#include "memory_inside.h"

static ch_err file_read_at(struct core_memory *m, uint64_t addr, void *to, size_t n, size_t *ret_n)
{
	const struct memory_file *f = (const struct memory_file *)m;
	size_t got = 0;
	while (got < n) {
		uint64_t offset = 0;
		size_t part = memory_part(f->map, addr + got, n - got, &offset);
		size_t have = 0;
		if (part)
			TRY(memory_pread(f->fd, offset, (uint8_t *)to + got, part, &have));
		got += have;
		if (have < part || part == 0)
			break;
	}
	*ret_n = got;
	return CH_DONE;
}

enum { RUN_MAX = 64 * 1024, SAME_MIN = 4, GUESSES_MAX = 16 };

/* Where data that begin at `data` end. Each question costs about as much as to read a page, and in
 * heaps that are mostly empty most runs are a page: after some of the same length the next
 * are taken to be so, too. What is too much are zeros, what is too little is asked for next. */
static off_t end_of_data(struct memory_file *f, off_t data)
{
	bool more = (uint64_t)data == f->data_to;
	uint64_t end = (uint64_t)data + f->run;
	if (f->same >= SAME_MIN && f->guessed < GUESSES_MAX && !more && end <= f->size) {
		f->guessed++;
		return (off_t)end;
	}
	off_t hole = lseek(f->fd, data, SEEK_HOLE);
	uint64_t run = hole > data ? (uint64_t)(hole - data) : 0;
	f->same = run == f->run && run <= RUN_MAX && !more ? f->same + 1 : 0;
	f->run = run;
	f->guessed = 0;
	return hole;
}

/* The stretch of data in which `from` lies, or the next. Kept: a file system without an index
 * of its holes (tmpfs) walks over all pages of a stretch to tell where it ends. */
static bool find_data(struct memory_file *f, uint64_t from)
{
	if (from >= f->hole_from && from < f->data_to)
		return true;
	off_t data = lseek(f->fd, (off_t)from, SEEK_DATA);
	off_t hole = data < 0 ? data : end_of_data(f, data);
	if (data < 0 || hole < 0)
		return false;
	f->hole_from = from;
	f->data_from = (uint64_t)data;
	f->data_to = (uint64_t)hole;
	return true;
}

/* The next data of the file in [from, to); where a file system has no holes, all of it. */
static bool data_in(struct memory_file *f, uint64_t from, uint64_t to, uint64_t *ret_from,
		    uint64_t *ret_to)
{
	if (!find_data(f, from) || f->data_from >= to)
		return false;
	*ret_from = f->data_from > from ? f->data_from : from;
	*ret_to = f->data_to < to ? f->data_to : to;
	return true;
}

static ch_err file_next(struct core_memory *m, uint64_t addr, uint64_t end, uint64_t *ret_from,
			uint64_t *ret_to)
{
	struct memory_file *f = (struct memory_file *)m;
	uint64_t from = addr;
	uint64_t to = addr;
	const struct core_load *l = NULL;
	while ((l = memory_stretch(f->map, to, end, &from, &to))) {
		uint64_t data_from = 0;
		uint64_t data_to = 0;
		uint64_t shift = l->addr - l->offset; /* modulo 2^64 */
		if (!data_in(f, from - shift, to - shift, &data_from, &data_to))
			continue;
		*ret_from = data_from + shift;
		*ret_to = data_to + shift;
		return CH_DONE;
	}
	*ret_from = end;
	*ret_to = end;
	return CH_DONE;
}

ch_err memory_file_init(struct memory_file *m, const struct core_map *map, int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return ch_fail(CH_E_UNSUPPORTED, "a core must be a file to be read at random", 0);
	*m = (struct memory_file){
		.memory = { file_read_at, file_next },
		.map = map,
		.fd = fd,
		.size = (uint64_t)st.st_size,
	};
	return CH_DONE;
}
