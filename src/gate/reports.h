/* What goes to the collector, through the fetcher: the gate's own sightings, which wait in their
 * chains until they were taken (docs/ALARMS.md), and alarms for tokens that were never issued, at
 * once. One batch and one alarm are under way at a time; what is refused or unanswered is sent
 * again, less and less soon. Nothing here keeps an answer to a mail server or web server waiting. */
#pragma once
#include "judge.h"
#include "sightings.h"
#include "wire/fetch.h"
#include "wire/report.h"

enum {
	REPORTS_ALARMS = 16, /* that wait, shared by keys; more are counted, and in the sightings */
	REPORTS_POST_SIGHTINGS = 0,
	REPORTS_POST_ALARMS = 1,
};

struct reports_counts {
	uint64_t batches, records, alarms; /* that were taken */
	uint64_t failed;                   /* tries that were not */
	uint64_t refused;                  /* reports that the collector does not want at all */
	uint64_t alarms_dropped;           /* there were too many */
};

/* One of the two places. */
struct reports_line {
	uint32_t req; /* under way; 0: nothing is */
	unsigned misses;
	uint64_t due_ns;
	bool missing; /* the log has */
};

struct reports;
/* fetcher: not owned, -1: none. sightings may be NULL. One a process: the storage is static. */
void reports_open(int fetcher, const struct sightings *s, struct reports **ret_r);
/* NULL is fine in all of these: then nothing is reported. */
void reports_close(struct reports *r);
/* Once a turn, after sightings were flushed. Never waits. */
void reports_turn(struct reports *r, uint64_t now_ns);
/* What the fetcher answered to a post. */
void reports_posted(void *ctx, const struct fetch_posted *p);
/* A token that was never issued: by its identity once in a while, however often it is shown. */
void reports_alarm(struct reports *r, const struct token_verdict *v, const struct asked *a);
struct reports_counts reports_counts(const struct reports *r);
