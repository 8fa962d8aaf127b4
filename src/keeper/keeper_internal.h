/* The keeper's parts. It runs once, reads the passphrase from a descriptor, and sees
 * neither network nor file system: what it seals goes back over a socket. */
#pragma once
#include "base/secret.h"
#include "wire/boot.h"
#include "wire/control.h"
#include "wire/roles.h"

enum {
	PASSPHRASE_FD = ROLE_FD,
	OTHER_FD,    /* the warden's socket, or a PEM to import */
	REGISTRY_FD, /* if there is a registry of secrets */
};

/* duties.c: each one whole, or an error. */
ch_err keeper_do(const struct keeper_config *c);

/* registered.c: a key that was sealed, to the registry of secrets under realm/kid. One line
 * in the log when that fails or nobody is there; the key is good all the same. */
struct private_key;
void keeper_register(const struct keeper_config *c, const struct private_key *k, str realm,
		     str kid);

/* confine.c: before the passphrase is read. */
ch_err keeper_confine(void);
