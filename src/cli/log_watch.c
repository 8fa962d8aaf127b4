/* One log, watched: each head that it signs must go on from the one before, and the entries that it
 * serves must give the root that it signed. Two heads that cannot both be true are kept, with
 * their signatures, since they prove it to anybody; from then on nothing of the log is
 * followed. */
#include "log_watch.h"

#include "base/file.h"
#include "crypto/hash.h"

str alarm_name(enum alarm_kind k)
{
	static const str names[ALARM_KINDS] = {
		[ALARM_SILENT] = LIT("silent"),
		[ALARM_UNSIGNED] = LIT("unsigned"),
		[ALARM_DAMAGED] = LIT("damaged"),
		[ALARM_UNWITNESSED] = LIT("unwitnessed"),
		[ALARM_INCONSISTENT] = LIT("inconsistent"),
		[ALARM_ENTRY] = LIT("entry"),
		[ALARM_DUPLICATE] = LIT("duplicate"),
		[ALARM_REALM] = LIT("unknown_realm"),
		[ALARM_KID] = LIT("unknown_kid"),
	};
	return names[k];
}

void watch_tell(struct watched *w, const struct alarm *a)
{
	struct alarm full = *a;
	full.origin = w->key.name;
	w->alarmed = w->alarmed || !a->over;
	w->rules->tell(w->rules->ctx, &full);
}

static void lasting(struct watched *w, enum alarm_kind k, bool on, str what)
{
	if (w->lasting[k] == on)
		return;
	w->lasting[k] = on;
	watch_tell(w, &(struct alarm){ .kind = k,
				       .over = !on,
				       .size = w->edge.size,
				       .what = on ? what : LIT("this is over") });
}

bool watch_is_good(const struct watched *w)
{
	for (size_t i = 0; i < ALARM_STATES; i++)
		if (w->lasting[i])
			return false;
	return !w->broken && w->started;
}

/* --- what is remembered --- */

static void name_of(const struct watched *w, const char *end, char ret_name[static WATCH_NAME_CAP])
{
	uint8_t hash[SHA256_SIZE];
	struct wr n = wr_of(ret_name, WATCH_NAME_CAP - 1);
	sha256(bytes_of_str(w->key.name), hash);
	wr_hex(&n, (bytes){ hash, 16 });
	wr_str(&n, str_from_c(end));
	ret_name[n.n] = 0;
}

/* With its time where the log states one. */
static ch_err head_open(const struct watched *w, str text, int64_t now_s, struct log_head *ret_h)
{
	ch_err e = log_head_open(text, &w->key, ret_h);
	if (ch_code_of(e) != CH_E_MISSING || !w->rules->foreign)
		return e;
	TRY(note_open(text, &ret_h->note));
	TRY(note_check(&ret_h->note, &w->key));
	TRY(checkpoint_read(ret_h->note.body, &ret_h->c));
	ret_h->time_s = now_s;
	return str_eq(ret_h->c.origin, w->key.name)
		       ? CH_DONE
		       : ch_fail(CH_E_MISMATCH, "a head of another log", 0);
}

static ch_err remembered(struct watched *w)
{
	NOT_ZEROED struct log_head h;
	ch_err e = file_read(w->rules->state_fd, w->file, w->note, sizeof(w->note), &w->note_n);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return CH_DONE;
	TRY(e);
	TRY(head_open(w, (str){ w->note, w->note_n }, 0, &h));
	w->started = true;
	w->root = h.c.root;
	w->edge = (struct merkle_edge){ .size = h.c.size, .n = SIZE_MAX }; /* not had yet */
	w->time_s = h.time_s;
	return CH_DONE;
}

ch_err watch_open(const struct watch_rules *rules, const struct log_place *place,
		  const struct note_key *key, struct watched *ret_w)
{
	struct watched *w = ret_w;
	char evidence[WATCH_NAME_CAP];
	uint8_t first[1];
	size_t n = 0;
	w->rules = rules;
	w->place = *place;
	w->key = *key;
	w->edge = (struct merkle_edge){ 0 };
	name_of(w, "", w->file);
	name_of(w, ".evidence", evidence);
	TRY(log_source_open(&w->place, &w->source));
	TRY(remembered(w));
	w->broken = ch_code_of(file_read(rules->state_fd, evidence, first, sizeof(first), &n)) !=
		    CH_E_NOT_FOUND;
	if (w->broken)
		watch_tell(w, &(struct alarm){ .kind = ALARM_INCONSISTENT,
					       .what = LIT("two heads that contradict each other "
							   "were found before: it is not followed"),
					       .more = str_from_c(evidence) });
	return CH_DONE;
}

