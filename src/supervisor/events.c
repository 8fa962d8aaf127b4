/* What roles say and how they end. A table says who may say what; anything else is a
 * breach, and the role that does it is killed. */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/notify.h"
#include "supervisor_internal.h"

static void on_ready(struct supervisor *s, struct process *p, const struct control *c)
{
	(void)c;
	p->ready = true;
	if (p->role == ROLE_SIGNER)
		generation_ready(s, p);
	if (p->role == ROLE_WARDEN || p->role == ROLE_LEDGER)
		for (size_t i = 0; i < group_count(s); i++)
			s->retry_at_ns[group_at(s, i)] = 1; /* at once */
	if (p->role == ROLE_LEDGER || p->role == ROLE_ISSUER)
		log_connect_issuers(s);
	events_maybe_ready(s);
}

static void on_failed(struct supervisor *s, struct process *p, const struct control *c)
{
	ch_err e = ch_err_from_wire((uint16_t)c->code, c->detail);
	LOG(LOG_ERROR, "a role cannot serve", log_str("role", str_from_c(role_name(p->role))),
	    log_str("why", str_of_bytes(c->text)), log_err(e));
	p->failed = true;
	p->failed_code = c->code;
	if (p->role == ROLE_SIGNER && !p->current)
		renew_answer(s, p->group, e);
	/* at the start there is nothing to fall back on */
	if (!s->told_ready && !s->stopping)
		s->broken = true;
}

static void on_held(struct supervisor *s, struct process *p, const struct control *c)
{
	(void)p;
	generation_held(s, (pid_t)c->pid);
}

static void on_crashed(struct supervisor *s, struct process *p, const struct control *c)
{
	(void)p;
	crash_write(s, c);
}

static void on_note(struct supervisor *s, struct process *p, const struct control *c)
{
	(void)s;
	(void)p;
	(void)c;
}

static void on_attached(struct supervisor *s, struct process *p, const struct control *c)
{
	renew_attached(s, p, c);
}

static void on_revoked(struct supervisor *s, struct process *p, const struct control *c)
{
	revoke_answered(s, p, c);
}

static void on_gate_asks(struct supervisor *s, struct process *p, const struct control *c)
{
	log_give_gate(s, p, c->name);
}

static const struct {
	void (*act)(struct supervisor *, struct process *, const struct control *);
	unsigned from; /* bits of enum role */
} rules[CONTROL_KIND_COUNT] = {
	[CONTROL_READY] = { on_ready, (1U << ROLE_COUNT) - 1 },
	[CONTROL_FAILED] = { on_failed, (1U << ROLE_COUNT) - 1 },
	[CONTROL_HELD] = { on_held, 1U << ROLE_WARDEN },
	[CONTROL_CRASHED] = { on_crashed, 1U << ROLE_WARDEN },
	[CONTROL_ENDED] = { on_note, 1U << ROLE_WARDEN },
	[CONTROL_ATTACH] = { on_gate_asks, 1U << ROLE_GATE },
	[CONTROL_ATTACHED] = { on_attached, 1U << ROLE_ISSUER },
	[CONTROL_REVOKED] = { on_revoked, 1U << ROLE_ISSUER },
	[CONTROL_COMPROMISE] = { compromise_asked, 1U << ROLE_COLLECTOR },
};

/* Each says once how its start went: one that repeats it would fill the log. */
static bool may_say(const struct process *p, enum control_kind kind)
{
	bool is_new = kind == CONTROL_READY ? !p->ready : kind != CONTROL_FAILED || !p->failed;
	return rules[kind].act && (rules[kind].from & (1U << p->role)) && is_new;
}

void events_message(struct supervisor *s, struct process *p)
{
	static uint8_t room[CONTROL_MAX];
	struct control c = { 0 };
	ch_err e = control_recv(p->control, room, &c, NULL);
	if (ch_code_of(e) == CH_E_BUSY)
		return;
	if (ch_code_of(e) == CH_E_GONE) {
		/* its end is reported by SIGCHLD */
		(void)close(p->control);
		p->control = -1;
		return;
	}
	if (failed(e) || !may_say(p, c.kind)) {
		LOG(LOG_ALARM, "a role broke the protocol and is killed",
		    log_str("role", str_from_c(role_name(p->role))), log_err(e));
		(void)kill(p->pid, SIGKILL);
		return;
	}
	rules[c.kind].act(s, p, &c);
}

static void end_keeper(struct supervisor *s, struct process *p, int status)
{
	if (status == 0)
		return;
	/* its warden died under it: the next one comes with a keeper of its own */
	if (s->told_ready && p->failed_code == CH_E_GONE)
		return;
	LOG(LOG_ERROR, "the keeper could not unlock the keys");
	s->broken = true;
}

/* Signers that wait at their gates for a warden that is gone: the next one never hears of
 * them, and would be ended in its turn for not holding them. */
static void end_unheld(struct supervisor *s)
{
	for (size_t i = 0; i < PROCESSES_MAX; i++) {
		const struct process *p = &s->processes[i];
		if (p->pid > 0 && p->role == ROLE_SIGNER && p->gate_end >= 0)
			(void)kill(p->pid, SIGKILL);
	}
}

static void end_warden(struct supervisor *s, struct process *p, int status)
{
	LOG(LOG_ALARM, "the warden is gone, and with it every signer; the keeper runs again",
	    log_u64("status", (uint64_t)status));
	end_unheld(s);
	restart_after(s, p);
}

