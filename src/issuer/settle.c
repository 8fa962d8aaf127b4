/* What must be on the disk before an answer leaves: codes that are given or spent, grants that
 * are made or rotated. All that waits in one turn of the loop is one transaction, so a busy
 * issuer waits for the disk once a turn, not once an answer. */
#include "base/clock.h"
#include "issuer.h"

void settle_add(struct issuer *is, struct settler *s)
{
	s->next = NULL;
	if (is->settle_last)
		is->settle_last->next = s;
	else
		is->settle_first = s;
	is->settle_last = s;
}

/* One that is refused leaves the others alone; a store that fails, fails all. */
static ch_err settle_all(struct settler *first)
{
	for (struct settler *s = first; s; s = s->next) {
		s->settled = s->settle(s);
		if (failed(s->settled) && ch_code_of(s->settled) != CH_E_INVALID_GRANT)
			return s->settled;
	}
	return CH_DONE;
}

static ch_err settle_together(struct store *store, struct settler *first)
{
	TRY(store_begin(store));
	ch_err e = settle_all(first);
	ch_err end = store_end(store, !failed(e));
	return failed(e) ? e : end;
}

void settle_run(struct issuer *is)
{
	struct settler *s = is->settle_first;
	if (!s)
		return;
	is->settle_first = is->settle_last = NULL;
	const uint64_t since_ns = clock_mono_ns();
	is->settling = true;
	ch_err e = settle_together(is->store, s);
	metrics_time(&is->metrics.settling, clock_mono_ns() - since_ns);
	is->metrics.settle_failures += failed(e);
	is->settling = false;
	/* what it made due; if that fails it stays so, and the log has it */
	room_note(revocations_drain(is));
	while (s) {
		/* its memory is the request's, which the answer may end */
		struct settler *next = s->next;
		s->answer(s, failed(e) ? e : s->settled);
		s = next;
	}
}
