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
};

/* Reads the file of this name and what it names; says what is wrong on standard error. */
ch_err policy_file_load(struct policy_file *p);
void policy_file_done(struct policy_file *p);

/* Serves by the policy until SIGTERM; the exit status. */
int gate_keep(struct policy_file *p);
