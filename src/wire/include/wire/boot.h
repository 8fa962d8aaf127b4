/* How a role gets its configuration: a sealed memfd at descriptor 3, read to its end
 * and closed before anything else. It carries the wire version and the build's id, so
 * that an upgrade on disk cannot mix versions.
 *
 *   "CHBOOT1\n"  u16 wire version  str16 build  str16 role  bool its log is JSON
 *   bytes32 configuration */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

/* Descriptors that every role finds: */
enum {
	BOOT_FD = 3,
	CONTROL_FD = 4, /* to the one who started it; see control.h */
	ROLE_FD = 5,    /* the first of the role's own, see PROTOCOL.md */
};

enum { BOOT_MAX = 512 * 1024 };

/* A sealed memfd for this role. */
ch_err boot_make(str role, bytes config, int *ret_fd);
/* Reads BOOT_FD into storage (BOOT_MAX bytes of room) and closes it. E_MISMATCH when
 * it is meant for another role, wire version or build. */
ch_err boot_read(str role, void *storage, size_t cap, bytes *ret_config);
/* The id that this program was built with. */
str boot_build(void);
