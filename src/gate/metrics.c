/* What the gate counts, in Prometheus' text format 0.0.4. A series is there from the start,
 * at 0, so that an alert on it can be written before it happens. Label values are ours or
 * the policy's and escaped all the same. */
#include "metrics.h"

#include "codec/json.h"

static const struct prom_bounds bounds = {
	(const uint64_t[]){ 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000,
			    5000000, 20000000 },
	(const char *const[]){ "1e-06", "2e-06", "5e-06", "1e-05", "2e-05", "5e-05", "0.0001",
			       "0.0002", "0.0005", "0.001", "0.005", "0.02" },
	12,
};
static const str endpoints[METRICS_ENDPOINT_COUNT] = { { "introspect", 10 }, { "auth", 4 } };

void metrics_verdict(struct metrics *m, enum metrics_endpoint at, enum token_code code,
		     uint64_t judged_ns)
{
	m->verdicts[at][code]++;
	prom_time(&m->judged, &bounds, judged_ns);
}

static void put_by_label(const struct prom *p, str name, const char *label,
			 const struct prom_label *values, const uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct prom_label l = { label, values[i].value };
		prom_u64(p, name, (struct prom_labels){ &l, 1 }, v[i]);
	}
}

/* --- what there is to say --- */

static void put_verdicts(const struct prom *p, const struct metrics *m)
{
	uint64_t foreign = 0;
	prom_head(p, LIT("verdicts_total"), "counter", "Tokens judged, by endpoint and code.");
	for (size_t at = 0; at < METRICS_ENDPOINT_COUNT; at++) {
		for (size_t code = 0; code < TOKEN_CODE_COUNT; code++) {
			const struct prom_label l[] = {
				{ "endpoint", endpoints[at] },
				{ "code", token_code_name((enum token_code)code) },
			};
			prom_u64(p, LIT("verdicts_total"), (struct prom_labels){ l, COUNT_OF(l) },
				 m->verdicts[at][code]);
		}
		foreign += m->verdicts[at][TOKEN_foreign_key];
	}
	prom_one(p, LIT("foreign_key_total"), "counter",
		 "Tokens that name one issuer and another one's key: alarm on any increase.",
		 foreign);
}

static void put_judged(const struct prom *p, const struct metrics *m)
{
	prom_head(p, LIT("judgement_seconds"), "histogram", "Time to judge a token.");
	prom_times_write(p, LIT("judgement_seconds"), PROM_NONE, &bounds, &m->judged);
}

struct issuer_row {
	str name;
	const char *help;
	int64_t (*value)(const struct metrics_issuer *is);
	bool followed; /* only of those whose revocations are followed */
};

static int64_t issuer_keys(const struct metrics_issuer *is)
{
	return (int64_t)is->keys;
}

static int64_t issuer_keys_age(const struct metrics_issuer *is)
{
	return is->age_s;
}

static int64_t issuer_keys_generation(const struct metrics_issuer *is)
{
	return (int64_t)is->generation;
}

static int64_t issuer_revoked(const struct metrics_issuer *is)
{
	return (int64_t)is->revoked;
}

static int64_t issuer_revocations_age(const struct metrics_issuer *is)
{
	return is->revocations_age_s;
}

static int64_t issuer_revocations_ok(const struct metrics_issuer *is)
{
	return is->heard;
}

static const struct issuer_row issuer_rows[] = {
	{ { "issuer_keys", 11 },
	  "Keys that tokens of this issuer are verified with.",
	  issuer_keys,
	  false },
	{ { "issuer_keys_age_seconds", 23 },
	  "Time since the issuer's key set was last confirmed; -1: never.",
	  issuer_keys_age,
	  false },
	{ { "issuer_keys_generation", 22 },
	  "Counts up when the issuer's keys change.",
	  issuer_keys_generation,
	  false },
	{ { "issuer_revocations", 18 }, "Revocations that are remembered.", issuer_revoked, true },
	{ { "issuer_revocations_age_seconds", 30 },
	  "Time since the issuer's revocations were heard; -1: never.",
	  issuer_revocations_age,
	  true },
	{ { "issuer_revocations_ok", 21 },
	  "1: revocations are heard; 0: all tokens of the issuer are refused.",
	  issuer_revocations_ok,
	  true },
};

static void put_issuers(const struct prom *p, const struct metrics_now *now)
{
	bool any_followed = false;
	for (size_t i = 0; i < now->n_issuers; i++)
		any_followed = any_followed || now->issuers[i].followed;
	for (size_t r = 0; r < COUNT_OF(issuer_rows); r++) {
		const struct issuer_row *row = &issuer_rows[r];
		if (row->followed && !any_followed)
			continue;
		prom_head(p, row->name, "gauge", row->help);
		for (size_t i = 0; i < now->n_issuers; i++) {
			const struct metrics_issuer *is = &now->issuers[i];
			const struct prom_label l[] = { { "issuer", is->issuer },
							{ "realm", is->realm } };
			if (row->followed && !is->followed)
				continue;
			prom_i64(p, row->name, (struct prom_labels){ l, COUNT_OF(l) },
				 row->value(is));
		}
	}
}

