/* The issuer's side of the hasher: a short queue, one question out at a time, answers
 * in order. Passwords live in the request's arena and are wiped when they were sent. */
#include "base/clock.h"
#include "base/log.h"
#include "issuer.h"
#include "wire/hash.h"

static void finish_first(struct issuer *is, enum ch_code code)
{
	struct hasher *h = &is->hasher;
	struct hash_job *j = h->first;
	h->first = j->next;
	if (!h->first)
		h->last = NULL;
	h->waiting--;
	h->asked = false;
	metrics_time(&is->metrics.hashing, clock_mono_ns() - j->since_ns);
	j->done(j, code);
}

static void hasher_gone(struct issuer *is, ch_err why)
{
	struct hasher *h = &is->hasher;
	if (!is->stopping)
		LOG(LOG_ERROR, "the hasher is gone: nobody can log in", log_err(why));
	is->metrics.hasher_gone += !is->stopping;
	watch_done(is, &h->watch);
	while (h->first)
		finish_first(is, CH_E_GONE);
}

void hasher_flush(struct issuer *is)
{
	struct hasher *h = &is->hasher;
	SECRET_BUF(room, HASH_MESSAGE_MAX);
	struct wr w = wr_of(room, sizeof(room));
	if (!h->first || h->asked)
		return;
	h->asked = true;
	h->asked_ns = clock_mono_ns();
	h->first->req = ++h->last_req;
	struct hash_check check = { h->first->req, h->first->hash, h->first->password };
	hash_write_check(&w, &check);
	ch_err e = wr_done(&w);
	if (!failed(e))
		e = channel_send(h->watch.fd, wr_bytes(&w), NULL);
	if (failed(e))
		hasher_gone(is, e);
}

/* The supervisor ends it with us and starts both anew. */
void hasher_sweep(struct issuer *is, uint64_t now_ns)
{
	const struct hasher *h = &is->hasher;
	if (!h->asked || now_ns - h->asked_ns <= (uint64_t)HASHER_SILENT_MS * 1000000)
		return;
	is->silent = true;
	hasher_gone(is, ch_fail(CH_E_GONE, "the hasher does not answer", HASHER_SILENT_MS));
}

static ch_err take_answer(struct issuer *is)
{
	struct hasher *h = &is->hasher;
	uint8_t room[64];
	bytes message = { 0 };
	struct hash_checked checked = { 0 };
	TRY(channel_recv(h->watch.fd, room, sizeof(room), &message, NULL));
	TRY(hash_read_checked(message, &checked));
	if (!h->first || !h->asked || h->first->req != checked.req)
		return ch_fail(CH_E_PROTOCOL, "the hasher answered what nobody asked", checked.req);
	finish_first(is, ch_code_of(ch_err_from_wire(checked.code, 0)));
	return CH_DONE;
}

static void hasher_event(struct issuer *is, struct watch *w)
{
	(void)w;
	ch_err e = take_answer(is);
	if (failed(e) && ch_code_of(e) != CH_E_BUSY)
		hasher_gone(is, e);
}

void hasher_attach(struct issuer *is, int fd)
{
	is->hasher = (struct hasher){ .watch = { hasher_event, fd } };
	ch_err e = watch_add(is, &is->hasher.watch);
	if (failed(e))
		hasher_gone(is, e);
}

ch_err hasher_ask(struct issuer *is, struct hash_job *j)
{
	struct hasher *h = &is->hasher;
	if (h->watch.fd < 0)
		return ch_fail(CH_E_GONE, "nobody can log in now", 0);
	if (h->waiting >= HASHES_WAITING_MAX)
		return ch_fail(CH_E_BUSY, "too many people log in at once", h->waiting);
	j->next = NULL;
	j->since_ns = clock_mono_ns();
	if (h->last)
		h->last->next = j;
	else
		h->first = j;
	h->last = j;
	h->waiting++;
	return CH_DONE;
}
