/* GET <base>/log/now: a head that was made after the question, so that a gate elsewhere can tell what
 * is in the log from what is not there yet. The ledger is asked on the socket that the supervisor
 * attached; who comes while a question is under way is in the next one, since the answer to that
 * could be of before. All who wait share one, and there is a pause between two: nobody makes the
 * ledger sign more often than that, however much he asks. */
#include "base/clock.h"
#include "base/log.h"
#include "issuer.h"
#include "wire/ledger.h"

enum {
	KNOWN_MAX = 64,     /* who wait and have shown who they are */
	STRANGERS_MAX = 16, /* who wait at a public log and have not */
	KNOWN_GAP_MS = 10,
	STRANGERS_GAP_MS = 200,
	SILENT_MS = 2000, /* the ledger makes a head in a few ms */
	MS_NS = 1000000,
};

struct now_waiter {
	struct http_req *http;
	struct now_waiter *next;
	bool known;
};

static void answer_one(struct issuer *is, struct now_waiter *w, bytes note)
{
	struct http_req *r = w->http;
	is->log.n_waiting[w->known]--;
	struct wr room = reply_room(r, note.n);
	wr_put(&room, note);
	if (note.n > 0 && !room.full) {
		log_reply(r, wr_bytes(&room), LIT(LOG_NOTE_TYPE), LIT("no-store"));
		return;
	}
	const struct http_out retry[] = { { LIT("Cache-Control"), LIT("no-store") },
					  { LIT("Retry-After"), LIT("1") } };
	static const str said = LIT("The ledger does not answer now.\n");
	http_answer(r, &(struct http_answer){ .status = 503,
					      .type = LIT("text/plain; charset=utf-8"),
					      .body = bytes_of_str(said),
					      .fields = retry,
					      .n_fields = COUNT_OF(retry) });
}

static void answer_all(struct issuer *is, struct now_waiter **list, bytes note)
{
	struct now_waiter *w = *list;
	*list = NULL;
	while (w) {
		/* its memory is the request's, which the answer ends */
		struct now_waiter *next = w->next;
		answer_one(is, w, note);
		w = next;
	}
}

static void ledger_gone(struct issuer *is, ch_err why)
{
	if (!is->stopping)
		LOG(LOG_WARN, "the ledger does not say how the log stands", log_err(why));
	watch_done(is, &is->log.watch);
	is->log.asks = false;
	answer_all(is, &is->log.asked, (bytes){ 0 });
	answer_all(is, &is->log.waiting, (bytes){ 0 });
}

/* It may come to itself again, and what it then says to this question is too late. */
static void ledger_silent(struct issuer *is)
{
	is->log.asks = false;
	answer_all(is, &is->log.asked, (bytes){ 0 });
}

static bool has_known(const struct now_waiter *list)
{
	for (; list; list = list->next)
		if (list->known)
			return true;
	return false;
}

/* When the next question may be put, in ms from now. */
static uint64_t pause_ms(const struct issuer *is, uint64_t now_ns)
{
	uint64_t gap_ms = has_known(is->log.waiting) ? KNOWN_GAP_MS : STRANGERS_GAP_MS;
	uint64_t since_ms = (now_ns - is->log.asked_ns) / MS_NS;
	return is->log.asked_ns == 0 || since_ms >= gap_ms ? 0 : gap_ms - since_ms;
}

static void ask(struct issuer *is, uint64_t now_ns)
{
	uint8_t room[LEDGER_LOG_ASK_SIZE];
	struct wr w = wr_of(room, sizeof(room));
	struct log_now *l = &is->log;
	l->req = l->req == UINT32_MAX ? 1 : l->req + 1;
	log_ask_write(&w, &(struct log_ask){ .req = l->req, .is_fresh = true });
	ch_err e = channel_send(l->watch.fd, wr_bytes(&w), NULL);
	/* so many questions are there that it does not read */
	if (ch_code_of(e) == CH_E_BUSY) {
		answer_all(is, &l->waiting, (bytes){ 0 });
		return;
	}
	if (failed(e)) {
		ledger_gone(is, e);
		return;
	}
	l->asked = l->waiting;
	l->waiting = NULL;
	l->asks = true;
	l->asked_ns = now_ns;
}

int log_turn(struct issuer *is, uint64_t now_ns)
{
	struct log_now *l = &is->log;
	if (is->stopping)
		answer_all(is, &l->waiting, (bytes){ 0 });
	if (l->asks && now_ns - l->asked_ns > (uint64_t)SILENT_MS * MS_NS)
		ledger_silent(is);
	if (!l->waiting || l->asks || l->watch.fd < 0)
		return l->asks ? SILENT_MS : -1;
	uint64_t ms = pause_ms(is, now_ns);
	if (ms == 0)
		ask(is, now_ns);
	return (int)ms + 1;
}

static ch_err take_head(struct issuer *is)
{
	static uint8_t room[LEDGER_LOG_HEAD_MAX];
	struct log_answer h = { 0 };
	bytes message = { 0 };
	TRY(channel_recv(is->log.watch.fd, room, sizeof(room), &message, NULL));
	TRY(log_answer_read(message, &h));
	if (h.req == 0)
		return ch_fail(CH_E_PROTOCOL, "the ledger answered what nobody asked", 0);
	if (!is->log.asks || h.req != is->log.req)
		return CH_DONE;
	is->log.asks = false;
	answer_all(is, &is->log.asked, h.code == CH_OK ? h.note : (bytes){ 0 });
	return CH_DONE;
}

static void log_event(struct issuer *is, struct watch *w)
{
	(void)w;
	ch_err e = take_head(is);
	if (failed(e) && ch_code_of(e) != CH_E_BUSY)
		ledger_gone(is, e);
}

void log_attach(struct issuer *is, int fd)
{
	if (is->log.watch.fd >= 0)
		ledger_gone(is, ch_fail(CH_E_GONE, "another ledger took its place", 0));
	is->log.watch = (struct watch){ log_event, fd };
	ch_err e = watch_add(is, &is->log.watch);
	if (failed(e))
		ledger_gone(is, e);
}

void serve_log_now(struct http_req *r, void *ctx)
{
	struct issuer *is = ctx;
	bool known = false;
	if (!log_reader_ok(r, is, &known))
		return;
	struct now_waiter *w = arena_new(&r->arena, struct now_waiter, 1);
	bool full = is->log.n_waiting[known] >= (known ? KNOWN_MAX : STRANGERS_MAX);
	if (!w || full) {
		log_refuse(r, ch_fail(CH_E_LIMIT, "too many ask how the log stands", 0));
		return;
	}
	if (is->log.watch.fd < 0 || is->stopping) {
		log_refuse(r, ch_fail(CH_E_BUSY, "the ledger is not here now", 0));
		return;
	}
	*w = (struct now_waiter){ r, is->log.waiting, known };
	is->log.waiting = w;
	is->log.n_waiting[known]++;
	http_suspend(r);
}
