/* The sender. It reads the gate's own chains behind the writer, and only what is durable there: so a
 * number means the same record for ever, whatever crashes. How far it got is the collector's to know:
 * asked at the start and told with each answer. An alarm holds a token that some verifier may
 * take: it stands in memory until it was sent, and goes to the fetcher alone. */
#include "reports.h"

#include <fcntl.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "chain/cursor.h"
#include "crypto/short_hash.h"
#include "token/verify.h"

enum {
	BATCH_MS = 200, /* between two batches, when all is well */
	AGAIN_S = 1,    /* after a failure, doubled */
	DOUBLINGS_MAX = 6,
	ALARM_DOUBLINGS_MAX = 3,
	PATIENCE_S = 60, /* the fetcher answers in less */
	SEEN = 64,
	SEEN_S = 60, /* an alarm for the same token is not sent again within it */
	ROOM = 256 * 1024 + CHAIN_HASH_SIZE, /* a whole batch of sightings.c */
};

static const uint64_t s_ns = 1000000000U, ms_ns = 1000000;

/* Behind one chain. */
struct follower {
	bool open;
	bool placed;   /* the collector has said where it is */
	uint64_t next; /* that it wants */
	uint8_t id[16];
	struct chain_cursor cursor;
	bool has; /* record was read and is not sent yet */
	struct chain_record record;
	uint8_t room[ROOM];
};

struct alarm {
	int64_t when_ms;
	uint64_t key; /* which one has signed it */
	struct address client;
	str location;
	size_t n_input, n_signature;
	char input[REPORT_SIGNING_INPUT_MAX], signature[REPORT_SIGNATURE_MAX];
};

struct reports {
	int fetcher;
	const struct sightings *sightings;
	uint32_t last_req;
	struct reports_line lines[FETCHER_POSTS_MAX];
	struct reports_counts counts;
	size_t chain; /* whose batch is under way, or whose turn it is */
	uint16_t in_batch;
	uint64_t behind_batch; /* the number that comes after it */
	struct {
		uint8_t identity[TOKEN_ID_SIZE];
		uint64_t until_ns;
	} seen[SEEN];
	size_t n_alarms;
	struct alarm alarms[REPORTS_ALARMS];
	struct follower followers[SIGHTINGS_CHAINS];
	uint8_t body[REPORT_BATCH_MAX], message[FETCH_MESSAGE_MAX];
};

static struct reports only;

/* kids are of the policy's key sets: nobody chooses them to collide */
static const uint8_t any_key[SHORT_HASH_KEY_SIZE];

void reports_open(int fetcher, const struct sightings *s, struct reports **ret_r)
{
	only.fetcher = fetcher;
	only.sightings = s;
	*ret_r = &only;
}

static void follower_close(struct follower *f)
{
	if (f->open)
		cursor_close(&f->cursor);
	f->open = f->has = false;
}

void reports_close(struct reports *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < SIGHTINGS_CHAINS; i++)
		follower_close(&r->followers[i]);
	mem_wipe(r->alarms, sizeof(r->alarms));
}

/* --- a place --- */

static void miss(struct reports *r, size_t at, uint16_t status, ch_err e)
{
	static const char *const what[] = { "sightings", "alarms" };
	struct reports_line *l = &r->lines[at];
	unsigned most = at == REPORTS_POST_ALARMS ? ALARM_DOUBLINGS_MAX : DOUBLINGS_MAX;
	unsigned doublings = l->misses < most ? l->misses : most;
	l->req = 0;
	l->misses++;
	l->due_ns = clock_mono_ns() + ((uint64_t)AGAIN_S << doublings) * s_ns;
	r->counts.failed++;
	if (!l->missing)
		LOG(LOG_ERROR, "the collector does not take reports; they are kept and sent again",
		    log_str("of", str_from_c(what[at])), log_u64("status", status),
		    failed(e) ? log_err(e) : (struct log_field){ 0 });
	l->missing = true;
}

static void taken(struct reports *r, size_t at)
{
	struct reports_line *l = &r->lines[at];
	if (l->missing)
		LOG(LOG_INFO, "the collector takes reports again");
	*l = (struct reports_line){ 0 };
}

