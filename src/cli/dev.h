/* `chancery serve --dev`: a throw-away authority with sample data, its gate and, if
 * wished, a mail server, all children of this process. */
#pragma once
#include "authority.h"
#include "log_begin.h"
#include "mail.h"

struct dev_wish {
	bool dev, mail;
	const char *dir;
	str listen;
	uint32_t port;
	str webhook;  /* that the collector calls; empty: none */
	bool guarded; /* a key leaves by itself for an alarm */
	str keyless[REALMS_MAX];
	size_t n_keyless;
};

/* Until it is told to stop; the exit status. */
int dev_serve(const struct dev_wish *w);

/* --- dev_data.c: what is in it --- */

enum { DEV_PASSWORD_SIZE = 24, DEV_SECRET_SIZE = 32, DEV_USERS = 3 };

struct dev_user {
	str realm, username;
	char password[DEV_PASSWORD_SIZE + 1];
	char sub[64];
	size_t sub_n;
};

struct dev_data {
	struct dev_user users[DEV_USERS];
	char gate_secret[DEV_SECRET_SIZE + 1];
	char reporter_secret[DEV_SECRET_SIZE + 1]; /* of the gate at the collector */
};

/* The client that every test and bench knows. */
#define DEV_BENCH_SECRET "bench-secret"

/* The defaults, on the wished address; and the issuers' URLs once the ports are known. */
void dev_config(const struct dev_wish *w, struct config *ret_c);
void dev_issuers(struct config *c);
/* Users and clients into the stores; passwords into DIR/passwords/USERNAME (0600). */
ch_err dev_seed(const struct authority *a, struct dev_data *ret_d);
/* DIR/gate.yaml and its secret: what a mail host's operator would write. */
struct dev_gate {
	struct gate_file file;
	struct path jwks[REALMS_MAX];
	struct path revocations[REALMS_MAX];
	struct path log_vkey, log_folder, log_socket;
	struct log_facts facts;
	struct path sightings;
	char collector[URL_MAX_BYTES];
	struct fetcher_config fetcher; /* of the gate */
};
/* The secret by which its gate reports, and its file. */
ch_err dev_reporter(const struct authority *a, struct dev_data *d);
ch_err dev_gate_policy(const struct authority *a, const struct dev_data *d, uint32_t port,
		       struct dev_gate *ret_g);

/* --- dev_json.c --- */

enum { DEV_PIDS_MAX = 64 };

struct dev_pids {
	struct {
		char role[24];
		pid_t pid;
	} entry[DEV_PIDS_MAX];
	size_t n;
};

/* DIR/dev.json, by rename. */
ch_err dev_json_write(const struct authority *a, const struct dev_data *d, const struct dev_gate *g,
		      const struct dev_mail *mail, const struct dev_pids *pids);
