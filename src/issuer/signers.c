/* Signers: one socket a realm and generation. Requests go to the newest that has said
 * its keys; older ones finish what they have. A signer that dies gives its requests
 * back: each is asked once more, whole, of another, or refused: a token never comes
 * from two answers. What a signer says is checked against what was asked. */
#include <assert.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "issuer.h"
#include "wire/control.h"

enum { MS = 1000000 };

/* req on the wire: slot of the job, then which of its tokens */
static uint32_t req_of(const struct job *j, size_t i)
{
	return (uint32_t)j->slot << 1 | (uint32_t)i;
}

static void job_forget(struct job *j)
{
	struct issuer *is = j->realm->issuer;
	is->jobs[j->slot] = NULL;
	is->free_job = j->slot;
}

static void job_end(struct job *j, ch_err e)
{
	job_forget(j);
	j->done(j, e);
}

static bool slot_find(struct issuer *is, struct job *j)
{
	for (size_t i = 0; i < JOBS_MAX; i++) {
		size_t at = (is->free_job + i) % JOBS_MAX;
		if (is->jobs[at])
			continue;
		is->jobs[at] = j;
		j->slot = (uint16_t)at;
		is->free_job = (at + 1) % JOBS_MAX;
		return true;
	}
	return false;
}

static void queue_add(struct realm *r, struct job *j)
{
	j->signer = NULL;
	j->next = NULL;
	if (r->last)
		r->last->next = j;
	else
		r->first = j;
	r->last = j;
	r->waiting++;
}

static struct job *queue_cut(struct realm *r)
{
	struct job *j = r->first;
	r->first = j->next;
	if (!r->first)
		r->last = NULL;
	r->waiting--;
	return j;
}

/* Whether it fits is known before it is queued: a batch never holds half a job. */
static ch_err request_check(const struct sign_request *q)
{
	size_t n = 16;
	for (size_t i = 0; i < q->n_claims; i++) {
		if (q->claims[i].text.n > SIGN_TEXT_MAX)
			return ch_fail(CH_E_INVALID_REQUEST, "a claim is too long",
				       q->claims[i].id);
		n += 16 + q->claims[i].text.n;
	}
	if (n > SIGN_REQUEST_MAX)
		return ch_fail(CH_E_INVALID_REQUEST, "the claims are too long", n);
	return CH_DONE;
}

ch_err job_start(struct job *j)
{
	struct realm *r = j->realm;
	for (size_t i = 0; i < j->n; i++)
		TRY(request_check(&j->requests[i]));
	jwks_refresh(r);
	if (r->knows_keys && !r->has_key)
		return ch_fail(CH_E_NO_KEY, "the realm has no key that may sign now", 0);
	if (!slot_find(r->issuer, j))
		return ch_fail(CH_E_BUSY, "too many requests wait for a signature", JOBS_MAX);
	j->since_ns = clock_mono_ns();
	j->missing = j->n;
	for (size_t i = 0; i < j->n; i++)
		j->requests[i].req = req_of(j, i);
	queue_add(r, j);
	http_suspend(j->http);
	return CH_DONE;
}

void signers_init(struct realm *r)
{
	for (size_t i = 0; i < SIGNERS_MAX; i++)
		r->signers[i].watch.fd = -1;
}

static bool is_busy(const struct signer *s)
{
	for (size_t i = 0; i < BATCHES_IN_FLIGHT; i++)
		if (s->outstanding[i] > 0)
			return true;
	return false;
}

/* Its requests wait again, those that were asked twice already are refused. */
static void give_back(struct signer *s)
{
	struct issuer *is = s->realm->issuer;
	for (size_t i = 0; i < JOBS_MAX; i++) {
		struct job *j = is->jobs[i];
		if (!j || j->signer != s)
			continue;
		if (j->retried) {
			job_end(j, ch_fail(CH_E_GONE, "the signer is gone", 0));
			continue;
		}
		j->retried = true;
		j->missing = j->n;
		j->code = CH_OK;
		j->tokens[0] = j->tokens[1] = (str){ 0 };
		j->since_ns = clock_mono_ns();
		queue_add(s->realm, j);
	}
}

static void current_choose(struct realm *r)
{
	r->current = NULL;
	for (size_t i = 0; i < SIGNERS_MAX; i++) {
		struct signer *s = &r->signers[i];
		if (s->watch.fd < 0 || !s->has_keys)
			continue;
		if (!r->current || s->generation > r->current->generation)
			r->current = s;
	}
}