struct log_row {
	str name;
	const char *help;
	int64_t (*value)(const struct metrics_log *l);
};

static int64_t log_ok(const struct metrics_log *l)
{
	return l->ok;
}

static int64_t log_size(const struct metrics_log *l)
{
	return (int64_t)l->size;
}

static int64_t log_head_age(const struct metrics_log *l)
{
	return l->head_age_s;
}

static int64_t log_live(const struct metrics_log *l)
{
	return (int64_t)l->live;
}

static int64_t log_live_bytes(const struct metrics_log *l)
{
	return (int64_t)l->live_bytes;
}

static const struct log_row log_rows[] = {
	{ { "log_ok", 6 },
	  "1: the log is up to date; 0: tokens that are not known are refused.",
	  log_ok },
	{ { "log_size", 8 }, "Entries of the log that were verified.", log_size },
	{ { "log_head_age_seconds", 20 },
	  "Age of the log's newest verified head by this host's clock.",
	  log_head_age },
	{ { "log_live_tokens", 15 }, "Unexpired tokens of the log.", log_live },
	{ { "log_live_bytes", 14 }, "Memory that they take.", log_live_bytes },
};

static void put_logs(const struct prom *p, const struct metrics_now *now)
{
	const struct metrics_logs *c = now->log_counts;
	for (size_t r = 0; r < COUNT_OF(log_rows); r++) {
		prom_head(p, log_rows[r].name, "gauge", log_rows[r].help);
		for (size_t i = 0; i < now->n_logs; i++) {
			const struct prom_label l = { "log", now->logs[i].name };
			prom_i64(p, log_rows[r].name, (struct prom_labels){ &l, 1 },
				 log_rows[r].value(&now->logs[i]));
		}
	}
	prom_one(p, LIT("log_catch_ups_total"), "counter",
		 "Times that a log was asked for its head.", c->catch_ups);
	prom_one(p, LIT("log_waited_total"), "counter", "Tokens that waited for that.", c->waited);
	prom_one(p, LIT("log_in_vain_total"), "counter",
		 "Tokens that waited and got no answer in time.", c->in_vain);
	prom_one(p, LIT("log_legacy_total"), "counter",
		 "Tokens from before their key's logged_from that passed without an entry.",
		 c->legacy);
}

static void put_cache(const struct prom *p, const struct token_cache_counts *c)
{
	const struct prom_label results[] = { { 0, LIT("hit") }, { 0, LIT("miss") } };
	const uint64_t v[] = { c->hits, c->misses };
	prom_head(p, LIT("cache_lookups_total"), "counter", "Look-ups of verified tokens.");
	put_by_label(p, LIT("cache_lookups_total"), "result", results, v, COUNT_OF(v));
	prom_one(p, LIT("cache_evicted_total"), "counter",
		 "Verified tokens that were forgotten to make room.", c->evicted);
}

static void put_sightings(const struct prom *p, const struct metrics_now *now)
{
	const struct sightings_counts *c = now->sightings;
	prom_one(p, LIT("sightings_noted_total"), "counter", "Verdicts noted.", c->noted);
	prom_one(p, LIT("sightings_written_total"), "counter", "Verdicts written.", c->written);
	prom_one(p, LIT("sightings_failed_writes_total"), "counter",
		 "Writes that failed; what was to be written is tried again.", c->failed_writes);
	prom_one(p, LIT("sightings_lost_total"), "counter",
		 "Verdicts that were answered and could not be recorded.", c->lost);
	prom_one(p, LIT("sightings_bytes"), "gauge", "Size of the sightings.", c->bytes);
	prom_one(p, LIT("sightings_ok"), "gauge", "1: sightings can be written.",
		 now->sightings_ok);
}

static void put_reports(const struct prom *p, const struct reports_counts *c)
{
	prom_one(p, LIT("reports_batches_total"), "counter",
		 "Batches of sightings that the collector took.", c->batches);
	prom_one(p, LIT("reports_sightings_total"), "counter", "Sightings in them.", c->records);
	prom_one(p, LIT("reports_alarms_total"), "counter", "Alarms that the collector looked at.",
		 c->alarms);
	prom_one(p, LIT("reports_failed_total"), "counter",
		 "Reports that it did not take; they are sent again.", c->failed);
	prom_one(p, LIT("reports_refused_total"), "counter", "Reports that it called none.",
		 c->refused);
	prom_one(p, LIT("reports_alarms_dropped_total"), "counter",
		 "Alarms that had no room; the sightings have them.", c->alarms_dropped);
}

