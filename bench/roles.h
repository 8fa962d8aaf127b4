/* A keeper, a warden and a signer without a supervisor: the benches' way to the real
 * executables. All that a signer serves here is one realm with one fresh ES256 key. */
#pragma once
#include <sys/types.h>

#include "base/err.h"

struct roles {
	pid_t warden, signer;
	int warden_control, signer_control;
	int realm; /* the issuer's end; KEYS has been read from it */
	bool in_secret_memory;
};

/* Starts them from this folder of executables (absolute); they end with this process. */
ch_err roles_start(const char *libexec, struct roles *ret_r);
