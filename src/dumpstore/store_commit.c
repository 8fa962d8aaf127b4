/* How a dump comes into the folder. Both files are written and synced without a name; then the
 * dump is linked, then its sidecar, which makes it count. Killed before, at most a dump
 * without a sidecar is left, which nobody lists and the next pruning removes; nobody can read
 * it either. The report comes from a worker that may have been taken over: it is looked at
 * before it stands between our own words. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "codec/json.h"
#include "dumpstore/sealed.h"
#include "store_internal.h"

enum { REPORT_DEPTH = 8, REPORT_MEMBERS = 64 * 1024, TRIES = 8, FD_PATH = 32 };

struct sidecar {
	struct json_node nodes[REPORT_MEMBERS + 1];
	uint8_t text[DUMP_SIDECAR_MAX];
};

static void sidecar_done(struct sidecar **s)
{
	free(*s);
}

static ch_err report_check(struct sidecar *s, bytes report)
{
	const struct json_limits limits = { .depth = REPORT_DEPTH, .members = REPORT_MEMBERS };
	size_t n = 0;
	if (report.n == 0)
		return CH_DONE;
	if (report.n > DUMP_REPORT_MAX)
		return ch_fail(CH_E_LIMIT, "a report is longer than allowed", DUMP_REPORT_MAX);
	TRY(json_parse(report, limits, s->nodes, COUNT_OF(s->nodes), &n));
	if (s->nodes[0].type != JSON_OBJECT)
		return ch_fail(CH_E_SYNTAX, "a report is no JSON object", 0);
	return CH_DONE;
}

struct record_of_crash {
	const struct dump_facts *facts;
	bool has_dump;
	uint64_t stored_bytes;
	str why;
	bytes report;
};

static void facts_write(struct json_out *o, const struct dump_facts *f)
{
	json_put_int(o, LIT("time"), f->time_s);
	json_put_int(o, LIT("pid"), f->pid);
	json_put_int(o, LIT("uid"), f->uid);
	json_put_int(o, LIT("signal"), f->signal);
	json_put_str(o, LIT("executable"), f->executable);
	json_put_str(o, LIT("build_id"), f->build_id);
	json_put_u64(o, LIT("device"), f->device);
	json_put_u64(o, LIT("inode"), f->inode);
	json_put_str(o, LIT("level"), f->level);
	json_put_str(o, LIT("cgroup"), f->cgroup);
}

static ch_err sidecar_write(struct sidecar *s, const struct dump_id *id,
			    const struct record_of_crash *c, bytes *ret_text)
{
	struct wr w = wr_of(s->text, sizeof(s->text));
	struct json_out o = json_out_of(&w);
	json_begin(&o, (str){ NULL, 0 }, '{');
	json_put_int(&o, LIT("version"), 1);
	json_put_str(&o, LIT("id"), str_from_c(id->p));
	facts_write(&o, c->facts);
	json_put_bool(&o, LIT("dump"), c->has_dump);
	json_put_u64(&o, LIT("stored_bytes"), c->stored_bytes);
	if (c->why.n > 0)
		json_put_str(&o, LIT("why"), c->why);
	if (c->report.n > 0)
		json_put_raw(&o, LIT("report"), str_of_bytes(c->report));
	json_finish(&o, '}');
	wr_char(&w, '\n');
	TRY(wr_done(&w));
	*ret_text = wr_bytes(&w);
	return CH_DONE;
}

/* The group of the folder may read it. That fails only for who is not of that group. */
static ch_err finish_file(int dir, int fd)
{
	struct stat st = { 0 };
	if (fstat(dir, &st) != 0)
		return ch_fail(CH_E_IO, "cannot look at the folder of dumps", errno);
	if (fchown(fd, (uid_t)-1, st.st_gid) != 0 && errno != EPERM)
		return ch_fail(CH_E_IO, "cannot give a dump to its group", errno);
	if (fchmod(fd, 0640) != 0)
		return ch_fail(CH_E_IO, "cannot set the mode of a dump", errno);
	return fsync(fd) == 0 ? CH_DONE : ch_fail(CH_E_IO, "cannot sync a dump", errno);
}

