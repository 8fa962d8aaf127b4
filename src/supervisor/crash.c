/* Crash reports: the warden's text into DIR/crash/, a file each. The oldest make room, so
 * that one who can crash signers cannot fill the disk. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "supervisor_internal.h"

enum { REPORTS_MAX = 1000 };

static bool is_older(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static ch_err make_room(struct supervisor *s)
{
	AUTO(dir_done) DIR *d = NULL;
	struct dirent oldest = { 0 };
	struct timespec since = { 0 };
	size_t n = 0;
	TRY(dir_open(s->dir, "crash", &d));
	for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
		struct stat st;
		if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (n++ == 0 || is_older(&st.st_mtim, &since)) {
			oldest = *entry;
			since = st.st_mtim;
		}
	}
	if (n >= REPORTS_MAX)
		(void)unlinkat(dirfd(d), oldest.d_name, 0);
	return CH_DONE;
}

static ch_err report_path(const struct control *c, struct path *ret_path)
{
	struct wr w = wr_of(ret_path->p, sizeof(ret_path->p) - 1);
	wr_lit(&w, "crash/signer-");
	wr_str(&w, name_ok(c->name, CONTROL_NAME_MAX) ? c->name : LIT("unnamed"));
	wr_char(&w, '-');
	wr_dec(&w, (uint64_t)clock_unix_s());
	wr_char(&w, '-');
	wr_dec(&w, c->pid);
	wr_lit(&w, ".txt");
	TRY(wr_done(&w));
	ret_path->p[w.n] = 0;
	return CH_DONE;
}

void crash_write(struct supervisor *s, const struct control *c)
{
	struct path path = { "" };
	ch_err e = report_path(c, &path);
	if (!failed(e))
		e = make_room(s);
	if (!failed(e))
		e = file_replace(s->dir, path.p, c->text, 0640);
	if (failed(e)) {
		LOG(LOG_ERROR, "a signer crashed and its report cannot be written", log_err(e));
		return;
	}
	LOG(LOG_ALARM, "a signer crashed", log_u64("signal", c->code), log_str("group", c->name),
	    log_str("report", str_from_c(path.p)));
	report_hand_over(s, c, path.p);
}
