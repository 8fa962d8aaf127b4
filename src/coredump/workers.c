/* Redactor and packer: started with descriptors and a uid each, waited for with a deadline,
 * killed with the one who started them. What they say is a stranger's word: the report passes
 * through as bounded bytes, and only both ending well makes a dump count. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "coredump_internal.h"
#include "dumpstore/records.h"
#include "sandbox/spawn.h"
#include "wire/boot.h"

enum { UID_REDACTOR, UID_PACKER, RECORDS_PIPE = 1024 * 1024, SAID_MAX = 2 * 1024 * 1024 };
/* how a redactor says that its rules want no dump */
enum { EXIT_NEVER = 1, EXIT_KILLED = 255 };
enum { W_REPORT, W_REDACTOR, W_PACKER, W_COUNT };

void workers_init(struct workers *w)
{
	*w = (struct workers){ .redactor_fd = -1, .packer_fd = -1, .report = -1, .file = -1 };
}

static void worker_end(pid_t *pid)
{
	if (*pid <= 0)
		return;
	(void)kill(*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	*pid = 0;
}

void workers_done(struct workers *w)
{
	worker_end(&w->redactor);
	worker_end(&w->packer);
	fd_close(&w->redactor_fd);
	fd_close(&w->packer_fd);
	fd_close(&w->report);
	fd_close(&w->file);
}

struct start {
	const char *program, *name;
	unsigned uid;
	bytes config;
	const int *fds; /* from ROLE_FD on */
	size_t n_fds;
};

static ch_err start(const struct dump_settings *s, const struct start *a, pid_t *ret_pid,
		    int *ret_pidfd)
{
	struct path path;
	AUTO(fd_close) int program = -1, boot = -1;
	TRY(path_join(&path, s->libexec, str_from_c(a->program), (str){ 0 }));
	TRY(spawn_open(path.p, &program));
	TRY(boot_make(str_from_c(a->program), a->config, &boot));
	struct spawn spawn = {
		.program = program,
		.name = a->name,
		.uid = geteuid() == 0 ? s->uid_base + a->uid : 0,
		.fds = { boot, -1 },
		.n_fds = ROLE_FD - BOOT_FD,
		.gate = -1,
	};
	for (size_t i = 0; i < a->n_fds; i++)
		spawn.fds[spawn.n_fds++] = a->fds[i];
	TRY(spawn_role(&spawn, ret_pid));
	*ret_pidfd = (int)syscall(SYS_pidfd_open, *ret_pid, 0);
	if (*ret_pidfd < 0)
		return ch_fail(CH_E_IO, "cannot watch a worker", errno);
	return CH_DONE;
}

static ch_err make_pipe(int size, int ret_ends[static 2])
{
	if (pipe2(ret_ends, O_CLOEXEC) != 0)
		return ch_fail(CH_E_IO, "cannot make a pipe", errno);
	/* a smaller one is slower, no more */
	(void)fcntl(ret_ends[1], F_SETPIPE_SZ, size);
	return CH_DONE;
}

ch_err packer_start(const struct dump_settings *s, const uint8_t *public_key, struct workers *w,
		    int *ret_records)
{
	uint8_t room[PACKER_CONFIG_MAX];
	struct wr out = wr_of(room, sizeof(room));
	struct packer_config config = { .zstd_level = 1, .size_max = w->room };
	int records[2] = { -1, -1 }, report[2] = { -1, -1 };
	mem_copy(config.public_key, public_key, sizeof(config.public_key));
	packer_config_write(&out, &config);
	TRY(wr_done(&out));
	TRY(make_pipe(RECORDS_PIPE, records));
	AUTO(fd_close) int theirs = records[0], ours = records[1];
	TRY(make_pipe(64 * 1024, report));
	AUTO(fd_close) int says = report[1];
	w->report = report[0];
	const int fds[] = { theirs, w->file, says };
	TRY(start(s,
		  &(struct start){ "packer", "chancery-packer", UID_PACKER, wr_bytes(&out), fds,
				   COUNT_OF(fds) },
		  &w->packer, &w->packer_fd));
	*ret_records = TAKE_FD(ours);
	return CH_DONE;
}

ch_err workers_start(const struct work *work, struct workers *w)
{
	static uint8_t room[REDACTOR_CONFIG_MAX];
	struct wr out = wr_of(room, sizeof(room));
	AUTO(fd_close) int records = -1;
	redactor_config_write(&out, work->config);
	TRY(wr_done(&out));
	TRY(packer_start(work->settings, work->public_key, w, &records));
	const int fds[] = { work->core,    records,   work->mem,
			    work->pagemap, work->exe, work->registered };
	return start(work->settings,
		     &(struct start){ "redactor", "chancery-redact", UID_REDACTOR, wr_bytes(&out),
				      fds, COUNT_OF(fds) - !work->config->has_registered },
		     &w->redactor, &w->redactor_fd);
}

/* What the packer says, into a memory file that is read once all is said: nobody can make
 * us wait for the rest of a record. */
static ch_err take_words(struct workers *w, int said, size_t *total)
{
	uint8_t room[16 * 1024];
	ssize_t n = read(w->report, room, sizeof(room));
	if (n < 0)
		return errno == EINTR ? CH_DONE : ch_fail(CH_E_IO, "cannot read a report", errno);
	if (n == 0)
		fd_close(&w->report);
	*total += (size_t)n;
	if (*total > SAID_MAX)
		return ch_fail(CH_E_PROTOCOL, "a report is too long", SAID_MAX);
	return fd_write_all(said, (bytes){ room, (size_t)n });
}

static void reap(pid_t *pid, int *pidfd, int *ret_exit)
{
	int status = 0;
	if (waitpid(*pid, &status, WNOHANG) != *pid)
		return;
	*ret_exit = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_KILLED;
	*pid = 0;
	fd_close(pidfd);
}

static ch_err turn(struct workers *w, int said, size_t *total, int timeout_ms)
{
	struct pollfd p[W_COUNT] = { { w->report, POLLIN, 0 },
				     { w->redactor_fd, POLLIN, 0 },
				     { w->packer_fd, POLLIN, 0 } };
	int n = poll(p, W_COUNT, timeout_ms);
	if (n < 0 && errno != EINTR)
		return ch_fail(CH_E_IO, "cannot wait for the workers", errno);
	if (n <= 0)
		return CH_DONE;
	if (p[W_REDACTOR].revents)
		reap(&w->redactor, &w->redactor_fd, &w->redactor_exit);
	if (p[W_PACKER].revents)
		reap(&w->packer, &w->packer_fd, &w->packer_exit);
	return p[W_REPORT].revents ? take_words(w, said, total) : CH_DONE;
}

static ch_err read_words(int said, struct wr *report, bool *ret_whole)
{
	static uint8_t room[RECORD_HEADER_SIZE + RECORD_MAX];
	struct record r = { 0 };
	if (lseek(said, 0, SEEK_SET) != 0)
		return ch_fail(CH_E_IO, "cannot rewind a report", errno);
	for (;;) {
		TRY(record_read(said, room, &r));
		if (r.type == RECORD_END)
			break;
		if (r.type != RECORD_REPORT)
			return ch_fail(CH_E_PROTOCOL, "a packer says what is no report", r.type);
		wr_put(report, r.data);
	}
	*ret_whole = r.whole;
	return wr_done(report);
}

ch_err workers_wait(struct workers *w, uint32_t seconds, struct wr *report, bool *ret_whole)
{
	uint64_t until_ns = clock_mono_ns() + seconds * UINT64_C(1000000000);
	size_t total = 0;
	bool had_redactor = w->redactor > 0;
	AUTO(fd_close) int said = memfd_create("report", MFD_CLOEXEC);
	if (said < 0)
		return ch_fail(CH_E_IO, "cannot make a memfd for a report", errno);
	while (w->redactor > 0 || w->packer > 0 || w->report >= 0) {
		uint64_t now_ns = clock_mono_ns();
		if (now_ns >= until_ns)
			return ch_fail(CH_E_BUSY, "a dump took too long", seconds);
		uint64_t left_ms = (until_ns - now_ns) / 1000000 + 1;
		TRY(turn(w, said, &total, (int)(left_ms < 60000 ? left_ms : 60000)));
	}
	if (had_redactor && w->redactor_exit == EXIT_NEVER)
		return ch_fail(CH_E_DENIED, "the policy wants no dump of this build", 0);
	if (had_redactor && w->redactor_exit != 0)
		return ch_fail(CH_E_GONE, "the redactor failed", 0);
	if (w->packer_exit != 0)
		return ch_fail(CH_E_GONE, "the packer failed", 0);
	return read_words(said, report, ret_whole);
}
