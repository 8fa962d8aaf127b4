/* Wardens, issuers and gates that ended are started again: at once, but one that dies
 * young time after time waits, so that a damaged store or a missing file costs a line in
 * the log each second and not a processor. Signers have rules of their own, generation.c. */
#include "base/clock.h"
#include "base/log.h"
#include "supervisor_internal.h"

enum { QUICK_DEATHS = 3 };

static const uint64_t ms_ns = 1000000, soon_ns = 5000000000U, pause_ns = 1000000000U;

static ch_err start_warden(struct supervisor *s, size_t at)
{
	(void)at;
	return launch_warden(s);
}

static ch_err start_ledger(struct supervisor *s, size_t at)
{
	(void)at;
	return launch_ledger(s);
}

static ch_err (*const starts[ROLE_COUNT])(struct supervisor *, size_t) = {
	[ROLE_WARDEN] = start_warden, [ROLE_ISSUER] = launch_issuer,
	[ROLE_GATE] = launch_gate,    [ROLE_COLLECTOR] = launch_collector,
	[ROLE_LEDGER] = start_ledger,
};

void restart_after(struct supervisor *s, const struct process *p)
{
	struct restart *r = &s->restarts[p->role][p->group];
	uint64_t now = clock_mono_ns();
	r->quick = now - p->started_ns < soon_ns ? r->quick + 1 : 0;
	r->at_ns = r->quick > QUICK_DEATHS ? now + pause_ns : now;
}

static void start(struct supervisor *s, enum role role, size_t at)
{
	s->restarts[role][at].at_ns = 0;
	ch_err e = starts[role](s, at);
	if (!failed(e))
		return;
	LOG(LOG_ERROR, "cannot start a role again", log_str("role", str_from_c(role_name(role))),
	    log_err(e));
	s->broken = true;
}

int restart_due(struct supervisor *s)
{
	uint64_t now = clock_mono_ns();
	int wait_ms = -1;
	for (size_t i = 0; i < (size_t)ROLE_COUNT * PLAN_GROUPS_MAX; i++) {
		enum role role = (enum role)(i / PLAN_GROUPS_MAX);
		size_t at = i % PLAN_GROUPS_MAX;
		uint64_t at_ns = s->restarts[role][at].at_ns;
		if (at_ns == 0 || s->stopping || !starts[role])
			continue;
		if (at_ns <= now) {
			start(s, role, at);
			continue;
		}
		int ms = (int)((at_ns - now) / ms_ns) + 1;
		wait_ms = wait_ms < 0 || ms < wait_ms ? ms : wait_ms;
	}
	return wait_ms;
}
