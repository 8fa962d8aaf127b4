/* The configuration of each role, as it travels in boot.h's memfd. Both halves are in
 * roles_*.c; slices of a decoded one point into the message. Limits are checked when
 * it is decoded: E_PROTOCOL. */
#pragma once
#include "base/rw.h"
#include "base/secretmem.h"

enum {
	REALMS_MAX = 8,
	AUDIENCES_MAX = 8,
	SCOPES_MAX = 16,
	KEYS_MAX = 32,
	PATTERNS_MAX = 16,
	SEALED_KEY_MAX = 8192,
	NAME_MAX_BYTES = 64,
	URL_MAX_BYTES = 256,
	REFRESH_KEY_SIZE = 32,
	REFRESH_WINDOW_MAX_S = 300,
	FRONTS_MAX = 8,
	LOGS_MAX = 4,
	LOG_WITNESSES_MAX = 8,
	VKEY_MAX_BYTES = 320,
	FETCHER_POSTS_MAX = 2,
};

struct role_audience {
	str name;     /* as in aud: "mail" */
	str resource; /* as in RFC 8707: an absolute URI */
};

/* What a scope means, for the people who are asked to agree to it. */
enum { SCOPE_TEXT_MAX_BYTES = 128 };
struct role_scope_text {
	str scope;
	str en;
	str fr; /* empty: the English one */
};

/* --- signer: fds key socket, status page, socket of the ledger, one socket a realm in this order.
 * The signer of heads has one realm, "log", and no socket of a realm --- */
enum { LOG_ORIGIN_MAX = 255, JOURNAL_KEY_SIZE = 32, HEAD_ROOT_SIZE = 32 };
#define LOG_REALM LIT("log")

/* A head of the log that was signed: none may be signed that does not begin with it. */
struct signer_head {
	uint64_t size;
	uint8_t root[HEAD_ROOT_SIZE];
};
struct signer_realm {
	str name;
	str issuer;
	uint32_t rate_per_s;      /* of the socket: tokens a second, and as many in a burst */
	size_t first_key, n_keys; /* in config.keys */
};
struct signer_config {
	enum secretmem_kind secret_memory;
	size_t n_realms;
	struct signer_realm realms[REALMS_MAX];
	size_t n_keys;
	bytes keys[KEYS_MAX]; /* sealed key files, see keyfile.h */
	bytes kdf;            /* the kdf file, to check the key-encryption key */
	/* of a signer of tokens: what subs are hashed with for the journal */
	uint8_t journal_key[JOURNAL_KEY_SIZE];
	str log_origin; /* not empty: it signs heads of the log of this origin, and no token */
	/* of a signer of heads: the last one that any generation signed, if that is known */
	bool has_head;
	struct signer_head head;
};
void signer_config_write(struct wr *w, const struct signer_config *c);
ch_err signer_config_read(bytes b, struct signer_config *ret_c);

/* --- warden: fd keeper socket --- */
struct warden_config {
	enum secretmem_kind secret_memory;
};
void warden_config_write(struct wr *w, const struct warden_config *c);
ch_err warden_config_read(bytes b, struct warden_config *ret_c);

/* --- keeper: fds passphrase file, then warden socket (UNLOCK) or PEM (IMPORT), then the
 * registry of secrets if has_registry, to which new keys are told (registry.h). Keys come
 * back as CONTROL_SEALED and (new ones) CONTROL_PUBLIC, generation = index in keys --- */
