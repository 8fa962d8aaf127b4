/* Each role with its configuration, its sockets and its uid. Descriptors are placed by
 * order; see boot.h and PROTOCOL.md. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "sandbox/spawn.h"
#include "supervisor_internal.h"

enum { CONFIG_ROOM = 320 * 1024 };

static uint8_t config_room[CONFIG_ROOM], key_room[CONFIG_ROOM];

struct launch {
	bytes config;
	enum role_uid uid;
	int fds[SPAWN_FDS_MAX]; /* the role's own, from ROLE_FD on */
	size_t n_fds;
	int gate; /* the child's end */
};

ch_err launch_open_programs(struct supervisor *s)
{
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		struct path path;
		TRY(path_join(&path, s->plan.libexec, str_from_c(role_name((enum role)i)),
			      (str){ 0 }));
		ch_err e = spawn_open(path.p, &s->programs[i]);
		if (failed(e)) {
			LOG(LOG_ERROR, "cannot open a program",
			    log_str("path", str_from_c(path.p)));
			return e;
		}
	}
	return CH_DONE;
}

static pid_t warden_pid(struct supervisor *s)
{
	struct process *w = process_find(s, ROLE_WARDEN, NO_GROUP);
	return w ? w->pid : 0;
}

static ch_err launch(struct supervisor *s, struct process *p, const struct launch *l)
{
	AUTO(fd_close) int boot = -1;
	int control[2] = { -1, -1 };
	TRY(boot_make(str_from_c(role_name(p->role)), l->config, &boot));
	TRY(channel_pair(control));
	p->control = control[0];
	AUTO(fd_close) int theirs = control[1];
	struct spawn spawn = {
		.program = s->programs[p->role],
		.name = role_process_name(p->role),
		.uid = s->plan.uid_base ? s->plan.uid_base + (uint32_t)l->uid : 0,
		.keep_ptrace = p->role == ROLE_WARDEN,
		.fds = { boot, theirs },
		.n_fds = 2,
		.gate = l->gate,
		.tracer = p->role == ROLE_SIGNER ? warden_pid(s) : 0,
	};
	for (size_t i = 0; i < l->n_fds; i++)
		spawn.fds[spawn.n_fds++] = l->fds[i];
	ch_err e = spawn_role(&spawn, &p->pid);
	if (failed(e)) {
		fd_close(&p->control);
		return e;
	}
	p->started_ns = clock_mono_ns();
	p->looked_ns = p->started_ns;
	tell_parent(s, CONTROL_UP, p);
	return CH_DONE;
}

static ch_err new_process(struct supervisor *s, enum role role, size_t group,
			  struct process **ret_p)
{
	*ret_p = process_add(s, role, group);
	return *ret_p ? CH_DONE : ch_fail(CH_E_LIMIT, "too many processes", PROCESSES_MAX);
}

/* Each keeper reads it from the start, with a position of its own: one whose warden died
 * may still be reading. */
static ch_err passphrase_again(struct supervisor *s, int *ret_fd)
{
	struct path path = { "" };
	struct wr w = wr_of(path.p, sizeof(path.p) - 1);
	wr_lit(&w, "/proc/self/fd/");
	wr_dec(&w, s->plan.passphrase_fd);
	TRY(wr_done(&w));
	path.p[w.n] = 0;
	*ret_fd = open(path.p, O_RDONLY | O_CLOEXEC);
	if (*ret_fd < 0)
		return ch_fail(CH_E_IO,
			       "cannot read the passphrase again: start the authority anew", errno);
	return CH_DONE;
}

static ch_err launch_keeper(struct supervisor *s, int warden_socket)
{
	AUTO(fd_close) int passphrase = -1;
	struct process *p = NULL;
	struct wr w = wr_of(config_room, sizeof(config_room));
	struct wr keys = wr_of(key_room, sizeof(key_room));
	struct keeper_config c = { .duty = KEEPER_UNLOCK, .secret_memory = s->plan.secret_memory };
	TRY(kdf_file_bytes(s, &keys, &c.kdf));
	keeper_config_write(&w, &c);
	TRY(wr_done(&w));
	TRY(passphrase_again(s, &passphrase));
	TRY(new_process(s, ROLE_KEEPER, NO_GROUP, &p));
	const struct launch l = { .config = wr_bytes(&w),
				  .uid = UID_KEEPER,
				  .gate = -1,
				  .fds = { passphrase, warden_socket },
				  .n_fds = 2 };
	return launch(s, p, &l);
}

