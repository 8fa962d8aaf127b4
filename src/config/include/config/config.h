/* DIR/chancery.yaml and a gate's policy, as typed sections. Unknown keys, wrong types
 * and contradictions are errors that name file, line and the mend. A file is taken
 * whole or not at all. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"
#include "base/secretmem.h"
#include "wire/dump_settings.h"
#include "wire/plan.h"

enum {
	CONFIG_FILE_MAX = 64 * 1024,  /* bytes of a file that is read */
	CONFIG_WHY_MAX = 1024,        /* room that the longest complaint needs */
	CONFIG_WRITE_MAX = 32 * 1024, /* room that config_write and gate_file_write need */
	CONFIG_UID_BASE_MAX = 65000,
	CONFIG_TTL_MAX_S = 24 * 3600,
	CONFIG_SKEW_MAX_S = 60,
	CONFIG_REVOCATIONS_STALE_S = 60,
	CONFIG_LOG_STALE_S = 10,
	CONFIG_WITNESS_STALE_S = 120,
	CONFIG_RATE_MAX = 1000000,
	CONFIG_REFRESH_TTL_S = 90 * 86400, /* what holds when the file does not say */
	CONFIG_REFRESH_IDLE_S = 30 * 86400,
	CONFIG_REFRESH_WINDOW_S = 60,
	CONFIG_KEY_SIGN_S = 14 * 86400,
	CONFIG_COLLECTOR_MB = 256,
	CONFIG_COLLECTOR_DAYS = 90,
	CONFIG_KEY_STAGED_S = 3600,
	CONFIG_KEY_SIGN_MAX_S = 3660 * 86400,
	CONFIG_REFRESH_TTL_MAX_S = 3660 * 86400,
	CONFIG_LOG_JOURNAL_DAYS = 400,
	CONFIG_LOG_JOURNAL_MAX_DAYS = 36600,
	CONFIG_SESSION_TTL_S = 7 * 86400,
	CONFIG_SESSION_IDLE_S = 12 * 3600,
	CONFIG_SESSION_TTL_MAX_S = 366 * 86400,
};

struct config_realm {
	str name;   /* home, corp, staff */
	str kind;   /* consumer, enterprise, staff: informative */
	str issuer; /* URL whose path is "/" name; http on loopback only */
	bool issues;
	str alg; /* of keys that `init` makes: ES256, EdDSA, RS256 or PS256 */
	uint32_t access_ttl_s, id_ttl_s, code_ttl_s;
	uint32_t refresh_ttl_s, refresh_idle_s, refresh_window_s;
	uint32_t session_ttl_s, session_idle_s;
	unsigned dpop; /* 1: required, 0: optional */
	bool dpop_nonce;
	unsigned par;        /* 1: required, 0: optional */
	uint32_t rate_per_s; /* tokens a second at most */
	size_t n_audiences;
	struct role_audience audiences[AUDIENCES_MAX];
	size_t n_scopes;
	str scopes[SCOPES_MAX];
	size_t n_scope_texts;
	struct role_scope_text scope_texts[SCOPES_MAX];
};

struct config_group {
	str name;         /* main, staff */
	str host;         /* numeric address to listen on, without brackets */
	uint32_t port;    /* 1 to 65535 in a file */
	str monitor_host; /* loopback; empty: no metrics are served */
	uint32_t monitor_port;
	size_t n_realms;
	str realms[REALMS_MAX];
	size_t n_fronts;
	str fronts[FRONTS_MAX]; /* numeric addresses */
};

struct config_reporter {
	str name;
	str secret_file; /* relative to DIR or absolute */
};

/* Where gates report to; host empty: there is no collector. */
struct config_collector {
	str host; /* loopback */
	uint32_t port;
	unsigned compromise;                      /* 1: guarded, 0: off */
	str webhook_uri;                          /* empty: none */
	str webhook_secret_file, webhook_ca_file; /* relative to DIR or absolute; empty: none */
	uint32_t total_mb, keep_days;             /* of each gate's sightings */
	size_t n_gates;
	struct config_reporter gates[COLLECTOR_GATES_MAX];
};

struct config {
	enum secretmem_kind secret_memory;
	str passphrase_file; /* relative to DIR or absolute */
	str crash_handler;   /* folder of the host's, "none", or empty for the usual one */
	uint32_t uid_base;
	uint32_t jwks_max_age_s;
	bool log_json, log_requests;
	uint32_t key_sign_s, key_staged_s;
	struct config_collector collector;
	str log_origin; /* of the log of tokens; empty: by the first issuer's URL */
	uint32_t log_journal_days;
	bool log_public;
	size_t n_groups;
	struct config_group groups[PLAN_GROUPS_MAX];
	size_t n_realms;
	struct config_realm realms[REALMS_MAX];
};

