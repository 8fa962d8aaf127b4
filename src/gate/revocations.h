/* What of each issuer is revoked, as the gate has heard: from the chain on this host, or through
 * the fetcher from the issuer. What has not been heard for longer than the policy allows, or turns
 * out to be another chain than it was, is not believed: then every token of that issuer is refused,
 * since nobody can say of any that it was not revoked. */
#pragma once
#include "revoke/follow.h"
#include "revoke/page.h"
#include "revoke/set.h"
#include "token/verify.h"
#include "wire/fetch.h"
#include "wire/roles.h"

struct revocation_source {
	const struct gate_issuer *of; /* NULL: this issuer's are not followed */
	struct revoked *set;
	uint64_t fresh_ns;     /* all that the issuer had then is in the set; 0: never heard */
	bool broken;           /* for good, until the gate starts anew */
	bool missing;          /* the log has: cannot be read or asked for now */
	bool stale;            /* the log has it */
	struct follow *follow; /* of a folder */
	uint16_t number;       /* of a URL, at the fetcher */
	uint32_t req;          /* that may be answered; 0: none */
	uint64_t asked_ns, due_ns;
	struct revoke_ask ask;
};

struct revocations {
	const struct gate_config *config;
	int wake;    /* readable when a chain on this host may have changed; -1: polled alone */
	int fetcher; /* not owned; -1: none, or gone */
	uint32_t last_req;
	uint64_t opened_ns, looked_ns;
	struct revocation_source sources[REALMS_MAX];
};

/* Before the walls. Reads what is there, says in the log which issuer's are not followed. E_NOT_FOUND:
 * a folder that is named is not there; E_NOMEM. */
ch_err revocations_open(struct revocations *r, const struct gate_config *config, int fetcher);
void revocations_done(struct revocations *r);
/* Once a turn; woken: `wake` was readable. Never waits. */
void revocations_turn(struct revocations *r, bool woken);
/* An answer of the fetcher that is no key set. */
void revocations_told(struct revocations *r, const struct fetch_told *t);
/* Has each been heard of, or waited for long enough? */
bool revocations_settled(const struct revocations *r);
/* accepted, revoked or revocation_unknown, for a verdict that is accepted. */
enum token_code revocations_judge(const struct revocations *r, const struct token_verdict *v,
				  uint64_t now_ns);
/* For the metrics, by the issuer's place. */
bool revocations_followed(const struct revocations *r, size_t at);
bool revocations_fresh(const struct revocations *r, size_t at, uint64_t now_ns);
size_t revocations_count(const struct revocations *r, size_t at);
/* Seconds since they were heard; -1: never. */
int64_t revocations_age_s(const struct revocations *r, size_t at, uint64_t now_ns);
