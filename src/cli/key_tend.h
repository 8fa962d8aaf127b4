/* What is due for the keys of an authority: the steps that rotation takes by itself. */
#pragma once
#include "realm_keys.h"

enum { KEY_CLOCK_SLACK_S = 300, KEY_REASON_MAX = 1024 };

struct tending {
	const struct authority *a;
	int passphrase_fd;
	bool makes;    /* makes the next key when none is staged */
	bool recorded; /* the audit has the command that this is a part of */
};

/* One realm: has what is not taken up taken up, plans what is published, makes what is
 * missing, takes retired keys away; until nothing is left to do. E_RANGE: the clock is
 * before what was done already, and nothing is touched. The caller has the lock. k is room,
 * and has the keys as they are then. */
ch_err key_tend(const struct tending *t, const struct config_realm *realm, struct realm_keys *k);
/* All realms, with the lock; says what fails and goes on. An exit status. */
int key_tend_all(const struct tending *t);
