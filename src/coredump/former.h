/* What handled crashes before us: a program that core_pattern named ("|program arguments").
 * Crashes that the policy leaves to it are handed over whole, as the kernel would have done. */
#pragma once
#include "coredump_internal.h"

/* What core(5) lets a pattern say of a crash. Ids are the host's, those ending in _inside of
 * the process's own pid namespace. */
struct former_facts {
	uint64_t pid, pid_inside, tid, tid_inside, uid, gid;
	uint64_t dumpable; /* 1, or 2 for a program that changed its user */
	uint64_t signal, time_s, core_limit, cpu;
	str host, comm, executable;
};

enum { FORMER_ROOM = 32 * 1024, FORMER_ARGS_MAX = CORE_PATTERN_MAX / 2 + 2 };
struct former_command {
	char room[FORMER_ROOM];
	char *argv[FORMER_ARGS_MAX + 1]; /* NULL behind the last */
	size_t n;
	bool wants_pidfd; /* as descriptor 3 (%F) */
};
/* The command of a pattern. E_UNSUPPORTED: it names no program; E_FULL. */
ch_err former_expand(str pattern, const struct former_facts *f, struct former_command *ret_c);

/* Reads STATE/former and what the kernel says of the crash. E_UNSUPPORTED: it names no
 * program; E_DENIED: the process wants no program to be run (RLIMIT_CORE 1, as every handler
 * of the kernel's has it: else its own crash would start the next). */
ch_err former_prepare(const struct state *s, const struct crash *c, struct former_command *ret_cmd);
/* Runs it with the stream of the crash, which is closed when it has ended. E_BUSY: not within
 * seconds, and it was killed; E_GONE: it did not end with 0. */
ch_err former_run(struct former_command *cmd, const struct crash *c, uint32_t seconds);