static void end_signer(struct supervisor *s, struct process *p, int status)
{
	(void)status;
	generation_ended(s, p);
}

static void kill_role(struct supervisor *s, enum role role, size_t group)
{
	struct process *p = process_find(s, role, group);
	if (p)
		(void)kill(p->pid, SIGKILL);
}

/* They end with their sockets anyway, but one that hangs or is stopped does not see that. */
static void end_signers(struct supervisor *s, size_t group)
{
	for (size_t i = 0; i < PROCESSES_MAX; i++) {
		const struct process *p = &s->processes[i];
		if (p->pid <= 0 || p->role != ROLE_SIGNER || p->group != group)
			continue;
		(void)kill(p->pid, SIGTERM);
		(void)kill(p->pid, SIGCONT);
	}
}

/* An issuer and its hasher share a socket: both start anew, and so does the signer. */
static void end_issuer(struct supervisor *s, struct process *p, int status)
{
	LOG(LOG_ALARM, "an issuer is gone; starting another", log_u64("status", (uint64_t)status));
	kill_role(s, ROLE_HASHER, p->group);
	end_signers(s, p->group);
	restart_after(s, p);
}

/* Its signers end with their sockets; whoever hangs does not see that. */
static void end_ledger(struct supervisor *s, struct process *p, int status)
{
	LOG(LOG_ALARM, "the ledger is gone, and nothing can be signed; starting another",
	    log_u64("status", (uint64_t)status));
	for (size_t i = 0; i < group_count(s); i++)
		end_signers(s, group_at(s, i));
	restart_after(s, p);
}

static void end_hasher(struct supervisor *s, struct process *p, int status)
{
	(void)status;
	/* of an issuer that is already gone: nothing is lost */
	if (!process_find(s, ROLE_HASHER, p->group))
		kill_role(s, ROLE_ISSUER, p->group);
}

static void end_gate(struct supervisor *s, struct process *p, int status)
{
	LOG(LOG_ALARM, "a gate is gone; starting another", log_u64("status", (uint64_t)status));
	restart_after(s, p);
}

/* Gates keep what it has not taken, and go on. */
static void end_collector(struct supervisor *s, struct process *p, int status)
{
	LOG(LOG_ALARM, "the collector is gone; starting another",
	    log_u64("status", (uint64_t)status));
	restart_after(s, p);
}

/* Who shared its socket starts anew, with another fetcher; one that did already is left alone. */
static void end_fetcher(struct supervisor *s, struct process *p, int status)
{
	(void)status;
	if (process_find(s, ROLE_FETCHER, p->group))
		return;
	if (p->group == FETCHER_COLLECTOR)
		kill_role(s, ROLE_COLLECTOR, NO_GROUP);
	else
		kill_role(s, ROLE_GATE, p->group);
}

static void (*const ends[ROLE_COUNT])(struct supervisor *, struct process *, int) = {
	[ROLE_KEEPER] = end_keeper,       [ROLE_WARDEN] = end_warden,   [ROLE_SIGNER] = end_signer,
	[ROLE_ISSUER] = end_issuer,       [ROLE_HASHER] = end_hasher,   [ROLE_GATE] = end_gate,
	[ROLE_COLLECTOR] = end_collector, [ROLE_FETCHER] = end_fetcher, [ROLE_LEDGER] = end_ledger,
};

static void ended(struct supervisor *s, struct process *p, int status)
{
	struct process copy = *p;
	/* what it said last may still lie in its socket */
	while (p->control >= 0 && !failed(channel_wait(p->control, POLLIN, 0))) {
		int before = p->control;
		events_message(s, p);
		if (p->control != before)
			break;
	}
	p->has_signed = p->status && p->status->signed_tokens > 0;
	log_note_head(s, p);
	copy = *p;
	process_gone(s, p);
	if (copy.role == ROLE_ISSUER)
		revoke_gone(s, copy.group);
	/* before it was ready, starting it again would only repeat it */
	if (!s->told_ready && !s->stopping && copy.role != ROLE_KEEPER && !copy.ready)
		s->broken = true;
	if (!s->stopping && !s->broken)
		ends[copy.role](s, &copy, status);
}

void events_children(struct supervisor *s)
{
	int status = 0;
	for (;;) {
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid <= 0)
			return;
		struct process *p = process_by_pid(s, pid);
		if (pid == s->checker)
			reload_checked(s, status);
		if (pid == s->tender)
			tend_ended(s, status);
		if (pid == s->compromising.pid)
			compromise_ended(s, status);
		if (p)
			ended(s, p, status);
	}
}

static bool all_ready(struct supervisor *s)
{
	for (size_t i = 0; i < PROCESSES_MAX; i++)
		if (s->processes[i].pid > 0 && !s->processes[i].ready)
			return false;
	for (size_t g = 0; g < s->plan.n_groups; g++)
		if (!process_find(s, ROLE_SIGNER, g) || !process_find(s, ROLE_ISSUER, g))
			return false;
	return process_find(s, ROLE_LEDGER, NO_GROUP) && process_find(s, ROLE_SIGNER, LOG_GROUP);
}

void events_maybe_ready(struct supervisor *s)
{
	if (s->told_ready || !all_ready(s))
		return;
	s->told_ready = true;
	LOG(LOG_INFO, "ready");
	(void)notify_send(s->plan.notify, LIT("READY=1\nSTATUS=serving"));
	tell_parent(s, CONTROL_READY, NULL);
}
