/* What must be on the disk before tokens go out: codes that are spent, grants that are made
 * or rotated. All that was signed in one turn of the loop is one transaction, so a busy
 * issuer waits for the disk once a turn, not once a token. */
#include "base/clock.h"
#include "issuer.h"

void settle_add(struct job *j)
{
	struct issuer *is = j->realm->issuer;
	j->next = NULL;
	if (is->settle_last)
		is->settle_last->next = j;
	else
		is->settle_first = j;
	is->settle_last = j;
}

/* A job that is refused leaves the others alone; a store that fails, fails all. */
static ch_err settle_all(struct job *first)
{
	for (struct job *j = first; j; j = j->next) {
		j->settled = j->settle(j);
		if (failed(j->settled) && ch_code_of(j->settled) != CH_E_INVALID_GRANT)
			return j->settled;
	}
	return CH_DONE;
}

static ch_err settle_together(struct store *s, struct job *first)
{
	TRY(store_begin(s));
	ch_err e = settle_all(first);
	ch_err end = store_end(s, !failed(e));
	return failed(e) ? e : end;
}

void settle_run(struct issuer *is)
{
	struct job *j = is->settle_first;
	if (!j)
		return;
	is->settle_first = is->settle_last = NULL;
	const uint64_t since_ns = clock_mono_ns();
	is->settling = true;
	ch_err e = settle_together(is->store, j);
	metrics_time(&is->metrics.settling, clock_mono_ns() - since_ns);
	is->metrics.settle_failures += failed(e);
	is->settling = false;
	/* what it made due; if that fails it stays so, and the log has it */
	room_note(revocations_drain(is));
	while (j) {
		/* its memory is the request's, which the answer may end */
		struct job *next = j->next;
		token_answer(j, failed(e) ? e : j->settled);
		j = next;
	}
}
