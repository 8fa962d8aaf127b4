/* The issuers' JWK sets, followed by looking: files are replaced by whoever fetches them.
 * Each changed file is tried alone, so that a bad one holds nobody else up. What cannot be
 * read as a key set changes nothing; a file that is gone takes its keys with it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "codec/json.h"
#include "gate_internal.h"

enum { WHY_MAX = 512, SETTLE_MS = 50 };

static const char empty_set[] = "{\"keys\":[]}";

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

static size_t count_keys(bytes jwks)
{
	static struct json_node nodes[1025];
	size_t n = 0;
	const struct json_limits limits = { .depth = 8, .members = COUNT_OF(nodes) - 1 };
	if (failed(json_parse(jwks, limits, nodes, COUNT_OF(nodes), &n)))
		return 0;
	const struct json_node *keys = json_member(nodes, LIT("keys"));
	return keys && keys->type == JSON_ARRAY ? keys->count : 0;
}

static struct policy_issuer issuer_of(const struct keys *k, size_t i, bytes jwks)
{
	const struct gate_issuer *g = &k->config->issuers[i];
	return (struct policy_issuer){
		.issuer = g->issuer,
		.realm = g->realm,
		.typ = LIT("at+jwt"),
		.audiences = g->audiences,
		.n_audiences = g->n_audiences,
		.jwks = jwks,
		.periods = k->periods[i],
		.n_periods = g->n_periods,
		.skew_s = g->skew_s,
		.max_ttl_s = g->max_ttl_s,
	};
}

/* The policy with this content for issuer `at` and what we have for the others. */
static ch_err policy_with(const struct keys *k, size_t at, bytes jwks, struct wr *why,
			  struct policy **ret_policy)
{
	struct policy_issuer issuers[REALMS_MAX];
	for (size_t i = 0; i < k->config->n_issuers; i++)
		issuers[i] = issuer_of(k, i,
				       i == at ? jwks : (bytes){ k->files[i].text, k->files[i].n });
	return policy_new(issuers, k->config->n_issuers, why, ret_policy);
}

static void count_all(struct keys *k)
{
	k->any = false;
	for (size_t i = 0; i < k->config->n_issuers; i++)
		k->any = k->any || count_keys((bytes){ k->files[i].text, k->files[i].n }) > 0;
}

static ch_err adopt(struct keys *k, size_t at, bytes jwks, struct wr *why)
{
	AUTO(policy_done) struct policy *fresh = NULL;
	TRY(policy_with(k, at, jwks, why, &fresh));
	mem_copy(k->files[at].text, jwks.p, jwks.n);
	k->files[at].n = jwks.n;
	k->files[at].taken = true;
	policy_free(k->policy);
	k->policy = TAKE(fresh);
	count_all(k);
	return CH_DONE;
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

static bool is_what_we_have(const struct keys *k, size_t at, bytes jwks)
{
	const struct key_file *f = &k->files[at];
	return f->taken && !f->refused && bytes_eq((bytes){ f->text, f->n }, jwks);
}

/* Takes what the file holds now; what the log says depends on how that went. */
static bool take_file(struct keys *k, size_t at, const struct file_mark *mark)
{
	const struct gate_issuer *g = &k->config->issuers[at];
	uint8_t room[WHY_MAX];
	struct wr why = wr_of(room, sizeof(room));
	bytes jwks = bytes_of_str((str){ empty_set, sizeof(empty_set) - 1 });
	ch_err e = mark->there ? read_file(k, at, &jwks) : CH_DONE;
	if (!failed(e) && is_what_we_have(k, at, jwks))
		return false;
	if (!failed(e))
		e = adopt(k, at, jwks, &why);
	k->files[at].refused = failed(e);
	size_t n = failed(e) ? 0 : count_keys(jwks);
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

static void look(struct keys *k)
{
	bool adopted = false;
	for (size_t i = 0; i < k->config->n_issuers; i++) {
		struct file_mark mark;
		if (has_changed(k, i, &mark))
			adopted = take_file(k, i, &mark) || adopted;
	}
	/* a file may have been refused for a key that another issuer has now given up */
	for (size_t i = 0; adopted && i < k->config->n_issuers; i++)
		if (k->files[i].refused)
			(void)take_file(k, i, &k->files[i].mark);
}

void keys_refresh(struct keys *k)
{
	uint64_t now = clock_mono_ns();
	if (now - k->checked_ns < (uint64_t)GATE_RECHECK_MS * 1000000)
		return;
	k->checked_ns = now;
	look(k);
}

static void take_periods(struct policy_period *to, const struct gate_issuer *g)
{
	for (size_t i = 0; i < g->n_periods; i++)
		to[i] = (struct policy_period){ g->periods[i].kid, g->periods[i].from_s,
						g->periods[i].until_s };
}

void keys_open(struct keys *k, const struct gate_config *config)
{
	k->config = config;
	for (size_t i = 0; i < config->n_issuers; i++)
		take_periods(k->periods[i], &config->issuers[i]);
	for (size_t i = 0; i < config->n_issuers; i++) {
		mem_copy(k->files[i].text, empty_set, sizeof(empty_set) - 1);
		k->files[i].n = sizeof(empty_set) - 1;
		k->files[i].mark.inode = UINT64_MAX; /* like no file, there or not */
	}
	k->checked_ns = clock_mono_ns();
	look(k);
}

void keys_done(struct keys *k)
{
	policy_done(&k->policy);
}
