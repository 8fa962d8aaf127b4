/* What the gate believes: each issuer's public keys, from a file that somebody replaces or
 * from a URL through the fetcher, and the one policy of them all. */
#pragma once
#include "token/jwk.h"
#include "token/policy.h"
#include "wire/fetch.h"
#include "wire/roles.h"

struct source;

enum { GATE_RECHECK_MS = 100, GATE_SETTLE_S = 8 };

/* A file as it was when it was read: another value, another content. */
struct file_mark {
	bool there;
	uint64_t device, inode, size;
	int64_t mtime_s;
	uint32_t mtime_ns;
};

/* An issuer's public keys: the last good content of its file, or of what its URL gave. */
struct key_file {
	struct file_mark mark;
	bool taken;   /* text is in the policy */
	bool refused; /* the content at mark was bad: tried again when others change */
	size_t n;
	uint8_t text[JWKS_TEXT_MAX];
};

/* An issuer whose keys come from a URL. */
struct key_url {
	struct source *source; /* NULL: it has a file */
	uint16_t number;       /* of the URL, at the fetcher */
	uint32_t req;          /* of the request that may be answered */
	bool missing;          /* the log has: cannot be fetched */
	bool old;              /* the log has: soon too old */
};

struct keys {
	const struct gate_config *config;
	struct policy *policy; /* NULL: nothing can be judged */
	bool any;              /* is there any key at all? */
	uint64_t opened_ns, checked_ns;
	struct policy_period periods[REALMS_MAX][PERIODS_MAX];
	struct key_file files[REALMS_MAX];
	uint8_t candidate[JWKS_TEXT_MAX];
	int fetcher; /* socket; -1: none, or it is gone */
	uint32_t last_req;
	struct key_url urls[REALMS_MAX];
	/* what the fetcher answers that is no key set; may be NULL */
	void (*other)(void *ctx, const struct fetch_told *t);
	void *other_ctx;
	/* and to a post; may be NULL */
	void (*posted)(void *ctx, const struct fetch_posted *p);
	void *posted_ctx;
	uint8_t message[FETCH_MESSAGE_MAX];
};

/* Reads every file; says in the log what is wrong. Never fails for a file: an issuer whose
 * file is missing or bad has no key. config outlives it. fetcher: the socket to it, not
 * owned, -1: none; URLs are numbered in the order of the issuers that have one. E_RANGE:
 * config.fetch contradicts itself, E_DENIED: a URL that may not be followed, E_NOMEM. */
ch_err keys_open(struct keys *k, const struct gate_config *config, int fetcher);
/* Looks at files and clocks unless it did so less than GATE_RECHECK_MS ago, and takes what
 * changed as a new policy. A bad file or answer leaves what was good; a missing file, an
 * empty set, and a set older than fetch.stale_s close their issuer. */
void keys_refresh(struct keys *k);
/* To be watched for input; then keys_answers. -1: nothing, or nothing any more. */
int keys_fd(const struct keys *k);
/* Takes what the fetcher has answered. Never waits. */
void keys_answers(struct keys *k);
/* A token of this issuer was refused with TOKEN_unknown_key: its set is fetched again at
 * once, if it comes from a URL and fetch.cooldown_s has passed since the last time. */
void keys_unknown_kid(struct keys *k, str issuer);
/* Has each issuer had its first answer, or did that fail? Not longer than GATE_SETTLE_S after
 * keys_open: what is waited for then, waits in vain. */
bool keys_settled(const struct keys *k);
/* So many seconds ago the issuer's set was asked for that is believed now; -1: it has none,
 * or it comes from a file. */
int64_t keys_age_s(const struct keys *k, size_t at);
void keys_done(struct keys *k);

/* --- between keys.c, key_files.c and key_urls.c --- */

/* The policy with these keys for issuer `at` and what there is for the others, put in place
 * of the present one. What policy_new says; then nothing is changed. */
ch_err keys_adopt(struct keys *k, size_t at, bytes jwks, struct wr *why);
/* Are they what the policy has for it? */
bool keys_has(const struct keys *k, size_t at, bytes jwks);
size_t keys_count(bytes jwks);
bytes keys_empty_set(void);
/* One look at all; true: a policy was adopted. */
bool key_files_look(struct keys *k);
/* Tries again those that were refused, since another issuer may have given up a key. */
void key_files_again(struct keys *k);
ch_err key_urls_open(struct keys *k);
/* Asks for what is due, closes what is too old; true: a policy was adopted. */
bool key_urls_look(struct keys *k);
void key_urls_done(struct keys *k);
