/* The supervisor's parts. It starts the roles, wires them, and starts them again. It
 * holds no key and reads nothing that comes from outside: sealed files and the roles'
 * configurations pass through it unread. */
#pragma once
#include <sys/types.h>

#include "base/path.h"
#include "wire/boot.h"
#include "wire/control.h"
#include "wire/plan.h"
#include "wire/status.h"

enum role {
	ROLE_KEEPER,
	ROLE_WARDEN,
	ROLE_SIGNER,
	ROLE_ISSUER,
	ROLE_HASHER,
	ROLE_GATE,
	ROLE_COLLECTOR,
	ROLE_FETCHER, /* group: of a gate its own; FETCHER_COLLECTOR of the collector */
	ROLE_LEDGER,
	ROLE_COUNT
};

enum { FETCHER_COLLECTOR = PLAN_GATES_MAX };
enum {
	PROCESSES_MAX = 32,
	NO_GROUP = 0,
	LOG_GROUP = PLAN_GROUPS_MAX, /* of the signer of the log's heads, which has no issuer */
	GROUPS_MAX,
	REVOKE_ASKERS_MAX = 8
};

struct process {
	pid_t pid; /* 0: free */
	enum role role;
	size_t group; /* index in the plan; of a gate, its own index */
	int control;  /* our end */
	bool ready;
	uint64_t started_ns;
	bool told_stop;
	pid_t asks_ledger;    /* of an issuer: the ledger that it can ask for heads */
	bool failed;          /* it has said that it cannot serve */
	uint32_t failed_code; /* and why */
	/* of a signer: */
	uint32_t generation;
	int gate_end;            /* write a byte: go on to exec */
	uint64_t looked_ns;      /* when we last looked whether it serves */
	unsigned looks;          /* and how often in vain */
	int sockets[REALMS_MAX]; /* the issuer's ends, until they are handed over */
	int ledger_socket;       /* the ledger's end, likewise */
	bool current;            /* its sockets are with the issuer and the ledger */
	const volatile struct signer_status *status; /* its word, for pauses alone; or NULL */
	bool has_signed;                             /* when it ended */
};

/* A role that ended and is due again. */
struct restart {
	uint64_t at_ns; /* 0: it is not */
	unsigned quick; /* deaths in a row, soon after the start */
};

/* A cli that waits for an issuer's word. */
struct revoke_asker {
	int fd;          /* valid when number is not 0 */
	uint32_t number; /* 0: free */
	size_t group;
	uint64_t until_ns;
};

/* `chancery key compromise` for an alarm, as a child of ours. */
enum { ALARM_ID_MAX = 64 };
struct compromising {
	pid_t pid;      /* 0: nobody is at it */
	uint64_t at_ns; /* when one was last begun; 0: never */
	size_t id_n;
	char id[ALARM_ID_MAX];
};

struct supervisor {
	struct plan plan;
	int programs[ROLE_COUNT];
	int dir; /* DIR */
	struct process processes[PROCESSES_MAX];
	uint32_t generation;              /* the last one given */
	uint64_t retry_at_ns[GROUPS_MAX]; /* 0: no signer is to be started again */
	unsigned crashes[GROUPS_MAX];     /* in a row, soon after the start */
	unsigned fruitless[GROUPS_MAX];   /* of these, in a row without a signature */
	uint64_t started_ns[GROUPS_MAX];
	struct restart restarts[ROLE_COUNT][PLAN_GROUPS_MAX]; /* by role and `group` */
	bool has_head; /* the last head of the log that a signer put on its status page */
	struct status_head head;
	int log_listener, log_folder; /* the ledger's: DIR/run/log, DIR/log */
	bool told_ready, stopping, broken;
	pid_t checker;                /* looks at the configuration for a reload; 0: nobody does */
	bool reload_again, reloading; /* asked for once more meanwhile; stopping to start anew */
	uint64_t alive_due_ns;        /* when the service manager is told again that we live */
	struct compromising compromising;
	pid_t tender;           /* tends the keys; 0: nobody does */
	uint64_t tend_at_ns;    /* when the next one is due; 0: not known yet */
	unsigned tend_failures; /* in a row */
	int64_t clock_offset_s; /* of the time of day to the time that only goes on */
	bool clock_known;
	int signals, listener;
	int asker; /* a cli that waits for a renewal; -1: none */
	size_t asker_group;
	uint32_t asker_generation;
	uint32_t asker_realms; /* bits: the issuer asks that generation, or a later one */
	struct revoke_asker revoke_askers[REVOKE_ASKERS_MAX];
	uint32_t revoke_asked; /* the last number given */
};

/* table.c */
const char *role_name(enum role r);         /* "signer" */
const char *role_process_name(enum role r); /* "chancery-signer" */
struct process *process_add(struct supervisor *s, enum role role, size_t group);
struct process *process_by_pid(struct supervisor *s, pid_t pid);
/* The process of this role and group; of signers, the current one. NULL: none. */
struct process *process_find(struct supervisor *s, enum role role, size_t group);
/* Tells the one who started us, closes what is ours, frees the slot. */
void process_gone(struct supervisor *s, struct process *p);
/* "main"; of the signer of heads "log" */
str group_name(const struct supervisor *s, size_t group);
/* The i-th of all groups that have a signer: those of the plan, then LOG_GROUP; of n. */
size_t group_at(const struct supervisor *s, size_t i);
size_t group_count(const struct supervisor *s);
void tell_parent(struct supervisor *s, enum control_kind kind, const struct process *p);

