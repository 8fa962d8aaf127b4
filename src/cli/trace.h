/* `chancery trace`: what is known of a token, a key, a person's or a client's tokens, gathered from the
 * log and its journal, what gates saw, the keys' files, the audit and the alarms, in one order. */
#pragma once
#include "authority.h"
#include "base/arena.h"
#include "token/facts.h"

enum { TRACE_EVENTS_MAX = 16384, TRACE_MEMORY = 16 * 1024 * 1024, TRACE_ID_SIZE = 32 };

enum trace_kind {
	TRACE_ISSUED, /* an entry of the log */
	TRACE_SEEN,   /* a verdict of a gate, or its repeats */
	TRACE_KEY,    /* a key changed its state, or will */
	TRACE_ADMIN,  /* an administrator's act on a key */
	TRACE_ALARM,
	TRACE_KIND_COUNT
};
str trace_kind_name(enum trace_kind k);

struct trace_event {
	int64_t time_ms;
	enum trace_kind kind;
	bool has_id;
	uint8_t id[TRACE_ID_SIZE]; /* SHA-256 of a token's signing input */
	/* of the kinds that have it; else empty, or 0 */
	str what; /* verdict, state, command and result: what the line says first */
	str realm, kid, client_id, grant_id, place, gate, address, detail; /* gate: of an
								* act, who did it */
	uint64_t index, more; /* in the log; repeats beyond the first */
	int64_t iat, exp;
};

struct trace {
	const struct authority *a;
	/* what is asked for; one of them */
	bool all; /* that happened since then */
	bool by_id;
	uint8_t id[TRACE_ID_SIZE];
	str kid, sub, client, realm; /* realm: narrows, and belongs to sub */
	int64_t since_ms;
	/* what was found */
	struct arena memory;
	size_t n, left_out;
	struct trace_event *events;
	uint64_t log_entries;   /* that were looked at */
	uint64_t journal_first; /* older ones were erased, or 0 */
	bool in_log, no_log, no_sightings;
	str key; /* the kid of what was found, for its life; empty: several or none */
	str key_realm;
};

/* Takes one in; when there is no room, counts it. Its texts are copied. */
void trace_add(struct trace *t, const struct trace_event *e);
bool trace_wants_id(const struct trace *t, const uint8_t id[static TRACE_ID_SIZE]);

/* trace_log.c, trace_seen.c, trace_keys.c; each says what is wrong. E_NOT_FOUND is none. */
ch_err trace_log(struct trace *t);
ch_err trace_seen(struct trace *t);
ch_err trace_keys(struct trace *t);
ch_err trace_alarms(struct trace *t);
/* By time. */
void trace_sort(struct trace *t);

/* trace_text.c, trace_html.c: to standard output. */
void trace_print(const struct trace *t);
void trace_json(const struct trace *t);
void trace_html(const struct trace *t);

/* trace_bundle.c: evidence about the token into a new file; an exit status. */
int trace_bundle(const struct authority *a, str token, const char *file, bool thin);
