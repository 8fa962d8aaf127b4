/* `chancery key compromise --alarm ID`: an alarm of the collector has a key leave by itself, within
 * rules of its own. */
#pragma once
#include "authority.h"
#include "keyfile/keyfile.h"

struct key_alarm {
	const struct config_realm *realm;
	size_t kid_n;
	char kid[KEYFILE_NAME_MAX];
};

/* Looks at DIR/alarms/ID: is it a token that this authority's key signed and its log does not have, by
 * a head made after the evidence? EXIT_YES, and *ret_k says which key; EXIT_NO: it is not so; says
 * why. Waits some seconds for such a head. */
int key_alarm_read(const struct authority *a, str id, struct key_alarm *ret_k);
/* May that key leave by itself now? EXIT_NO: no, says why. Notes that it was done, before it is. The
 * caller holds the lock of keys. */
int key_alarm_allow(const struct authority *a, const struct key_alarm *k);
