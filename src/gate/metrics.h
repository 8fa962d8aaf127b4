/* Counters of the gate, and how they are told: Prometheus' text format at GET /metrics,
 * GET /health (it lives) and GET /ready (it can judge and record). Names: chancery_gate_*;
 * docs/OPERATING.md lists them. Labels are constants or of the policy, never of a request. */
#pragma once
#include "base/rw.h"
#include "codec/prometheus.h"
#include "forged.h"
#include "junk.h"
#include "refusals.h"
#include "reports.h"
#include "sightings.h"
#include "token/cache.h"

enum metrics_endpoint { METRICS_INTROSPECT, METRICS_AUTH, METRICS_ENDPOINT_COUNT };
enum { METRICS_ANSWER_MAX = 96 * 1024, READY_ANSWER_MAX = 16 * 1024 };

struct metrics {
	uint64_t verdicts[METRICS_ENDPOINT_COUNT][TOKEN_CODE_COUNT];
	uint64_t signature_checks; /* made, good or bad */
	uint64_t unserved;         /* answered 503: no keys, or sightings cannot be written */
	uint64_t reloads, reloads_failed;
	struct prom_times judged;
};

/* One verdict; judged_ns is how long the judging took. */
void metrics_verdict(struct metrics *m, enum metrics_endpoint at, enum token_code code,
		     uint64_t judged_ns);

struct metrics_issuer {
	str issuer, realm;
	uint64_t keys;
	int64_t age_s;             /* since its key set was last confirmed; -1: never */
	uint64_t generation;       /* of its key set */
	bool followed, heard;      /* its revocations; and lately enough */
	uint64_t revoked;          /* revocations that are remembered */
	int64_t revocations_age_s; /* since they were heard; -1: never */
	bool logged, log_ok;       /* held against a log; and one that can be believed now */
};

struct metrics_log {
	str name;
	bool ok;            /* unknown tokens can be judged */
	uint64_t size;      /* of the tree that is believed */
	int64_t head_age_s; /* of its head, by our clock; -1: none yet */
	uint64_t live, live_bytes;
};

/* What of logs is counted together. */
struct metrics_logs {
	uint64_t catch_ups, waited, in_vain, legacy;
};

/* What stands elsewhere at the time of asking; a NULL pointer leaves its lines out. */
struct metrics_now {
	const struct metrics_issuer *issuers;
	size_t n_issuers;
	const struct metrics_log *logs;
	size_t n_logs;
	const struct metrics_logs *log_counts; /* NULL: no log is followed */
	const struct token_cache_counts *cache;
	const struct sightings_counts *sightings;
	bool sightings_ok;
	const struct junk_counts *junk;
	const struct refusals *refusals;
	const struct forged *forged;
	const struct reports_counts *reports;
	int64_t started_s; /* since 1970 */
	str version;
};

/* w should have METRICS_ANSWER_MAX of room: wr_done says if it was too little. */
void metrics_write(struct wr *w, const struct metrics *m, const struct metrics_now *now);
/* {"ready":true} or {"ready":false,"reasons":[{"reason":"no_keys","issuer":…},…]}; returns
 * which: answer 200 or 503. */
bool ready_write(struct wr *w, const struct metrics_now *now);

#define METRICS_TYPE PROM_TYPE