enum keeper_duty { KEEPER_UNLOCK, KEEPER_GENERATE, KEEPER_IMPORT };
enum { KEEPER_KEYS_MAX = 2 * REALMS_MAX + 1 }; /* two a realm, and the log's */
struct keeper_key {
	str realm;
	/* a sealed file, whose times alone are changed; empty: a new key */
	bytes sealed;
	/* the times of struct key_times (keystate.h) */
	int64_t created_s, published_s, not_before_s, not_after_s, limit_s;
	/* of a new one: */
	uint8_t alg; /* enum alg; 255: ES256, or what the PEM is */
	uint8_t typs;
	uint32_t max_ttl_s;
	uint32_t rate_per_s; /* 0: no limit */
	size_t n_audiences;
	str audiences[AUDIENCES_MAX]; /* names; none: any */
};
struct keeper_config {
	enum keeper_duty duty;
	enum secretmem_kind secret_memory;
	/* the kdf file; empty: make one (CONTROL_SEALED with name "kdf") */
	bytes kdf;
	/* a new kdf need not be slow: the passphrase is random bytes of this occasion */
	bool random_passphrase;
	bool has_registry;
	size_t n_keys; /* GENERATE; 1 for IMPORT */
	struct keeper_key keys[KEEPER_KEYS_MAX];
};
void keeper_config_write(struct wr *w, const struct keeper_config *c);
ch_err keeper_config_read(bytes b, struct keeper_config *ret_c);

/* --- ledger: fds listening socket of DIR/run/log, folder of the log. Sockets of signers come by
 * CONTROL_ATTACH, name = group; that of the group "log" is the signer of heads --- */
enum { LOG_VKEY_MAX = 512 };
struct ledger_config {
	str origin;             /* the first line of a head */
	str vkey;               /* of who signs heads, as NOTE_ED25519; empty: not verified */
	uint64_t segment_bytes; /* of the journal; 0: the default of src/chain */
	uint32_t journal_days;  /* of the journal; 0: JOURNAL_KEEP_DAYS */
};
void ledger_config_write(struct wr *w, const struct ledger_config *c);
ch_err ledger_config_read(bytes b, struct ledger_config *ret_c);

/* --- hasher: fd issuer socket. No configuration. --- */

/* --- issuer: fds listening socket, hasher socket if has_hasher, listening socket of its monitor
 * if has_monitor --- */
struct issuer_realm {
	str name;
	str issuer;  /* URL; its path is "/" name */
	bool issues; /* false: discovery and JWKS alone */
	uint32_t access_ttl_s, id_ttl_s, code_ttl_s;
	/* of a grant with refresh tokens: at most, and without a refresh; how long the last
	 * used token still gets its successor again */
	uint32_t refresh_ttl_s, refresh_idle_s, refresh_window_s;
	/* of a person who is signed in: at most, and without a visit */
	uint32_t session_ttl_s, session_idle_s;
	bool dpop_required; /* every access token is bound to a key (RFC 9449) */
	bool dpop_nonce;    /* a proof must carry a nonce of ours */
	bool par_required;  /* every authorization request is pushed (RFC 9126) */
	size_t n_audiences;
	struct role_audience audiences[AUDIENCES_MAX];
	size_t n_scopes;
	str scopes[SCOPES_MAX];
	size_t n_scope_texts; /* of some of them */
	struct role_scope_text scope_texts[SCOPES_MAX];
};
struct issuer_config {
	str group;
	str store;       /* folder of the group's store */
	str revocations; /* folder of the realms' chains; each is REALM in it */
	str log;         /* folder of the log; empty: there is none to serve */
	bool log_public; /* to all; else to clients with the scope log */
	/* of this group: refresh tokens need it beside the store, which does not hold it */
	uint8_t refresh_key[REFRESH_KEY_SIZE];
	bool has_hasher;
	bool has_monitor;
	bool log_requests;
	bool dev;
	uint32_t jwks_max_age_s;
	size_t n_fronts;
	str fronts[FRONTS_MAX]; /* addresses whose X-Forwarded-For is believed */
	size_t n_realms;
	struct issuer_realm realms[REALMS_MAX];
};
void issuer_config_write(struct wr *w, const struct issuer_config *c);
ch_err issuer_config_read(bytes b, struct issuer_config *ret_c);

/* --- gate: fds listening TCP socket if introspects, listening unix socket if checks, memory
 * of used proofs (shared by its generations) if has_proofs, socket of its fetcher if an
 * issuer or a log has a URL, or it reports. Sockets of logs come as CONTROL_ATTACH, when it asks so --- */
enum {
	LOCATIONS_MAX = 32,
	PERIODS_MAX = 32,
	METHODS_MAX = 8,
	METHOD_MAX_BYTES = 16,
	NONCE_KEY_SIZE = 32,
};

