/* Batches into chains. A batch may come again, in part or whole, as long as nobody knows that it
 * was taken; so its place is what the chain itself says, and one answer to a batch is given only
 * when it is durable. A gate can fill its own chains, to a bound, and nobody else's. */
#include "taken.h"

#include <errno.h>
#include <fcntl.h>

#include "base/ck.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

enum { SEGMENTS = 8, TIDY_S = 60, DAY_MS = 24 * 3600 * 1000 };

static uint8_t rooms[COLLECTOR_GATES_MAX][SIGHTINGS_CHAINS][TAKEN_ROOM];
static uint8_t reading_room[TAKEN_ROOM + CHAIN_HASH_SIZE];

ch_err taken_open(struct taken *t, const struct collector_config *config)
{
	struct path folder;
	t->config = config;
	TRY(path_of(&folder, config->sightings));
	t->dir_fd = open(folder.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dir_fd < 0)
		return ch_fail(CH_E_IO, "cannot open the folder of sightings", errno);
	return CH_DONE;
}

void taken_close(struct taken *t)
{
	for (size_t g = 0; g < COLLECTOR_GATES_MAX; g++)
		for (size_t i = 0; i < SIGHTINGS_CHAINS; i++) {
			if (t->chains[g][i].open)
				chain_close(&t->chains[g][i].chain);
			t->chains[g][i].open = false;
		}
	fd_close(&t->dir_fd);
}

/* GATE/signed, in the folder */
static ch_err path_of_chain(const struct taken *t, size_t gate, size_t i, struct path *ret_path)
{
	return path_join(ret_path, t->config->gates[gate].name, str_from_c(sighting_folder[i]),
			 (str){ 0 });
}

/* What its last record says. */
static ch_err find_place(int dir_fd, struct taken_chain *c, const struct path *path, size_t i)
{
	struct chain_cursor k;
	struct chain_record record = { 0 };
	struct report_kept r = { 0 };
	bool got = false;
	const struct chain_ref ref = { dir_fd, path->p, report_kept_purpose[i], reading_room,
				       sizeof(reading_room) };
	if (c->chain.next_seq == 0)
		return CH_DONE;
	ch_err e = cursor_open(&k, &ref, c->chain.next_seq - 1);
	/* all of them were erased */
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return CH_DONE;
	TRY(e);
	e = cursor_next(&k, &record, &got);
	if (!failed(e) && got)
		e = report_kept_read(record.payload, &r);
	cursor_close(&k);
	TRY(e);
	c->placed = got;
	mem_copy(c->id, r.id, sizeof(c->id));
	c->next = r.seq + 1;
	return CH_DONE;
}

static void log_opened(const struct path *path, const struct chain_opened *o)
{
	if (o->cut_bytes > 0)
		LOG(LOG_WARN, "sightings of a gate: cut off the end, which a crash had torn",
		    log_str("folder", str_from_c(path->p)), log_u64("bytes", o->cut_bytes));
	if (o->fault.segment > 0 || o->fault.offset > 0)
		LOG(LOG_ALARM,
		    "sightings of a gate are damaged: move that folder aside for whoever looks "
		    "into it, and the gate sends again what it has",
		    log_str("folder", str_from_c(path->p)), log_u64("segment", o->fault.segment),
		    log_u64("offset", o->fault.offset));
}

static ch_err open_chain(struct taken *t, size_t gate, size_t i)
{
	struct taken_chain *c = &t->chains[gate][i];
	struct path path;
	struct chain_opened o = { 0 };
	uint64_t total = ((uint64_t)t->config->total_mb << 20) / 4;
	total *= i == SIGHTINGS_SIGNED ? 3 : 1;
	if (c->open && !c->chain.broken)
		return CH_DONE;
	if (c->open)
		chain_close(&c->chain);
	*c = (struct taken_chain){ 0 };
	TRY(path_of_chain(t, gate, i, &path));
	TRY(dir_make(t->dir_fd, path.p, 0700));
	const struct chain_config config = {
		.ref = { t->dir_fd, path.p, report_kept_purpose[i], rooms[gate][i], TAKEN_ROOM },
		.limits = { .segment_bytes = total / SEGMENTS,
			    .segment_ms = DAY_MS,
			    .total_bytes = total,
			    .keep_ms = (int64_t)t->config->keep_days * DAY_MS },
	};
	ch_err e = chain_open(&c->chain, &config, clock_unix_ms(), &o);
	log_opened(&path, &o);
	TRY(e);
	c->open = true;
	return find_place(t->dir_fd, c, &path, i);
}