/* launch.c: each role with its configuration and sockets */
ch_err launch_open_programs(struct supervisor *s);
ch_err launch_warden(struct supervisor *s);               /* and the keeper that unlocks it */
ch_err launch_issuer(struct supervisor *s, size_t group); /* and its hasher */
ch_err launch_gate(struct supervisor *s, size_t gate);    /* and its fetcher, if it has one */
ch_err launch_collector(struct supervisor *s, size_t none);
ch_err launch_ledger(struct supervisor *s);
/* The signer of a group, waiting at its gate; ret_key is the warden's end of its key
 * socket, ret_status the status page. */
ch_err launch_signer(struct supervisor *s, struct process *p, int *ret_key, int *ret_status);

/* log.c: the ledger's folder and the socket at which anybody asks for heads; both outlive it. */
ch_err log_open_files(struct supervisor *s);
/* What a signer of heads has signed is kept for the next one. */
void log_note_head(struct supervisor *s, const struct process *p);
/* A gate asked for a socket of the ledger, by the name that its policy has for the log. */
void log_give_gate(struct supervisor *s, struct process *gate, str log);
/* An issuer gets a new connection to ask for heads at; when either of the two is new. */
void log_connect_issuers(struct supervisor *s);
/* The ledger gets its end of a new signer's socket. */
ch_err log_attach(struct supervisor *s, struct process *signer);

/* generation.c */
/* A signer may be started: there is a warden to hold it, and a ledger for its entries. */
bool generation_may_start(struct supervisor *s);
ch_err generation_start(struct supervisor *s, size_t group);
void generation_held(struct supervisor *s, pid_t pid);
void generation_ready(struct supervisor *s, struct process *signer);
/* Starts what must be tried again by now; the time until the next try in ms, or -1. */
int generation_retry(struct supervisor *s);
/* This signer ended: is another one due, and when? */
void generation_ended(struct supervisor *s, const struct process *p);

/* restart.c: this warden, issuer or gate ended; it is due again, now or in a while. */
void restart_after(struct supervisor *s, const struct process *p);
/* Starts what is due; the time until the next in ms, or -1. */
int restart_due(struct supervisor *s);

/* key_files.c: the sealed files of one realm, appended to c->keys in storage */
ch_err key_files_read(struct supervisor *s, str realm, struct wr *storage, struct signer_config *c,
		      size_t *ret_n);
ch_err kdf_file_bytes(struct supervisor *s, struct wr *storage, bytes *ret_kdf);

/* crash.c: DIR/crash/… */
void crash_write(struct supervisor *s, const struct control *c);

/* handover.c: gives the report at this path of DIR to the machine's handler of crash dumps, if
 * there is one, in a process of its own; once it is stored there, the path is removed. */
void report_hand_over(struct supervisor *s, const struct control *c, const char *path);

/* reload.c: SIGHUP. Begins to look; what the one who looked says (a wait status); and the end of
 * this process as it is: returns an exit status only when that fails. */
void reload_begin(struct supervisor *s);
void reload_checked(struct supervisor *s, int status);
int reload_become(const struct supervisor *s);

/* tend.c: `chancery key tend`, every so often. Starts it when it is due; the time until the
 * next in ms, or -1. What it ended with (a wait status). At the end of this process. */
int tend_due(struct supervisor *s);
void tend_ended(struct supervisor *s, int status);
void tend_stop(struct supervisor *s);

/* compromise.c: what the collector asks for; what it ended with (a wait status). */
void compromise_asked(struct supervisor *s, struct process *collector, const struct control *c);
void compromise_ended(struct supervisor *s, int status);

/* renew.c: DIR/run/control */
ch_err renew_listen(struct supervisor *s);
void renew_accept(struct supervisor *s);
/* Does one that asked for this group still wait? Forgets it when it has gone. */
bool renew_is_waited_for(struct supervisor *s, size_t group);
void renew_answer(struct supervisor *s, size_t group, ch_err result);
/* An issuer asks a new generation for one of its realms: if that was the last of what somebody
 * waits for, he hears so. */
void renew_attached(struct supervisor *s, const struct process *issuer, const struct control *c);

/* ask_revoke.c: passes what is asked of an issuer on, and its answer back. Takes fd. */
void revoke_ask(struct supervisor *s, size_t group, int fd);
void revoke_answered(struct supervisor *s, const struct process *issuer, const struct control *c);
/* This issuer is gone: whoever waits for it hears so. */
void revoke_gone(struct supervisor *s, size_t group);
/* Who has waited too long hears that; the time until the next look in ms, or -1. */
int revoke_due(struct supervisor *s);
/* Tells who asked at DIR/run/control, renew.c. */
void control_answer(int fd, ch_err result);

/* events.c */
void events_message(struct supervisor *s, struct process *p);
void events_children(struct supervisor *s);
/* All roles that should be are ready: say so once. */
void events_maybe_ready(struct supervisor *s);
