/* What a former core_pattern may want to know of a crash, from /proc as the kernel shows it while
 * the process waits. Names are the crashed program's and decide nothing here. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "former.h"

/* fields of /proc/PID/stat behind the name, from the third (the state) on; see proc_pid_stat(5) */
enum { STAT_FLAGS = 9 - 3, STAT_CPU = 39 - 3, STAT_EXIT = 52 - 3, STAT_FIELDS };
enum { TEXT_MAX = 4096, FORMER_MAX = 256, COMM_MAX = 64 };
#define PF_DUMPCORE UINT64_C(0x200) /* the thread that dumps; include/linux/sched.h */

struct texts {
	char host[sizeof(((struct utsname *)0)->nodename)], comm[COMM_MAX];
};

/* The numbers of a line of /proc/PID/stat; the name in it may hold anything but ends last. */
static ch_err read_stat(int dir, const char *path, uint64_t fields[static STAT_FIELDS])
{
	char text[TEXT_MAX];
	size_t n = 0;
	TRY(file_read(dir, path, text, sizeof(text), &n));
	str left = { text, n };
	size_t at = left.n;
	while (at > 0 && text[at - 1] != ')')
		at--;
	left = str_trim(str_sub(left, at, left.n - at), LIT(" \n"));
	for (size_t i = 0; i < STAT_FIELDS; i++) {
		str field = str_cut(&left, ' ');
		fields[i] = 0;
		/* the state and what is negative are of no use here */
		(void)str_to_u64(field, UINT64_MAX, &fields[i]);
	}
	return CH_DONE;
}

/* The first number of a line of status, or the last: of pid namespaces the innermost. */
static uint64_t status_number(str text, str name, bool last)
{
	uint64_t v = 0;
	while (text.n > 0) {
		str line = str_cut(&text, '\n');
		if (!str_eq(str_cut(&line, ':'), name))
			continue;
		for (line = str_trim(line, LIT("\t ")); line.n > 0;) {
			str one = str_cut(&line, '\t');
			(void)str_to_u64(one, UINT64_MAX, &v);
			if (!last)
				break;
		}
		break;
	}
	return v;
}

/* The folder of the thread that crashed, below PID/task. */
static ch_err open_thread(int proc, int *ret_task)
{
	AUTO(dir_done) DIR *d = NULL;
	TRY(dir_open(proc, "task", &d));
	for (struct dirent *t = readdir(d); t; t = readdir(d)) {
		uint64_t fields[STAT_FIELDS];
		if (t->d_name[0] == '.')
			continue;
		AUTO(fd_close) int fd =
			openat(dirfd(d), t->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || failed(read_stat(fd, "stat", fields)) ||
		    !(fields[STAT_FLAGS] & PF_DUMPCORE))
			continue;
		*ret_task = TAKE_FD(fd);
		return CH_DONE;
	}
	return ch_fail(CH_E_GONE, "no thread of the process is in a dump", 0);
}

static ch_err read_thread(int task, struct former_facts *f, struct texts *texts)
{
	char text[TEXT_MAX];
	size_t n = 0;
	uint64_t fields[STAT_FIELDS];
	TRY(read_stat(task, "stat", fields));
	TRY(file_read(task, "status", text, sizeof(text), &n));
	str status = { text, n };
	f->cpu = fields[STAT_CPU];
	f->tid = status_number(status, LIT("Pid"), false);
	f->tid_inside = status_number(status, LIT("NSpid"), true);
	f->pid_inside = status_number(status, LIT("NStgid"), true);
	f->gid = status_number(status, LIT("Gid"), false);
	TRY(file_read(task, "comm", texts->comm, sizeof(texts->comm), &n));
	f->comm = str_trim((str){ texts->comm, n }, LIT("\n"));
	return CH_DONE;
}

/* Files of a process that may not be looked at by its user are root's. */
static uint64_t dumpable_of(const struct crash *c)
{
	struct stat st = { 0 };
	bool guarded = fstatat(c->proc, "status", &st, 0) == 0 && st.st_uid == 0 && c->uid != 0;
	return guarded ? 2 : 1;
}

/* The name of the host that the process sees. */
static str host_of(const struct crash *c, struct texts *texts)
{
	struct utsname u = { 0 };
	AUTO(fd_close) int theirs = openat(c->proc, "ns/uts", O_RDONLY | O_CLOEXEC);
	AUTO(fd_close) int ours = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	bool there = theirs >= 0 && ours >= 0 && setns(theirs, CLONE_NEWUTS) == 0;
	(void)uname(&u);
	if (there)
		(void)setns(ours, CLONE_NEWUTS);
	str host = str_from_c(u.nodename);
	mem_copy(texts->host, host.p, host.n);
	return (str){ texts->host, host.n };
}

static ch_err read_pattern(const struct state *s, uint8_t room[static FORMER_MAX], str *ret_pattern)
{
	bytes b = { 0 };
	struct dump_former former = { 0 };
	TRY(state_read(s->dir, DUMP_FILE_FORMER, room, FORMER_MAX, &b));
	TRY(dump_former_read(b, &former));
	if (former.pattern.n == 0 || former.pattern.p[0] != '|')
		return ch_fail(CH_E_UNSUPPORTED, "core_pattern named no program before", 0);
	*ret_pattern = former.pattern;
	return CH_DONE;
}

/* RLIMIT_CORE in force: a number, or a word for "as large as it likes". */
static ch_err core_limit(int proc, uint64_t *ret_limit)
{
	static const str name = { "Max core file size", 18 };
	char text[TEXT_MAX];
	size_t n = 0;
	TRY(file_read(proc, "limits", text, sizeof(text), &n));
	for (str left = { text, n }; left.n > 0;) {
		str line = str_cut(&left, '\n');
		if (!str_starts(line, name))
			continue;
		line = str_trim(str_sub(line, name.n, line.n - name.n), LIT(" "));
		str soft = str_cut(&line, ' ');
		*ret_limit = UINT64_MAX;
		if (str_eq(soft, LIT("unlimited")) || str_to_u64(soft, UINT64_MAX, ret_limit))
			return CH_DONE;
	}
	return ch_fail(CH_E_SYNTAX, "cannot read the limits of the process", 0);
}

ch_err former_prepare(const struct state *s, const struct crash *c, struct former_command *ret_cmd)
{
	struct texts texts;
	uint8_t room[FORMER_MAX];
	str pattern = { 0 };
	uint64_t limit = 0;
	AUTO(fd_close) int task = -1;
	TRY(read_pattern(s, room, &pattern));
	TRY(core_limit(c->proc, &limit));
	if (limit == 1)
		return ch_fail(CH_E_DENIED, "a handler of crashes has crashed", 0);
	struct former_facts f = { .pid = (uint64_t)c->pid,
				  .uid = c->uid,
				  .dumpable = dumpable_of(c),
				  .signal = (uint64_t)c->signal,
				  .time_s = (uint64_t)clock_unix_s(),
				  .core_limit = limit,
				  .host = host_of(c, &texts),
				  .executable = { c->executable, c->executable_n } };
	uint64_t fields[STAT_FIELDS];
	TRY(read_stat(c->proc, "stat", fields));
	if (f.signal == 0)
		f.signal = fields[STAT_EXIT] & 0x7f; /* of the whole process, not of a thread */
	TRY(open_thread(c->proc, &task));
	TRY(read_thread(task, &f, &texts));
	return former_expand(pattern, &f, ret_cmd);
}