static uint64_t wanted(const struct taken_chain *c, const struct report_batch *b)
{
	return c->placed && mem_eq(c->id, b->id, sizeof(c->id)) ? c->next : 0;
}

ch_err taken_place(struct taken *t, size_t gate, const struct report_batch *b, uint64_t *ret_next)
{
	TRY(open_chain(t, gate, b->chain));
	struct taken_chain *c = &t->chains[gate][b->chain];
	c->told = true;
	mem_copy(c->told_id, b->id, sizeof(c->told_id));
	*ret_next = wanted(c, b);
	return CH_DONE;
}

static ch_err add(struct chain *c, const struct report_batch *b, uint64_t seq,
		  const struct report_record *r)
{
	uint8_t *p = NULL;
	struct report_kept kept = { .seq = seq, .payload = r->payload };
	TRY(chain_reserve(c, r->type, r->time_ms, REPORT_KEPT_HEAD + r->payload.n, &p));
	mem_copy(kept.id, b->id, sizeof(kept.id));
	report_kept_write(p, &kept);
	return CH_DONE;
}

static ch_err add_all(struct chain *c, const struct report_batch *b, struct rd records,
		      uint64_t next, struct taken_done *done)
{
	struct report_record r;
	for (size_t i = 0; i < b->count; i++) {
		TRY(report_next(&records, &r));
		if (b->seq + i < next) {
			done->repeated++;
			continue;
		}
		TRY(add(c, b, b->seq + i, &r));
		done->records++;
	}
	return report_close(&records);
}

ch_err taken_batch(struct taken *t, size_t gate, const struct report_batch *b, struct rd records,
		   struct taken_done *ret_done)
{
	struct taken_done done = { 0 };
	TRY(open_chain(t, gate, b->chain));
	struct taken_chain *c = &t->chains[gate][b->chain];
	uint64_t next = wanted(c, b);
	done.elsewhere = b->seq > next &&
			 !(c->told && mem_eq(c->told_id, b->id, sizeof(c->told_id)));
	if (done.elsewhere) {
		*ret_done = done;
		return CH_DONE;
	}
	ch_err e = add_all(&c->chain, b, records, next, &done);
	if (!failed(e) && done.records > 0)
		e = chain_write(&c->chain, clock_unix_ms(), CHAIN_NOW);
	if (failed(e)) {
		chain_drop(&c->chain);
		return e;
	}
	if (done.records > 0) {
		done.gap = b->seq > next ? b->seq - next : 0;
		c->placed = true;
		c->next = b->seq + b->count;
		mem_copy(c->id, b->id, sizeof(c->id));
	}
	*ret_done = done;
	return CH_DONE;
}

void taken_tidy(struct taken *t, uint64_t now_ns)
{
	if (now_ns - t->tidy_ns < (uint64_t)TIDY_S * 1000000000)
		return;
	t->tidy_ns = now_ns;
	for (size_t g = 0; g < t->config->n_gates; g++)
		for (size_t i = 0; i < SIGHTINGS_CHAINS; i++) {
			struct taken_chain *c = &t->chains[g][i];
			ch_err e = c->open ? chain_tidy(&c->chain, clock_unix_ms()) : CH_DONE;
			if (failed(e))
				LOG(LOG_ERROR, "sightings that are too old cannot be erased",
				    log_str("gate", t->config->gates[g].name), log_err(e));
		}
}
