/* Key sets in files, followed by looking: files are replaced by whoever fetches them. Each
 * changed file is tried alone, so that a bad one holds nobody else up. What cannot be read
 * as a key set changes nothing; a file that is gone takes its keys with it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "keys.h"

enum { WHY_MAX = 512, SETTLE_MS = 50 };

static ch_err mark_of(str file, struct file_mark *ret_mark)
{
	struct statx st = { 0 };
	struct path path;
	TRY(path_of(&path, file));
	if (statx(AT_FDCWD, path.p, 0, STATX_BASIC_STATS, &st) != 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return ch_fail(CH_E_IO, "cannot look at a key file", errno);
		*ret_mark = (struct file_mark){ 0 };
		return CH_DONE;
	}
	*ret_mark = (struct file_mark){
		.there = true,
		.device = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor,
		.inode = st.stx_ino,
		.size = st.stx_size,
		.mtime_s = st.stx_mtime.tv_sec,
		.mtime_ns = st.stx_mtime.tv_nsec,
	};
	return CH_DONE;
}

static bool mark_eq(const struct file_mark *a, const struct file_mark *b)
{
	return a->there == b->there && a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && a->mtime_s == b->mtime_s && a->mtime_ns == b->mtime_ns;
}

/* A file that was written in this very moment may be written again without a new mark:
 * it is looked at once more. */
static struct file_mark settled(struct file_mark m)
{
	struct timespec now = { 0 };
	(void)clock_gettime(CLOCK_REALTIME, &now);
	int64_t age_ms = (now.tv_sec - m.mtime_s) * 1000 + (now.tv_nsec - m.mtime_ns) / 1000000;
	if (m.there && age_ms < SETTLE_MS)
		m.mtime_ns = UINT32_MAX;
	return m;
}

static ch_err read_file(struct keys *k, size_t at, bytes *ret_jwks)
{
	struct path path;
	size_t n = 0;
	TRY(path_of(&path, k->config->issuers[at].jwks));
	TRY(file_read(AT_FDCWD, path.p, k->candidate, sizeof(k->candidate), &n));
	*ret_jwks = (bytes){ k->candidate, n };
	return CH_DONE;
}

/* Takes what the file holds now; what the log says depends on how that went. */
static bool take_file(struct keys *k, size_t at, const struct file_mark *mark)
{
	const struct gate_issuer *g = &k->config->issuers[at];
	uint8_t room[WHY_MAX];
	struct wr why = wr_of(room, sizeof(room));
	bytes jwks = keys_empty_set();
	ch_err e = mark->there ? read_file(k, at, &jwks) : CH_DONE;
	if (!failed(e) && (keys_has(k, at, jwks) && !k->files[at].refused))
		return false;
	if (!failed(e))
		e = keys_adopt(k, at, jwks, &why);
	k->files[at].refused = failed(e);
	size_t n = failed(e) ? 0 : keys_count(jwks);
	if (failed(e))
		LOG(LOG_ERROR,
		    "key file refused, its issuer's keys stay as they were; write a good "
		    "JWK set of public keys there",
		    log_str("realm", g->realm), log_str("file", g->jwks),
		    log_str("why", wr_text(&why)), log_err(e));
	else if (n == 0)
		LOG(LOG_ERROR, "issuer has no keys: its tokens are refused",
		    log_str("realm", g->realm), log_str("issuer", g->issuer),
		    log_str("file", g->jwks), log_u64("file_there", mark->there));
	else
		LOG(LOG_INFO, "keys taken", log_str("realm", g->realm),
		    log_str("issuer", g->issuer), log_u64("keys", n));
	return !failed(e);
}

/* Is there something to do for this file? Marks it as seen. */
static bool has_changed(struct keys *k, size_t at, struct file_mark *ret_mark)
{
	struct key_file *f = &k->files[at];
	struct file_mark now = { 0 };
	ch_err e = mark_of(k->config->issuers[at].jwks, &now);
	if (failed(e)) {
		/* neither seen nor gone: what we had stays, as for a bad file */
		if (!f->refused)
			LOG(LOG_ERROR, "cannot look at a key file",
			    log_str("file", k->config->issuers[at].jwks), log_err(e));
		f->refused = true;
		return false;
	}
	if (mark_eq(&now, &f->mark))
		return false;
	*ret_mark = now;
	f->mark = settled(now);
	return true;
}

bool key_files_look(struct keys *k)
{
	bool adopted = false;
	for (size_t i = 0; i < k->config->n_issuers; i++) {
		struct file_mark mark;
		if (k->config->issuers[i].jwks.n > 0 && has_changed(k, i, &mark))
			adopted = take_file(k, i, &mark) || adopted;
	}
	return adopted;
}

void key_files_again(struct keys *k)
{
	for (size_t i = 0; i < k->config->n_issuers; i++)
		if (k->config->issuers[i].jwks.n > 0 && k->files[i].refused)
			(void)take_file(k, i, &k->files[i].mark);
}
