/* What is revoked, of each realm: its chain, which this process alone writes and which all
 * gates follow, and the same as a set, by which the issuer itself refuses.
 *
 * A revocation is first due in the store, in the transaction that makes it, and then put into
 * the chain: so no crash, no full disk and no authority that is not running loses one. Must never
 * say that one is in force which is not in the chain and on the disk. */
#include <fcntl.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "issuer.h"
#include "revoke/beat.h"
#include "revoke/follow.h"

enum { SEGMENT_BYTES = 256 * 1024 };

/* One at a time: a chain is read once, at the start. */
static struct follow reader;

static ch_err folder_of(const struct realm *m, struct path *ret_path)
{
	return path_join(ret_path, m->issuer->config.revocations, m->config->name, (str){ 0 });
}

static ch_err chain_begin(struct realm *m)
{
	struct revocations *v = &m->revocations;
	struct chain_opened report = { 0 };
	struct path folder;
	TRY(folder_of(m, &folder));
	const struct chain_config config = {
		.ref = { AT_FDCWD, folder.p, revoke_purpose, v->room, sizeof(v->room) },
		.limits = { .segment_bytes = SEGMENT_BYTES, .segment_ms = INT64_MAX },
		.mode = 0644,
	};
	ch_err e = chain_open(&v->chain, &config, clock_unix_ms(), &report);
	if (ch_code_of(e) == CH_E_MISMATCH)
		LOG(LOG_ALARM,
		    "the chain of revocations is damaged: keep the folder for whoever looks into "
		    "it, and put one from a backup in its place",
		    log_str("realm", m->config->name), log_str("folder", str_from_c(folder.p)),
		    log_u64("segment", report.fault.segment),
		    log_u64("offset", report.fault.offset));
	TRY(e);
	if (report.cut_bytes > 0)
		LOG(LOG_WARN, "a torn end of the chain of revocations was cut off",
		    log_str("realm", m->config->name), log_u64("bytes", report.cut_bytes),
		    log_u64("records", report.cut_records));
	v->open = true;
	return CH_DONE;
}

static ch_err set_make(struct revocations *v)
{
	size_t n = revoked_size(REVOKED_MAX);
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);
	if (p == MAP_FAILED)
		return ch_fail(CH_E_NOMEM, "no memory for revocations", n);
	return revoked_init(p, n, REVOKED_MAX, &v->set);
}

static ch_err load_one(void *ctx, const struct chain_record *c, const struct revocation *r)
{
	struct realm *m = ctx;
	(void)c;
	return revoked_add(m->revocations.set, r, clock_unix_s());
}

static ch_err load(struct realm *m)
{
	bool alive = false;
	struct path folder;
	TRY(folder_of(m, &folder));
	ch_err e = follow_look(&reader, AT_FDCWD, folder.p, load_one, m, &alive);
	follow_done(&reader);
	return e;
}

static ch_err open_realm(struct realm *m)
{
	struct path folder;
	TRY(folder_of(m, &folder));
	TRY(set_make(&m->revocations));
	TRY(chain_begin(m));
	TRY(beat_open(AT_FDCWD, folder.p, &m->revocations.beat_fd));
	return load(m);
}

ch_err revocations_open(struct issuer *is)
{
	for (size_t i = 0; i < is->config.n_realms; i++) {
		ch_err e = open_realm(&is->realms[i]);
		if (failed(e)) {
			LOG(LOG_ERROR, "cannot take up a realm's revocations",
			    log_str("realm", is->realms[i].config->name),
			    log_str("folder", is->config.revocations), log_err(e));
			return e;
		}
	}
	/* a full disk is no reason not to serve: it is said, and tried again */
	(void)revocations_drain(is);
	return CH_DONE;
}

void revocations_close(struct issuer *is)
{
	for (size_t i = 0; i < is->config.n_realms; i++) {
		struct revocations *v = &is->realms[i].revocations;
		if (v->open)
			chain_close(&v->chain);
		v->open = false;
		fd_close(&v->beat_fd);
	}
}

