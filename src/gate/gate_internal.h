/* The gate's parts: what it believes (keys.c), who may ask (basic.c), the judgement
 * (judge.c), its answers to mail servers (introspect.c) and web servers (check.c), its
 * memory and evidence (sightings.c …), its walls (confine.c), its loop (main.c). */
#pragma once
#include <sys/types.h>

#include "base/secret.h"
#include "forged.h"
#include "http/basic.h"
#include "http/http.h"
#include "junk.h"
#include "keys.h"
#include "logs.h"
#include "metrics.h"
#include "refusals.h"
#include "reports.h"
#include "revocations.h"
#include "sightings.h"
#include "token/cache.h"
#include "token/confirm.h"
#include "token/introspect.h"
#include "wire/roles.h"

struct gate {
	struct gate_config config;
	struct basic basic;
	struct keys keys;
	struct revocations revocations;
	struct logs logs;
	struct introspect_issuer issuers[REALMS_MAX];
	struct introspect_rules rules;
	struct token_scratch scratch, proof_scratch;
	struct token_cache *cache; /* NULL: none */
	struct replay *replay;     /* set when a place may ask for proofs */
	struct nonces nonces;
	struct junk junk;
	struct refusals refusals;
	struct forged forged;
	struct metrics metrics;
	struct sightings *sightings; /* NULL: none are kept */
	struct reports *reports;     /* NULL: there is no collector */
	int64_t started_s;
	uint64_t warmed;  /* policy_id of the policy that warm_step is of */
	size_t warm_step; /* keys of it that have been warmed */
	bool warm;        /* all of them */
};

enum { CHECK_PREFIX = 7 /* "/check/" */, DOOR_CONNECTIONS = 1024 /* each of two doors */ };

/* From the configuration: rules, stores, limits. Says in the log what is wide open. */
ch_err gate_prepare(struct gate *g, int proofs_fd);
/* Warms one key of a new policy, some 20 ms; true: there may be more to do. */
bool gate_warm(struct gate *g);
/* Is there a key to be warmed? */
bool gate_is_cold(struct gate *g);

/* POST /introspect; ctx is the gate. */
void serve_introspect(struct http_req *r, void *ctx);
/* GET /check/PLACE; ctx is the gate. */
void serve_check(struct http_req *r, void *ctx);
/* GET /metrics, /health, /ready; ctx is the gate. */
void serve_metrics(struct http_req *r, void *ctx);
void serve_health(struct http_req *r, void *ctx);
void serve_ready(struct http_req *r, void *ctx);

/* No dumps, no files but in the folders of key files, of revocations, of logs and of sightings, no network but what
 * listens. n == 0: no descriptor is closed. */
ch_err confine(const struct gate_config *config, const int *keep_fds, size_t n);
