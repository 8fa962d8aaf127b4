/* What `chancery serve` has the supervisor run. The supervisor reads no
 * configuration file: it gets this, and hands each role its part unread. */
#pragma once
#include "wire/roles.h"

enum { PLAN_GROUPS_MAX = 4, PLAN_GATES_MAX = 2 };

struct plan_group {
	str name;
	uint32_t listen_fd;  /* inherited, bound and listening */
	uint32_t monitor_fd; /* likewise; 0: it has none */
	bytes issuer;        /* configuration of its issuer */
	bool has_hasher;
	size_t n_realms;
	/* the signer's part; its key files are read from DIR/keys/REALM at each generation */
	struct signer_realm realms[REALMS_MAX];
};

struct plan_gate {
	uint32_t listen_fd;
	bytes config;
	bytes fetcher; /* configuration of its fetcher; empty: it has none */
};

struct plan_collector {
	uint32_t listen_fd;
	bytes config;  /* empty: there is no collector */
	bytes fetcher; /* as of a gate */
};

struct plan {
	str dir;     /* absolute */
	str libexec; /* folder of the role programs, absolute */
	bool dev;
	bool events;       /* CONTROL_FD: tell UP, DOWN, READY, and stop when it closes */
	uint32_t uid_base; /* 0: stay the user we are */
	enum secretmem_kind secret_memory;
	uint32_t passphrase_fd;
	str cli;              /* the program that starts us anew, absolute */
	str notify;           /* a service manager's socket; empty: nobody is told */
	uint64_t watchdog_us; /* it wants a sign of life within this; 0: none */
	uint32_t keys_look_s; /* how often keys are tended; 0: never */
	bytes ledger;         /* configuration of the ledger */
	str log_origin;       /* of the log, whose signer is apart from those of groups */
	uint8_t journal_key[JOURNAL_KEY_SIZE]; /* part of each signer's configuration */
	size_t n_groups;
	struct plan_group groups[PLAN_GROUPS_MAX];
	size_t n_gates;
	struct plan_gate gates[PLAN_GATES_MAX];
	struct plan_collector collector;
};

/* Appends the plan to w, which turns full when it does not fit. The reader: E_PROTOCOL for
 * what does not fit; strs point into b. */
void plan_write(struct wr *w, const struct plan *p);
ch_err plan_read(bytes b, struct plan *ret_p);

/* Each role's uid is base + this; files of a role belong to it. */
enum role_uid {
	UID_KEEPER,
	UID_WARDEN,
	UID_SIGNER,
	UID_GATE,
	UID_HASHER,
	UID_ISSUER /* + index of the group */,
	UID_LEDGER = UID_ISSUER + PLAN_GROUPS_MAX,
	UID_COLLECTOR,
	UID_SPAN
};