static void put_junk(const struct prom *p, const struct junk_counts *c)
{
	prom_one(p, LIT("junk_charged_total"), "counter",
		 "Failed signature checks that were charged to a client.", c->charged);
	prom_one(p, LIT("junk_refused_total"), "counter",
		 "Tokens refused without a check: their client was over its limit.", c->refused);
	prom_one(p, LIT("junk_limited_total"), "counter", "How often a client came over its limit.",
		 c->limited);
	prom_one(p, LIT("junk_evicted_total"), "counter",
		 "Clients that were forgotten although they owed something.", c->evicted);
}

static void put_build(const struct prom *p, const struct metrics_now *now)
{
	const struct prom_label l = { "version", now->version };
	prom_head(p, LIT("build_info"), "gauge", "1, with the version as label.");
	prom_u64(p, LIT("build_info"), (struct prom_labels){ &l, 1 }, 1);
	prom_one(p, LIT("start_time_seconds"), "gauge", "When the gate started, since 1970.",
		 (uint64_t)now->started_s);
}

static void put_plain(const struct prom *p, const struct metrics *m)
{
	prom_one(p, LIT("signature_checks_total"), "counter", "Signatures checked, good or bad.",
		 m->signature_checks);
	prom_one(p, LIT("unserved_total"), "counter",
		 "Questions answered 503: no keys, or sightings cannot be written.", m->unserved);
	prom_one(p, LIT("reloads_total"), "counter", "Policies taken at a reload.", m->reloads);
	prom_one(p, LIT("reloads_failed_total"), "counter", "Reloads that were refused.",
		 m->reloads_failed);
}

static uint64_t of_code(const struct metrics *m, enum token_code code)
{
	uint64_t n = 0;
	for (size_t at = 0; at < METRICS_ENDPOINT_COUNT; at++)
		n += m->verdicts[at][code];
	return n;
}

void metrics_write(struct wr *w, const struct metrics *m, const struct metrics_now *now)
{
	const struct prom p = { w, { "chancery_gate_", 14 } };
	put_verdicts(&p, m);
	put_plain(&p, m);
	prom_one(&p, LIT("replay_refused_total"), "counter", "Proofs that were used before.",
		 of_code(m, TOKEN_proof_replayed));
	prom_one(&p, LIT("replay_full_total"), "counter",
		 "Proofs refused because the store of used ones was full.",
		 of_code(m, TOKEN_proof_unknown));
	put_judged(&p, m);
	put_issuers(&p, now);
	if (now->log_counts)
		put_logs(&p, now);
	if (now->cache)
		put_cache(&p, now->cache);
	if (now->sightings)
		put_sightings(&p, now);
	if (now->junk)
		put_junk(&p, now->junk);
	if (now->reports)
		put_reports(&p, now->reports);
	if (now->forged)
		prom_one(&p, LIT("forged_total"), "counter",
			 "Tokens with a good signature that the issuer's log does not have: alarm "
			 "on any increase.",
			 now->forged->count);
	if (now->refusals)
		prom_one(&p, LIT("refusals_unlogged_total"), "counter",
			 "Refusals whose log line was left out and counted instead.",
			 now->refusals->suppressed);
	put_build(&p, now);
}

static void put_reason(struct json_out *o, str reason, str issuer)
{
	json_begin(o, (str){ 0 }, '{');
	json_put_str(o, LIT("reason"), reason);
	if (issuer.n > 0)
		json_put_str(o, LIT("issuer"), issuer);
	json_finish(o, '}');
}

bool ready_write(struct wr *w, const struct metrics_now *now)
{
	struct json_out o = json_out_of(w);
	bool blind = now->sightings && !now->sightings_ok, ready = !blind && now->n_issuers > 0;
	for (size_t i = 0; i < now->n_issuers; i++)
		ready = ready && now->issuers[i].keys > 0 &&
			(!now->issuers[i].followed || now->issuers[i].heard) &&
			(!now->issuers[i].logged || now->issuers[i].log_ok);
	json_begin(&o, (str){ 0 }, '{');
	json_put_bool(&o, LIT("ready"), ready);
	if (!ready) {
		json_begin(&o, LIT("reasons"), '[');
		if (blind)
			put_reason(&o, LIT("sightings_unwritable"), (str){ 0 });
		if (now->n_issuers == 0)
			put_reason(&o, LIT("no_issuers"), (str){ 0 });
		for (size_t i = 0; i < now->n_issuers; i++)
			if (now->issuers[i].keys == 0)
				put_reason(&o, LIT("no_keys"), now->issuers[i].issuer);
		for (size_t i = 0; i < now->n_issuers; i++)
			if (now->issuers[i].followed && !now->issuers[i].heard)
				put_reason(&o, LIT("revocations_unknown"), now->issuers[i].issuer);
		for (size_t i = 0; i < now->n_issuers; i++)
			if (now->issuers[i].logged && !now->issuers[i].log_ok)
				put_reason(&o, LIT("log_unknown"), now->issuers[i].issuer);
		json_finish(&o, ']');
	}
	json_finish(&o, '}');
	return ready;
}