ch_err launch_warden(struct supervisor *s)
{
	int pair[2] = { -1, -1 };
	struct process *p = NULL;
	struct wr w = wr_of(config_room, sizeof(config_room));
	const struct warden_config c = { .secret_memory = s->plan.secret_memory };
	warden_config_write(&w, &c);
	TRY(channel_pair(pair));
	AUTO(fd_close) int for_warden = pair[0];
	AUTO(fd_close) int for_keeper = pair[1];
	TRY(new_process(s, ROLE_WARDEN, NO_GROUP, &p));
	const struct launch l = { .config = wr_bytes(&w),
				  .uid = UID_WARDEN,
				  .gate = -1,
				  .fds = { for_warden },
				  .n_fds = 1 };
	TRY(launch(s, p, &l));
	return launch_keeper(s, for_keeper);
}

static ch_err launch_hasher(struct supervisor *s, size_t group, int socket)
{
	struct process *p = NULL;
	TRY(new_process(s, ROLE_HASHER, group, &p));
	const struct launch l = { .uid = UID_HASHER, .gate = -1, .fds = { socket }, .n_fds = 1 };
	return launch(s, p, &l);
}

ch_err launch_issuer(struct supervisor *s, size_t group)
{
	const struct plan_group *g = &s->plan.groups[group];
	int pair[2] = { -1, -1 };
	struct process *p = NULL;
	TRY(channel_pair(pair));
	AUTO(fd_close) int for_issuer = pair[0];
	AUTO(fd_close) int for_hasher = pair[1];
	TRY(new_process(s, ROLE_ISSUER, group, &p));
	struct launch l = { .config = g->issuer,
			    .uid = (enum role_uid)(UID_ISSUER + (unsigned)group),
			    .gate = -1,
			    .fds = { (int)g->listen_fd, for_issuer },
			    .n_fds = g->has_hasher ? 2 : 1 };
	if (g->monitor_fd > 0)
		l.fds[l.n_fds++] = (int)g->monitor_fd;
	TRY(launch(s, p, &l));
	return g->has_hasher ? launch_hasher(s, group, for_hasher) : CH_DONE;
}

/* It says nothing of itself: its parent does not talk, and its worker has no other socket than that
 * of who asks. It ends with the last end of that. */
static ch_err launch_fetcher(struct supervisor *s, size_t group, bytes config, int socket)
{
	struct process *p = NULL;
	TRY(new_process(s, ROLE_FETCHER, group, &p));
	const struct launch l = { .config = config,
				  .uid = group == FETCHER_COLLECTOR ? UID_COLLECTOR : UID_GATE,
				  .gate = -1,
				  .fds = { socket },
				  .n_fds = 1 };
	TRY(launch(s, p, &l));
	p->ready = true;
	return CH_DONE;
}

/* A role and, if it has one, its fetcher, which share a socket. */
static ch_err launch_with_fetcher(struct supervisor *s, struct process *p, struct launch *l,
				  bytes fetcher, size_t group)
{
	int pair[2] = { -1, -1 };
	if (fetcher.n == 0)
		return launch(s, p, l);
	TRY(channel_pair(pair));
	AUTO(fd_close) int ours = pair[0];
	AUTO(fd_close) int theirs = pair[1];
	l->fds[l->n_fds++] = ours;
	TRY(launch(s, p, l));
	return launch_fetcher(s, group, fetcher, theirs);
}

ch_err launch_gate(struct supervisor *s, size_t gate)
{
	const struct plan_gate *g = &s->plan.gates[gate];
	struct process *p = NULL;
	TRY(new_process(s, ROLE_GATE, gate, &p));
	struct launch l = { .config = g->config,
			    .uid = UID_GATE,
			    .gate = -1,
			    .fds = { (int)g->listen_fd },
			    .n_fds = 1 };
	return launch_with_fetcher(s, p, &l, g->fetcher, gate);
}

ch_err launch_collector(struct supervisor *s, size_t none)
{
	const struct plan_collector *c = &s->plan.collector;
	struct process *p = NULL;
	(void)none;
	if (c->config.n == 0)
		return CH_DONE;
	TRY(new_process(s, ROLE_COLLECTOR, NO_GROUP, &p));
	struct launch l = { .config = c->config,
			    .uid = UID_COLLECTOR,
			    .gate = -1,
			    .fds = { (int)c->listen_fd },
			    .n_fds = 1 };
	return launch_with_fetcher(s, p, &l, c->fetcher, FETCHER_COLLECTOR);
}

