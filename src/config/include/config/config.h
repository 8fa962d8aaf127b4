/* DIR/chancery.yaml and a gate's policy, as typed sections. Unknown keys, wrong types
 * and contradictions are errors that name file, line and the mend. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"
#include "base/secretmem.h"
#include "wire/plan.h"

struct config_realm {
	str name;   /* home, corp, staff */
	str kind;   /* consumer, enterprise, staff: informative */
	str issuer; /* URL whose path is "/" name */
	bool issues;
	str alg;    /* of keys that `init` makes: ES256 */
	uint32_t access_ttl_s, id_ttl_s, code_ttl_s;
	uint32_t rate_per_s; /* tokens a second at most */
	size_t n_audiences;
	struct role_audience audiences[AUDIENCES_MAX];
	size_t n_scopes;
	str scopes[SCOPES_MAX];
};

struct config_group {
	str name;  /* main, staff */
	str host;  /* numeric address to listen on */
	uint32_t port;
	size_t n_realms;
	str realms[REALMS_MAX];
};

struct config {
	enum secretmem_kind secret_memory;
	str passphrase_file; /* relative to DIR or absolute */
	uint32_t uid_base;
	uint32_t jwks_max_age_s;
	size_t n_groups;
	struct config_group groups[PLAN_GROUPS_MAX];
	size_t n_realms;
	struct config_realm realms[REALMS_MAX];
};

struct gate_file {
	str host;
	uint32_t port;
	str client_secret_file; /* relative to the policy's folder or absolute */
	struct gate_config gate; /* client_secret still empty */
};

/* Opaque storage of a parsed file's texts. */
struct config_text;
void config_text_free(struct config_text *t);
void config_text_done(struct config_text **t);

/* path is for messages. On failure *why has "FILE:LINE: what is wrong; how to mend it". */
ch_err config_parse(str path, bytes yaml, struct wr *why, struct config *ret_c,
		    struct config_text **ret_text);
ch_err gate_file_parse(str path, bytes yaml, struct wr *why, struct gate_file *ret_g,
		       struct config_text **ret_text);

/* The commented file that `chancery init` writes, with these values. */
void config_write(struct wr *w, const struct config *c);
/* The commented policy of a gate. */
void gate_file_write(struct wr *w, const struct gate_file *g);
