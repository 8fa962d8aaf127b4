/* STATE and the kernel's settings, read for people and for `install`. Decides nothing. */
#include "coredump_state.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"

static const str line_ends = { "\n", 1 };

void handler_init(struct handler *h)
{
	h->dir = -1;
	h->installed = false;
}

void handler_done(struct handler *h)
{
	fd_close(&h->dir);
}

ch_err handler_path(const struct handler *h, str name, struct path *ret_path)
{
	return path_join(ret_path, str_from_c(h->state.p), name, (str){ NULL, 0 });
}

ch_err handler_write(const struct handler *h, const char *name, bytes content)
{
	return file_replace(h->dir, name, content, 0600);
}

ch_err handler_open(const char *state_or_null, struct handler *h)
{
	size_t n = 0;
	str state = state_or_null ? str_from_c(state_or_null) : LIT(DUMP_STATE_DEFAULT);
	if (state.n == 0 || state.p[0] != '/')
		return ch_fail(CH_E_USAGE, "the handler's folder must be an absolute path", 0);
	TRY(path_of(&h->state, state));
	h->dir = open(h->state.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->dir < 0 && errno == ENOENT)
		return CH_DONE;
	if (h->dir < 0)
		return ch_fail(CH_E_IO, "cannot open the handler's folder", errno);
	ch_err e = file_read(h->dir, DUMP_FILE_SETTINGS, h->room, sizeof(h->room), &n);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return CH_DONE;
	if (failed(e))
		return e;
	TRY(dump_settings_read((bytes){ h->room, n }, &h->settings));
	h->installed = true;
	return CH_DONE;
}

static ch_err read_line(const char *name, char *room, size_t cap, str *ret_text)
{
	size_t n = 0;
	TRY(file_read(AT_FDCWD, name, room, cap, &n));
	*ret_text = str_trim((str){ room, n }, line_ends);
	return CH_DONE;
}

ch_err kernel_pattern_read(struct kernel_pattern *ret_k)
{
	str limit = { 0 };
	uint64_t n = 0;
	TRY(read_line("/proc/sys/kernel/core_pattern", ret_k->pattern_room,
		      sizeof(ret_k->pattern_room), &ret_k->pattern));
	TRY(read_line("/proc/sys/kernel/core_pipe_limit", ret_k->limit_room,
		      sizeof(ret_k->limit_room), &limit));
	if (!str_to_u64(limit, UINT32_MAX, &n))
		return ch_fail(CH_E_SYNTAX, "core_pipe_limit is no number", 0);
	ret_k->limit = (uint32_t)n;
	return CH_DONE;
}

ch_err handler_former(const struct handler *h, char room[static FORMER_ROOM],
		      struct dump_former *ret_f)
{
	size_t n = 0;
	TRY(file_read(h->dir, DUMP_FILE_FORMER, room, FORMER_ROOM, &n));
	return dump_former_read((bytes){ (const uint8_t *)room, n }, ret_f);
}

bool leaves_to_former(const struct dump_settings *s)
{
	bool leaves = s->wish == WISH_FORMER || s->beyond_to_former;
	for (size_t i = 0; i < s->n_rules; i++)
		leaves = leaves || s->rules[i].wish == WISH_FORMER;
	return leaves;
}

bool takes_crashes(const struct dump_former *f)
{
	return f->pattern.n > 1 && f->pattern.p[0] == '|';
}

uint64_t kernel_number(const char *name)
{
	char room[32];
	struct path path;
	str text = { 0 };
	uint64_t n = 0;
	if (failed(path_join(&path, LIT("/proc/sys"), str_from_c(name), (str){ 0 })) ||
	    failed(read_line(path.p, room, sizeof(room), &text)) ||
	    !str_to_u64(text, UINT64_MAX, &n))
		return 0;
	return n;
}

unsigned kernel_version(void)
{
	struct utsname u;
	uint64_t major = 0, minor = 0;
	if (uname(&u) != 0)
		return 0;
	str rest = str_from_c(u.release);
	str first = str_cut(&rest, '.'), second = rest;
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] < '0' || rest.p[i] > '9') {
			second = str_sub(rest, 0, i);
			break;
		}
	if (!str_to_u64(first, 1000, &major) || !str_to_u64(second, 999, &minor))
		return 0;
	return (unsigned)(major * 1000 + minor);
}