static void post(struct reports *r, size_t at, bytes body)
{
	struct reports_line *l = &r->lines[at];
	struct wr w = wr_of(r->message, sizeof(r->message));
	if (++r->last_req == 0)
		r->last_req = 1;
	fetch_write_post(
		&w, &(struct fetch_post){ .req = r->last_req, .post = (uint16_t)at, .body = body });
	ch_err e = wr_done(&w);
	if (!failed(e))
		e = r->fetcher < 0 ? ch_fail(CH_E_GONE, "there is no fetcher", 0)
				   : channel_send(r->fetcher, wr_bytes(&w), NULL);
	if (failed(e)) {
		miss(r, at, 0, e);
		return;
	}
	l->req = r->last_req;
	l->due_ns = clock_mono_ns() + PATIENCE_S * s_ns;
}

/* --- sightings --- */

static ch_err follower_open(struct follower *f, const struct sightings_place *place, size_t chain)
{
	struct path path;
	TRY(path_join(&path, str_from_c(place->folder), str_from_c(sighting_folder[chain]),
		      (str){ 0 }));
	const struct chain_ref ref = { AT_FDCWD, path.p, sighting_purpose[chain], f->room,
				       sizeof(f->room) };
	ch_err e = cursor_open(&f->cursor, &ref, f->next);
	/* those were erased: from the first that there is */
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		e = cursor_open(&f->cursor, &ref, CHAIN_OLDEST);
	TRY(e);
	f->open = true;
	return CH_DONE;
}

/* The next record, if it is durable; f->has says. */
static ch_err advance(struct follower *f, uint64_t synced)
{
	bool got = false;
	if (f->has)
		return CH_DONE;
	TRY(cursor_next(&f->cursor, &f->record, &got));
	f->has = got;
	(void)synced;
	return CH_DONE;
}

static bool is_ready(const struct follower *f, uint64_t synced)
{
	return f->has && f->record.seq < synced;
}

/* As many as there are and have room; *ret_n of them are in *w. */
static ch_err fill(struct reports *r, struct follower *f, const struct sightings_place *place,
		   struct wr *w, uint16_t *ret_n)
{
	struct report_batch b = { .chain = (uint8_t)r->chain, .seq = f->next };
	mem_copy(b.id, f->id, sizeof(b.id));
	uint16_t n = 0;
	TRY(advance(f, place->synced));
	if (is_ready(f, place->synced))
		b.seq = f->record.seq;
	report_begin(w, &b);
	while (n < REPORT_RECORDS_MAX && is_ready(f, place->synced)) {
		const struct report_record one = { f->record.type, f->record.time_ms,
						   f->record.payload };
		if (!report_add(w, &one))
			break;
		n++;
		f->has = false;
		TRY(advance(f, place->synced));
	}
	report_end(w, n);
	r->behind_batch = b.seq + n;
	*ret_n = n;
	return CH_DONE;
}

/* Another chain of that name, or one that its writer opened anew. */
static void know(struct follower *f, const struct sightings_place *place)
{
	if (mem_eq(f->id, place->id, sizeof(f->id)))
		return;
	follower_close(f);
	mem_copy(f->id, place->id, sizeof(f->id));
	f->placed = false;
	f->next = 0;
}

/* Sends a batch of the chain whose turn it is; false: it has none. */
static ch_err send_batch(struct reports *r, bool *ret_sent)
{
	struct follower *f = &r->followers[r->chain];
	struct sightings_place place;
	struct wr w = wr_of(r->body, sizeof(r->body));
	uint16_t n = 0;
	*ret_sent = false;
	if (!sightings_place(r->sightings, r->chain, &place))
		return CH_DONE;
	know(f, &place);
	if (f->placed && !f->open)
		TRY(follower_open(f, &place, r->chain));
	if (f->placed) {
		TRY(fill(r, f, &place, &w, &n));
	} else {
		/* an empty one asks where to begin */
		struct report_batch ask = { .chain = (uint8_t)r->chain };
		mem_copy(ask.id, f->id, sizeof(ask.id));
		report_begin(&w, &ask);
		report_end(&w, 0);
	}
	if (f->placed && n == 0)
		return CH_DONE;
	r->in_batch = n;
	*ret_sent = true;
	post(r, REPORTS_POST_SIGHTINGS, wr_bytes(&w));
	return CH_DONE;
}

/* What was read ahead counts for nothing: from where the collector is. */
static void rewind_to(struct reports *r, uint64_t next, bool placed)
{
	struct follower *f = &r->followers[r->chain];
	follower_close(f);
	f->placed = placed;
	f->next = next;
}