void watch_close(struct watched *w)
{
	log_source_close(&w->source);
}

static ch_err remember(struct watched *w, const struct log_head *h, str text,
		       const struct merkle_edge *edge)
{
	TRY(file_replace(w->rules->state_fd, w->file, bytes_of_str(text), 0644));
	mem_copy(w->note, text.p, text.n);
	w->note_n = text.n;
	w->started = true;
	w->root = h->c.root;
	w->edge = *edge;
	return CH_DONE;
}

/* --- contradictions --- */

/* Both heads, each as it was signed. */
static ch_err contradiction(struct watched *w, str text, uint64_t size)
{
	static uint8_t room[2 * LOG_NOTE_FILE_MAX + 1];
	char name[WATCH_NAME_CAP];
	struct wr both = wr_of(room, sizeof(room));
	name_of(w, ".evidence", name);
	wr_put(&both, (bytes){ (const uint8_t *)w->note, w->note_n });
	wr_char(&both, '\n');
	wr_str(&both, text);
	ch_err e = file_create(w->rules->state_fd, name, wr_bytes(&both), 0644);
	w->broken = true;
	watch_tell(w, &(struct alarm){ .kind = ALARM_INCONSISTENT,
				       .size = size,
				       .what = LIT("the log has signed two heads that contradict "
						   "each other; both are kept as evidence"),
				       .more = str_from_c(name) });
	return ch_code_of(e) == CH_E_EXISTS ? CH_DONE : e;
}

/* What is served gives this root? */
static bool tiles_give(struct watched *w, const struct checkpoint *c)
{
	struct merkle_edge edge = { 0 };
	struct merkle_hash root;
	if (failed(merkle_edge_at(&w->source.tiles, c->size, &edge)))
		return false;
	merkle_edge_root(&edge, &root);
	return merkle_eq(&root, &c->root);
}

static void damaged(struct watched *w)
{
	lasting(w, ALARM_DAMAGED, true,
		LIT("the tiles or entries that are served do not give the root that was signed"));
}

/* The tree that is served does not go on from the one that was verified. If it is the one that
 * was signed, the log lied; if it is not, whoever serves it may have damaged it. Nothing is
 * verified of it either way. */
static ch_err differs(struct watched *w, const struct log_head *h, str text)
{
	if (w->started && tiles_give(w, &h->c))
		return contradiction(w, text, h->c.size);
	damaged(w);
	return CH_DONE;
}

/* Not to be had now, which says nothing of the log. */
static bool is_away(ch_err e)
{
	enum ch_code code = ch_code_of(e);
	return code == CH_E_BUSY || code == CH_E_GONE || code == CH_E_DENIED || code == CH_E_LIMIT;
}

/* A head of fewer entries than were verified: a copy of before, or a log that was cut. */
static ch_err smaller(struct watched *w, const struct log_head *h, str text)
{
	struct merkle_proof proof = { 0 };
	/* heads grow with time: a smaller one that is later takes entries back */
	if (h->time_s > w->time_s)
		return contradiction(w, text, h->c.size);
	TRY(merkle_prove_consistency(&w->source.tiles, h->c.size, w->edge.size, &proof));
	bool start = !failed(
		merkle_check_consistency(h->c.size, &h->c.root, w->edge.size, &w->root, &proof));
	const struct checkpoint ours = { .size = w->edge.size, .root = w->root };
	if (!start && tiles_give(w, &ours))
		return contradiction(w, text, h->c.size);
	if (!start)
		damaged(w);
	return CH_DONE;
}

/* --- growth --- */

/* Where to go on from, out of the tiles of the new tree: the old one's may be gone. */
static ch_err edge_have(struct watched *w, const struct checkpoint *c, struct merkle_edge *ret_edge)
{
	const struct watch_rules *r = w->rules;
	struct merkle_hash root;
	uint64_t from = r->from_now || r->from > c->size ? c->size : r->from;
	if (w->started && w->edge.n != SIZE_MAX) {
		*ret_edge = w->edge;
		return CH_DONE;
	}
	TRY(merkle_edge_within(&w->source.tiles, w->started ? w->edge.size : from, c->size,
			       ret_edge));
	merkle_edge_root(ret_edge, &root);
	return !w->started || merkle_eq(&root, &w->root)
		       ? CH_DONE
		       : ch_fail(CH_E_MISMATCH, "the tiles do not give what was verified before",
				 0);
}