/* --- from the store into the chains --- */

struct due {
	int64_t id;
	struct realm *realm; /* NULL: none of ours */
	bool bad, added;
	struct revocation r; /* points into room */
	uint8_t room[STORE_DUE_MAX];
};

struct dues {
	struct issuer *is;
	size_t n;
	struct due d[STORE_DUE_LIST];
};

static struct realm *realm_of(struct issuer *is, str name)
{
	for (size_t i = 0; i < is->config.n_realms; i++)
		if (str_eq(is->realms[i].config->name, name))
			return &is->realms[i];
	return NULL;
}

static ch_err take_due(void *ctx, const struct store_due *row)
{
	struct dues *all = ctx;
	struct due *d = &all->d[all->n];
	if (all->n == COUNT_OF(all->d))
		return CH_DONE;
	d->id = row->id;
	d->realm = realm_of(all->is, row->realm);
	d->added = false;
	mem_copy(d->room, row->record.p, row->record.n);
	d->bad = failed(revocation_due_read((bytes){ d->room, row->record.n }, &d->r));
	all->n++;
	return CH_DONE;
}

static ch_err add_due(struct issuer *is, struct due *d)
{
	struct revocations *v = &d->realm->revocations;
	uint8_t room[REVOKE_PAYLOAD_MAX];
	struct wr w = wr_of(room, sizeof(room));
	/* from now on, not from when it was asked for: what was signed meanwhile goes, too */
	if (d->r.kind != REVOKE_TOKEN)
		d->r.when_s = is->latest_s;
	v->added++;
	ch_err full = revoked_add(v->set, &d->r, is->latest_s);
	if (failed(full))
		LOG(LOG_ALARM, "the issuer itself has no room for more that is revoked",
		    log_str("realm", d->realm->config->name), log_err(full));
	if (!v->open)
		TRY(chain_begin(d->realm));
	revocation_write(&w, &d->r);
	TRY(wr_done(&w));
	TRY(chain_add(&v->chain, (uint16_t)d->r.kind, clock_unix_ms(), wr_bytes(&w)));
	d->added = true;
	return CH_DONE;
}

/* What is due stays so; a chain that failed is opened anew. */
static void give_up(struct realm *m, struct dues *all, ch_err e)
{
	struct revocations *v = &m->revocations;
	for (size_t i = 0; i < all->n; i++)
		all->d[i].added &= all->d[i].realm != m;
	if (v->open)
		chain_close(&v->chain);
	v->open = false;
	if (!v->failing)
		LOG(LOG_ALARM,
		    "revocations cannot be written: no gate hears of them; they stay due and are "
		    "tried again each second",
		    log_str("realm", m->config->name), log_err(e));
	v->failing = true;
}

static ch_err add_all(struct issuer *is, struct dues *all)
{
	ch_err first = CH_DONE;
	for (size_t i = 0; i < all->n; i++) {
		struct due *d = &all->d[i];
		if (d->bad || !d->realm) {
			LOG(LOG_ERROR, "a revocation that is of no realm here, or none, is dropped",
			    log_i64("number", d->id), log_u64("bad", d->bad));
			d->added = true;
			continue;
		}
		ch_err e = add_due(is, d);
		/* the batch is full: the rest comes in the next */
		if (ch_code_of(e) == CH_E_FULL && chain_waiting(&d->realm->revocations.chain) > 0)
			continue;
		if (failed(e))
			give_up(d->realm, all, e);
		if (failed(e) && !failed(first))
			first = e;
	}
	return first;
}

static ch_err write_realm(struct realm *m, struct dues *all)
{
	struct revocations *v = &m->revocations;
	if (!v->open || chain_waiting(&v->chain) == 0)
		return CH_DONE;
	size_t n = chain_waiting(&v->chain);
	ch_err e = chain_write(&v->chain, clock_unix_ms(), CHAIN_NOW);
	if (failed(e)) {
		give_up(m, all, e);
		return e;
	}
	LOG(LOG_INFO, "revoked", log_str("realm", m->config->name), log_u64("records", n),
	    log_u64("sequence", chain_head(&v->chain).seq));
	if (v->failing)
		LOG(LOG_WARN, "revocations are written again", log_str("realm", m->config->name));
	v->failing = false;
	return CH_DONE;
}