ch_err launch_ledger(struct supervisor *s)
{
	struct process *p = NULL;
	TRY(new_process(s, ROLE_LEDGER, NO_GROUP, &p));
	const struct launch l = { .config = s->plan.ledger,
				  .uid = UID_LEDGER,
				  .gate = -1,
				  .fds = { s->log_listener, s->log_folder },
				  .n_fds = 2 };
	return launch(s, p, &l);
}

static ch_err heads_config_of(struct supervisor *s, struct wr *w)
{
	static struct signer_config c;
	struct wr keys = wr_of(key_room, sizeof(key_room));
	c = (struct signer_config){ .secret_memory = s->plan.secret_memory,
				    .n_realms = 1,
				    .realms = { { .name = LOG_REALM } },
				    .log_origin = s->plan.log_origin,
				    .has_head = s->has_head };
	c.head.size = s->head.size;
	mem_copy(c.head.root, s->head.root, sizeof(c.head.root));
	TRY(kdf_file_bytes(s, &keys, &c.kdf));
	TRY(key_files_read(s, LOG_REALM, &keys, &c, &c.realms[0].n_keys));
	signer_config_write(w, &c);
	return wr_done(w);
}

static ch_err signer_config_of(struct supervisor *s, const struct plan_group *g, struct wr *w)
{
	static struct signer_config c;
	struct wr keys = wr_of(key_room, sizeof(key_room));
	c = (struct signer_config){ .secret_memory = s->plan.secret_memory,
				    .n_realms = g->n_realms };
	mem_copy(c.journal_key, s->plan.journal_key, sizeof(c.journal_key));
	TRY(kdf_file_bytes(s, &keys, &c.kdf));
	for (size_t i = 0; i < g->n_realms; i++) {
		c.realms[i] = g->realms[i];
		c.realms[i].first_key = c.n_keys;
		TRY(key_files_read(s, g->realms[i].name, &keys, &c, &c.realms[i].n_keys));
	}
	signer_config_write(w, &c);
	return wr_done(w);
}

static ch_err status_page(int *ret_fd)
{
	AUTO(fd_close) int fd = memfd_create("signer-status", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 4096) != 0)
		return ch_fail(CH_E_IO, "cannot make a status page", errno);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

/* The signer's ends of its realm sockets are the launch's; ours wait in p->sockets. */
static ch_err realm_sockets(struct process *p, size_t n, struct launch *l)
{
	for (size_t i = 0; i < n; i++) {
		int pair[2] = { -1, -1 };
		TRY(channel_pair(pair));
		p->sockets[i] = pair[0];
		l->fds[l->n_fds++] = pair[1];
	}
	return CH_DONE;
}

static ch_err ledger_socket(struct process *p, struct launch *l)
{
	int pair[2] = { -1, -1 };
	TRY(channel_pair(pair));
	p->ledger_socket = pair[0];
	l->fds[l->n_fds++] = pair[1];
	return CH_DONE;
}

static ch_err launch_signer_with(struct supervisor *s, struct process *p, struct launch *l)
{
	struct wr w = wr_of(config_room, sizeof(config_room));
	TRY(ledger_socket(p, l));
	if (p->group == LOG_GROUP) {
		TRY(heads_config_of(s, &w));
	} else {
		const struct plan_group *g = &s->plan.groups[p->group];
		TRY(signer_config_of(s, g, &w));
		TRY(realm_sockets(p, g->n_realms, l));
	}
	l->config = wr_bytes(&w);
	return launch(s, p, l);
}

ch_err launch_signer(struct supervisor *s, struct process *p, int *ret_key, int *ret_status)
{
	int key[2] = { -1, -1 }, gate[2] = { -1, -1 };
	AUTO(fd_close) int status = -1;
	TRY(channel_pair(key));
	AUTO(fd_close) int key_theirs = key[0];
	AUTO(fd_close) int key_wardens = key[1];
	TRY(status_page(&status));
	if (pipe2(gate, O_CLOEXEC) != 0)
		return ch_fail(CH_E_IO, "cannot make a pipe", errno);
	AUTO(fd_close) int gate_theirs = gate[0];
	p->gate_end = gate[1];
	struct launch l = {
		.uid = UID_SIGNER, .gate = gate_theirs, .fds = { key_theirs, status }, .n_fds = 2
	};
	ch_err e = launch_signer_with(s, p, &l);
	for (size_t i = 2; i < l.n_fds; i++)
		fd_close(&l.fds[i]);
	if (failed(e))
		return e;
	*ret_key = TAKE_FD(key_wardens);
	*ret_status = TAKE_FD(status);
	return CH_DONE;
}
