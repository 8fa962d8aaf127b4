/* Both threads behind the same walls, until one ends; then the other does. */
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "beside/beside.h"
#include "ledger_internal.h"
#include "wire/control.h"

static ch_err integrator_job(void *of, uint64_t job)
{
	struct ledger *l = of;
	(void)job;
	ch_err e = integrator_run(&l->integrator);
	if (failed(e))
		LOG(LOG_ERROR, "tiles and heads are not made any more", log_err(e));
	handover_end(&l->handover, e);
	return e;
}

static ch_err work(struct ledger *l, struct beside *b)
{
	if (l->confine)
		TRY(l->confine());
	beside_begin(b, integrator_job, l);
	beside_give(b);
	ch_err e = control_send(l->control_fd, &(struct control){ .kind = CONTROL_READY }, NULL);
	if (!failed(e))
		e = sequencer_run(&l->sequencer);
	handover_stop(&l->handover);
	(void)beside_wait(b, 0);
	return e;
}

ch_err ledger_serve(struct ledger *l)
{
	AUTO(beside_done) struct beside *b = NULL;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(022);
	TRY(beside_new(&b));
	return work(l, b);
}