/* Gives an unnamed file its name. By its descriptor where the kernel allows that. */
static ch_err name_it(int dir, int fd, const struct dump_id *id, str ending)
{
	struct dump_name name = dump_name_of(id, ending);
	char path[FD_PATH] = { 0 };
	struct wr w = wr_of(path, sizeof(path) - 1);
	wr_lit(&w, "/proc/self/fd/");
	wr_dec(&w, (uint64_t)fd);
	if (linkat(fd, "", dir, name.p, AT_EMPTY_PATH) == 0 ||
	    (errno != EEXIST && linkat(AT_FDCWD, path, dir, name.p, AT_SYMLINK_FOLLOW) == 0))
		return CH_DONE;
	if (errno == EEXIST)
		return ch_fail(CH_E_EXISTS, "a dump has this name", 0);
	return ch_fail(CH_E_IO, "cannot name a dump", errno);
}

static ch_err sidecar_file(struct sidecar *s, int dir, const struct dump_id *id,
			   const struct record_of_crash *c, int *ret_fd)
{
	AUTO(fd_close) int fd = -1;
	bytes text = { 0 };
	TRY(sidecar_write(s, id, c, &text));
	TRY(dumpstore_begin(dir, &fd));
	TRY(fd_write_all(fd, text));
	TRY(finish_file(dir, fd));
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

/* The dump's name must be on the disk before the one that makes it count. */
static ch_err name_both(int dir, int dump_or_none, int sidecar, const struct dump_id *id)
{
	if (dump_or_none >= 0) {
		TRY(name_it(dir, dump_or_none, id, LIT(DUMP_ENDING)));
		TRY(store_sync(dir));
	}
	TRY(name_it(dir, sidecar, id, LIT(SIDECAR_ENDING)));
	return store_sync(dir);
}

/* Leaves nothing behind when it fails. */
static ch_err try_id(struct sidecar *s, int dir, int dump_or_none, const struct record_of_crash *c,
		     struct dump_id *ret_id)
{
	AUTO(fd_close) int file = -1;
	TRY(dump_id_new(c->facts->time_s, ret_id));
	TRY(sidecar_file(s, dir, ret_id, c, &file));
	ch_err e = name_both(dir, dump_or_none, file, ret_id);
	/* another one's name is not ours to remove */
	if (failed(e) && ch_code_of(e) != CH_E_EXISTS)
		(void)dumpstore_remove(dir, ret_id);
	return e;
}

static ch_err put_in(int dir, int dump_or_none, const struct record_of_crash *c,
		     struct dump_id *ret_id)
{
	AUTO(fd_close) int lock = -1;
	AUTO(sidecar_done) struct sidecar *s = calloc(1, sizeof(*s));
	struct dump_id id;
	ch_err e = CH_DONE;
	if (!s)
		return ch_fail(CH_E_NOMEM, "no memory for a sidecar", sizeof(*s));
	TRY(report_check(s, c->report));
	TRY(store_lock(dir, LOCK_BESIDE, &lock));
	for (unsigned i = 0; i < TRIES; i++) {
		e = try_id(s, dir, dump_or_none, c, &id);
		if (ch_code_of(e) != CH_E_EXISTS)
			break;
	}
	TRY(e);
	*ret_id = id;
	return CH_DONE;
}

ch_err dumpstore_commit(int dir, int fd, const struct dump_facts *f, bytes report_json,
			struct dump_id *ret_id)
{
	struct stat st = { 0 };
	if (fstat(fd, &st) != 0)
		return ch_fail(CH_E_IO, "cannot look at a dump", errno);
	if (st.st_size == 0)
		return ch_fail(CH_E_TRUNCATED, "a dump of which nothing was kept", 0);
	TRY(finish_file(dir, fd));
	const struct record_of_crash c = { .facts = f,
					   .has_dump = true,
					   .stored_bytes = (uint64_t)st.st_size,
					   .report = report_json };
	return put_in(dir, fd, &c, ret_id);
}

ch_err dumpstore_note(int dir, const struct dump_facts *f, str why, struct dump_id *ret_id)
{
	const struct record_of_crash c = { .facts = f, .why = why };
	return put_in(dir, -1, &c, ret_id);
}