/* When a key may be relied on, beside what its JWK set says; 0: no bound. */
struct gate_period {
	str kid;
	int64_t from_s, until_s; /* seconds since 1970 */
};

/* Where an issuer's revocations come from: the folder of its chain on this host, or the URL where
 * the issuer tells of them; neither: they are not followed. */
struct gate_revocations {
	str folder, uri;
	str client,
		secret_file; /* who asks at the URL; for the fetcher alone, not in the message */
	uint32_t stale_s;    /* not heard for so long: nothing of the issuer is believed */
};

/* A log that tokens are held against: a folder on this host and the socket of its ledger, or a URL. */
struct gate_log {
	str name;            /* in the policy */
	str vkey, vkey_file; /* of the log; the file is not in the message */
	str folder, socket;  /* the socket may be empty */
	str uri;
	str client, secret_file; /* who asks there; for the fetcher alone, not in the message */
	/* its newest head may be so old, and so far in the future; an older one proves nothing */
	uint32_t stale_s, skew_s;
	size_t n_witnesses;
	str witnesses[LOG_WITNESSES_MAX]; /* vkeys; so many of them … */
	uint32_t quorum;                  /* … have cosigned the log … */
	uint32_t witness_stale_s;         /* … as of so long ago */
};

struct gate_issuer {
	str issuer, realm;
	/* exactly one of them: the path of the JWK set, read again when it changes, or the
	 * URL that it is fetched from (https, or http on loopback) */
	str jwks, jwks_uri;
	size_t n_audiences;
	str audiences[AUDIENCES_MAX];
	size_t n_mailboxes;
	str mailboxes
		[PATTERNS_MAX]; /* patterns that the realm may claim; none: any (and a warning) */
	uint32_t skew_s, max_ttl_s;
	size_t n_periods;
	struct gate_period periods[PERIODS_MAX];
	struct gate_revocations revocations;
	str log; /* the name of one of the logs; empty: tokens are held against none */
};

/* How sets are followed that come from a URL: struct source_limits of jwks/source.h, which
 * says what 0 means. */
struct gate_fetch {
	uint32_t fresh_min_s, fresh_max_s, fresh_default_s;
	uint32_t stale_s, cooldown_s;
	uint32_t retry_min_s, retry_max_s;
	uint32_t timeout_s;
};

/* accepted: a bound token must be confirmed, an unbound one will do. */
enum gate_binding { BINDING_ACCEPTED, BINDING_REQUIRED, BINDING_REFUSED, BINDING_COUNT };

/* What GET /check/NAME asks of a token. */
struct gate_location {
	str name;
	size_t n_audiences, n_scopes, n_realms, n_methods;
	str audiences[AUDIENCES_MAX]; /* one of them */
	str scopes[SCOPES_MAX];       /* all of them */
	str realms[REALMS_MAX];       /* one of them */
	str methods[METHODS_MAX];     /* one of them; none: any */
	enum gate_binding binding;
	str origin; /* scheme and host of htu: "https://api.example"; empty: none */
	bool nonce; /* a DPoP proof must carry one of ours */
};

struct gate_dpop {
	uint32_t window_s, skew_s, nonce_slice_s;
	uint32_t proofs; /* that are remembered */
};

struct gate_cache {
	uint32_t tokens;    /* 0: none is kept */
	uint32_t token_max; /* bytes; longer ones are not kept */
};

/* What is kept of verdicts, and what stays unjudged or unlogged; 0: the default that
 * sightings.h, junk.h and refusals.h of the gate state. */
struct gate_evidence {
	str folder; /* of sightings; empty: none are kept */
	uint32_t total_mb, keep_days, sync_ms;
	bool fail_open; /* serve although they cannot be written */
	uint32_t junk_burst_us, junk_us_per_s;
	uint32_t refusals_per_minute;
};

/* Where the gate reports what it saw; uri empty: nowhere. For the fetcher alone: the gate is told
 * only that there is such a place. */
struct gate_collector {
	str uri, client, secret_file;
};

