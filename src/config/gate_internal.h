/* Inside config: a gate's policy between its tables and its checks. */
#pragma once
#include "config/config.h"
#include "fields_internal.h"

struct realm_mailboxes {
	str realm;
	size_t n;
	str patterns[PATTERNS_MAX];
};

struct gate_draft {
	struct gate_file file;
	size_t n_mailboxes;
	struct realm_mailboxes mailboxes[REALMS_MAX];
};

/* Of the logs, and of the issuers that name one. */
ch_err gate_logs_check(const struct complaint *c, const struct node *root, struct gate_config *g);
/* What must agree between the keys; gives each issuer its mailboxes, and says which ends the
 * gate has. */
ch_err gate_draft_check(const struct complaint *c, const struct node *root, struct gate_draft *d);
