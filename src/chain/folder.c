/* The folder of a chain: NNNNNNNNNNNNNNNNNNNN.chain, twenty digits, the sequence number of
 * its first record; and `lock`. Other names are nobody's business here. Erases only whole
 * segments, oldest first, and never the last one. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rw.h"
#include "chain_internal.h"

enum { DIGITS = 20 };

static const str suffix = { ".chain", 6 };
static const str unfinished = { ".chain.new-", 11 }; /* base/file.c's name before the rename */

void segment_name(struct path *ret_name, uint64_t first)
{
	char digits[DIGITS];
	struct wr w = wr_of(ret_name->p, sizeof(ret_name->p) - 1);
	for (size_t i = DIGITS; i > 0; i--, first /= 10)
		digits[i - 1] = (char)('0' + first % 10);
	wr_str(&w, (str){ digits, DIGITS });
	wr_str(&w, suffix);
	ret_name->p[w.n] = 0;
}

static bool number_of(str name, uint64_t *ret_first)
{
	if (name.n != DIGITS + suffix.n || !str_ends(name, suffix))
		return false;
	str digits = str_sub(name, 0, DIGITS);
	while (digits.n > 1 && digits.p[0] == '0')
		digits = str_sub(digits, 1, digits.n);
	return str_to_u64(digits, UINT64_MAX - 1, ret_first);
}

static void count_in(struct folder *f, uint64_t first, uint64_t pivot)
{
	f->first = f->n == 0 || first < f->first ? first : f->first;
	f->last = f->n == 0 || first > f->last ? first : f->last;
	if (first <= pivot && (!f->has_upto || first > f->upto)) {
		f->has_upto = true;
		f->upto = first;
	}
	if (first > pivot && (!f->has_after || first < f->after)) {
		f->has_after = true;
		f->after = first;
	}
	f->n++;
}

ch_err folder_look(int dir_fd, uint64_t pivot, bool sizes, struct folder *ret_f)
{
	struct folder f = { 0 };
	AUTO(dir_done) DIR *d = NULL;
	TRY(dir_open(dir_fd, ".", &d));
	errno = 0;
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		uint64_t first = 0;
		struct stat st = { 0 };
		if (!number_of(str_from_c(e->d_name), &first))
			continue;
		count_in(&f, first, pivot);
		if (sizes && fstatat(dir_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			f.bytes += (uint64_t)st.st_size;
		errno = 0;
	}
	if (errno != 0)
		return ch_fail(CH_E_IO, "cannot read the chain's folder", errno);
	*ret_f = f;
	return CH_DONE;
}

ch_err segment_open(int dir_fd, uint64_t first, int flags, int *ret_fd)
{
	struct path name;
	segment_name(&name, first);
	int fd = openat(dir_fd, name.p, flags | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return ch_fail(CH_E_NOT_FOUND, "there is no such segment", first);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot open a segment", errno);
	*ret_fd = fd;
	return CH_DONE;
}

ch_err folder_clean(int dir_fd)
{
	AUTO(dir_done) DIR *d = NULL;
	TRY(dir_open(dir_fd, ".", &d));
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		str name = str_from_c(e->d_name);
		if (name.n > DIGITS + unfinished.n &&
		    str_starts(str_sub(name, DIGITS, name.n), unfinished) &&
		    unlinkat(dir_fd, e->d_name, 0) != 0 && errno != ENOENT)
			return ch_fail(CH_E_IO, "cannot remove an unfinished segment", errno);
	}
	return CH_DONE;
}

/* When the segment was begun: no record of the one before is newer. */
static ch_err begun_at(int dir_fd, uint64_t segment,
		       const uint8_t purpose[static CHAIN_PURPOSE_MAX], int64_t *ret_ms)
{
	AUTO(fd_close) int fd = -1;
	struct chain_walk w = { .fd = -1 };
	TRY(segment_open(dir_fd, segment, O_RDONLY, &fd));
	TRY(walk_open(&w, fd, segment, purpose));
	*ret_ms = w.created_ms;
	return CH_DONE;
}

/* A segment that was begun in the future by a clock that was wrong is passed over: what was begun behind
 * it says as much. */
static ch_err ended_by(int dir_fd, uint64_t after, const uint8_t purpose[static CHAIN_PURPOSE_MAX],
		       int64_t now_ms, int64_t *ret_ms)
{
	struct folder f = { .has_after = true, .after = after };
	int64_t at = 0;
	do {
		TRY(begun_at(dir_fd, f.after, purpose, &at));
		TRY(folder_look(dir_fd, f.after, false, &f));
	} while (at > now_ms && f.has_after);
	*ret_ms = at;
	return CH_DONE;
}

static bool too_many(const struct folder *f, const struct chain_limits *l)
{
	/* the newest may grow to its full size before anybody looks again */
	return l->total_bytes > 0 && f->bytes + l->segment_bytes > l->total_bytes;
}

ch_err folder_retain(int dir_fd, const uint8_t purpose[static CHAIN_PURPOSE_MAX],
		     const struct chain_limits *limits, int64_t now_ms, uint64_t *ret_erased)
{
	uint64_t erased = 0;
	for (;;) {
		struct folder all, f;
		struct path name;
		int64_t ended = 0;
		TRY(folder_look(dir_fd, 0, true, &all));
		TRY(folder_look(dir_fd, all.first, false, &f));
		if (all.n < 2 || !f.has_after)
			break;
		TRY(ended_by(dir_fd, f.after, purpose, now_ms, &ended));
		bool too_old = limits->keep_ms > 0 && ended < now_ms - limits->keep_ms;
		if ((!too_old && !too_many(&all, limits)) ||
		    (limits->guarded && f.after > limits->guard_seq))
			break;
		segment_name(&name, all.first);
		if (unlinkat(dir_fd, name.p, 0) != 0 && errno != ENOENT)
			return ch_fail(CH_E_IO, "cannot erase a segment", errno);
		erased++;
	}
	if (erased > 0 && fsync(dir_fd) != 0)
		return ch_fail(CH_E_IO, "cannot sync the chain's folder", errno);
	*ret_erased = erased;
	return CH_DONE;
}

ch_err chain_erase(const struct chain_ref *ref, int64_t before_ms, uint64_t *ret_erased)
{
	/* as retention of what ended before then, at the earliest time there is */
	const struct chain_limits limits = { .keep_ms = 1 };
	uint8_t wanted[CHAIN_PURPOSE_MAX];
	TRY(purpose_of(ref->purpose, wanted));
	AUTO(fd_close) int fd = openat(ref->dir_fd, ref->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot open the chain's folder", errno);
	return folder_retain(fd, wanted, &limits, before_ms + 1, ret_erased);
}
