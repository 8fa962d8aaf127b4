/* Seen: what gates reported to the collector, DIR/collector/GATE. What it says came from other
 * machines: texts are printed escaped, and nothing here is proof of more than that a gate said so. */
#include "base/file.h"
#include "chain/cursor.h"
#include "token/codes.h"
#include "trace.h"
#include "wire/report.h"

static uint8_t chain_room[CHAIN_ROOM_MAX];

/* A token that was found in the log, when a client's or a person's are asked for. */
static bool is_issued(const struct trace *t, size_t issued, const uint8_t id[static TRACE_ID_SIZE])
{
	for (size_t i = 0; i < issued; i++)
		if (mem_eq(t->events[i].id, id, TRACE_ID_SIZE))
			return true;
	return false;
}

static bool wanted(const struct trace *t, size_t issued, const struct sighting *s)
{
	if (t->realm.n > 0 && !str_eq(t->realm, s->realm))
		return false;
	if (t->all)
		return true;
	if (t->by_id)
		return trace_wants_id(t, s->identity);
	if (t->kid.n > 0)
		return str_eq(t->kid, s->kid);
	return is_issued(t, issued, s->identity);
}

static void add(struct trace *t, str gate, const struct sighting *s,
		const struct sighting_repeats *r, int64_t time_ms)
{
	uint8_t room[64];
	struct wr w = wr_of(room, sizeof(room));
	if (s->client.family)
		address_print(&w, &s->client);
	struct trace_event e = { .time_ms = r->more > 0 ? r->first_ms : time_ms,
				 .kind = TRACE_SEEN,
				 .has_id = true,
				 .what = s->code < TOKEN_CODE_COUNT
						 ? token_code_name((enum token_code)s->code)
						 : LIT("unknown"),
				 .realm = s->realm,
				 .kid = s->kid,
				 .place = s->location,
				 .gate = gate,
				 .address = wr_text(&w),
				 .more = r->more };
	mem_copy(e.id, s->identity, sizeof(e.id));
	trace_add(t, &e);
}

static ch_err take(struct trace *t, size_t issued, str gate, const struct chain_record *record)
{
	struct report_kept kept;
	struct sighting s;
	struct sighting_repeats r = { 0 };
	TRY(report_kept_read(record->payload, &kept));
	if (record->type == SIGHTING_VERDICT)
		TRY(sighting_read(kept.payload, &s));
	else if (record->type == SIGHTING_REPEATS)
		TRY(sighting_repeats_read(kept.payload, &r, &s));
	else
		return CH_DONE;
	if (wanted(t, issued, &s))
		add(t, gate, &s, &r, record->time_ms);
	return CH_DONE;
}

static ch_err walk(struct trace *t, size_t issued, str gate, size_t chain)
{
	struct path path;
	struct chain_cursor k;
	struct chain_record r = { 0 };
	TRY(path_join(&path, LIT("collector"), gate, str_from_c(sighting_folder[chain])));
	const struct chain_ref ref = { t->a->fd, path.p, report_kept_purpose[chain], chain_room,
				       sizeof(chain_room) };
	ch_err e = cursor_open(&k, &ref, CHAIN_OLDEST);
	if (failed(e))
		return ch_code_of(e) == CH_E_NOT_FOUND ? CH_DONE : e;
	for (bool got = true; got && !failed(e);) {
		e = cursor_next(&k, &r, &got);
		if (!failed(e) && got)
			e = take(t, issued, gate, &r);
	}
	cursor_close(&k);
	return e;
}

ch_err trace_seen(struct trace *t)
{
	AUTO(dir_done) DIR *d = NULL;
	size_t issued = t->n;
	ch_err e = dir_open(t->a->fd, "collector", &d);
	t->no_sightings = ch_code_of(e) == CH_E_NOT_FOUND;
	if (failed(e))
		return t->no_sightings ? CH_DONE : e;
	for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
		str gate = str_from_c(entry->d_name);
		if (!name_ok(gate, NAME_MAX_BYTES))
			continue;
		for (size_t i = 0; i < SIGHTINGS_CHAINS; i++)
			TRY(walk(t, issued, gate, i));
	}
	return CH_DONE;
}
