/* Alarms on their way to the webhook: each until it was taken there (2xx), however often that has to
 * be tried; the file `told` in its folder says that it was. One at a time, the newest first; one that was not taken comes after the others. */
#pragma once
#include "base/path.h"
#include "wire/fetch.h"
#include "wire/roles.h"

enum { OUTBOX_MAX = 256, OUTBOX_ID = 32 };

struct outbox {
	bool has_webhook;
	int alarms_fd; /* not owned */
	int fetcher;   /* -1: none, or gone */
	str secret;
	size_t n;
	bool more; /* in the folder than had room here */
	char ids[OUTBOX_MAX][OUTBOX_ID];
	uint32_t req; /* that is under way; 0: none */
	uint32_t last_req;
	unsigned misses; /* in a row */
	uint64_t due_ns;
	uint64_t sent, missed;
	bool missing; /* the log has */
};

/* What earlier runs did not get told is put into it. */
ch_err outbox_open(struct outbox *o, const struct collector_config *config, int alarms_fd,
		   int fetcher);
/* The evidence is there; without a webhook nothing. */
void outbox_add(struct outbox *o, str id);
/* Once a turn. */
void outbox_turn(struct outbox *o, uint64_t now_ns);
/* The fetcher's socket is readable. */
void outbox_answers(struct outbox *o, uint64_t now_ns);
/* "t=SECONDS,v1=HEX": HMAC-SHA-256 of "SECONDS.BODY" under the secret. */
void outbox_sign(struct wr *w, str secret, int64_t now_s, bytes body);