struct gate_config {
	bool introspects, checks, has_proofs;
	str client_id, client_secret; /* HTTP Basic of the introspection endpoint */
	str scope;                    /* that a token must have there; empty: any */
	bool supervised;              /* CONTROL_FD is there */
	bool waits;                   /* until it is told to serve: another does so still */
	struct gate_fetch fetch;
	size_t n_issuers;
	struct gate_issuer issuers[REALMS_MAX];
	size_t n_logs;
	struct gate_log logs[LOGS_MAX];
	size_t n_locations;
	struct gate_location locations[LOCATIONS_MAX];
	struct gate_dpop dpop;
	struct gate_cache cache;
	struct gate_evidence evidence;
	struct gate_collector collector;   /* not in the message, but as `reports` */
	bool reports;                      /* its fetcher's posts: sightings, alarms */
	uint8_t nonce_key[NONCE_KEY_SIZE]; /* the same in all generations of a gate */
	uint32_t reloads, reloads_failed;  /* so far */
	int64_t proofs_since_s; /* since then used proofs are remembered; 0: since it serves */
};
void gate_config_write(struct wr *w, const struct gate_config *c);
ch_err gate_config_read(bytes b, struct gate_config *ret_c);
/* Where a gate of this configuration finds its fetcher's socket: behind its other
 * descriptors; -1: nothing in it has a URL, it reports nowhere, and there is none. */
int gate_fetcher_fd(const struct gate_config *c);

/* --- witness: fds listening socket, folder of what it remembers, its key's file, listening socket of
 * its monitor if has_monitor --- */
enum { WITNESS_LOGS_MAX = 64 };
struct witness_config {
	str name; /* of its cosignatures */
	bool has_monitor;
	size_t n_logs;
	struct witness_source {
		str origin, vkey;
	} logs[WITNESS_LOGS_MAX];
};
void witness_config_write(struct wr *w, const struct witness_config *c);
ch_err witness_config_read(bytes b, struct witness_config *ret_c);

/* --- fetcher: fd the gate's socket --- */
struct fetcher_config {
	str ca_file; /* who may certify servers; empty: whom the system trusts */
	uint32_t timeout_s;
	size_t n_urls;
	str urls[REALMS_MAX]; /* the gate names them by their number here; see fetch.h */
	/* after those: where revocations are asked for, by HTTP Basic */
	size_t n_revocations;
	struct fetcher_revocations {
		str url, client, secret;
	} revocations[REALMS_MAX];
	/* after those: logs; client empty: everybody may */
	size_t n_logs;
	struct fetcher_revocations logs[LOGS_MAX];
	/* where something is sent to, by POST; numbers of their own */
	size_t n_posts;
	struct fetcher_post {
		str url, type;      /* type: of the body */
		str client, secret; /* HTTP Basic; an empty client: none */
	} posts[FETCHER_POSTS_MAX];
};
void fetcher_config_write(struct wr *w, const struct fetcher_config *c);
ch_err fetcher_config_read(bytes b, struct fetcher_config *ret_c);

/* --- collector: fds listening socket, socket of its fetcher if has_webhook --- */
enum { COLLECTOR_GATES_MAX = 64, COLLECTOR_VKEY_MAX = 512 };
struct collector_issuer {
	str issuer, realm;
	str jwks; /* path of the JWK set that is published */
	size_t n_audiences;
	str audiences[AUDIENCES_MAX];
};
struct collector_config {
	str sightings, alarms; /* folders, its own */
	str log, log_socket;   /* the ledger's folder, and where it is asked for a head */
	str log_vkey;          /* empty: there is no log, and no alarm is believed */
	uint32_t total_mb;     /* of each gate's sightings */
	uint32_t keep_days;    /* of sightings */
	bool has_webhook;      /* the fetcher's first place to send to */
	bool compromises;      /* asks the supervisor to have a forged key compromised */
	str webhook_secret;    /* 16 to 32 bytes: HMAC of what is sent there; empty: none */
	size_t n_issuers;
	struct collector_issuer issuers[REALMS_MAX];
	size_t n_gates;
	struct collector_gate {
		str name, secret;
	} gates[COLLECTOR_GATES_MAX];
};
void collector_config_write(struct wr *w, const struct collector_config *c);
ch_err collector_config_read(bytes b, struct collector_config *ret_c);
