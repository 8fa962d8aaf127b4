/* The processes that we started. */
#include <sys/mman.h>

#include "base/file.h"
#include "base/log.h"
#include "supervisor_internal.h"

static const struct {
	const char *name, *process;
} roles[ROLE_COUNT] = {
	[ROLE_KEEPER] = { "keeper", "chancery-keeper" },
	[ROLE_WARDEN] = { "warden", "chancery-warden" },
	[ROLE_SIGNER] = { "signer", "chancery-signer" },
	[ROLE_ISSUER] = { "issuer", "chancery-issuer" },
	[ROLE_HASHER] = { "hasher", "chancery-hasher" },
	[ROLE_GATE] = { "gate", "chancery-gate" },
	[ROLE_COLLECTOR] = { "collector", "chancery-collector" },
	[ROLE_FETCHER] = { "fetcher", "chancery-fetcher" },
	[ROLE_LEDGER] = { "ledger", "chancery-ledger" },
};

const char *role_name(enum role r)
{
	return roles[r].name;
}

const char *role_process_name(enum role r)
{
	return roles[r].process;
}

str group_name(const struct supervisor *s, size_t group)
{
	return group == LOG_GROUP ? LOG_REALM : s->plan.groups[group].name;
}

size_t group_at(const struct supervisor *s, size_t i)
{
	return i < s->plan.n_groups ? i : LOG_GROUP;
}

size_t group_count(const struct supervisor *s)
{
	return s->plan.n_groups + 1;
}

struct process *process_add(struct supervisor *s, enum role role, size_t group)
{
	for (size_t i = 0; i < PROCESSES_MAX; i++) {
		struct process *p = &s->processes[i];
		if (p->pid != 0)
			continue;
		*p = (struct process){ .role = role,
				       .group = group,
				       .control = -1,
				       .gate_end = -1,
				       .ledger_socket = -1 };
		for (size_t k = 0; k < REALMS_MAX; k++)
			p->sockets[k] = -1;
		return p;
	}
	return NULL;
}

struct process *process_by_pid(struct supervisor *s, pid_t pid)
{
	for (size_t i = 0; i < PROCESSES_MAX; i++)
		if (pid > 0 && s->processes[i].pid == pid)
			return &s->processes[i];
	return NULL;
}

struct process *process_find(struct supervisor *s, enum role role, size_t group)
{
	for (size_t i = 0; i < PROCESSES_MAX; i++) {
		struct process *p = &s->processes[i];
		if (p->pid > 0 && p->role == role && p->group == group &&
		    (role != ROLE_SIGNER || p->current))
			return p;
	}
	return NULL;
}

void tell_parent(struct supervisor *s, enum control_kind kind, const struct process *p)
{
	struct control c = { .kind = kind };
	if (!s->plan.events)
		return;
	if (p) {
		c.pid = (uint32_t)p->pid;
		c.name = str_from_c(role_name(p->role));
	}
	ch_err e = control_send(CONTROL_FD, &c, NULL);
	if (failed(e) && !s->stopping)
		LOG(LOG_WARN, "cannot report to the one who started us", log_err(e));
}

void process_gone(struct supervisor *s, struct process *p)
{
	tell_parent(s, CONTROL_DOWN, p);
	fd_close(&p->control);
	fd_close(&p->gate_end);
	fd_close(&p->ledger_socket);
	for (size_t k = 0; k < REALMS_MAX; k++)
		fd_close(&p->sockets[k]);
	if (p->status)
		(void)munmap((void *)(uintptr_t)p->status, STATUS_SIZE);
	p->status = NULL;
	p->pid = 0;
}
