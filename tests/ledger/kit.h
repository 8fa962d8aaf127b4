/* A ledger in a child process, the signers and the signer of heads that it talks to, and a log in a
 * folder of its own. Everything fails the test by itself. */
#pragma once
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "crypto/key.h"
#include "ledger_internal.h"
#include "logstore/journal.h"
#include "merkle/checkpoint.h"
#include "merkle/entry.h"

enum { KIT_FOLDER = 128 };

struct kit {
	char folder[KIT_FOLDER]; /* what all is in … */
	char log[KIT_FOLDER];    /* … the log's own */
	char socket[KIT_FOLDER];
	pid_t pid; /* of the ledger; 0: none runs */
	int control, listen_fd;
	int heads; /* our end: we sign */
	struct ledger_config config;
	struct private_key *key;
	uint8_t vkey[NOTE_VKEY_MAX];
	struct head signed_last; /* as the signer of heads remembers it */
	int status;              /* of the last ledger that ended */
	bool refuses;            /* the signer of heads says no */
	bool is_mute;            /* it says nothing */
	bool is_quiet;           /* the ledger's log is not shown */
	uint64_t heads_signed;
	void (*before)(void); /* in the child, before it begins */
	bool in_thread;       /* its parts, in a thread of this process */
	pthread_t thread;
	int control_theirs;
	struct boot_id boot; /* of the machine, as the parts see it; zeros: not known */
	const char *program; /* the real one, behind its walls; NULL: its parts, in our child */
};

/* Where files are in memory, if there is such a place: what syncs much is quick there. */
const char *kit_fast_folder(void);
/* A folder below `where` (NULL: the usual), a key; no ledger yet. */
void kit_open(struct kit *k, const char *where);
void kit_close(struct kit *k);
/* Starts the ledger; E_…: what it said when it could not. */
enum ch_code kit_start(struct kit *k);
void kit_must_start(struct kit *k);
/* CONTROL_STOP, and its exit status. */
int kit_stop(struct kit *k);
void kit_kill(struct kit *k);
/* CONTROL_STOP alone, and taking the status of one that has ended. */
ch_err control_stop(int control);
void kit_reap(struct kit *k);
/* A socket of a signer. */
int kit_attach(struct kit *k, const char *group);
/* The i-th entry there is, in the test's numbering. */
bytes kit_entry(uint64_t i, uint8_t storage[static LOG_ENTRY_MAX]);
/* Sends n entries from number `from` on. */
void kit_send(int fd, uint64_t seq, uint64_t from, size_t n);
/* Waits for the answer. */
struct ledger_appended kit_answer(int fd);
/* Both, asserts that they are durable, and their first index. */
uint64_t kit_append(int fd, uint64_t seq, uint64_t from, size_t n);
/* Signs what the ledger asks for, for at most so long, until `heads` were signed. */
void kit_sign(struct kit *k, int ms, uint64_t heads);
/* Connects at DIR/run/log. */
int kit_connect(const struct kit *k);
/* Asks for a head and signs it meanwhile. */
struct head kit_ask(struct kit *k, int fd, bool is_fresh);
/* The published head as it lies there. */
struct head kit_published(const struct kit *k);
/* The log is what a stranger can check: all tiles and bundles come out of n entries, which are the
 * test's; the head is over them and signed. */
void kit_check_log(const struct kit *k);
/* A copy of the log's folder, and back. */
void kit_save(const struct kit *k, const char *as);
void kit_restore(const struct kit *k, const char *from);
/* logcheck: how much is damaged. */
uint64_t kit_damaged(const struct kit *k);
/* logrepair. */
ch_err kit_repair(const struct kit *k);
/* All files below the log's folder, but the lock: fn for each, with its path below it and its size. */
void kit_files(const struct kit *k, void (*fn)(void *ctx, const char *file, size_t size),
	       void *ctx);