static void next_chain(struct reports *r)
{
	r->chain = (r->chain + 1) % SIGHTINGS_CHAINS;
}

static void turn_sightings(struct reports *r)
{
	bool sent = false;
	if (!r->sightings)
		return;
	for (size_t i = 0; i < SIGHTINGS_CHAINS && !sent; i++) {
		ch_err e = send_batch(r, &sent);
		if (failed(e)) {
			LOG(LOG_ERROR, "sightings cannot be read to be sent; tried again",
			    log_err(e));
			rewind_to(r, r->followers[r->chain].next, false);
		}
		if (!sent)
			next_chain(r);
	}
	if (!sent)
		r->lines[REPORTS_POST_SIGHTINGS].due_ns = clock_mono_ns() + BATCH_MS * ms_ns;
}

static void answered_batch(struct reports *r, const struct fetch_posted *p)
{
	struct follower *f = &r->followers[r->chain];
	struct report_place place;
	bool good = p->code == CH_OK && p->status == 200 &&
		    !failed(report_place_read(p->body, &place)) && place.chain == r->chain &&
		    mem_eq(place.id, f->id, sizeof(place.id));
	if (!good) {
		/* a collector that calls it no batch will do so again: that is loud, and goes on */
		r->counts.refused += p->code == CH_OK && p->status == 400;
		rewind_to(r, f->next, false);
		miss(r, REPORTS_POST_SIGHTINGS, p->status,
		     p->code ? ch_err_from_wire(p->code, p->detail) : CH_DONE);
		return;
	}
	taken(r, REPORTS_POST_SIGHTINGS);
	bool behind = f->placed && place.next != r->behind_batch;
	/* it has not what it had: one that was restored. It gets again what there is */
	if (behind)
		LOG(LOG_WARN, "the collector wants sightings again", log_u64("from", place.next),
		    log_u64("sent", r->behind_batch));
	r->counts.batches += !behind && r->in_batch > 0;
	r->counts.records += behind ? 0 : r->in_batch;
	if (!f->placed || behind)
		rewind_to(r, place.next, true);
	f->next = place.next;
	if (r->in_batch < REPORT_RECORDS_MAX)
		r->lines[REPORTS_POST_SIGHTINGS].due_ns = clock_mono_ns() + BATCH_MS * ms_ns;
	next_chain(r);
}

/* --- alarms --- */

static void turn_alarms(struct reports *r)
{
	const struct alarm *a = &r->alarms[0];
	struct wr w = wr_of(r->body, sizeof(r->body));
	if (r->n_alarms == 0)
		return;
	report_alarm_write(&w, &(struct report_alarm){
				       .when_ms = a->when_ms,
				       .client = a->client,
				       .location = a->location,
				       .signing_input = { a->input, a->n_input },
				       .signature = { a->signature, a->n_signature },
			       });
	post(r, REPORTS_POST_ALARMS, wr_bytes(&w));
}

static void drop_first(struct reports *r)
{
	r->n_alarms--;
	mem_move(&r->alarms[0], &r->alarms[1], r->n_alarms * sizeof(r->alarms[0]));
}

/* One that is not taken, for whatever reason, keeps none of the others back. */
static void put_last(struct reports *r)
{
	static struct alarm first;
	if (r->n_alarms < 2)
		return;
	first = r->alarms[0];
	drop_first(r);
	r->alarms[r->n_alarms++] = first;
	mem_wipe(&first, sizeof(first));
}

static void answered_alarm(struct reports *r, const struct fetch_posted *p)
{
	bool again = p->code != CH_OK || p->status == 401 || p->status == 429 || p->status >= 500;
	if (again || r->n_alarms == 0) {
		miss(r, REPORTS_POST_ALARMS, p->status,
		     p->code ? ch_err_from_wire(p->code, p->detail) : CH_DONE);
		put_last(r);
		return;
	}
	taken(r, REPORTS_POST_ALARMS);
	if (p->status == 200)
		r->counts.alarms++;
	else
		r->counts.refused++;
	LOG(LOG_INFO, "the collector has looked at an alarm",
	    log_str("outcome", str_of_bytes(p->body)), log_u64("status", p->status));
	drop_first(r);
}

