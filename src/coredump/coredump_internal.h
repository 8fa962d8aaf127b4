/* The opener's parts. It has the rights and parses nothing of a core: it checks that a crash
 * is one, opens what the redactor needs, starts redactor and packer, and names the file when
 * both are content. */
#pragma once
#include <sys/types.h>

#include "base/path.h"
#include "dumpstore/store.h"
#include "wire/dump_settings.h"

/* STATE, opened, and what it says. Texts of the settings are in room. */
struct state {
	int dir;
	struct dump_settings settings;
	uint8_t room[DUMP_SETTINGS_MAX];
};
/* STATE must be root's (or ours) alone to write, and so must its files. E_DENIED otherwise;
 * E_PROTOCOL: the settings are of another version or damaged: run `chancery coredump
 * install` again. */
ch_err state_open(const char *path, struct state *ret_s);
/* A small file of STATE into room (at least n bytes). E_NOT_FOUND. */
ch_err state_read(int dir, const char *name, void *room, size_t cap, bytes *ret_b);

/* --- kernel.c: what the kernel says of a crash --- */

enum { SIGNAL_UNKNOWN = 0, CGROUP_MAX = 256 };

struct crash {
	int core; /* the stream; -1 once it was handed on */
	int pidfd;
	pid_t pid; /* in our namespace, which is the initial one */
	uint32_t uid;
	int signal;
	int proc; /* the folder /proc/PID */
	int mem, pagemap, exe;
	uint64_t device, inode; /* of exe */
	char executable[PATH_CAP], cgroup[CGROUP_MAX];
	size_t executable_n, cgroup_n;
};
void crash_init(struct crash *c);
void crash_done(struct crash *c);

/* Is c->pidfd in its dump? Sets c->pid, and c->signal where the kernel says. E_DENIED: it is no
 * crash; E_GONE: it is no more. */
ch_err crash_check(struct crash *c);
/* The peer of a connection. */
ch_err crash_peer(int connection, int *ret_pidfd);
/* Opens /proc/PID and learns who it is: uid, executable, cgroup; the pidfd is asked again
 * after. c->pidfd is set. */
ch_err crash_identify(struct crash *c);
/* Its memory and its program, to be read; the pidfd is asked again after. */
ch_err crash_open(struct crash *c);

/* The protocol of "@@": take the kernel's question, then answer it once. */
ch_err request_read(int connection);
ch_err request_accept(int connection); /* send the core, and wait until we close */
ch_err request_reject(int connection);

/* --- policy.c --- */

/* ASK: by build id, the redactor says */
enum verdict { VERDICT_NEVER, VERDICT_DUMP, VERDICT_ASK, VERDICT_FORMER };
struct culprit {
	uint32_t uid;
	uint64_t device, inode;
};
/* The first rule that fits; *ret_wish for VERDICT_DUMP. */
enum verdict policy_judge(const struct dump_settings *s, const struct culprit *who,
			  enum dump_wish *ret_wish);
/* Nothing but triage and never, in every rule. */
void policy_only_triage(struct redactor_config *c);

/* --- rate.c --- */

enum { RATE_ROWS = 128 };
struct rate_row {
	uint32_t uid, n;
	bool whole_uid; /* counts all programs of the uid */
	uint64_t device, inode;
	int64_t since_s;
};
struct rate_table {
	struct rate_row rows[RATE_ROWS];
};
enum rate_answer { RATE_GO, RATE_FIRST_TOO_MANY, RATE_TOO_MANY };
enum { RATE_UID_FACTOR = 4 }; /* a uid may have so many times what one program may */
enum rate_answer rate_count(struct rate_table *t, const struct culprit *who,
			    const struct dump_limits *l, int64_t now_s);
/* The same on STATE/rates, which all processes of the handler share. */
ch_err rate_ask(int state_dir, const struct culprit *who, const struct dump_limits *l,
		enum rate_answer *ret_answer);

