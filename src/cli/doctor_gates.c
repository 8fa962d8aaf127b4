/* What doctor looks at of gates on this host: does the policy that each serves by fit the authority?
 * Policies of gates elsewhere are looked at there, by `chancery gate -c FILE --check`. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "collector_plan.h"
#include "crypto/key.h"
#include "doctor.h"
#include "gate.h"
#include "log_begin.h"

enum { SECRET_MIN = 16 };

#define USUAL_POLICY "/etc/chancery/gate.yaml"

/* Who may change the policy opens mailboxes by it. */
static void rights(struct doctor *d, const char *file)
{
	struct stat st = { 0 };
	if (stat(file, &st) == 0 && (st.st_mode & 0022))
		finding(d, FINDING_PROBLEM, "others may change a gate's policy", str_from_c(file),
			"chmod go-w it, and look at what it says");
}

static const struct gate_log *log_of(const struct gate_config *g, str name)
{
	for (size_t i = 0; i < g->n_logs; i++)
		if (str_eq(g->logs[i].name, name))
			return &g->logs[i];
	return NULL;
}

static bool is_ours(const struct doctor *d, str issuer)
{
	for (size_t i = 0; i < d->a.config.n_realms; i++)
		if (str_eq(d->a.config.realms[i].issuer, issuer))
			return true;
	return false;
}

static void issuers(struct doctor *d, const struct policy_file *p)
{
	static struct log_facts facts;
	bool has_log = !failed(log_facts_read(&d->a, &facts));
	mem_wipe(facts.journal_key, sizeof(facts.journal_key));
	for (size_t i = 0; i < p->g.gate.n_issuers; i++) {
		const struct gate_issuer *g = &p->g.gate.issuers[i];
		const struct gate_log *l = log_of(&p->g.gate, g->log);
		if (!has_log || !is_ours(d, g->issuer))
			continue;
		if (!l)
			finding(d, FINDING_WARNING,
				"a gate does not hold this issuer's tokens against the log",
				g->issuer,
				"`logs` and the issuer's `log` in its policy: docs/GATE.md");
		else if (!str_eq(l->vkey, facts.vkey))
			finding(d, FINDING_PROBLEM,
				"a gate follows another log than this authority's", g->issuer,
				"give its policy DIR/log.vkey, which a restore makes anew");
	}
}

/* The secret that the collector has for this gate; false: it knows none of that name. */
static void credential(struct doctor *d, const struct policy_file *p)
{
	const struct config_collector *k = &d->a.config.collector;
	str name = p->g.gate.collector.client;
	uint8_t room[GATE_SECRET_MAX];
	str theirs = { 0 };
	if (name.n == 0 || k->host.n == 0)
		return;
	for (size_t i = 0; i < k->n_gates; i++) {
		if (!str_eq(k->gates[i].name, name))
			continue;
		ch_err e = collector_secret(&d->a, k->gates[i].secret_file, SECRET_MIN, room,
					    sizeof(room), &theirs);
		if (!failed(e) && !secret_eq(secret_bytes_of(bytes_of_str(theirs)),
					     secret_bytes_of(bytes_of_str(p->collector_secret))))
			finding(d, FINDING_PROBLEM,
				"a gate and the collector have different secrets", name,
				"copy the collector's to the gate's collector.secret_file");
		mem_wipe(room, sizeof(room));
		return;
	}
	finding(d, FINDING_WARNING, "a gate reports as one that the collector does not know", name,
		"add it to collector.gates of chancery.yaml, if it is to report here");
}

static void policy(struct doctor *d, const char *file)
{
	static struct policy_file p;
	p = (struct policy_file){ .name = file };
	rights(d, file);
	if (failed(policy_file_load(&p)) || !policy_file_check(&p)) {
		finding(d, FINDING_PROBLEM, "the policy of a gate is not good", str_from_c(file),
			"see above; `chancery gate -c FILE --check` says it again");
	} else {
		issuers(d, &p);
		credential(d, &p);
	}
	policy_file_done(&p);
	p.text = NULL;
}

void check_gates(struct doctor *d)
{
	struct path path;
	str left = wr_text(&d->gates);
	if (failed(crypto_init(NULL)))
		return;
	if (access(USUAL_POLICY, F_OK) == 0)
		policy(d, USUAL_POLICY);
	if (!failed(path_join(&path, str_from_c(d->a.dir.p), LIT("gate.yaml"), (str){ 0 })) &&
	    access(path.p, F_OK) == 0)
		policy(d, path.p);
	while (left.n > 0)
		if (!failed(path_of(&path, str_cut(&left, ' '))))
			policy(d, path.p);
}
