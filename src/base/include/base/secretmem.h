/* Memory for secrets: pages that no dump, no swap and no passive read sees.
 *
 * MEMFD is memfd_secret(2): the pages leave the kernel's own map, so that root's
 * gcore, gdb, /proc/PID/mem and process_vm_readv get nothing. The descriptor is
 * closed after mmap, for pidfd_getfd could take it. MLOCK is what is left on a
 * kernel without it: locked, not in dumps, but root can read it.
 * Regions lie between guard pages. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum secretmem_kind { SECRETMEM_MEMFD, SECRETMEM_MLOCK };

struct secretmem {
	uint8_t *p;
	size_t n; /* bytes, whole pages */
	enum secretmem_kind kind;
};

/* Does this kernel give memfd_secret to this process? */
bool secretmem_available(void);
/* Maps n bytes (rounded up to pages), zeroed. E_UNSUPPORTED when the kernel has no
 * memfd_secret, E_IO with ENOMEM/EAGAIN when RLIMIT_MEMLOCK is too low. */
ch_err secretmem_map(enum secretmem_kind kind, size_t n, struct secretmem *ret_m);
/* Wipes and unmaps; fine when empty. For AUTO(). */
void secretmem_done(struct secretmem *m);

/* Hand a secret to another process: a new memfd_secret (or memfd) that holds a
 * copy of b, to be passed over a socket and closed at once. */
ch_err secretmem_share(enum secretmem_kind kind, bytes b, int *ret_fd);
/* The other side: maps it; the caller closes fd. E_MISMATCH when it is not of n bytes
 * rounded up to pages. */
ch_err secretmem_receive(int fd, enum secretmem_kind kind, size_t n, struct secretmem *ret_m);