/* Was one for it sent, or is to be? */
static bool was_seen(const struct reports *r, const uint8_t identity[static TOKEN_ID_SIZE])
{
	uint64_t now = clock_mono_ns();
	for (size_t i = 0; i < SEEN; i++)
		if (r->seen[i].until_ns > now &&
		    mem_eq(r->seen[i].identity, identity, TOKEN_ID_SIZE))
			return true;
	return false;
}

static void remember(struct reports *r, const uint8_t identity[static TOKEN_ID_SIZE])
{
	size_t oldest = 0;
	for (size_t i = 0; i < SEEN; i++)
		if (r->seen[i].until_ns < r->seen[oldest].until_ns)
			oldest = i;
	mem_copy(r->seen[oldest].identity, identity, TOKEN_ID_SIZE);
	r->seen[oldest].until_ns = clock_mono_ns() + SEEN_S * s_ns;
}

static size_t count_of_key(const struct reports *r, uint64_t key)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n_alarms; i++)
		n += r->alarms[i].key == key;
	return n;
}

/* Whoever has one key must not keep from us that somebody has another: where there is no room, the
 * last one of the key with the most makes some, if this key has fewer by two. NULL: none does. */
static struct alarm *room_for(struct reports *r, uint64_t key)
{
	size_t most = count_of_key(r, key) + 1;
	struct alarm *last = NULL;
	if (r->n_alarms < REPORTS_ALARMS)
		return &r->alarms[r->n_alarms++];
	r->counts.alarms_dropped++;
	/* the first may be under way */
	for (size_t i = 1; i < REPORTS_ALARMS; i++) {
		size_t n = count_of_key(r, r->alarms[i].key);
		if (n <= most && (!last || n < most))
			continue;
		most = n;
		last = &r->alarms[i];
	}
	return last;
}

static bool split(str token, str *ret_input, str *ret_signature)
{
	size_t n = token.n;
	while (n > 0 && token.p[n - 1] != '.')
		n--;
	*ret_input = str_sub(token, 0, n > 0 ? n - 1 : 0);
	*ret_signature = str_sub(token, n, token.n);
	return ret_input->n > 0 && ret_input->n <= REPORT_SIGNING_INPUT_MAX &&
	       ret_signature->n > 0 && ret_signature->n <= REPORT_SIGNATURE_MAX;
}

void reports_alarm(struct reports *r, const struct token_verdict *v, const struct asked *a)
{
	str input = { 0 }, signature = { 0 };
	if (!r || !split(a->token, &input, &signature) || was_seen(r, v->identity))
		return;
	const uint64_t key = short_hash(any_key, bytes_of_str(v->kid));
	struct alarm *one = room_for(r, key);
	if (!one)
		return;
	remember(r, v->identity);
	one->key = key;
	one->when_ms = clock_unix_ms();
	one->client = a->client;
	one->location = a->location; /* of the policy, or a literal */
	one->n_input = input.n;
	one->n_signature = signature.n;
	mem_copy(one->input, input.p, input.n);
	mem_copy(one->signature, signature.p, signature.n);
	/* at once, unless the collector did not take the last one */
	if (r->lines[REPORTS_POST_ALARMS].req == 0 && r->lines[REPORTS_POST_ALARMS].misses == 0)
		turn_alarms(r);
}

/* --- both --- */

void reports_turn(struct reports *r, uint64_t now_ns)
{
	static void (*const turns[])(struct reports *) = { turn_sightings, turn_alarms };
	if (!r)
		return;
	for (size_t i = 0; i < COUNT_OF(turns); i++) {
		struct reports_line *l = &r->lines[i];
		if (now_ns < l->due_ns)
			continue;
		if (l->req != 0) {
			if (i == REPORTS_POST_SIGHTINGS)
				rewind_to(r, r->followers[r->chain].next, false);
			miss(r, i, 0, ch_fail(CH_E_BUSY, "the fetcher does not answer", 0));
			continue;
		}
		turns[i](r);
	}
}

void reports_posted(void *ctx, const struct fetch_posted *p)
{
	struct reports *r = ctx;
	/* one that nobody waits for any more is passed over */
	if (!r || p->post >= FETCHER_POSTS_MAX || r->lines[p->post].req != p->req)
		return;
	if (p->post == REPORTS_POST_SIGHTINGS)
		answered_batch(r, p);
	else
		answered_alarm(r, p);
}

struct reports_counts reports_counts(const struct reports *r)
{
	return r ? r->counts : (struct reports_counts){ 0 };
}
