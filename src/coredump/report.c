/* A crash report that another program made of its own crash (the supervisor's, of a signer):
 * stored sealed like a dump. It has no memory in it; its text is data here and is never
 * read. */
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "codec/json.h"
#include "coredump_internal.h"
#include "dumpstore/records.h"

enum { REPORT_SECONDS = 30, SIDECAR_MAX = 1024, SAID_MAX = 8 * 1024 };

static ch_err write_records(int fd, const struct crash_report *r, bytes json)
{
	static uint8_t room[RECORD_HEADER_SIZE + RECORD_MAX];
	struct record_writer w;
	record_writer_init(&w, fd, room);
	TRY(record_put(&w, r->text));
	TRY(record_report(&w, json));
	return record_end(&w, true, 0);
}

static void sidecar_write(const struct crash_report *r, struct wr *w)
{
	struct json_out o = json_out_of(w);
	json_begin(&o, (str){ NULL, 0 }, '{');
	json_put_bool(&o, LIT("whole"), true);
	json_put_str(&o, LIT("kind"), LIT("report"));
	json_put_str(&o, LIT("program"), r->program);
	json_put_int(&o, LIT("signal"), r->signal);
	json_put_int(&o, LIT("text_bytes"), (int64_t)r->text.n);
	json_finish(&o, '}');
}

static ch_err pack(struct state *s, int dir, struct workers *w, const struct crash_report *r)
{
	uint8_t json[SIDECAR_MAX * 4];
	struct wr out = wr_of(json, sizeof(json));
	AUTO(fd_close) int records = -1;
	sidecar_write(r, &out);
	TRY(wr_done(&out));
	TRY(dumpstore_begin(dir, &w->file));
	TRY(packer_start(&s->settings, s->settings.public_key, w, &records));
	/* less than the pipe holds: it cannot block */
	return write_records(records, r, wr_bytes(&out));
}

ch_err handle_report(struct state *s, const struct crash_report *r, int reply,
		     struct dump_id *ret_id)
{
	uint8_t room[SAID_MAX];
	struct wr report = wr_of(room, sizeof(room));
	struct path store;
	AUTO(fd_close) int dir = -1;
	AUTO(workers_done) struct workers w;
	bool whole = false;
	const struct dump_limits *l = &s->settings.limits;
	const struct dumpstore_limits of_store = { l->keep_days, l->total_bytes, l->file_bytes,
						   l->free_bytes };
	workers_init(&w);
	TRY(path_of(&store, s->settings.store));
	TRY(dumpstore_open(store.p, &dir));
	TRY(dumpstore_space(dir, &of_store, &w.room));
	TRY(pack(s, dir, &w, r));
	const int keep[] = { dir, w.file, w.report, w.packer_fd, reply };
	TRY(confine_opener(store.p, keep, COUNT_OF(keep)));
	TRY(workers_wait(&w, REPORT_SECONDS, &report, &whole));
	const struct dump_facts f = { .time_s = r->time_s,
				      .pid = r->pid,
				      .signal = (int)r->signal,
				      .executable = r->program,
				      .level = LIT("report") };
	return dumpstore_commit(dir, w.file, &f, wr_bytes(&report), ret_id);
}
