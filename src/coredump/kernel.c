/* What the kernel says of a crash. Structures stand here, since the headers of Debian 12 are
 * older than the kernels it runs on; their layouts are those of include/uapi/linux/coredump.h
 * and pidfd.h of Linux 6.17. Believed are the kernel and a pidfd, which cannot become
 * another process; never a pid alone, and nothing of the core. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/file.h"
#include "coredump_internal.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* struct pidfd_info: grows at its end; a kernel fills in what it knows and says so in mask. */
struct pidfd_info {
	uint64_t mask;
	uint64_t cgroup_id;
	uint32_t pid, tgid, ppid;
	uint32_t ids[8];
	int32_t exit_code;
	uint32_t coredump_mask;
	uint32_t coredump_signal;
};
_Static_assert(sizeof(struct pidfd_info) == 72, "the size of 6.16 is in the ioctl's number");
#define PIDFD_GET_INFO _IOWR(0xFF, 11, struct pidfd_info)
#define PIDFD_INFO_PID UINT64_C(1)
#define PIDFD_INFO_DUMP (UINT64_C(1) << 4)
#define PIDFD_INFO_SIGNAL (UINT64_C(1) << 6) /* later kernels than 6.18 */
#define PIDFD_IS_COREDUMPED UINT32_C(1)

/* struct coredump_req and coredump_ack */
struct request {
	uint32_t size, size_ack;
	uint64_t mask;
};
struct acknowledgement {
	uint32_t size, spare;
	uint64_t mask;
};
enum { REQUEST_MAX = 4096, ASK_SECONDS = 5 };
#define REQ_KERNEL UINT64_C(1)
#define REQ_REJECT UINT64_C(4)
#define REQ_WAIT UINT64_C(8)
/* enum coredump_mark: "request and answer are well". Four bytes, whatever the header's comment
 * says (measured on 6.18); the self-test at install would see it if that changed, since a
 * core that is off by three bytes is none. */
enum { MARK_WELL = 0 };

void crash_init(struct crash *c)
{
	*c = (struct crash){
		.core = -1, .pidfd = -1, .proc = -1, .mem = -1, .pagemap = -1, .exe = -1
	};
}

void crash_done(struct crash *c)
{
	int *const fds[] = { &c->core, &c->pidfd, &c->proc, &c->mem, &c->pagemap, &c->exe };
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		fd_close(fds[i]);
}

static ch_err is_alive(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	if (poll(&p, 1, 0) != 0)
		return ch_fail(CH_E_GONE, "the process has ended", 0);
	return CH_DONE;
}

/* A line "name:\tvalue" of a text of the kernel's; empty when there is none. */
static str line_of(str text, str wanted)
{
	while (text.n > 0) {
		str line = str_cut(&text, '\n');
		str name = str_cut(&line, ':');
		if (str_eq(name, wanted))
			return str_trim(line, LIT("\t "));
	}
	return (str){ NULL, 0 };
}

/* The pid that a pidfd stands for: "Pid:" of its fdinfo, which is -1 for one that is gone.
 * Every kernel with pidfds has that. */
static ch_err pid_of(int pidfd, pid_t *ret_pid)
{
	struct path path = { "" };
	char text[1024];
	size_t n = 0;
	uint64_t pid = 0;
	struct wr w = wr_of(path.p, sizeof(path.p) - 1);
	wr_lit(&w, "/proc/self/fdinfo/");
	wr_dec(&w, (uint64_t)pidfd);
	path.p[w.n] = 0;
	TRY(file_read(AT_FDCWD, path.p, text, sizeof(text), &n));
	if (!str_to_u64(line_of((str){ text, n }, LIT("Pid")), INT32_MAX, &pid) || pid == 0)
		return ch_fail(CH_E_GONE, "the process is gone", 0);
	*ret_pid = (pid_t)pid;
	return CH_DONE;
}

static ch_err proc_path(struct path *ret_path, pid_t pid)
{
	struct wr w = wr_of(ret_path->p, sizeof(ret_path->p) - 1);
	wr_lit(&w, "/proc/");
	wr_dec(&w, (uint64_t)pid);
	ret_path->p[w.n] = 0;
	return wr_done(&w);
}

