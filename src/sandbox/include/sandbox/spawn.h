/* Starting a role: fork, take its identity, place its descriptors, exec it from the
 * descriptor that was opened when we started. */
#pragma once
#include <sys/types.h>

#include "base/bytes.h"
#include "base/err.h"

enum { SPAWN_FDS_MAX = 16, SPAWN_CAPS_NONE = 0 };

struct spawn {
	int program;      /* descriptor of the executable */
	const char *name; /* argv[0], "chancery-signer": at most 15 bytes show in /proc */
	uint32_t uid;     /* to become; 0: stay who we are */
	uint32_t gid;     /* 0: the same number as uid */
	bool keep_ptrace; /* keep CAP_SYS_PTRACE (the warden) */
	/* the child's descriptors 3, 4, 5 … in this order; -1 leaves a hole */
	int fds[SPAWN_FDS_MAX];
	size_t n_fds;
	/* when >= 0: the child waits, with its identity taken, until it can read a byte */
	int gate;
	pid_t tracer; /* may attach to it while it waits (Yama); 0: nobody */
};

/* Opens an executable for spawning: regular, owned by root or us, not writable by others. */
ch_err spawn_open(const char *path, int *ret_program);
/* The child's pid; its death signal is set so that it does not outlive us. A failure in
 * the child before exec shows as exit status 127. */
ch_err spawn_role(const struct spawn *s, pid_t *ret_pid);
/* Becomes the program, in this process: descriptors and handlers as above, identity,
 * session and blocked signals as they are. Returns only with an error. */
ch_err spawn_become(const struct spawn *s);
/* Sets the process name that ps and top show. */
void spawn_name(const char *name);
