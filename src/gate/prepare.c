/* A gate's parts, made from its configuration. The configuration is trusted for its
 * meaning; what it leaves wide open is said in the log. */
#include <sys/mman.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "gate_internal.h"
#include "wire/boot.h"

enum { HANDOVER_MS = 30000 };

static void prepare_mail(struct gate *g)
{
	for (size_t i = 0; i < g->config.n_issuers; i++) {
		const struct gate_issuer *from = &g->config.issuers[i];
		g->issuers[i] = (struct introspect_issuer){ from->issuer, from->mailboxes,
							    from->n_mailboxes };
		if (from->n_mailboxes == 0)
			LOG(LOG_ALARM,
			    "realm has no mailbox rule: its tokens open EVERY mailbox; "
			    "give it a line under `mailboxes` in the policy",
			    log_str("realm", from->realm), log_str("issuer", from->issuer));
	}
	g->rules = (struct introspect_rules){ g->config.scope, g->issuers, g->config.n_issuers };
}

/* Generations of a gate share what was used before; a gate alone begins with nothing. */
static ch_err prepare_proofs(struct gate *g, int fd)
{
	size_t proofs = g->config.dpop.proofs, size = replay_size(proofs);
	int flags = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	void *p = size ? mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0) : MAP_FAILED;
	if (p == MAP_FAILED)
		return ch_fail(CH_E_NOMEM, "no memory for used proofs", size);
	if (fd >= 0)
		return replay_attach(p, size, proofs, &g->replay);
	return replay_init(p, size, proofs, &g->replay);
}

/* Pages that no token has used are not there: it costs what the load needs. */
static ch_err prepare_cache(struct gate *g)
{
	const struct gate_cache *c = &g->config.cache;
	if (c->tokens == 0)
		return CH_DONE;
	size_t size = token_cache_size(c->tokens, c->token_max);
	void *p = size ? mmap(NULL, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
		       : MAP_FAILED;
	if (p == MAP_FAILED)
		return ch_fail(CH_E_NOMEM, "no memory for verified tokens", size);
	return token_cache_init(p, size, c->tokens, c->token_max, &g->cache);
}

static ch_err prepare_sightings(struct gate *g)
{
	const struct gate_evidence *e = &g->config.evidence;
	const struct sightings_limits limits = {
		.total_bytes = (uint64_t)e->total_mb << 20,
		.keep_s = (int64_t)e->keep_days * 86400,
		.sync_ms = e->sync_ms,
		.wait_ms = g->config.waits ? HANDOVER_MS : 0,
		.fail_open = e->fail_open,
	};
	struct path folder;
	uint64_t cut = 0;
	if (e->folder.n == 0)
		return CH_DONE;
	TRY(path_of(&folder, e->folder));
	return sightings_open(folder.p, &limits, &g->sightings, &cut);
}

bool gate_is_cold(struct gate *g)
{
	uint64_t id = g->keys.policy ? policy_id(g->keys.policy) : 0;
	if (id != g->warmed) {
		g->warmed = id;
		g->warm_step = 0;
		g->warm = id == 0;
	}
	return !g->warm;
}

bool gate_warm(struct gate *g)
{
	if (gate_is_cold(g))
		g->warm = !policy_warm_step(g->keys.policy, &g->warm_step);
	return !g->warm;
}

static void told_other(void *ctx, const struct fetch_told *t)
{
	struct gate *g = ctx;
	revocations_told(&g->revocations, t);
	logs_told(&g->logs, t);
}

ch_err gate_prepare(struct gate *g, int proofs_fd)
{
	g->started_s = clock_unix_s();
	if (g->config.introspects)
		TRY(basic_init(&g->basic, g->config.client_id, g->config.client_secret));
	if (g->config.introspects)
		prepare_mail(g);
	if (g->config.checks)
		TRY(prepare_proofs(g, proofs_fd));
	TRY(prepare_cache(g));
	TRY(prepare_sightings(g));
	TRY(key_work_new(&g->scratch.work));
	g->nonces.slice_s = g->config.dpop.nonce_slice_s;
	mem_copy(g->nonces.key, g->config.nonce_key, sizeof(g->nonces.key));
	const struct gate_evidence *e = &g->config.evidence;
	junk_init(&g->junk, &(struct junk_limits){ e->junk_burst_us, e->junk_us_per_s });
	refusals_init(&g->refusals, e->refusals_per_minute);
	g->metrics.reloads = g->config.reloads;
	g->metrics.reloads_failed = g->config.reloads_failed;
	TRY(keys_open(&g->keys, &g->config, gate_fetcher_fd(&g->config)));
	TRY(revocations_open(&g->revocations, &g->config, gate_fetcher_fd(&g->config)));
	if (g->config.reports)
		reports_open(gate_fetcher_fd(&g->config), g->sightings, &g->reports);
	g->keys.posted = reports_posted;
	g->keys.posted_ctx = g->reports;
	TRY(logs_open(&g->logs, &g->config, g->config.supervised ? CONTROL_FD : -1,
		      gate_fetcher_fd(&g->config)));
	g->keys.other = told_other;
	g->keys.other_ctx = g;
	/* nobody waits yet, or another generation serves */
	while (gate_warm(g))
		;
	return CH_DONE;
}
