/* The warden's parts. It trusts the supervisor that made its sockets, and nothing that
 * a signer writes. */
#pragma once
#include <sys/types.h>

#include "base/rw.h"
#include "base/secretmem.h"
#include "wire/control.h"
#include "wire/status.h"

enum { HELD_MAX = 16, REPORT_MAX = 4096 };

/* A signer that is held. */
struct held {
	pid_t pid;     /* 0: the slot is free */
	bool reported; /* its crash was told already */
	char name[CONTROL_NAME_MAX];
	size_t name_n;
	volatile const struct signer_status *status; /* its page; never believed */
};

/* hold.c: the only calls of ptrace. PTRACE_SEIZE with EXITKILL: from now on nobody
 * else can attach, and the signer dies with us. key_fd: our end of its key socket, whose
 * other end the signer alone has. E_GONE: it died before; E_IO: it cannot be held. */
ch_err hold_seize(pid_t pid, int key_fd);
/* The address of the instruction at which a stopped signer stands, and nothing else. */
ch_err hold_rip(pid_t pid, uint64_t *ret_rip);
/* Lets a stopped signer go on, with this signal (0: none). */
void hold_continue(pid_t pid, int signal);
/* A stop by SIGSTOP and the like goes on being one. */
void hold_listen(pid_t pid);

/* key.c: the key-encryption key, from the keeper and to each new signer. */
ch_err key_receive(int keeper_fd, enum secretmem_kind kind, struct secretmem *ret_key,
		   size_t *ret_size);
ch_err key_hand_over(const struct secretmem *key, size_t size, int signer_fd);

/* report.c: what may be said of a crash, as text. rip == 0: unknown. */
void report_write(struct wr *w, const struct held *h, int signal, uint64_t rip);

/* confine.c: from here on ptrace, wait and the hand-over alone. */
ch_err warden_confine(void);
