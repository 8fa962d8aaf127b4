/* What the gate counts, in Prometheus' text format 0.0.4. A series is there from the start,
 * at 0, so that an alert on it can be written before it happens. Label values are ours or
 * the policy's and escaped all the same. */
#include "metrics.h"

#include "codec/json.h"

static const uint64_t bounds_us[METRICS_BUCKETS] = { 1,   2,   5,   10,   20,   50,
						     100, 200, 500, 1000, 5000, 20000 };
static const char *const bounds_s[METRICS_BUCKETS] = {
	"1e-06",  "2e-06",  "5e-06",  "1e-05", "2e-05", "5e-05",
	"0.0001", "0.0002", "0.0005", "0.001", "0.005", "0.02",
};
static const str endpoints[METRICS_ENDPOINT_COUNT] = { { "introspect", 10 }, { "auth", 4 } };

void metrics_verdict(struct metrics *m, enum metrics_endpoint at, enum token_code code,
		     uint64_t judged_ns)
{
	size_t i = 0;
	while (i < METRICS_BUCKETS && judged_ns > bounds_us[i] * 1000)
		i++;
	m->verdicts[at][code]++;
	m->judged[i]++;
	m->judged_ns += judged_ns;
}

/* --- the format: https://prometheus.io/docs/instrumenting/exposition_formats/ --- */

static void put_head(struct wr *w, str name, const char *type, const char *help)
{
	wr_lit(w, "# HELP chancery_gate_");
	wr_str(w, name);
	wr_char(w, ' ');
	wr_str(w, str_from_c(help));
	wr_lit(w, "\n# TYPE chancery_gate_");
	wr_str(w, name);
	wr_char(w, ' ');
	wr_str(w, str_from_c(type));
	wr_char(w, '\n');
}

struct label {
	const char *name;
	str value;
};

static void put_value(struct wr *w, str value)
{
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];
		if (c == '\\' || c == '"')
			wr_char(w, '\\');
		if (c == '\n')
			wr_lit(w, "\\n");
		else
			wr_char(w, c);
	}
}

static void put_name(struct wr *w, str name, const struct label *labels, size_t n)
{
	wr_lit(w, "chancery_gate_");
	wr_str(w, name);
	for (size_t i = 0; i < n; i++) {
		wr_char(w, i == 0 ? '{' : ',');
		wr_str(w, str_from_c(labels[i].name));
		wr_lit(w, "=\"");
		put_value(w, labels[i].value);
		wr_char(w, '"');
	}
	wr_str(w, n > 0 ? LIT("} ") : LIT(" "));
}

static void put_u64(struct wr *w, str name, const struct label *labels, size_t n, uint64_t v)
{
	put_name(w, name, labels, n);
	wr_dec(w, v);
	wr_char(w, '\n');
}

static void put_seconds(struct wr *w, str name, uint64_t ns)
{
	put_name(w, name, NULL, 0);
	wr_dec(w, ns / 1000000000);
	wr_char(w, '.');
	for (uint64_t unit = 100000000; unit > 0; unit /= 10)
		wr_char(w, (char)('0' + ns / unit % 10));
	wr_char(w, '\n');
}

/* A metric without labels. */
static void put_one(struct wr *w, str name, const char *type, const char *help, uint64_t v)
{
	put_head(w, name, type, help);
	put_u64(w, name, NULL, 0, v);
}

static void put_by_label(struct wr *w, str name, const char *label, const struct label *values,
			 const uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct label l = { label, values[i].value };
		put_u64(w, name, &l, 1, v[i]);
	}
}

/* --- what there is to say --- */

static void put_verdicts(struct wr *w, const struct metrics *m)
{
	uint64_t foreign = 0;
	put_head(w, LIT("verdicts_total"), "counter", "Tokens judged, by endpoint and code.");
	for (size_t at = 0; at < METRICS_ENDPOINT_COUNT; at++) {
		for (size_t code = 0; code < TOKEN_CODE_COUNT; code++) {
			const struct label l[] = {
				{ "endpoint", endpoints[at] },
				{ "code", token_code_name((enum token_code)code) },
			};
			put_u64(w, LIT("verdicts_total"), l, COUNT_OF(l), m->verdicts[at][code]);
		}
		foreign += m->verdicts[at][TOKEN_foreign_key];
	}
	put_one(w, LIT("foreign_key_total"), "counter",
		"Tokens that name one issuer and another one's key: alarm on any increase.",
		foreign);
}

static void put_judged(struct wr *w, const struct metrics *m)
{
	uint64_t sum = 0;
	put_head(w, LIT("judgement_seconds"), "histogram", "Time to judge a token.");
	for (size_t i = 0; i <= METRICS_BUCKETS; i++) {
		const struct label l = { "le",
					 str_from_c(i < METRICS_BUCKETS ? bounds_s[i] : "+Inf") };
		sum += m->judged[i];
		put_u64(w, LIT("judgement_seconds_bucket"), &l, 1, sum);
	}
	put_seconds(w, LIT("judgement_seconds_sum"), m->judged_ns);
	put_u64(w, LIT("judgement_seconds_count"), NULL, 0, sum);
}

