/* Crash reports: the warden's text into DIR/crash/, a file each. */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "supervisor_internal.h"

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
		e = file_replace(s->dir, path.p, c->text, 0640);
	if (failed(e)) {
		LOG(LOG_ERROR, "a signer crashed and its report cannot be written", log_err(e));
		return;
	}
	LOG(LOG_ALARM, "a signer crashed", log_u64("signal", c->code), log_str("group", c->name),
	    log_str("report", str_from_c(path.p)));
}