/* --- handle.c: one crash from its first to its last --- */

/* by_request: the kernel waits for an answer on c->core. Says in the log what became of it. */
ch_err handle_crash(struct state *s, struct crash *c, bool by_request);
/* reply: a descriptor that stays open behind the walls that this puts up. */
ch_err handle_report(struct state *s, const struct crash_report *r, int reply,
		     struct dump_id *ret_id);

/* --- workers.c --- */

struct workers {
	pid_t redactor, packer;         /* 0: none, or it has ended */
	int redactor_fd, packer_fd;     /* pidfds */
	int redactor_exit, packer_exit; /* once they have ended */
	int report;                     /* from the packer */
	int file;                       /* without a name, being written */
	uint64_t room;                  /* how long it may get */
};
void workers_init(struct workers *w);
/* Kills what still runs. */
void workers_done(struct workers *w);

struct work {
	const struct dump_settings *settings;
	const uint8_t *public_key;
	const struct redactor_config *config;
	int core, mem, pagemap, exe, registered;
};
ch_err workers_start(const struct work *work, struct workers *w);
/* A packer alone; *ret_records is where its records go. */
ch_err packer_start(const struct dump_settings *s, const uint8_t *public_key, struct workers *w,
		    int *ret_records);
/* Waits for all of them, at most seconds; the report's JSON is in room. E_BUSY: time is over; E_DENIED: the redactor's rules want no dump;
 * E_GONE: one of them failed; E_TRUNCATED: no end was said. */
ch_err workers_wait(struct workers *w, uint32_t seconds, struct wr *report, bool *ret_whole);

/* --- registered.c --- */

/* A sealed memfd of fingerprints; -1 when there is no registry. Fails when there is one that
 * does not answer in two seconds. */
ch_err registered_snapshot(int state_dir, int *ret_fd);

/* --- registry.c --- */

struct registry_child {
	int listener; /* -1: there is to be none */
	pid_t pid;    /* 0: none runs */
	uint64_t again_ns;
};
/* Starts it unless it runs; to be called again and again. */
void registry_child_keep(struct registry_child *c, const struct state *s);

/* --- confine.c --- */

/* What an opener still needs once its workers run: the store's folder, waiting, ending them. */
ch_err confine_opener(const char *store, const int *keep, size_t n);
/* What the watcher still needs: to wait, to end its server, to put core_pattern back. */
ch_err confine_watcher(const char *state_path);

/* --- pattern.c: what belongs to the whole machine --- */

struct machine {
	int pattern, pipe_limit; /* the two files in /proc/sys/kernel, to be read and written */
};
ch_err machine_open(struct machine *ret_m);
void machine_done(struct machine *m);
ch_err machine_read(const struct machine *m, char room[static CORE_PATTERN_MAX + 1],
		    struct dump_former *ret_now);
ch_err machine_write(const struct machine *m, const struct dump_former *what);
/* Is the pattern the settings'? */
bool machine_is_ours(const struct machine *m, const struct dump_settings *s);
/* Puts back what STATE/former says, if the pattern is ours. E_MISMATCH: it is not. */
ch_err machine_restore(const struct machine *m, const struct state *s);
/* Remembers what is in force, if that is not ours, and puts ours there. */
ch_err machine_arm(const struct machine *m, const struct state *s);

/* --- listen.c --- */

/* STATE/run/NAME; type SOCK_STREAM or SOCK_SEQPACKET; who may connect by mode. */
ch_err listen_in(int state_dir, const char *name, int type, mode_t mode, int *ret_fd);

/* --- serve.c: the daemon --- */

/* Until the pipe of the watcher closes or SIGTERM comes. */
struct listeners {
	int core; /* -1: crashes come by pipe */
	int reports, registry;
};
ch_err serve(const char *state_path, struct state *s, const struct listeners *l, int watcher);

/* --- watch.c --- */

/* The whole daemon: watcher and server. The exit status. */
int watch(const char *state_path);
