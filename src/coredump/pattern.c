/* core_pattern and core_pipe_limit: they belong to the whole machine. Ours is put there only
 * with what was before remembered, and taken away only while it is ours. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "coredump_internal.h"

enum { FORMER_MAX = 256, NUMBER_MAX = 16 };

static const str line_ends = { "\n", 1 };

ch_err machine_open(struct machine *ret_m)
{
	AUTO(fd_close) int pattern = open("/proc/sys/kernel/core_pattern", O_RDWR | O_CLOEXEC);
	AUTO(fd_close) int limit = open("/proc/sys/kernel/core_pipe_limit", O_RDWR | O_CLOEXEC);
	if (pattern < 0 || limit < 0)
		return ch_fail(CH_E_IO, "cannot open the kernel's core_pattern", errno);
	*ret_m = (struct machine){ TAKE_FD(pattern), TAKE_FD(limit) };
	return CH_DONE;
}

void machine_done(struct machine *m)
{
	fd_close(&m->pattern);
	fd_close(&m->pipe_limit);
}

static ch_err read_line(int fd, char *room, size_t cap, str *ret_text)
{
	ssize_t n = pread(fd, room, cap, 0);
	if (n < 0)
		return ch_fail(CH_E_IO, "cannot read the kernel's core_pattern", errno);
	*ret_text = str_trim((str){ room, (size_t)n }, line_ends);
	return CH_DONE;
}

ch_err machine_read(const struct machine *m, char room[static CORE_PATTERN_MAX + 1],
		    struct dump_former *ret_now)
{
	char number[NUMBER_MAX];
	str limit = { 0 };
	uint64_t n = 0;
	struct dump_former now = { 0 };
	TRY(read_line(m->pattern, room, CORE_PATTERN_MAX + 1, &now.pattern));
	TRY(read_line(m->pipe_limit, number, sizeof(number), &limit));
	if (!str_to_u64(limit, UINT32_MAX, &n))
		return ch_fail(CH_E_SYNTAX, "core_pipe_limit is no number", 0);
	now.pipe_limit = (uint32_t)n;
	*ret_now = now;
	return CH_DONE;
}

/* A value is taken by one write or not at all. An empty pattern is a line end. */
static ch_err write_line(int fd, str text)
{
	char line[CORE_PATTERN_MAX + 2];
	struct wr w = wr_of(line, sizeof(line));
	wr_str(&w, text);
	wr_char(&w, '\n');
	TRY(wr_done(&w));
	if (pwrite(fd, line, w.n, 0) != (ssize_t)w.n)
		return ch_fail(CH_E_IO, "the kernel does not take this core_pattern", errno);
	return CH_DONE;
}

ch_err machine_write(const struct machine *m, const struct dump_former *what)
{
	char number[NUMBER_MAX];
	struct wr w = wr_of(number, sizeof(number));
	wr_dec(&w, what->pipe_limit);
	/* first the limit: with none, the kernel would not wait for a pipe's reader */
	TRY(write_line(m->pipe_limit, wr_text(&w)));
	return write_line(m->pattern, what->pattern);
}

bool machine_is_ours(const struct machine *m, const struct dump_settings *s)
{
	char room[CORE_PATTERN_MAX + 1];
	struct dump_former now = { 0 };
	return !failed(machine_read(m, room, &now)) && str_eq(now.pattern, s->pattern);
}

ch_err machine_restore(const struct machine *m, const struct state *s)
{
	uint8_t room[FORMER_MAX];
	bytes b = { 0 };
	struct dump_former former = { 0 };
	if (!machine_is_ours(m, &s->settings))
		return ch_fail(CH_E_MISMATCH, "core_pattern is not ours: it is left as it is", 0);
	TRY(state_read(s->dir, DUMP_FILE_FORMER, room, sizeof(room), &b));
	TRY(dump_former_read(b, &former));
	return machine_write(m, &former);
}

static ch_err remember(const struct state *s, const struct dump_former *now)
{
	uint8_t room[FORMER_MAX];
	struct wr w = wr_of(room, sizeof(room));
	dump_former_write(&w, now);
	TRY(wr_done(&w));
	return file_replace(s->dir, DUMP_FILE_FORMER, wr_bytes(&w), 0600);
}

ch_err machine_arm(const struct machine *m, const struct state *s)
{
	char room[CORE_PATTERN_MAX + 1];
	struct dump_former now = { 0 };
	TRY(machine_read(m, room, &now));
	if (!str_eq(now.pattern, s->settings.pattern))
		TRY(remember(s, &now));
	TRY(machine_write(m, &(struct dump_former){ s->settings.pattern, s->settings.pipe_limit }));
	if (!machine_is_ours(m, &s->settings))
		return ch_fail(CH_E_MISMATCH, "core_pattern did not become what was written", 0);
	return CH_DONE;
}
