/* Generations of signers. A signer never changes: a crash, a new key, a renewal each
 * start a new one; the issuer is given its sockets and lets go of the old ones, and a
 * signer without sockets ends by itself. */
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "supervisor_internal.h"

enum { QUICK_CRASHES = 3, OVERDUE_LOOKS = 10 };

/* A signer that dies young time after time waits: long if none of them signed anything, so
 * that a broken key or host costs little; else briefly, for one that signs between two
 * crashes is worth having at once. */
static const uint64_t ms_ns = 1000000, soon_ns = 5000000000U, pause_ns = 1000000000U,
		      short_pause_ns = 20000000U, look_ns = 1000000000U;

static ch_err hold(struct supervisor *s, struct process *signer, int key, int status)
{
	struct process *warden = process_find(s, ROLE_WARDEN, NO_GROUP);
	const struct message_fds fds = { .fd = { status, key }, .n = 2 };
	const struct control c = { .kind = CONTROL_HOLD,
				   .pid = (uint32_t)signer->pid,
				   .name = group_name(s, signer->group) };
	if (!warden || !warden->ready)
		return ch_fail(CH_E_GONE, "there is no warden to hold a signer", 0);
	return control_send(warden->control, &c, &fds);
}

static const volatile struct signer_status *status_map(int fd)
{
	void *page = mmap(NULL, STATUS_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	return page == MAP_FAILED ? NULL : page;
}

static bool is_ready(struct supervisor *s, enum role role)
{
	const struct process *p = process_find(s, role, NO_GROUP);
	return p && p->ready;
}

bool generation_may_start(struct supervisor *s)
{
	return is_ready(s, ROLE_WARDEN) && is_ready(s, ROLE_LEDGER);
}

/* Of the signer of heads there is one at a time: two could be led to sign two logs. */
static bool lives(const struct supervisor *s, size_t group)
{
	for (size_t i = 0; i < PROCESSES_MAX; i++) {
		const struct process *p = &s->processes[i];
		if (p->pid > 0 && p->role == ROLE_SIGNER && p->group == group)
			return true;
	}
	return false;
}

ch_err generation_start(struct supervisor *s, size_t group)
{
	AUTO(fd_close) int key = -1;
	AUTO(fd_close) int status = -1;
	if (!generation_may_start(s))
		return ch_fail(CH_E_GONE, "there is no warden or no ledger for a signer", 0);
	if (group == LOG_GROUP && lives(s, group))
		return CH_DONE;
	struct process *p = process_add(s, ROLE_SIGNER, group);
	if (!p)
		return ch_fail(CH_E_LIMIT, "too many processes", PROCESSES_MAX);
	p->generation = ++s->generation;
	s->retry_at_ns[group] = 0;
	s->started_ns[group] = clock_mono_ns();
	ch_err e = launch_signer(s, p, &key, &status);
	if (!failed(e))
		p->status = status_map(status);
	if (!failed(e))
		e = hold(s, p, key, status);
	if (!failed(e))
		return CH_DONE;
	fd_close(&p->gate_end); /* a child that waits there ends */
	for (size_t i = 0; i < REALMS_MAX; i++)
		fd_close(&p->sockets[i]);
	fd_close(&p->ledger_socket);
	return e;
}

void generation_held(struct supervisor *s, pid_t pid)
{
	struct process *p = process_by_pid(s, pid);
	if (!p || p->role != ROLE_SIGNER || p->gate_end < 0)
		return;
	if (write(p->gate_end, "x", 1) != 1)
		LOG(LOG_WARN, "a signer is gone before it started");
	fd_close(&p->gate_end);
}

/* The ledger first: what the issuer asks for at once goes there. */
static ch_err attach(struct supervisor *s, struct process *signer)
{
	TRY(log_attach(s, signer));
	if (signer->group == LOG_GROUP)
		return CH_DONE;
	const struct plan_group *g = &s->plan.groups[signer->group];
	const struct process *issuer = process_find(s, ROLE_ISSUER, signer->group);
	if (!issuer)
		return ch_fail(CH_E_GONE, "the issuer is gone", signer->group);
	for (size_t i = 0; i < g->n_realms; i++) {
		const struct message_fds fds = { .fd = { signer->sockets[i] }, .n = 1 };
		const struct control c = { .kind = CONTROL_ATTACH,
					   .generation = signer->generation,
					   .name = g->realms[i].name };
		TRY(control_send(issuer->control, &c, &fds));
	}
	return CH_DONE;
}

void generation_ready(struct supervisor *s, struct process *signer)
{
	struct process *old = process_find(s, ROLE_SIGNER, signer->group);
	ch_err e = attach(s, signer);
	for (size_t i = 0; i < REALMS_MAX; i++)
		fd_close(&signer->sockets[i]);
	fd_close(&signer->ledger_socket);
	if (failed(e)) {
		LOG(LOG_ERROR, "cannot give an issuer or the ledger its new signer", log_err(e));
		renew_answer(s, signer->group, e);
		return;
	}
	if (old)
		old->current = false;
	signer->current = true;
	LOG(LOG_INFO, "a signer serves", log_str("group", group_name(s, signer->group)),
	    log_u64("generation", signer->generation));
}

static void start_or_wait(struct supervisor *s, size_t group)
{
	ch_err e = generation_start(s, group);
	if (!failed(e))
		return;
	LOG(LOG_ERROR, "cannot start a signer; trying again", log_err(e));
	s->retry_at_ns[group] = clock_mono_ns() + pause_ns;
}

void generation_ended(struct supervisor *s, const struct process *p)
{
	size_t group = p->group;
	uint64_t now = clock_mono_ns();
	bool quick = now - s->started_ns[group] < soon_ns;
	/* one that was asked for and died before it served is due as well */
	bool owed = p->generation >= s->asker_generation && renew_is_waited_for(s, group);
	if (s->stopping || (!p->current && !owed && process_find(s, ROLE_SIGNER, group)))
		return;
	if (!generation_may_start(s))
		return; /* the READY of what is missing starts signers for all */
	s->crashes[group] = quick ? s->crashes[group] + 1 : 0;
	s->fruitless[group] = quick && !p->has_signed ? s->fruitless[group] + 1 : 0;
	if (s->fruitless[group] >= QUICK_CRASHES)
		s->retry_at_ns[group] = now + pause_ns;
	else if (s->crashes[group] >= QUICK_CRASHES)
		s->retry_at_ns[group] = now + short_pause_ns;
	else
		start_or_wait(s, group);
}

static int ms_until(uint64_t at_ns, uint64_t now)
{
	return at_ns > now ? (int)((at_ns - now) / ms_ns) + 1 : 1;
}

/* One look a second at most, and between two of them what roles say is read: time in which
 * we ourselves stood still (a slow disk, a paused machine) is held against nobody. */
static bool is_overdue(struct process *p, uint64_t now)
{
	if (now - p->looked_ns < look_ns)
		return false;
	p->looked_ns = now;
	return ++p->looks % OVERDUE_LOOKS == 0;
}

/* A signer that has not come to serve in all this time hangs, or its warden does, whose
 * end ends it too. The time in ms until the next look; -1: none is starting. */
static int end_overdue(struct supervisor *s, const struct process *warden, uint64_t now)
{
	int wait_ms = -1;
	for (size_t i = 0; i < PROCESSES_MAX; i++) {
		struct process *p = &s->processes[i];
		if (p->pid <= 0 || p->role != ROLE_SIGNER || p->ready)
			continue;
		if (is_overdue(p, now)) {
			LOG(LOG_ALARM, "a new signer does not come to serve and is ended",
			    log_u64("held", p->gate_end < 0));
			(void)kill(p->gate_end < 0 ? p->pid : warden->pid, SIGKILL);
		}
		int ms = ms_until(p->looked_ns + look_ns, now);
		wait_ms = wait_ms < 0 || ms < wait_ms ? ms : wait_ms;
	}
	return wait_ms;
}

int generation_retry(struct supervisor *s)
{
	struct process *warden = process_find(s, ROLE_WARDEN, NO_GROUP);
	uint64_t now = clock_mono_ns();
	if (!warden || !warden->ready)
		return -1;
	int wait_ms = s->stopping ? -1 : end_overdue(s, warden, now);
	if (!generation_may_start(s))
		return wait_ms;
	for (size_t i = 0; i < group_count(s); i++) {
		size_t g = group_at(s, i);
		if (s->retry_at_ns[g] == 0 || s->stopping)
			continue;
		if (s->retry_at_ns[g] <= now) {
			s->retry_at_ns[g] = 0;
			start_or_wait(s, g);
		}
		if (s->retry_at_ns[g] > now) {
			int ms = ms_until(s->retry_at_ns[g], now);
			wait_ms = wait_ms < 0 || ms < wait_ms ? ms : wait_ms;
		}
	}
	return wait_ms;
}