static ch_err forget_added(struct issuer *is, const struct dues *all)
{
	ch_err e = store_begin(is->store);
	TRY(e);
	for (size_t i = 0; i < all->n && !failed(e); i++)
		if (all->d[i].added)
			e = store_due_remove(is->store, all->d[i].id);
	ch_err end = store_end(is->store, !failed(e));
	return failed(e) ? e : end;
}

/* The pulse, at most one second old, or new because there are news. */
static void beat(struct realm *m)
{
	struct revocations *v = &m->revocations;
	/* a chain that cannot be written is no chain to be believed for long */
	if (!v->open || v->beat_fd < 0)
		return;
	struct revoke_beat b = { .count = clock_mono_ns(),
				 .head = chain_head(&v->chain),
				 .time_ms = clock_unix_ms() };
	mem_copy(b.chain, v->chain.id, sizeof(b.chain));
	(void)beat_write(v->beat_fd, &b);
}

static void tell_all(struct issuer *is, bool news)
{
	uint64_t now = clock_mono_ns();
	for (size_t i = 0; i < is->config.n_realms; i++) {
		beat(&is->realms[i]);
		pages_turn(&is->realms[i], news, now);
	}
}

static void now_is(struct issuer *is)
{
	int64_t now = clock_unix_s();
	/* a clock that was set back must not let through what was issued before that */
	is->latest_s = now > is->latest_s ? now : is->latest_s;
}

ch_err revocations_drain(struct issuer *is)
{
	static struct dues all;
	bool more = true;
	now_is(is);
	while (more) {
		all = (struct dues){ .is = is };
		TRY(store_due_list(is->store, take_due, &all));
		if (all.n == 0)
			return CH_DONE;
		more = all.n == COUNT_OF(all.d);
		ch_err first = add_all(is, &all);
		for (size_t i = 0; i < is->config.n_realms; i++) {
			ch_err e = write_realm(&is->realms[i], &all);
			first = failed(first) ? first : e;
		}
		for (size_t i = 0; i < all.n; i++)
			more = more || !all.d[i].added;
		ch_err e = forget_added(is, &all);
		tell_all(is, true);
		TRY(first);
		TRY(e);
	}
	return CH_DONE;
}

ch_err revocations_add(const struct realm *m, struct revocation *r)
{
	struct issuer *is = m->issuer;
	uint8_t room[REVOKE_DUE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	revocation_due_write(&w, r);
	TRY(wr_done(&w));
	TRY(store_due_add(is->store, m->config->name, wr_bytes(&w)));
	return is->settling ? CH_DONE : revocations_drain(is);
}

ch_err revoking_begin(struct issuer *is, bool *ret_mine)
{
	*ret_mine = !is->settling;
	if (is->settling)
		return CH_DONE;
	TRY(store_begin(is->store));
	is->settling = true;
	return CH_DONE;
}

ch_err revoking_end(struct issuer *is, bool mine, ch_err e)
{
	if (!mine)
		return e;
	is->settling = false;
	ch_err end = store_end(is->store, !failed(e));
	TRY(e);
	TRY(end);
	return revocations_drain(is);
}

void revocations_turn(struct issuer *is)
{
	uint64_t now = clock_mono_ns();
	now_is(is);
	if (!is->stopping && now - is->revoked_ns < (uint64_t)REVOKE_BEAT_MS * 1000000)
		return;
	is->revoked_ns = now;
	room_note(revocations_drain(is));
	tell_all(is, false);
}

bool revocations_have(const struct realm *m, const struct revoked_query *q)
{
	return revoked_find(m->revocations.set, q) != 0;
}
