/* A gate's parts, made from its configuration. The configuration is trusted for its
 * meaning; what it leaves wide open is said in the log. */
#include <errno.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/log.h"
#include "gate_internal.h"

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

ch_err gate_prepare(struct gate *g, int proofs_fd)
{
	g->started_s = clock_unix_s();
	if (g->config.introspects)
		TRY(basic_init(&g->basic, g->config.client_id, g->config.client_secret));
	if (g->config.introspects)
		prepare_mail(g);
	if (g->config.checks)
		TRY(prepare_proofs(g, proofs_fd));
	g->nonces.slice_s = g->config.dpop.nonce_slice_s;
	mem_copy(g->nonces.key, g->config.nonce_key, sizeof(g->nonces.key));
	const struct gate_evidence *e = &g->config.evidence;
	junk_init(&g->junk, &(struct junk_limits){ e->junk_burst_us, e->junk_us_per_s });
	refusals_init(&g->refusals, e->refusals_per_minute);
	g->metrics.reloads = g->config.reloads;
	g->metrics.reloads_failed = g->config.reloads_failed;
	return keys_open(&g->keys, &g->config, gate_fetcher_fd(&g->config));
}
