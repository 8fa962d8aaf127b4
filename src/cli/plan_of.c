/* The plan of an authority: each group with its issuer's configuration and its realms. */
#include "plan_of.h"

#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "collector_plan.h"
#include "libexec.h"
#include "listen.h"
#include "log_begin.h"
#include "refresh_key.h"
#include "sandbox/spawn.h"
#include "say.h"
#include "wire/boot.h"

enum {
	ISSUER_ROOM = 32 * 1024,
	LEDGER_ROOM = 1024,
	PLAN_ROOM = 256 * 1024,
	LOOKS_A_KEY = 48,
	LOOK_MAX_S = 3600
};

static uint8_t issuer_rooms[PLAN_GROUPS_MAX][ISSUER_ROOM], gate_room[ISSUER_ROOM],
	ledger_room[LEDGER_ROOM], plan_room[PLAN_ROOM];

/* The socket that listens there already, or a new one. */
static int listen_on(struct serving *s, str host, uint32_t *port, int *ret_fd)
{
	char where[PATH_CAP];
	struct wr w = wr_of(where, sizeof(where));
	ch_err e = listen_tcp_again(s->inherited, s->n_inherited, host, *port, ret_fd);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		e = listen_tcp(host, *port, ret_fd, port);
	if (!failed(e))
		return EXIT_YES;
	wr_str(&w, host);
	wr_char(&w, ':');
	wr_dec(&w, *port);
	return say_trouble("cannot listen on", wr_text(&w), e);
}

int serving_listen(struct serving *s, struct authority *a)
{
	int r = EXIT_YES;
	for (size_t i = 0; i < a->config.n_groups && r == EXIT_YES; i++) {
		struct config_group *g = &a->config.groups[i];
		r = listen_on(s, g->host, &g->port, &s->listen_fds[i]);
		s->n_listen = i + 1;
	}
	for (size_t i = 0; i < a->config.n_groups && r == EXIT_YES; i++) {
		struct config_group *g = &a->config.groups[i];
		if (g->monitor_host.n > 0)
			r = listen_on(s, g->monitor_host, &g->monitor_port,
				      &s->monitor_fds[s->n_monitors++]);
	}
	struct config_collector *k = &a->config.collector;
	if (r == EXIT_YES && k->host.n > 0)
		r = listen_on(s, k->host, &k->port, &s->collector_fd);
	return r;
}

/* What contrib/systemd/chancery.sysusers calls them. */
static const char *const uid_names[UID_SPAN] = {
	[UID_KEEPER] = "chancery-keeper",       [UID_WARDEN] = "chancery-warden",
	[UID_SIGNER] = "chancery-signer",       [UID_GATE] = "chancery-devgate",
	[UID_HASHER] = "chancery-hasher",       [UID_ISSUER] = "chancery-issuer0",
	[UID_ISSUER + 1] = "chancery-issuer1",  [UID_ISSUER + 2] = "chancery-issuer2",
	[UID_ISSUER + 3] = "chancery-issuer3",  [UID_LEDGER] = "chancery-ledger",
	[UID_COLLECTOR] = "chancery-collector",
};

static int check_uids(const struct authority *a)
{
	for (uint32_t i = 0; i < UID_SPAN; i++) {
		const struct passwd *p = getpwuid(a->config.uid_base + i);
		if (!p || strcmp(p->pw_name, uid_names[i]) == 0)
			continue;
		say("a user of this machine has a uid that a role would run under; change uid_base "
		    "in "
		    "chancery.yaml",
		    str_from_c(p->pw_name));
		return EXIT_TROUBLE;
	}
	return EXIT_YES;
}

static int check_reach(const struct authority *a)
{
	struct path at = a->dir;
	struct stat st;
	for (size_t n = str_from_c(at.p).n; n > 1; n--) {
		if (at.p[n] != 0 && at.p[n] != '/')
			continue;
		at.p[n] = 0;
		if (stat(at.p, &st) == 0 && !(st.st_mode & S_IXOTH)) {
			say("the roles' own uids cannot pass this folder: make it o+x or choose "
			    "another "
			    "place",
			    str_from_c(at.p));
			return EXIT_TROUBLE;
		}
	}
	return EXIT_YES;
}

