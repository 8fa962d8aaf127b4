/* /proc/PID/maps, line by line in bounded memory: a process may have as many mappings as it likes, and
 * give their files names as long as it likes. A line that is not as expected is passed over. */
#include "maps.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"

/* a line begins with less than that; what follows is a name */
enum { HEAD_MAX = 128, ROOM = 16 * 1024 };

static bool hex(str s, uint64_t max, uint64_t *ret_v)
{
	uint64_t v = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool digit = c >= '0' && c <= '9', letter = c >= 'a' && c <= 'f';
		if ((!digit && !letter) || v > max >> 4)
			return false;
		v = v << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
	}
	*ret_v = v;
	return s.n > 0 && v <= max;
}

bool maps_line(str line, struct mapping *ret_m)
{
	struct mapping m = { 0 };
	uint64_t major = 0, minor = 0;
	str range = str_cut(&line, ' '), rights = str_cut(&line, ' ');
	str offset = str_cut(&line, ' '), device = str_cut(&line, ' ');
	str inode = str_cut(&line, ' '), from = str_cut(&range, '-'), first = str_cut(&device, ':');
	if (rights.n != 4 || !hex(from, UINT64_MAX, &m.from) || !hex(range, UINT64_MAX, &m.to) ||
	    m.from >= m.to || !hex(offset, UINT64_MAX, &m.offset) ||
	    !hex(first, UINT32_MAX, &major) || !hex(device, UINT32_MAX, &minor) ||
	    !str_to_u64(inode, UINT64_MAX, &m.inode))
		return false;
	m.major = (uint32_t)major;
	m.minor = (uint32_t)minor;
	m.writable = rights.p[1] == 'w';
	m.shared = rights.p[3] == 's';
	*ret_m = m;
	return true;
}

struct text {
	char p[ROOM];
	size_t n;
	bool inside; /* what comes is the rest of a line whose head was seen */
};

static void see(str line, on_mapping *with, void *of)
{
	struct mapping m;
	if (maps_line(line, &m))
		with(of, &m);
}

/* Lines that are whole, and the head of one that is longer than there is room for. */
static void use(struct text *t, on_mapping *with, void *of)
{
	str left = { t->p, t->n };
	while (str_has(left, '\n')) {
		str line = str_cut(&left, '\n');
		if (!t->inside)
			see(line, with, of);
		t->inside = false;
	}
	if (left.n > HEAD_MAX) {
		if (!t->inside)
			see(left, with, of);
		t->inside = true;
		left.n = 0;
	}
	mem_move(t->p, left.p, left.n);
	t->n = left.n;
}

ch_err maps_walk(int proc, on_mapping *with, void *of)
{
	struct text t = { .n = 0 };
	AUTO(fd_close) int fd = openat(proc, "maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot read what a process has mapped", errno);
	for (;;) {
		ssize_t r = read(fd, t.p + t.n, sizeof(t.p) - t.n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return ch_fail(CH_E_IO, "cannot read what a process has mapped", errno);
		if (r == 0)
			return CH_DONE;
		t.n += (size_t)r;
		use(&t, with, of);
	}
}