struct gate_file {
	str host; /* empty: no introspection endpoint */
	uint32_t port;
	str client_secret_file;         /* relative to the policy's folder or absolute */
	str ca_file;                    /* likewise; empty: the system's certificates */
	str socket;                     /* likewise; empty: no check endpoint */
	str socket_owner, socket_group; /* names; empty: whoever starts the gate */
	str socket_mode;                /* "0600", "0660" or "0666" */
	str user; /* whom root lets the gate run as; empty: as who starts it */
	/* client_secret still empty; jwks relative to the policy's folder or absolute */
	struct gate_config gate;
};

/* What a machine does with crashes: /etc/chancery/coredump.yaml. */
struct coredump_rule {
	unsigned level; /* enum dump_wish */
	str uid;        /* "1000" or "1000-1999"; each empty: any */
	str executable; /* absolute */
	str build_id;   /* hex */
};

struct coredump_file {
	unsigned level;  /* enum dump_wish: what no rule names */
	unsigned beyond; /* 1: what rate and room keep out goes to the former handler */
	str seal_to;     /* a public key's file; empty: not said */
	str store;       /* absolute */
	uint32_t uid_base;
	uint32_t core_mb, dump_mb, total_mb, free_mb, keep_days;
	uint32_t crashes, per_s, at_once, seconds;
	size_t n_reporters;
	str reporters[DUMP_REPORTERS_MAX]; /* uids */
	size_t n_rules;
	struct coredump_rule rules[DUMP_RULES_MAX];
};

/* A witness's witness.yaml. */
struct witness_file {
	str host; /* numeric address to listen on */
	uint32_t port;
	str monitor_host; /* empty: no metrics are served */
	uint32_t monitor_port;
	struct witness_config config; /* origins are set, by the keys' names where none is said */
};

/* Opaque storage of a parsed file's texts. */
struct config_text;
void config_text_free(struct config_text *t);
/* For AUTO(). */
void config_text_done(struct config_text **t);
/* The line of a text that the parsed file gave, known by its address; 0: it is none of those. */
uint32_t config_text_line(const struct config_text *t, str text);

/* path is for messages. On failure *why (CONFIG_WHY_MAX bytes) has
 * "FILE:LINE: what is wrong; how to mend it", without a line end, and nothing else
 * is written. E_SYNTAX: not this kind of YAML, an unknown key, a wrong type.
 * E_MISSING, E_DUPLICATE, E_RANGE: a key or value. E_MISMATCH: a contradiction.
 * E_DENIED: a gate off loopback. E_LIMIT: over CONFIG_FILE_MAX bytes, too
 * deep or too many values. */
ch_err config_parse(str path, bytes yaml, struct wr *why, struct config *ret_c,
		    struct config_text **ret_text);
ch_err gate_file_parse(str path, bytes yaml, struct wr *why, struct gate_file *ret_g,
		       struct config_text **ret_text);

ch_err coredump_file_parse(str path, bytes yaml, struct wr *why, struct coredump_file *ret_f,
			   struct config_text **ret_text);
ch_err witness_file_parse(str path, bytes yaml, struct wr *why, struct witness_file *ret_f,
			  struct config_text **ret_text);
/* The commented file that a new witness starts from. */
void witness_file_write(struct wr *w, str name, str listen);
/* What holds without a file. Texts are constants. */
void coredump_file_defaults(struct coredump_file *ret_f);
/* "1000" or "1000-1999", in order; false for anything else. */
bool coredump_uids(str text, uint32_t *ret_from, uint32_t *ret_to);
/* An even number of hex digits, 64 at most; false for anything else. */
bool coredump_build_id(str text, uint8_t ret_id[static BUILD_ID_MAX], uint8_t *ret_n);

/* What `chancery init` starts from: realms home and corp in group main on
 * 127.0.0.1:8080, staff (which issues nothing) in a group of its own on 8081. All
 * texts are constants. */
void config_defaults(struct config *ret_c);

/* What a gate's policy need not say; the rest is empty. Texts are constants. */
void gate_file_defaults(struct gate_file *ret_g);

/* The commented file that `chancery init` writes, with these values; config_parse
 * gives the same back. */
void config_write(struct wr *w, const struct config *c);
/* The commented policy of a gate; gate_file_parse gives the same back. Issuers of one
 * realm must have the same mailboxes: the file states them by realm. */
void gate_file_write(struct wr *w, const struct gate_file *g);