/* The supervisor hears of each newer one that is asked from now on. Older ones may still have to
 * answer what they were asked before. */
static void attached_say(struct realm *r)
{
	if (!r->current || r->attached >= r->current->generation)
		return;
	struct control c = { .kind = CONTROL_ATTACHED,
			     .generation = r->current->generation,
			     .name = r->config->name };
	r->attached = r->current->generation;
	ch_err e = control_send(r->issuer->control.fd, &c, NULL);
	if (failed(e))
		LOG(LOG_WARN, "cannot tell the supervisor of a signer", log_err(e));
}

static void signer_close(struct signer *s)
{
	struct realm *r = s->realm;
	watch_done(r->issuer, &s->watch);
	give_back(s);
	current_choose(r);
	attached_say(r);
}

static void signer_gone(struct signer *s, ch_err why)
{
	if (!s->realm->issuer->stopping)
		metrics_count(s->realm, COUNT_SIGNER_GONE);
	if (!s->realm->issuer->stopping)
		LOG(LOG_WARN, "a signer is gone", log_str("realm", s->realm->config->name),
		    log_u64("generation", s->generation), log_err(why));
	signer_close(s);
}

static void close_drained(struct realm *r)
{
	for (size_t i = 0; i < SIGNERS_MAX; i++) {
		struct signer *s = &r->signers[i];
		if (s->watch.fd >= 0 && r->current && s->generation < r->current->generation &&
		    !is_busy(s))
			signer_close(s);
	}
}

static ch_err take_keys(struct signer *s, bytes message)
{
	struct sign_key keys[SIGN_BATCH_MAX];
	struct rd r;
	size_t n = 0;
	TRY(sign_batch_open(message, SIGN_KEYS, &r, &n));
	for (size_t i = 0; i < n; i++)
		TRY(sign_read_key(&r, &keys[i]));
	TRY(rd_done(&r));
	s->has_keys = true;
	current_choose(s->realm);
	if (s->realm->current == s)
		jwks_read(s->realm, keys, n);
	close_drained(s->realm);
	attached_say(s->realm);
	return CH_DONE;
}

static ch_err why_not(enum ch_code code)
{
	if (code == CH_OK) {
		room_signed();
		return CH_DONE;
	}
	if (code == CH_E_NO_ROOM)
		return ch_fail(CH_E_NO_ROOM, "the disk is full: no token can be logged",
			       ROOM_OF_LOG);
	return ch_err_from_wire((uint16_t)code, 0);
}

static ch_err take_answer(struct signer *s, const struct sign_answer *a)
{
	size_t slot = a->req >> 1, i = a->req & 1;
	struct job *j = slot < JOBS_MAX ? s->realm->issuer->jobs[slot] : NULL;
	if (!j || j->signer != s || i >= j->n || j->tokens[i].p)
		return ch_fail(CH_E_PROTOCOL, "a signer answered what nobody asked", a->req);
	str token = LIT("");
	if (a->code == CH_OK && failed(arena_str(&j->http->arena, a->token, &token)))
		j->code = CH_E_LIMIT;
	if (a->code != CH_OK && j->code == CH_OK)
		j->code = a->code;
	j->tokens[i] = token;
	if (--s->outstanding[j->batch] == 0)
		metrics_time(&s->realm->issuer->metrics.signing,
			     clock_mono_ns() - s->sent_ns[j->batch]);
	if (--j->missing == 0)
		job_end(j, why_not(j->code));
	return CH_DONE;
}

static ch_err take_answers(struct signer *s, bytes message)
{
	struct rd r;
	struct sign_answer a;
	size_t n = 0;
	TRY(sign_batch_open(message, SIGN_ANSWERS, &r, &n));
	for (size_t i = 0; i < n; i++) {
		TRY(sign_read_answer(&r, &a));
		TRY(take_answer(s, &a));
	}
	return rd_done(&r);
}

static ch_err take_message(struct signer *s)
{
	static uint8_t room[MESSAGE_MAX];
	bytes message = { 0 };
	TRY(channel_recv(s->watch.fd, room, sizeof(room), &message, NULL));
	return s->has_keys ? take_answers(s, message) : take_keys(s, message);
}

