/* The collector's parts: who may report (gates.c), sightings into chains (taken.c), what the log
 * has (heads.c, known.c), alarms and what is believed of them (alarms.c, judge.c), the evidence
 * (evidence.c), who is told (outbox.c), counters (watch.c), walls (confine.c), loop (main.c). */
#pragma once
#include "heads.h"
#include "http/basic.h"
#include "http/http.h"
#include "outbox.h"
#include "taken.h"
#include "token/policy.h"
#include "token/verify.h"
#include "wire/report.h"
#include "wire/roles.h"

enum {
	PENDING_MAX = 32,
	ALARM_ID_SIZE = 32, /* of its text: the first half of the identity, in hex */
	DOOR_CONNECTIONS = 256,
	KEY_PACES = 32,
	KEY_NAME_MAX = 64,
};

/* What became of an alarm. */
enum alarm_outcome {
	ALARM_BELIEVED,  /* validly signed, and not in the log */
	ALARM_KNOWN,     /* that token's alarm was believed before */
	ALARM_MORE,      /* believed, and no evidence is kept: there is enough about that key */
	ALARM_LOGGED,    /* the log has it: it was issued */
	ALARM_BAD_TOKEN, /* no issuer, no key, no signature, or not good for another reason */
	ALARM_BAD_TIME,  /* said to have been shown long ago, or in time to come */
	ALARM_LEGACY,    /* older than its key's first entry in the log */
	ALARM_MALFORMED, /* no report */
	ALARM_OUTCOME_COUNT,
};
str alarm_outcome_name(enum alarm_outcome o);

/* So many at once, and one each `each_ns` for long. */
struct pace {
	uint64_t spent_until_ns;
};
bool pace_take(struct pace *p, uint64_t burst, uint64_t each_ns, uint64_t now_ns);

/* How fast evidence about one key is kept: who holds a key can make tokens without end. */
struct key_pace {
	str realm; /* of the configuration */
	size_t n;
	char kid[KEY_NAME_MAX]; /* cut there */
	struct pace pace;
};
/* The one of this key; if it has none, the place of what was not used for longest. */
struct pace *pace_of_key(struct key_pace paces[static KEY_PACES], str realm, str kid);

struct counters {
	uint64_t batches, batches_refused, records, repeated, gaps;
	uint64_t compared, unlogged;
	uint64_t outcomes[ALARM_OUTCOME_COUNT];
	uint64_t limited; /* alarms and batches that came too fast */
	uint64_t unauthorized;
	uint64_t not_now; /* alarms that could not be held against the log in time */
	uint64_t compromises_asked, compromises_done;
	uint64_t evidence_failed;
};

/* A validly signed token that waits for a head of the log. */
struct pending {
	struct http_req *req; /* NULL: free */
	size_t gate;
	struct report_alarm alarm; /* slices of the request's body */
	uint32_t after;            /* heads that were asked for by then do not count */
	uint64_t until_ns;
	uint8_t identity[TOKEN_ID_SIZE];
	int64_t iat, exp;
	str issuer, realm;                 /* of the configuration */
	str kid, sub, client_id, username; /* in the request's arena */
};

struct collector {
	struct collector_config config;
	struct basic gates[COLLECTOR_GATES_MAX];
	struct pace alarm_paces[COLLECTOR_GATES_MAX], batch_paces[COLLECTOR_GATES_MAX];
	struct key_pace key_paces[KEY_PACES];
	uint64_t more_ns; /* when it was last logged that there are more */
	struct taken taken;
	struct heads heads;
	struct outbox outbox;
	struct counters counters;
	struct token_scratch scratch;
	struct pending pending[PENDING_MAX];
	int alarms_fd;          /* the folder of evidence */
	uint64_t compromise_ns; /* when one was last asked for; 0: never */
	uint64_t again_ns;      /* when that is asked for again; 0: it is not */
	str compromise_realm;   /* of it, of the configuration */
	char compromise_id[ALARM_ID_SIZE];
	/* the last one that came while that was being decided; no realm: none */
	str next_realm;
	char next_id[ALARM_ID_SIZE];
	uint64_t warned_ns; /* when a strange sighting was last logged */
	uint64_t unwarned;  /* strange ones since then that were not */
	int64_t started_s;
};

/* gates.c: who asks, by HTTP Basic; false: nobody that is known, and it was answered. */
bool gate_of(struct collector *c, struct http_req *r, size_t *ret_gate);
/* An answer without a body that asks to come again in a second. */
void answer_later(struct http_req *r, unsigned status);

/* batches.c: POST /sightings; and what of them must be held against the log. */
/* GET /sightings: 204 when the secret is a gate's, 401 else; nothing comes of it. */
void serve_known(struct http_req *r, void *ctx);
void serve_sightings(struct http_req *r, void *ctx);
/* A head that was asked for as number `req` has come. */
void batches_compare(struct collector *c, uint32_t req);

/* alarms.c: POST /alarms */
void serve_alarms(struct http_req *r, void *ctx);
/* Decides what waits for a head, now that one asked for as `req` has come. */
void alarms_decide(struct collector *c, uint32_t req);
/* What the supervisor says became of a key. */
void alarms_compromised(struct collector *c, uint32_t code);
/* Gives up what has waited too long; asks again for what could not be begun. */
void alarms_tick(struct collector *c, uint64_t now_ns);

/* judge.c: is the token of this alarm one that its issuer's published key has signed? Fills in
 * what stands in it. */
enum alarm_outcome alarm_judge(struct collector *c, struct http_req *r, struct pending *ret_p);

/* evidence.c: ALARMS/ID with all that was known then, whole or not at all; head: as it was signed. */
void alarm_id_write(const uint8_t identity[static TOKEN_ID_SIZE],
		    char ret_id[static ALARM_ID_SIZE]);
bool evidence_exists(const struct collector *c, str id);
ch_err alarm_keep(struct collector *c, const struct pending *p, str id);
/* alarm.json: what the webhook is sent. */
void alarm_write(struct wr *w, const struct collector *c, const struct pending *p, str id);

/* watch.c: GET /metrics, /health, /ready */
void serve_metrics(struct http_req *r, void *ctx);
void serve_health(struct http_req *r, void *ctx);
void serve_ready(struct http_req *r, void *ctx);

/* No dumps, no network but what listens, files but its own folders, the log and the key sets shut. */
ch_err confine(const struct collector_config *config);
