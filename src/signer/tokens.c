/* The duty of a signer of tokens: whom it hears, and when. Two batches may wait for the ledger while
 * a third is signed, in slices, so that neither the disk nor the processor waits for the other. It
 * ends when a peer breaks the protocol. */
#include <errno.h>
#include <poll.h>

#include "base/file.h"
#include "base/log.h"
#include "signer_internal.h"

static bool is_over(ch_err e)
{
	return failed(e) && ch_code_of(e) != CH_E_BUSY;
}

/* What was asked for there is dropped: of what is logged nothing has to be signed. */
static void realm_close(struct signer *s, struct realm *m)
{
	fd_close(&m->fd);
	for (size_t i = 0; i < BATCHES_MAX; i++)
		if (s->batches[i].state == BATCH_LOGGED && s->batches[i].realm == m)
			s->batches[i].state = BATCH_FREE;
}

/* False when the issuer broke the protocol: then this signer ends, and the supervisor
 * starts another. All its sockets are one issuer's; with one of them closed, that realm
 * would have no signer as long as the rest go on. */
static bool realm_done(struct signer *s, struct realm *m, ch_err e)
{
	if (!is_over(e))
		return true;
	realm_close(s, m);
	if (ch_code_of(e) == CH_E_GONE)
		return true;
	LOG(LOG_ALARM, "an issuer broke the protocol: its signer ends", log_str("realm", m->name),
	    log_err(e));
	return false;
}

enum { P_CONTROL, P_LEDGER, P_REALMS };

/* How many there are that anybody may still ask at. Nobody is heard while no batch is free. */
static size_t watch(const struct signer *s, struct pollfd *p)
{
	bool may_take = batch_may_take(s);
	size_t open = 0;
	p[P_CONTROL] = (struct pollfd){ s->control, POLLIN, 0 };
	p[P_LEDGER] = (struct pollfd){ s->ledger, POLLIN, 0 };
	for (size_t i = 0; i < s->n_realms; i++) {
		int fd = s->realms[i].fd;
		p[P_REALMS + i] = (struct pollfd){ may_take ? fd : -1, POLLIN, 0 };
		open += fd >= 0;
	}
	return open;
}

/* A slice of what may be signed, so that who waits for the disk and who asks are heard between. */
static bool answer_some(struct signer *s)
{
	struct batch *b = batch_due(s);
	if (!b)
		return true;
	if (b->realm->fd < 0) {
		b->state = BATCH_FREE;
		return true;
	}
	return realm_done(s, b->realm, batch_answer(s, b));
}

static bool serve_realms(struct signer *s, const struct pollfd *p)
{
	/* each turn another one is first, so that none waits behind a busy one */
	size_t first = (size_t)(s->turn % (s->n_realms ? s->n_realms : 1));
	for (size_t i = 0; i < s->n_realms; i++) {
		size_t at = (first + i) % s->n_realms;
		struct realm *m = &s->realms[at];
		if (m->fd >= 0 && p[P_REALMS + at].revents && batch_may_take(s) &&
		    !failed(s->trouble) && !realm_done(s, m, batch_take(s, m)))
			return false;
	}
	return true;
}

ch_err tokens_turn(struct signer *s, bool may_wait, bool *ret_over)
{
	struct pollfd p[REALMS_MAX + P_REALMS];
	bool waits = may_wait && !batch_due(s);
	*ret_over = true;
	if (watch(s, p) == 0)
		return CH_DONE;
	if (waits)
		s->status->step = STEP_IDLE;
	if (poll(p, s->n_realms + P_REALMS, waits ? -1 : 0) < 0 && errno != EINTR)
		return ch_fail(CH_E_IO, "cannot wait", errno);
	if (p[P_LEDGER].revents)
		TRY(ledger_take(s));
	if (!serve_realms(s, p) || !answer_some(s))
		return CH_DONE;
	TRY(s->trouble);
	*ret_over = p[P_CONTROL].revents != 0;
	return CH_DONE;
}

ch_err tokens_serve(struct signer *s)
{
	bool over = false;
	while (!over)
		TRY(tokens_turn(s, true, &over));
	return CH_DONE;
}
