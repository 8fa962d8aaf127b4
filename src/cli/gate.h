/* `chancery gate`: a policy file with all that it names, and who serves by it. */
#pragma once
#include <sys/types.h>

#include "base/path.h"
#include "config/config.h"

enum { GATE_SECRET_MAX = 256 };

struct policy_file {
	const char *name;
	struct path folder; /* of the file, absolute */
	struct gate_file g; /* its paths are absolute once it is loaded */
	struct config_text *text;
	uint32_t socket_line, sightings_line; /* where the file names them; 0: nowhere */
	struct path jwks[REALMS_MAX], socket, sightings, ca_file;
	uid_t owner, uid;
	gid_t group, gid;
	uint8_t secret[GATE_SECRET_MAX];
	struct path revocations[REALMS_MAX];
	uint32_t revocation_lines[REALMS_MAX]; /* where the file names the folder; 0: nowhere */
	str revocation_secrets[REALMS_MAX];    /* in revocation_rooms */
	uint8_t revocation_rooms[REALMS_MAX][GATE_SECRET_MAX];
	struct path log_folders[LOGS_MAX], log_sockets[LOGS_MAX];
	uint8_t log_vkeys[LOGS_MAX][VKEY_MAX_BYTES]; /* of vkey_file */
	uint32_t log_lines[LOGS_MAX]; /* where the file names the folder; 0: nowhere */
	str log_secrets[LOGS_MAX];    /* in log_rooms */
	uint8_t log_rooms[LOGS_MAX][GATE_SECRET_MAX];
	str collector_secret; /* in collector_room */
	uint8_t collector_room[GATE_SECRET_MAX];
};

/* Reads the file of this name and what it names; says what is wrong on standard error. */
ch_err policy_file_load(struct policy_file *p);
/* Keys, folders and logs that it names; says on standard error what is wrong. After crypto_init. */
bool policy_file_check(const struct policy_file *p);
void policy_file_done(struct policy_file *p);

/* --- between gate.c and gate_logs.c --- */

/* "FILE:LINE: what", for a value of the policy. */
const char *policy_placed(const struct policy_file *p, uint32_t line, const char *what);
/* A name in the policy becomes an absolute path. */
ch_err policy_resolve(const struct policy_file *p, str name, struct path *ret_path);
/* The first line of a file that others cannot read, in room. */
ch_err policy_secret(const struct policy_file *p, str file, uint8_t room[static GATE_SECRET_MAX],
		     str *ret_secret);
/* The logs of the policy: paths, keys, secrets. Says what is wrong. */
ch_err policy_logs(struct policy_file *p);
/* For --check: are folders there, and is what they hold a log of this key? */
bool policy_logs_check(const struct policy_file *p);
/* The socket of the log's ledger, connected; -1: nobody answers there. */
int policy_log_socket(const struct policy_file *p, str log);

/* Serves by the policy until SIGTERM; the exit status. */
int gate_keep(struct policy_file *p);
