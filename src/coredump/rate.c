/* How often one user's program may crash with a dump: a program that crashes as fast as it
 * starts must not fill the disk nor take the machine. Counted in a file that all processes of
 * the handler share; a damaged one counts as empty. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "coredump_internal.h"

static bool is_of(const struct rate_row *r, const struct culprit *who, bool whole_uid)
{
	return r->n > 0 && r->uid == who->uid && r->whole_uid == whole_uid &&
	       (whole_uid || (r->device == who->device && r->inode == who->inode));
}

static bool is_over(const struct rate_row *r, const struct dump_limits *l, int64_t now_s)
{
	return r->n == 0 || now_s < r->since_s || now_s - r->since_s >= (int64_t)l->per_s;
}

/* Its row, or the one that is longest unused. */
static struct rate_row *row_of(struct rate_table *t, const struct culprit *who, bool whole_uid)
{
	struct rate_row *oldest = &t->rows[0];
	for (size_t i = 0; i < RATE_ROWS; i++) {
		struct rate_row *r = &t->rows[i];
		if (is_of(r, who, whole_uid))
			return r;
		if (r->n == 0 || (oldest->n > 0 && r->since_s < oldest->since_s))
			oldest = r;
	}
	oldest->n = 0;
	return oldest;
}

static uint32_t count(struct rate_table *t, const struct culprit *who, bool whole_uid,
		      const struct dump_limits *l, int64_t now_s)
{
	struct rate_row *r = row_of(t, who, whole_uid);
	if (is_over(r, l, now_s))
		*r = (struct rate_row){ .uid = who->uid,
					.whole_uid = whole_uid,
					.device = whole_uid ? 0 : who->device,
					.inode = whole_uid ? 0 : who->inode,
					.since_s = now_s };
	if (r->n < UINT32_MAX)
		r->n++;
	return r->n;
}

enum rate_answer rate_count(struct rate_table *t, const struct culprit *who,
			    const struct dump_limits *l, int64_t now_s)
{
	uint64_t of_uid = count(t, who, true, l, now_s);
	uint64_t of_program = count(t, who, false, l, now_s);
	uint64_t most_of_uid = (uint64_t)l->crashes * RATE_UID_FACTOR;
	if (of_program <= l->crashes && of_uid <= most_of_uid)
		return RATE_GO;
	bool first = of_program == (uint64_t)l->crashes + 1 || of_uid == most_of_uid + 1;
	return first ? RATE_FIRST_TOO_MANY : RATE_TOO_MANY;
}

static ch_err take_turn(int fd)
{
	while (flock(fd, LOCK_EX) != 0)
		if (errno != EINTR)
			return ch_fail(CH_E_IO, "cannot lock the count of crashes", errno);
	return CH_DONE;
}

ch_err rate_ask(int state_dir, const struct culprit *who, const struct dump_limits *l,
		enum rate_answer *ret_answer)
{
	static struct rate_table t;
	AUTO(fd_close) int fd =
		openat(state_dir, DUMP_FILE_RATES, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot open the count of crashes", errno);
	TRY(take_turn(fd));
	if (pread(fd, &t, sizeof(t), 0) != (ssize_t)sizeof(t))
		t = (struct rate_table){ 0 };
	enum rate_answer answer = rate_count(&t, who, l, clock_unix_s());
	if (pwrite(fd, &t, sizeof(t), 0) != (ssize_t)sizeof(t))
		return ch_fail(CH_E_IO, "cannot write the count of crashes", errno);
	*ret_answer = answer;
	return CH_DONE;
}