int serving_check(const struct authority *a)
{
	if (geteuid() != 0)
		return EXIT_YES;
	int r = check_uids(a);
	return r == EXIT_YES ? check_reach(a) : r;
}

static struct issuer_realm issuer_realm_of(const struct config_realm *m)
{
	struct issuer_realm r = { .name = m->name,
				  .issuer = m->issuer,
				  .issues = m->issues,
				  .access_ttl_s = m->access_ttl_s,
				  .id_ttl_s = m->id_ttl_s,
				  .code_ttl_s = m->code_ttl_s,
				  .refresh_ttl_s = m->refresh_ttl_s,
				  .refresh_idle_s = m->refresh_idle_s,
				  .refresh_window_s = m->refresh_window_s,
				  .session_ttl_s = m->session_ttl_s,
				  .session_idle_s = m->session_idle_s,
				  .dpop_required = m->dpop == 1,
				  .dpop_nonce = m->dpop_nonce,
				  .par_required = m->par == 1,
				  .n_audiences = m->n_audiences,
				  .n_scopes = m->n_scopes,
				  .n_scope_texts = m->n_scope_texts };
	for (size_t i = 0; i < m->n_audiences; i++)
		r.audiences[i] = m->audiences[i];
	for (size_t i = 0; i < m->n_scopes; i++)
		r.scopes[i] = m->scopes[i];
	for (size_t i = 0; i < m->n_scope_texts; i++)
		r.scope_texts[i] = m->scope_texts[i];
	return r;
}

/* Which of the monitors' sockets is this group's. */
static size_t monitor_of(const struct serving *s, size_t group)
{
	size_t n = 0;
	for (size_t i = 0; i < group; i++)
		n += s->a->config.groups[i].monitor_host.n > 0;
	return n;
}

/* The log is served once there is one. */
static ch_err log_folder(const struct serving *s, struct path *ret_p)
{
	*ret_p = (struct path){ "" };
	if (faccessat(s->a->fd, "log", F_OK, 0) != 0)
		return CH_DONE;
	return path_join(ret_p, str_from_c(s->a->dir.p), LIT("log"), (str){ 0 });
}

static ch_err plan_group_of(const struct serving *s, size_t i, struct plan_group *ret_g)
{
	const struct config_group *g = &s->a->config.groups[i];
	struct issuer_config c = { .group = g->name,
				   .dev = s->dev,
				   .has_monitor = g->monitor_host.n > 0,
				   .log_requests = s->a->config.log_requests,
				   .jwks_max_age_s = s->a->config.jwks_max_age_s,
				   .n_fronts = g->n_fronts,
				   .n_realms = g->n_realms };
	struct wr w = wr_of(issuer_rooms[i], ISSUER_ROOM);
	struct path store, revocations, log;
	TRY(authority_store(s->a, g->name, &store));
	TRY(path_join(&revocations, str_from_c(s->a->dir.p), LIT("revocations"), (str){ 0 }));
	TRY(log_folder(s, &log));
	TRY(refresh_key_of(s->a, g->name, c.refresh_key));
	c.store = str_from_c(store.p);
	c.revocations = str_from_c(revocations.p);
	c.log = str_from_c(log.p);
	c.log_public = s->a->config.log_public;
	*ret_g = (struct plan_group){ .name = g->name,
				      .listen_fd = (uint32_t)(PLAN_FIRST_LISTEN_FD + i),
				      .n_realms = g->n_realms };
	if (c.has_monitor)
		ret_g->monitor_fd =
			(uint32_t)(PLAN_FIRST_LISTEN_FD + s->n_listen + monitor_of(s, i));
	for (size_t k = 0; k < g->n_fronts; k++)
		c.fronts[k] = g->fronts[k];
	for (size_t k = 0; k < g->n_realms; k++) {
		const struct config_realm *m = authority_realm(s->a, g->realms[k]);
		c.realms[k] = issuer_realm_of(m);
		/* people log in only where tokens are issued */
		c.has_hasher |= m->issues;
		ret_g->realms[k] = (struct signer_realm){ .name = m->name,
							  .issuer = m->issuer,
							  .rate_per_s = m->rate_per_s };
	}
	ret_g->has_hasher = c.has_hasher;
	issuer_config_write(&w, &c);
	TRY(wr_done(&w));
	ret_g->issuer = wr_bytes(&w);
	return CH_DONE;
}

