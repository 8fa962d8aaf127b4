/* Issued: the journal of the log says who got what, for as long as it is kept; older entries are in the
 * log alone, and say nothing of people. Reads beside the running ledger. */
#include <fcntl.h>

#include "base/file.h"
#include "chain/cursor.h"
#include "crypto/hash.h"
#include "log_begin.h"
#include "logstore/journal.h"
#include "logstore/logstore.h"
#include "merkle/checkpoint.h"
#include "merkle/entry.h"
#include "say.h"
#include "trace.h"

static uint8_t chain_room[CHAIN_ROOM_MAX], tile_room[TILE_ROOM_MAX];

struct looking {
	struct trace *t;
	uint8_t sub[JOURNAL_SUB_SIZE]; /* what is looked for by --sub */
};

/* The journal has no sub, but what this key makes of it. */
static ch_err hash_sub(struct looking *l)
{
	static struct log_facts facts;
	uint8_t hash[MAC_SIZE], room[1024];
	struct wr w = wr_of(room, sizeof(room));
	if (l->t->sub.n == 0)
		return CH_DONE;
	TRY(log_facts_read(l->t->a, &facts));
	wr_str(&w, l->t->realm);
	wr_u8(&w, 0);
	wr_str(&w, l->t->sub);
	TRY(wr_done(&w));
	keyed_hash(facts.journal_key, wr_bytes(&w), hash);
	mem_wipe(&facts, sizeof(facts));
	mem_copy(l->sub, hash, sizeof(l->sub));
	return CH_DONE;
}

static bool wanted(const struct looking *l, const struct log_entry *e,
		   const struct journal_record *j)
{
	const struct trace *t = l->t;
	if (t->realm.n > 0 && !str_eq(t->realm, e->realm))
		return false;
	if (t->all)
		return true;
	if (t->by_id)
		return trace_wants_id(t, e->hash);
	if (t->kid.n > 0)
		return str_eq(t->kid, e->kid);
	if (!j)
		return false;
	return t->client.n > 0 ? str_eq(t->client, j->client_id)
			       : mem_eq(l->sub, j->sub, sizeof(l->sub));
}

/* j NULL: of before what the journal keeps. */
static void add(struct trace *t, const struct log_entry *e, const struct journal_record *j,
		int64_t time_ms, uint64_t index)
{
	struct trace_event event = { .time_ms = time_ms,
				     .kind = TRACE_ISSUED,
				     .has_id = true,
				     .what = e->typ == LOG_TYP_AT_JWT ? LIT("at+jwt") : LIT("JWT"),
				     .realm = e->realm,
				     .kid = e->kid,
				     .index = index,
				     .iat = e->iat_s,
				     .exp = e->exp_s };
	mem_copy(event.id, e->hash, sizeof(event.id));
	if (j) {
		event.client_id = j->client_id;
		event.grant_id = j->grant_id;
	}
	trace_add(t, &event);
	t->in_log = true;
}

static ch_err take_record(const struct looking *l, const struct chain_record *r)
{
	struct journal_record j;
	struct log_entry e;
	TRY(journal_read(r->payload, &j));
	TRY(log_entry_read(j.entry, &e));
	l->t->log_entries++;
	if (wanted(l, &e, &j))
		add(l->t, &e, &j, r->time_ms, j.index);
	return CH_DONE;
}

static ch_err walk(const struct looking *l, struct chain_cursor *k, bool only_one)
{
	struct chain_record r = { 0 };
	for (bool got = true; got;) {
		TRY(cursor_next(k, &r, &got));
		if (got)
			TRY(take_record(l, &r));
		if (only_one)
			break;
	}
	return CH_DONE;
}

static ch_err walk_from(const struct looking *l, uint64_t from, bool only_one)
{
	struct chain_cursor k;
	const struct chain_ref ref = { l->t->a->fd, "log/" LOGSTORE_JOURNAL, JOURNAL_PURPOSE,
				       chain_room, sizeof(chain_room) };
	TRY(cursor_open(&k, &ref, from));
	ch_err e = walk(l, &k, only_one);
	cursor_close(&k);
	return e;
}

/* One token: by the index, and its record if that is kept still. */
static ch_err find_one(const struct looking *l, struct logstore *s, uint64_t size)
{
	uint64_t index = 0;
	bool found = false;
	bytes entry = { 0 };
	struct log_entry e;
	l->t->log_entries = size;
	TRY(logstore_find(s, l->t->id, size, tile_room, &index, &found));
	if (!found)
		return CH_DONE;
	ch_err kept = walk_from(l, index, true);
	if (ch_code_of(kept) != CH_E_NOT_FOUND)
		return kept;
	l->t->journal_first = index + 1;
	TRY(logstore_entry(s, index, size, tile_room, &entry));
	TRY(log_entry_read(entry, &e));
	add(l->t, &e, NULL, e.iat_s * 1000, index);
	return CH_DONE;
}

/* How far the published head goes. It is the administrator's own: its signature is not asked for
 * here, `chancery log verify` does. */
static ch_err log_size(struct logstore *s, uint64_t *ret_size)
{
	static uint8_t note[LOGSTORE_NOTE_MAX];
	struct wr w = wr_of(note, sizeof(note));
	struct note n;
	struct checkpoint c;
	TRY(logstore_checkpoint(s, &w));
	TRY(note_open(wr_text(&w), &n));
	TRY(checkpoint_read(n.body, &c));
	*ret_size = c.size;
	return CH_DONE;
}

ch_err trace_log(struct trace *t)
{
	AUTO(logstore_close) struct logstore s = { .dir_fd = -1 };
	struct looking l = { .t = t };
	uint64_t size = 0;
	ch_err e = logstore_open(t->a->fd, "log", &s);
	if (!failed(e))
		e = log_size(&s, &size);
	t->no_log = ch_code_of(e) == CH_E_NOT_FOUND;
	if (t->no_log)
		return CH_DONE;
	TRY(e);
	TRY(hash_sub(&l));
	if (t->by_id)
		return find_one(&l, &s, size);
	e = walk_from(&l, CHAIN_OLDEST, false);
	return ch_code_of(e) == CH_E_NOT_FOUND ? CH_DONE : e;
}