/* The folder is of this process for ever; that it was of ours is what the pidfd says after. */
static ch_err proc_open(int pidfd, pid_t pid, int *ret_proc)
{
	struct path path;
	pid_t again = 0;
	TRY(proc_path(&path, pid));
	AUTO(fd_close) int fd = open(path.p, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ch_fail(CH_E_GONE, "the process is gone", errno);
	TRY(is_alive(pidfd));
	TRY(pid_of(pidfd, &again));
	if (again != pid)
		return ch_fail(CH_E_GONE, "the pid is another process's now", 0);
	*ret_proc = TAKE_FD(fd);
	return CH_DONE;
}

static ch_err is_dumping_by_status(int pidfd, pid_t pid)
{
	char text[4096];
	size_t n = 0;
	AUTO(fd_close) int proc = -1;
	TRY(proc_open(pidfd, pid, &proc));
	TRY(file_read(proc, "status", text, sizeof(text), &n));
	if (!str_eq(line_of((str){ text, n }, LIT("CoreDumping")), LIT("1")))
		return ch_fail(CH_E_DENIED, "the process is not in a dump: this is no crash",
			       (uint64_t)pid);
	return CH_DONE;
}

ch_err crash_check(struct crash *c)
{
	struct pidfd_info info = { .mask = PIDFD_INFO_PID | PIDFD_INFO_DUMP };
	TRY(is_alive(c->pidfd));
	TRY(pid_of(c->pidfd, &c->pid));
	bool told = ioctl(c->pidfd, PIDFD_GET_INFO, &info) == 0 && (info.mask & PIDFD_INFO_DUMP);
	if (told && (info.mask & PIDFD_INFO_SIGNAL))
		c->signal = (int)info.coredump_signal;
	if (told && (info.coredump_mask & PIDFD_IS_COREDUMPED))
		return CH_DONE;
	return is_dumping_by_status(c->pidfd, c->pid);
}

ch_err crash_peer(int connection, int *ret_pidfd)
{
	int pidfd = -1;
	socklen_t n = sizeof(pidfd);
	if (getsockopt(connection, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &n) != 0)
		return ch_fail(CH_E_IO, "cannot ask who connects", errno);
	*ret_pidfd = pidfd;
	return CH_DONE;
}

static ch_err read_uid(struct crash *c)
{
	char text[4096];
	size_t n = 0;
	uint64_t uid = 0;
	TRY(file_read(c->proc, "status", text, sizeof(text), &n));
	str ids = line_of((str){ text, n }, LIT("Uid"));
	if (!str_to_u64(str_cut(&ids, '\t'), UINT32_MAX, &uid))
		return ch_fail(CH_E_SYNTAX, "cannot read whose process it is", 0);
	c->uid = (uint32_t)uid;
	return CH_DONE;
}

/* For people alone; decides nothing. */
static void read_names(struct crash *c)
{
	char text[1024];
	size_t n = 0;
	ssize_t got = readlinkat(c->proc, "exe", c->executable, sizeof(c->executable));
	c->executable_n = got > 0 ? (size_t)got : 0;
	if (failed(file_read(c->proc, "cgroup", text, sizeof(text), &n)))
		return;
	str left = { text, n };
	while (left.n > 0) {
		str line = str_cut(&left, '\n');
		if (!str_starts(line, LIT("0::")))
			continue;
		str path = str_sub(line, 3, sizeof(c->cgroup));
		mem_copy(c->cgroup, path.p, path.n);
		c->cgroup_n = path.n;
	}
}

ch_err crash_identify(struct crash *c)
{
	struct stat st = { 0 };
	TRY(crash_check(c));
	TRY(proc_open(c->pidfd, c->pid, &c->proc));
	TRY(read_uid(c));
	/* a kernel thread and a process without memory have none */
	if (fstatat(c->proc, "exe", &st, 0) == 0) {
		c->device = st.st_dev;
		c->inode = st.st_ino;
	}
	read_names(c);
	return is_alive(c->pidfd);
}

ch_err crash_open(struct crash *c)
{
	struct stat st = { 0 };
	c->mem = openat(c->proc, "mem", O_RDONLY | O_CLOEXEC);
	if (c->mem < 0)
		return ch_fail(CH_E_IO, "cannot open the memory of the process", errno);
	c->pagemap = openat(c->proc, "pagemap", O_RDONLY | O_CLOEXEC);
	if (c->pagemap < 0)
		return ch_fail(CH_E_IO, "cannot open the page map of the process", errno);
	AUTO(fd_close) int exe = openat(c->proc, "exe", O_PATH | O_CLOEXEC);
	if (exe < 0 || fstat(exe, &st) != 0 || !S_ISREG(st.st_mode) || st.st_ino != c->inode ||
	    st.st_dev != c->device)
		return ch_fail(CH_E_MISMATCH, "the program is not the one it was", 0);
	c->exe = openat(c->proc, "exe", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (c->exe < 0)
		return ch_fail(CH_E_IO, "cannot open the program of the process", errno);
	return crash_check(c);
}

static ch_err wait_at_most(int connection, int seconds)
{
	struct timeval t = { .tv_sec = seconds };
	if (setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) != 0)
		return ch_fail(CH_E_IO, "cannot bound the time of a socket", errno);
	return CH_DONE;
}

ch_err request_read(int connection)
{
	struct request q = { 0 };
	uint8_t more[REQUEST_MAX];
	TRY(wait_at_most(connection, ASK_SECONDS));
	TRY(fd_read_exactly(connection, &q, sizeof(q)));
	/* a later kernel's question may be longer; what it adds is not for us */
	if (q.size < sizeof(q) || q.size > sizeof(more))
		return ch_fail(CH_E_PROTOCOL, "the kernel's question is of no known size", q.size);
	TRY(fd_read_exactly(connection, more, q.size - sizeof(q)));
	if (q.size_ack < sizeof(struct acknowledgement) ||
	    (~q.mask & (REQ_KERNEL | REQ_REJECT | REQ_WAIT)))
		return ch_fail(CH_E_UNSUPPORTED, "the kernel does not offer what is needed",
			       q.mask);
	return CH_DONE;
}

static ch_err acknowledge(int connection, uint64_t mask)
{
	const struct acknowledgement a = { .size = sizeof(a), .mask = mask };
	uint32_t mark = 0;
	TRY(fd_write_all(connection, (bytes){ (const uint8_t *)&a, sizeof(a) }));
	TRY(fd_read_exactly(connection, &mark, sizeof(mark)));
	if (mark != MARK_WELL)
		return ch_fail(CH_E_PROTOCOL, "the kernel refuses the answer", mark);
	return CH_DONE;
}

ch_err request_accept(int connection)
{
	TRY(acknowledge(connection, REQ_KERNEL | REQ_WAIT));
	/* from here on the stream is as slow as it is */
	return wait_at_most(connection, 0);
}

ch_err request_reject(int connection)
{
	return acknowledge(connection, REQ_REJECT);
}