static void signer_event(struct issuer *is, struct watch *w)
{
	struct signer *s = (struct signer *)(void *)w;
	ch_err e = CH_DONE;
	(void)is;
	while (w->fd >= 0 && !failed(e))
		e = take_message(s);
	if (w->fd < 0)
		return;
	if (ch_code_of(e) != CH_E_BUSY)
		signer_gone(s, e);
	else
		close_drained(s->realm);
}

ch_err signer_attach(struct realm *r, int fd, uint32_t generation)
{
	for (size_t i = 0; i < SIGNERS_MAX; i++) {
		struct signer *s = &r->signers[i];
		if (s->watch.fd >= 0)
			continue;
		*s = (struct signer){ .watch = { signer_event, fd },
				      .realm = r,
				      .generation = generation };
		ch_err e = watch_add(r->issuer, &s->watch);
		if (failed(e))
			watch_done(r->issuer, &s->watch);
		return e;
	}
	fd_close(&fd);
	return ch_fail(CH_E_LIMIT, "too many generations of signers", generation);
}

static int free_batch(const struct signer *s)
{
	for (int i = 0; i < BATCHES_IN_FLIGHT; i++)
		if (s->outstanding[i] == 0)
			return i;
	return -1;
}

/* What fits into one message; jobs stay in the queue until it is on its way. */
static size_t batch_fill(const struct realm *r, struct wr *w)
{
	size_t jobs = 0;
	sign_batch_begin(w, SIGN_REQUESTS);
	for (const struct job *j = r->first; j; j = j->next) {
		if (sign_batch_count(w) + j->n > SIGN_BATCH_MAX ||
		    w->cap - w->n < j->n * SIGN_REQUEST_MAX)
			break;
		for (size_t i = 0; i < j->n; i++) {
			bool fits = sign_batch_add_request(w, &j->requests[i]);
			assert(fits);
		}
		jobs++;
	}
	return jobs;
}

static void batch_send(struct realm *r)
{
	static uint8_t room[MESSAGE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct signer *s = r->current;
	int batch = s ? free_batch(s) : -1;
	if (batch < 0 || !r->first)
		return;
	size_t jobs = batch_fill(r, &w);
	ch_err e = channel_send(s->watch.fd, wr_bytes(&w), NULL);
	if (ch_code_of(e) == CH_E_BUSY)
		return;
	if (failed(e)) {
		signer_gone(s, e);
		return;
	}
	s->sent_ns[batch] = clock_mono_ns();
	s->outstanding[batch] = (uint16_t)sign_batch_count(&w);
	for (; jobs > 0; jobs--) {
		struct job *j = queue_cut(r);
		j->signer = s;
		j->batch = (uint8_t)batch;
	}
}

void signers_flush(struct issuer *is)
{
	for (size_t i = 0; i < is->config.n_realms; i++)
		if (is->realms[i].first)
			batch_send(&is->realms[i]);
}

/* One that hangs does not come back by itself, and nobody else sees it: when there is
 * no other, we end, and the supervisor starts us with a new one. */
static void sweep_silent(struct realm *r, uint64_t now_ns)
{
	for (size_t i = 0; i < SIGNERS_MAX; i++) {
		struct signer *s = &r->signers[i];
		for (size_t k = 0; k < BATCHES_IN_FLIGHT && s->watch.fd >= 0; k++) {
			if (s->outstanding[k] == 0 ||
			    now_ns - s->sent_ns[k] <= (uint64_t)SIGNER_SILENT_MS * MS)
				continue;
			signer_gone(s, ch_fail(CH_E_GONE, "a signer does not answer", 0));
			r->issuer->silent = r->issuer->silent || !r->current;
		}
	}
}

int signers_sweep(struct issuer *is, uint64_t now_ns)
{
	int next = -1;
	for (size_t i = 0; i < is->config.n_realms; i++) {
		struct realm *r = &is->realms[i];
		sweep_silent(r, now_ns);
		while (r->first && now_ns - r->first->since_ns > (uint64_t)JOB_WAIT_MS * MS)
			job_end(queue_cut(r), ch_fail(CH_E_GONE, "the signer is gone", 0));
		if (r->first)
			next = 50;
		for (size_t k = 0; k < SIGNERS_MAX && next < 0; k++)
			if (r->signers[k].watch.fd >= 0 && is_busy(&r->signers[k]))
				next = 500;
	}
	return next;
}
