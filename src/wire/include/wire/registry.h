/* The registry of secrets, seen by its program and by those who ask it; the messages are in
 * coredump.h. A registry finds, from ROLE_FD on: its listening socket, and its folder. */
#pragma once
#include "wire/coredump.h"

/* What registered_kind says: enum registered_kind of fingerprint.h. */
enum registry_secret { REGISTRY_TEXT, REGISTRY_NUMBER, REGISTRY_BYTES };

enum { REGISTRY_UIDS_MAX = 8, REGISTRY_CONFIG_MAX = 64, REGISTRY_WAIT_MS = 10000 };

struct registry_config {
	size_t n_uids;
	uint32_t uids[REGISTRY_UIDS_MAX]; /* that may register, beside root and its own */
};
void registry_config_write(struct wr *w, const struct registry_config *c);
ch_err registry_config_read(bytes b, struct registry_config *ret_c);

/* The socket of a registry. E_NOT_FOUND: there is none there; E_GONE: nobody listens;
 * E_DENIED: it may not be used. */
ch_err registry_connect(const char *path, int *ret_fd);
/* Asks and waits, at most REGISTRY_WAIT_MS. room has MESSAGE_MAX bytes, carries a secret on its
 * way and is wiped of it; the answer's text points into it. What the registry refuses is
 * the error. ret_fd_or_null takes the descriptor of a SNAPSHOT, which is the caller's. */
ch_err registry_tell(int fd, const struct registry_ask *a, uint8_t room[static MESSAGE_MAX],
		     struct registry_answer *ret_answer, int *ret_fd_or_null);