static bool goes_on(struct watched *w, const struct checkpoint *c)
{
	struct merkle_proof proof = { 0 };
	return !failed(merkle_prove_consistency(&w->source.tiles, w->edge.size, c->size, &proof)) &&
	       !failed(merkle_check_consistency(w->edge.size, &w->root, c->size, &c->root, &proof));
}

static ch_err grown(struct watched *w, const struct log_head *h, str text)
{
	struct merkle_edge edge = { 0 };
	struct merkle_hash root;
	/* one that is cosigned, while a larger one is on the way */
	if (w->ahead.size > h->c.size)
		return CH_DONE;
	ch_err e = w->ahead.size > 0 ? CH_DONE : edge_have(w, &h->c, &edge);
	if (is_away(e))
		return e;
	if (failed(e))
		return differs(w, h, text);
	if (w->ahead.size > 0)
		edge = w->ahead;
	w->ahead = (struct merkle_edge){ 0 };
	e = watch_entries(w, &edge, h->c.size);
	if (!failed(e) && edge.size < h->c.size)
		w->ahead = edge; /* the next look goes on */
	if (is_away(e) || w->ahead.size > 0)
		return e;
	merkle_edge_root(&edge, &root);
	if (!failed(e) && merkle_eq(&root, &h->c.root)) {
		lasting(w, ALARM_DAMAGED, false, (str){ 0 });
		return remember(w, h, text, &edge);
	}
	/* entries that differ from tiles which go on as they should are damage */
	if (w->started && !goes_on(w, &h->c))
		return differs(w, h, text);
	damaged(w);
	return CH_DONE;
}

static ch_err head_take(struct watched *w, const struct log_head *h, str text)
{
	ch_err e = CH_DONE;
	if (w->started && h->c.size < w->edge.size)
		e = smaller(w, h, text);
	else if (w->started && h->c.size == w->edge.size && !merkle_eq(&h->c.root, &w->root))
		e = contradiction(w, text, h->c.size);
	else if (!w->started || h->c.size > w->edge.size)
		e = grown(w, h, text);
	TRY(e);
	if (!w->broken && h->time_s > w->time_s)
		w->time_s = h->time_s;
	return CH_DONE;
}

static ch_err look_at(struct watched *w, str name, int64_t now_s, struct log_head *ret_h,
		      bool *ret_signed)
{
	static char room[LOG_NOTE_FILE_MAX];
	struct wr text = wr_of(room, sizeof(room));
	*ret_signed = false;
	TRY(log_source_note(&w->source, name, &text));
	if (failed(head_open(w, wr_text(&text), now_s, ret_h)))
		return CH_DONE;
	*ret_signed = true;
	return head_take(w, ret_h, wr_text(&text));
}

static ch_err witnesses_look(struct watched *w, int64_t now_s)
{
	const struct watch_rules *r = w->rules;
	NOT_ZEROED struct log_head h;
	bool is_signed = false;
	size_t n = 0;
	if (r->n_witnesses == 0 || w->broken)
		return CH_DONE;
	ch_err e = look_at(w, LIT("cosigned/checkpoint"), now_s, &h, &is_signed);
	if (ch_code_of(e) != CH_E_NOT_FOUND)
		TRY(e);
	if (!failed(e) && is_signed)
		e = cosignatures_count(&h.note, r->witnesses, r->n_witnesses,
				       now_s - r->witness_silence_s, &n);
	lasting(w, ALARM_UNWITNESSED, failed(e) || n < r->quorum,
		LIT("too few witnesses have cosigned the log's head, or too long ago"));
	return CH_DONE;
}

static void silence_check(struct watched *w, int64_t now_s)
{
	if (w->first_s == 0)
		w->first_s = now_s;
	int64_t since_s = w->time_s > 0 ? w->time_s : w->first_s;
	lasting(w, ALARM_SILENT, now_s - since_s > w->rules->silence_s,
		LIT("no head that is new enough: the log is down, or kept from us"));
}

ch_err watch_look(struct watched *w, int64_t now_s)
{
	NOT_ZEROED struct log_head h;
	bool is_signed = false;
	w->told = 0;
	if (w->broken)
		return CH_DONE;
	ch_err e = look_at(w, LIT("checkpoint"), now_s, &h, &is_signed);
	if (!failed(e))
		lasting(w, ALARM_UNSIGNED, !is_signed,
			LIT("what is served as a head was not signed by the log"));
	if (!failed(e))
		e = witnesses_look(w, now_s);
	if (!w->broken)
		silence_check(w, now_s);
	return e;
}
