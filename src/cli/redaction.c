/* Starts a redactor for a file and does what it says: bytes go to the new file, files that
 * were mapped are opened for it, its report is kept. The redactor has read what a hostile
 * program left behind and may be taken over: all it can reach through here is to write the
 * file and to read programs and libraries that the user can read. */
#include "redaction.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "codec/json.h"
#include "dumpstore/records.h"
#include "libexec.h"
#include "redact/report.h"
#include "registry.h"
#include "sandbox/spawn.h"
#include "wire/boot.h"

enum { NOBODY = 65534, RECORDS_PIPE = 1024 * 1024, FILL_BLOCK = 64 * 1024 };

struct session {
	const struct redaction *r;
	struct redaction_result result;
	int records, control, root;
	pid_t pid;
	bool ended, tells;
	struct wr report;
};

/* --- starting ------------------------------------------------------------------------ */

static ch_err pipe_make(int ret_ends[static 2])
{
	if (pipe2(ret_ends, O_CLOEXEC) != 0)
		return ch_fail(CH_E_IO, "cannot make a pipe", errno);
	(void)fcntl(ret_ends[1], F_SETPIPE_SZ, RECORDS_PIPE);
	return CH_DONE;
}

static ch_err open_core(const char *name, int *ret_fd)
{
	struct stat st = { 0 };
	AUTO(fd_close) int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot be opened", errno);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return ch_fail(CH_E_UNSUPPORTED, "is no regular file", 0);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

static ch_err boot_of(const struct redaction *r, bool has_registered, int *ret_boot)
{
	static struct redactor_config config;
	uint8_t room[REDACTOR_CONFIG_MAX];
	struct wr w = wr_of(room, sizeof(room));
	config = (struct redactor_config){ .duty = r->duty,
					   .wish = r->wish,
					   .has_registered = has_registered };
	redactor_config_write(&w, &config);
	TRY(wr_done(&w));
	return boot_make(LIT("redactor"), wr_bytes(&w), ret_boot);
}

static ch_err open_registered(const struct redaction *r, int *ret_fd)
{
	*ret_fd = -1;
	if (r->registry ? strcmp(r->registry, "none") == 0 : geteuid() != 0)
		return CH_DONE;
	return registry_fingerprints(r->registry, ret_fd);
}

static ch_err start(struct session *s)
{
	struct path folder, name;
	int records[2] = { -1, -1 }, control[2] = { -1, -1 };
	AUTO(fd_close) int core = -1, boot = -1, program = -1, registered = -1;
	TRY(open_core(s->r->in, &core));
	TRY(open_registered(s->r, &registered));
	TRY(boot_of(s->r, registered >= 0, &boot));
	TRY(libexec_folder(&folder));
	TRY(path_join(&name, str_from_c(folder.p), LIT("redactor"), (str){ 0 }));
	TRY(spawn_open(name.p, &program));
	TRY(pipe_make(records));
	s->records = records[0];
	AUTO(fd_close) int their_records = records[1];
	TRY(channel_pair(control));
	s->control = control[0];
	AUTO(fd_close) int their_control = control[1];
	return spawn_role(
		&(struct spawn){ .program = program,
				 .name = "chancery-redact",
				 .uid = geteuid() == 0 ? NOBODY : 0,
				 .gate = -1,
				 .n_fds = registered >= 0 ? 5 : 4,
				 .fds = { boot, their_control, core, their_records, registered } },
		&s->pid);
}

/* --- files that were mapped ---------------------------------------------------------- */

/* A regular file of a real file system that begins as a program or library does. */
static bool is_program(int fd)
{
	struct stat st = { 0 };
	struct statfs fs = { 0 };
	char magic[4] = { 0 };
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fstatfs(fd, &fs) == 0 &&
	       fs.f_type != PROC_SUPER_MAGIC && fs.f_type != SYSFS_MAGIC &&
	       pread(fd, magic, sizeof(magic), 0) == sizeof(magic) && mem_eq(magic, "\177ELF", 4);
}

/* Below the root that the user named, whatever links say; the path is the core's. */
static int open_mapped(const struct session *s, str path)
{
	char name[CODE_PATH_MAX + 1] = { 0 };
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	if (path.n == 0 || path.n > CODE_PATH_MAX || path.p[0] != '/' || str_has(path, 0))
		return -1;
	mem_copy(name, path.p, path.n);
	int fd = (int)syscall(SYS_openat2, s->root, name, &how, sizeof(how));
	if (fd >= 0 && !is_program(fd))
		fd_close(&fd);
	return fd;
}

static ch_err answer(struct session *s)
{
	uint8_t room[CODE_MESSAGE_MAX], out[8];
	struct wr w = wr_of(out, sizeof(out));
	bytes message = { 0 };
	str path = { 0 };
	ch_err e = channel_recv(s->control, room, sizeof(room), &message, NULL);
	if (ch_code_of(e) == CH_E_GONE)
		fd_close(&s->control);
	if (ch_code_of(e) == CH_E_BUSY || ch_code_of(e) == CH_E_GONE)
		return CH_DONE;
	TRY(e);
	TRY(code_ask_read(message, &path));
	AUTO(fd_close) int fd = open_mapped(s, path);
	code_answer_write(&w, fd < 0 ? CH_E_NOT_FOUND : CH_OK);
	return channel_send(s->control, wr_bytes(&w),
			    &(struct message_fds){ .fd = { fd }, .n = fd >= 0 });
}

/* --- records ------------------------------------------------------------------------- */

static ch_err fill(int fd, uint8_t with, uint64_t n)
{
	static uint8_t block[FILL_BLOCK];
	if (with == 0) {
		if (n > INT64_MAX || lseek(fd, (off_t)n, SEEK_CUR) < 0)
			return ch_fail(CH_E_IO, "cannot leave a hole in the new core", errno);
		return CH_DONE;
	}
	memset(block, with, sizeof(block));
	for (uint64_t at = 0; at < n; at += sizeof(block))
		TRY(fd_write_all(fd, (bytes){ block, n - at < sizeof(block) ? (size_t)(n - at)
									    : sizeof(block) }));
	return CH_DONE;
}

static void progress(struct session *s, const struct record *r)
{
	unsigned percent = r->total ? (unsigned)((double)r->done * 100 / (double)r->total) : 0;
	if (!isatty(STDERR_FILENO))
		return;
	s->tells = true;
	(void)fprintf(stderr, "\r%s: %3u %%", s->r->in, percent > 100 ? 100 : percent);
}

static ch_err take(struct session *s, const struct record *r)
{
	bool writes = r->type == RECORD_DATA || r->type == RECORD_FILL;
	if (writes && s->r->out < 0)
		return ch_fail(CH_E_PROTOCOL, "a scan writes a core", r->type);
	if (r->type == RECORD_PROGRESS)
		progress(s, r);
	if (r->type == RECORD_REPORT)
		wr_put(&s->report, r->data);
	if (r->type == RECORD_END) {
		s->ended = true;
		s->result.whole = r->whole;
		s->result.secrets = r->secrets;
	}
	s->result.size += r->type == RECORD_DATA ? r->data.n : r->type == RECORD_FILL ? r->n : 0;
	if (r->type == RECORD_FILL)
		return fill(s->r->out, r->with, r->n);
	return r->type == RECORD_DATA ? fd_write_all(s->r->out, r->data) : CH_DONE;
}

/* It closed its pipe without a last word. What it had to say stands on standard error. */
static ch_err gone(struct session *s)
{
	int status = 0;
	while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
		;
	s->pid = 0;
	if (WIFSIGNALED(status))
		return ch_fail(CH_E_GONE, "the redactor was killed by a signal", WTERMSIG(status));
	return ch_fail(CH_E_GONE, "the redactor failed", WEXITSTATUS(status));
}

static ch_err serve(struct session *s)
{
	static uint8_t room[RECORD_HEADER_SIZE + RECORD_MAX];
	struct record record = { 0 };
	while (!s->ended) {
		struct pollfd p[] = { { s->records, POLLIN, 0 }, { s->control, POLLIN, 0 } };
		if (poll(p, COUNT_OF(p), -1) < 0 && errno != EINTR)
			return ch_fail(CH_E_IO, "cannot wait for the redactor", errno);
		if (p[1].revents)
			TRY(answer(s));
		if (!p[0].revents)
			continue;
		ch_err e = record_read(s->records, room, &record);
		if (ch_code_of(e) == CH_E_TRUNCATED)
			return gone(s);
		if (failed(e))
			return e;
		TRY(take(s, &record));
	}
	return CH_DONE;
}

/* --- all of it ----------------------------------------------------------------------- */

/* Only well-formed JSON is shown or printed. */
static ch_err check_report(struct session *s)
{
	enum { NODES = 64 * 1024, DEPTH = 6 };
	static struct json_node nodes[NODES + 1];
	size_t n = 0;
	TRY(wr_done(&s->report));
	s->result.report = wr_bytes(&s->report);
	return json_parse(s->result.report, (struct json_limits){ DEPTH, NODES }, nodes,
			  COUNT_OF(nodes), &n);
}

static ch_err end_file(const struct session *s)
{
	if (s->r->out >= 0 &&
	    (ftruncate(s->r->out, (off_t)s->result.size) != 0 || fsync(s->r->out) != 0))
		return ch_fail(CH_E_IO, "cannot end the new core", errno);
	return CH_DONE;
}

static void session_done(struct session *s)
{
	if (s->tells)
		(void)fputs("\r\033[K", stderr);
	fd_close(&s->records);
	fd_close(&s->control);
	fd_close(&s->root);
	if (s->pid <= 0)
		return;
	if (!s->ended)
		(void)kill(s->pid, SIGKILL);
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

ch_err redaction_run(const struct redaction *r, struct redaction_result *ret_result)
{
	static uint8_t report[REPORT_TEXT_MAX];
	AUTO(session_done) struct session s = { .r = r, .records = -1, .control = -1, .root = -1 };
	s.report = wr_of(report, sizeof(report));
	s.root = open(r->sysroot, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s.root < 0)
		return ch_fail(CH_E_IO, "cannot open the folder of mapped files", errno);
	TRY(start(&s));
	TRY(serve(&s));
	TRY(check_report(&s));
	TRY(end_file(&s));
	*ret_result = s.result;
	return CH_DONE;
}