/* Often enough that a key is made in time, and one whose time is over goes soon. */
static uint32_t keys_look_s(const struct config *c)
{
	uint32_t look_s = c->key_sign_s / LOOKS_A_KEY;
	return look_s < 1 ? 1 : look_s > LOOK_MAX_S ? LOOK_MAX_S : look_s;
}

/* The ledger is handed its part, and each signer the key of the journal. */
static ch_err plan_log(const struct serving *s, struct plan *p)
{
	static struct log_facts facts;
	struct wr w = wr_of(ledger_room, sizeof(ledger_room));
	TRY(log_facts_read(s->a, &facts));
	const struct ledger_config c = { .origin = facts.key.name,
					 .vkey = facts.vkey,
					 .journal_days = s->a->config.log_journal_days };
	ledger_config_write(&w, &c);
	TRY(wr_done(&w));
	p->ledger = wr_bytes(&w);
	p->log_origin = facts.key.name;
	mem_copy(p->journal_key, facts.journal_key, sizeof(p->journal_key));
	return CH_DONE;
}

static ch_err plan_of(const struct serving *s, str libexec, str cli, struct plan *p)
{
	const struct config *c = &s->a->config;
	*p = (struct plan){ .dir = str_from_c(s->a->dir.p),
			    .libexec = libexec,
			    .dev = s->dev,
			    .events = s->events,
			    .uid_base = geteuid() == 0 ? c->uid_base : 0,
			    .secret_memory = s->secret_memory,
			    .passphrase_fd = PLAN_PASSPHRASE_FD,
			    .cli = cli,
			    .notify = s->notify.address,
			    .watchdog_us = s->notify.watchdog_us,
			    .keys_look_s = keys_look_s(c),
			    .n_groups = c->n_groups };
	TRY(plan_log(s, p));
	for (size_t i = 0; i < c->n_groups; i++)
		TRY(plan_group_of(s, i, &p->groups[i]));
	if (s->gate) {
		struct wr w = wr_of(gate_room, sizeof(gate_room));
		gate_config_write(&w, s->gate);
		TRY(wr_done(&w));
		struct plan_gate *g = &p->gates[p->n_gates++];
		*g = (struct plan_gate){ .listen_fd =
						 (uint32_t)(PLAN_FIRST_LISTEN_FD + c->n_groups),
					 .config = wr_bytes(&w) };
		if (s->gate_fetcher)
			TRY(plan_fetcher(s->gate_fetcher, &g->fetcher));
	}
	p->collector.listen_fd = (uint32_t)(PLAN_FIRST_LISTEN_FD + s->n_listen + s->n_monitors);
	return plan_collector(s->a, &p->collector);
}

ch_err serving_prepare(const struct serving *s, struct spawn *ret_spawn, int *ret_boot,
		       int *ret_program)
{
	static struct plan p;
	struct path libexec, program, cli;
	struct wr w = wr_of(plan_room, sizeof(plan_room));
	TRY(authority_make_revocations(s->a));
	TRY(authority_make_collector(s->a));
	TRY(log_ensure(s->a, s->passphrase_fd));
	TRY(libexec_folder(&libexec));
	TRY(program_itself(&cli));
	TRY(plan_of(s, str_from_c(libexec.p), str_from_c(cli.p), &p));
	plan_write(&w, &p);
	TRY(wr_done(&w));
	TRY(path_join(&program, str_from_c(libexec.p), LIT("supervisor"), (str){ 0 }));
	TRY(spawn_open(program.p, ret_program));
	TRY(boot_make(LIT("supervisor"), wr_bytes(&w), ret_boot));
	*ret_spawn = (struct spawn){ .program = *ret_program,
				     .name = "chancery-supervisor",
				     .gate = -1,
				     .n_fds = 3,
				     .fds = { *ret_boot, -1, s->passphrase_fd } };
	for (size_t i = 0; i < s->n_listen; i++)
		ret_spawn->fds[ret_spawn->n_fds++] = s->listen_fds[i];
	for (size_t i = 0; i < s->n_monitors; i++)
		ret_spawn->fds[ret_spawn->n_fds++] = s->monitor_fds[i];
	if (s->a->config.collector.host.n > 0)
		ret_spawn->fds[ret_spawn->n_fds++] = s->collector_fd;
	return CH_DONE;
}
