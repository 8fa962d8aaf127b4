/* What an issuer counts, and how it is told: Prometheus' text format at GET /metrics of its
 * monitor address, beside GET /health (it lives) and GET /ready (it can sign, store and check
 * passwords). Names: chancery_issuer_*; docs/OPERATING.md lists them. Labels are constants or
 * of the configuration, never of a request.
 *
 * A counter of a realm is one line in `enum metrics_counter`, one in the table of metrics.c,
 * and metrics_count() where it happens. */
#pragma once
#include "codec/prometheus.h"
#include "wire/roles.h"

/* Those of one name stand together. */
enum metrics_counter {
	COUNT_LOGIN_OK,
	COUNT_LOGIN_WRONG,     /* unknown, disabled, or a wrong password */
	COUNT_LOGIN_THROTTLED, /* tried too often */
	COUNT_LOGIN_BUSY,      /* no hasher, or too many wait for it */
	COUNT_CLIENT_REFUSED,  /* a client could not say who it is */
	COUNT_REFRESH_ROTATED,
	COUNT_REFRESH_REPEATED, /* the successor once more, inside the window */
	COUNT_REFRESH_REFUSED,
	COUNT_REFRESH_REUSED, /* a theft: the grant was revoked */
	COUNT_CODE_REUSED,    /* a theft: what it gave was revoked */
	COUNT_DEVICE_BEGUN,
	COUNT_DEVICE_ALLOWED,
	COUNT_DEVICE_DENIED,
	COUNT_DEVICE_WRONG, /* a user code that is none */
	COUNT_GRANT_REVOKED,
	COUNT_SIGNER_GONE,
	METRICS_COUNTERS
};

enum {
	METRICS_ENDPOINTS_MAX = 64,
	METRICS_STATUSES = 16,
	METRICS_GRANTS_MAX = 8,
	METRICS_ANSWER_MAX = 256 * 1024,
};

struct metrics_endpoint {
	str name; /* "token", ".well-known/openid-configuration" */
	str method;
	uint64_t answered[METRICS_STATUSES];
	struct prom_times times;
};

struct metrics_realm {
	uint64_t counts[METRICS_COUNTERS];
	uint64_t tokens[METRICS_GRANTS_MAX]; /* answers with tokens, by grant */
};

struct metrics {
	struct metrics_endpoint endpoints[METRICS_ENDPOINTS_MAX]; /* the first: no route */
	size_t n_endpoints;
	struct metrics_realm realms[REALMS_MAX]; /* in the configuration's order */
	struct prom_times signing;               /* of a batch, asked to answered */
	struct prom_times hashing;               /* of a password */
	struct prom_times settling;              /* of a transaction */
	uint64_t settle_failures;
	uint64_t hasher_gone;
	int64_t started_s;
};

void metrics_init(struct metrics *m, int64_t now_s);
/* The number of the endpoint of this name and method, which live as long as m. */
size_t metrics_endpoint(struct metrics *m, str name, str method);
void metrics_answered(struct metrics *m, size_t endpoint, unsigned status, uint64_t ns);
/* One more of a batch, a password, a transaction. */
void metrics_time(struct prom_times *t, uint64_t ns);

/* What stands elsewhere when it is asked. */
enum { LOG_SILENT_S = 5 }; /* then its ledger does not work: no token is given */

struct metrics_now {
	str group, build;
	size_t n_realms;
	struct {
		str name;
		uint64_t keys;       /* published */
		bool signs;          /* it can be asked for tokens */
		uint64_t generation; /* of its signer; 0: there is none */
		uint64_t waiting;    /* requests that wait to be sent to it */
	} realms[REALMS_MAX];
	const str *grants; /* names of the grant types */
	size_t n_grants;
	bool has_hasher, hasher_there;
	uint64_t hashes_waiting, under_way, connections, turned_away;
	bool stopping;
	bool store_ok; /* it answered just now */
	bool has_log, log_full;
	uint64_t log_age_s; /* of its newest head, which is signed anew each second */
};

/* w should have METRICS_ANSWER_MAX of room: wr_done says if it was too little. */
void metrics_write(struct wr *w, const struct metrics *m, const struct metrics_now *now);
/* {"ready":true} or {"ready":false,"reasons":[{"reason":"no_signer","realm":"home"},…]};
 * returns which: answer 200 or 503. */
bool ready_write(struct wr *w, const struct metrics_now *now);
