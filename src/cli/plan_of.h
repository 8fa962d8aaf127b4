/* From configuration to what the supervisor runs. */
#pragma once
#include "authority.h"
#include "base/notify.h"

/* Descriptors as the supervisor will find them. */
enum {
	PLAN_PASSPHRASE_FD = 5,
	PLAN_FIRST_LISTEN_FD = 6,
	PLAN_SPARE_FD = 100,
	PLAN_LISTENERS_MAX = 2 * PLAN_GROUPS_MAX + 1
};

struct serving {
	const struct authority *a;
	bool dev, events;
	enum secretmem_kind secret_memory;
	int passphrase_fd;
	int listen_fds[PLAN_GROUPS_MAX + PLAN_GATES_MAX]; /* groups in order, then the gate */
	size_t n_listen;
	int monitor_fds[PLAN_GROUPS_MAX]; /* those that there are, in the groups' order */
	size_t n_monitors;
	int collector_fd; /* its listening socket; valid when there is a collector */
	int inherited[PLAN_LISTENERS_MAX]; /* sockets that listened before; -1: taken */
	size_t n_inherited;
	const struct gate_config *gate;            /* NULL: none */
	const struct fetcher_config *gate_fetcher; /* NULL: the gate has none */
	struct notify_wish notify;
};

/* Binds what the configuration says for each group (port 0: a free one, which is put
 * into the configuration of *a). Says what is wrong. */
int serving_listen(struct serving *s, struct authority *a);
/* As root: nobody else has the roles' uids, and they can walk to the folder. Says what
 * is wrong. */
int serving_check(const struct authority *a);
/* Everything for spawn_role or spawn_become; ret_boot is its memfd, ret_program the
 * supervisor's. */
struct spawn;
ch_err serving_prepare(const struct serving *s, struct spawn *ret_spawn, int *ret_boot,
		       int *ret_program);
