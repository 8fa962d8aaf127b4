/* The checks of `chancery doctor`: each is a row of a table and a small function. */
#pragma once
#include "authority.h"
#include "base/rw.h"
#include "codec/json.h"

struct fetch;

enum finding_level { FINDING_OK, FINDING_WARNING, FINDING_PROBLEM };

struct doctor {
	struct authority a;
	bool json, runs;     /* somebody answers at its control socket */
	struct wr gates;     /* policies that were named, a blank between them */
	struct fetch *fetch; /* while something is asked */
	const char *check;
	size_t told;
	enum finding_level worst;
};

/* One finding: what is so, about what, and how to mend it (a literal). */
void finding(struct doctor *d, enum finding_level level, const char *what, str subject,
	     const char *mend);

/* A file of the authority's: is it there, others' (bits of `forbidden`), and whose ((uid_t)-1: anybody's)?
 */
void mode_of(struct doctor *d, const char *path, uid_t owner, mode_t forbidden);

/* Each tells of what is wrong; nothing: it is fine. */
void check_files(struct doctor *d);
void check_passphrase(struct doctor *d);
void check_keys(struct doctor *d);
void check_stores(struct doctor *d);
void check_audit(struct doctor *d);
void check_log(struct doctor *d);
void check_witnesses(struct doctor *d);
void check_room(struct doctor *d);
void check_uids(struct doctor *d);
void check_clock(struct doctor *d);
void check_kernel(struct doctor *d);
void check_dumps(struct doctor *d);
void check_limits(struct doctor *d);
void check_running(struct doctor *d);
void check_issuers(struct doctor *d);
void check_collector(struct doctor *d);
void check_gates(struct doctor *d);
void check_units(struct doctor *d);
void check_ports(struct doctor *d);
