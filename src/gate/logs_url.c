/* A log elsewhere: heads and tiles through the fetcher, one request at a time. What comes is a
 * stranger's until a signed root covers it. Tiles are kept as long as what is computed may need
 * them again. */
#include "base/clock.h"
#include "base/log.h"
#include "logs.h"

enum { POLL_MS = 1000, AGAIN_MS = 250, LOST_MS = 30000 };
#define MS UINT64_C(1000000)

static bool same_tile(const struct tile_id *a, const struct tile_id *b)
{
	return a->n == b->n && a->width == b->width && a->level == b->level &&
	       a->entries == b->entries;
}

static ch_err get(struct tile_source *t, const struct tile_id *id, struct wr *ret_tile)
{
	struct log_source *s = (struct log_source *)t;
	for (size_t i = 0; i < LOGS_TILES_KEPT; i++) {
		const struct kept_tile *k = &s->kept[i];
		if (!same_tile(&k->id, id))
			continue;
		if (k->missing)
			return ch_fail(CH_E_NOT_FOUND, "the log has no such tile", id->n);
		wr_put(ret_tile, (bytes){ k->text, k->n });
		return CH_DONE;
	}
	s->wanted = *id;
	s->wants_tile = true;
	return ch_fail(CH_E_BUSY, "a tile must be fetched first", id->n);
}

void logs_url_open(struct log_source *s)
{
	s->tiles = (struct tile_source){ get };
}

void logs_url_forget(struct log_source *s)
{
	for (size_t i = 0; s->kept && i < LOGS_TILES_KEPT; i++)
		s->kept[i].id.width = 0;
}

/* --- asking --- */

static void path_of_fetch(struct wr *w, const struct log_source *s, enum log_fetch what)
{
	static const str names[] = { [FETCH_HEAD] = { "checkpoint", 10 },
				     [FETCH_COSIGNED] = { "cosigned/checkpoint", 19 },
				     [FETCH_NOW] = { "now", 3 } };
	if (what == FETCH_TILE)
		tile_path_write(w, &s->wanted);
	else
		wr_str(w, names[what]);
}

static bool fetch(struct logs *l, struct log_source *s, enum log_fetch what, uint64_t now_ns)
{
	uint8_t room[FETCH_PATH_MAX + 64], text[FETCH_PATH_MAX];
	struct wr w = wr_of(room, sizeof(room)), path = wr_of(text, sizeof(text));
	if (l->fetcher < 0 || s->fetching != FETCH_NOTHING)
		return false;
	if (++l->last_req == 0)
		l->last_req = 1;
	path_of_fetch(&path, s, what);
	fetch_write_ask(&w, &(struct fetch_ask){
				    .req = l->last_req, .url = s->number, .path = wr_text(&path) });
	ch_err e = path.full ? wr_done(&path) : wr_done(&w);
	if (!failed(e))
		e = channel_send(l->fetcher, wr_bytes(&w), NULL);
	if (failed(e)) {
		logs_missed(s, e);
		return false;
	}
	s->fetch_req = l->last_req;
	s->fetching = what;
	s->fetch_ns = now_ns;
	return true;
}

bool logs_url_ask(struct logs *l, struct log_source *s, uint64_t now_ns)
{
	return now_ns >= s->retry_ns && fetch(l, s, FETCH_NOW, now_ns);
}

/* --- what comes --- */

static ch_err take_head(struct log_source *s, const struct fetch_told *t)
{
	if (t->status != 200)
		return ch_fail(CH_E_DENIED,
			       "the log is not told: look at uri, client, secret and scope",
			       t->status);
	return logs_take_note(s, t->body)
		       ? CH_DONE
		       : ch_fail(CH_E_MISMATCH, "what the log tells is no head of it", t->body.n);
}

/* Not one that was known before the question, which some cache may have kept: a head of this moment is
 * later, if not at once then with the next second. */
static bool is_newer(const struct log_source *s)
{
	const struct tail_head *now = &s->tail.newest, *then = &s->known_at;
	return s->note_size == now->size && (now->size > then->size || now->time_s > then->time_s);
}

/* 404: witnesses have not signed yet. */
static ch_err take_cosigned(struct log_source *s, const struct fetch_told *t)
{
	if (t->status == 200)
		logs_take_cosigned(s, t->body);
	return CH_DONE;
}

static ch_err take_tile(struct log_source *s, const struct fetch_told *t)
{
	struct kept_tile *k = &s->kept[s->n_kept++ % LOGS_TILES_KEPT];
	k->id.width = 0;
	if (t->status != 200 && t->status != 404)
		return ch_fail(CH_E_DENIED, "a tile of the log is not told", t->status);
	if (t->body.n > sizeof(k->text))
		return ch_fail(CH_E_LIMIT, "a tile is too long", t->body.n);
	k->missing = t->status == 404;
	k->n = t->body.n;
	mem_copy(k->text, t->body.p, t->body.n);
	k->id = s->wanted;
	return CH_DONE;
}

static ch_err (*const takers[])(struct log_source *, const struct fetch_told *) = {
	[FETCH_HEAD] = take_head,
	[FETCH_COSIGNED] = take_cosigned,
	[FETCH_NOW] = take_head,
	[FETCH_TILE] = take_tile,
};

bool logs_url_told(struct log_source *s, const struct fetch_told *t, uint64_t now_ns)
{
	enum log_fetch what = s->fetching;
	if (what == FETCH_NOTHING || t->url != s->number || t->req != s->fetch_req)
		return false;
	s->fetching = FETCH_NOTHING;
	ch_err e = t->code == CH_OK ? CH_DONE : ch_err_from_wire(t->code, t->detail);
	if (!failed(e))
		e = takers[what](s, t);
	if (failed(e))
		logs_missed(s, e);
	if (what == FETCH_NOW && s->in_flight) {
		s->answered = !failed(e) && is_newer(s);
		s->in_flight = s->answered;
		s->answer_size = s->note_size;
		s->ask_ns = s->answered ? 0 : now_ns + AGAIN_MS * MS;
	}
	return true;
}

/* What somebody waits for goes before a look at what is new. */
void logs_url_turn(struct logs *l, struct log_source *s, uint64_t now_ns)
{
	/* an answer that was lost with a fetcher's worker is not waited for */
	if (s->fetching != FETCH_NOTHING && now_ns - s->fetch_ns > LOST_MS * MS) {
		s->fetching = FETCH_NOTHING;
		s->in_flight = s->in_flight && s->answered;
	}
	logs_compute(l, s, now_ns);
	if (s->tail.broken || now_ns < s->retry_ns || s->fetching != FETCH_NOTHING)
		return;
	if (s->wants_tile) {
		(void)fetch(l, s, FETCH_TILE, now_ns);
	} else if (s->looked_ns == 0 || now_ns - s->looked_ns >= POLL_MS * MS) {
		if (fetch(l, s, FETCH_HEAD, now_ns))
			s->looked_ns = now_ns;
	} else if (s->of->quorum > 0 && now_ns - s->cosigned_ns >= POLL_MS * MS) {
		if (fetch(l, s, FETCH_COSIGNED, now_ns))
			s->cosigned_ns = now_ns;
	}
}