static void put_issuers(struct wr *w, const struct metrics_now *now)
{
	const struct {
		str name;
		const char *help;
	} rows[] = {
		{ LIT("issuer_keys"), "Keys that tokens of this issuer are verified with." },
		{ LIT("issuer_keys_age_seconds"),
		  "Time since the issuer's key set was last confirmed; -1: never." },
		{ LIT("issuer_keys_generation"), "Counts up when the issuer's keys change." },
	};
	for (size_t r = 0; r < COUNT_OF(rows); r++) {
		put_head(w, rows[r].name, "gauge", rows[r].help);
		for (size_t i = 0; i < now->n_issuers; i++) {
			const struct metrics_issuer *is = &now->issuers[i];
			const struct label l[] = { { "issuer", is->issuer },
						   { "realm", is->realm } };
			const uint64_t v[] = { is->keys, (uint64_t)is->age_s, is->generation };
			put_name(w, rows[r].name, l, COUNT_OF(l));
			if (r == 1 && is->age_s < 0)
				wr_lit(w, "-1");
			else
				wr_dec(w, v[r]);
			wr_char(w, '\n');
		}
	}
}

static void put_cache(struct wr *w, const struct token_cache_counts *c)
{
	const struct label results[] = { { 0, LIT("hit") }, { 0, LIT("miss") } };
	const uint64_t v[] = { c->hits, c->misses };
	put_head(w, LIT("cache_lookups_total"), "counter", "Look-ups of verified tokens.");
	put_by_label(w, LIT("cache_lookups_total"), "result", results, v, COUNT_OF(v));
	put_one(w, LIT("cache_evicted_total"), "counter",
		"Verified tokens that were forgotten to make room.", c->evicted);
}

static void put_sightings(struct wr *w, const struct metrics_now *now)
{
	const struct sightings_counts *c = now->sightings;
	put_one(w, LIT("sightings_noted_total"), "counter", "Verdicts noted.", c->noted);
	put_one(w, LIT("sightings_written_total"), "counter", "Verdicts written.", c->written);
	put_one(w, LIT("sightings_failed_writes_total"), "counter",
		"Writes that failed; what was to be written is tried again.", c->failed_writes);
	put_one(w, LIT("sightings_lost_total"), "counter",
		"Verdicts that were answered and could not be recorded.", c->lost);
	put_one(w, LIT("sightings_bytes"), "gauge", "Size of the sightings.", c->bytes);
	put_one(w, LIT("sightings_ok"), "gauge", "1: sightings can be written.", now->sightings_ok);
}

static void put_junk(struct wr *w, const struct junk_counts *c)
{
	put_one(w, LIT("junk_charged_total"), "counter",
		"Failed signature checks that were charged to a client.", c->charged);
	put_one(w, LIT("junk_refused_total"), "counter",
		"Tokens refused without a check: their client was over its limit.", c->refused);
	put_one(w, LIT("junk_limited_total"), "counter", "How often a client came over its limit.",
		c->limited);
	put_one(w, LIT("junk_evicted_total"), "counter",
		"Clients that were forgotten although they owed something.", c->evicted);
}

static void put_build(struct wr *w, const struct metrics_now *now)
{
	const struct label l = { "version", now->version };
	put_head(w, LIT("build_info"), "gauge", "1, with the version as label.");
	put_u64(w, LIT("build_info"), &l, 1, 1);
	put_one(w, LIT("start_time_seconds"), "gauge", "When the gate started, since 1970.",
		(uint64_t)now->started_s);
}

static void put_plain(struct wr *w, const struct metrics *m)
{
	put_one(w, LIT("signature_checks_total"), "counter", "Signatures checked, good or bad.",
		m->signature_checks);
	put_one(w, LIT("unserved_total"), "counter",
		"Questions answered 503: no keys, or sightings cannot be written.", m->unserved);
	put_one(w, LIT("reloads_total"), "counter", "Policies taken at a reload.", m->reloads);
	put_one(w, LIT("reloads_failed_total"), "counter", "Reloads that were refused.",
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
	put_verdicts(w, m);
	put_plain(w, m);
	put_one(w, LIT("replay_refused_total"), "counter", "Proofs that were used before.",
		of_code(m, TOKEN_proof_replayed));
	put_one(w, LIT("replay_full_total"), "counter",
		"Proofs refused because the store of used ones was full.",
		of_code(m, TOKEN_proof_unknown));
	put_judged(w, m);
	put_issuers(w, now);
	if (now->cache)
		put_cache(w, now->cache);
	if (now->sightings)
		put_sightings(w, now);
	if (now->junk)
		put_junk(w, now->junk);
	if (now->refusals)
		put_one(w, LIT("refusals_unlogged_total"), "counter",
			"Refusals whose log line was left out and counted instead.",
			now->refusals->suppressed);
	put_build(w, now);
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
		ready = ready && now->issuers[i].keys > 0;
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
		json_finish(&o, ']');
	}
	json_finish(&o, '}');
	return ready;
}
