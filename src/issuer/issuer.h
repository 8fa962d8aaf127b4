/* The issuer's state and what its files offer each other. One thread, one loop: each
 * turn takes what came from signers and hasher, serves HTTP, then sends one batch a realm. */
#pragma once
#include "base/log.h"
#include "chain/chain.h"
#include "crypto/alg.h"
#include "http/http.h"
#include "keystate/keystate.h"
#include "metrics.h"
#include "revoke/set.h"
#include "rules.h"
#include "token/assertion.h"
#include "token/confirm.h"
#include "token/jwk.h"
#include "token/replay.h"
#include "wire/sign.h"

enum {
	LOG_ROUTES = 4,
	ROUTES_MAX = REALMS_MAX * 32 + LOG_ROUTES,
	SIGNERS_MAX = 4,       /* generations of one realm at a time */
	BATCHES_IN_FLIGHT = 2, /* of one signer's socket */
	JOBS_MAX = 512,
	JOB_WAIT_MS = 2000, /* for a signer to come back */
	SIGNER_SILENT_MS = 5000,
	HASHER_SILENT_MS = 10000,
	JWKS_MAX = 32 * 1024,
	HASHES_WAITING_MAX = 16,
	CLIENTS_MAX = 256,
	CLIENTS_MEMORY = 512 * 1024,
	CLIENT_MEMORY = 32 * 1024, /* of one at most */
	STOP_MS = 5000,
	PAGE_WAITERS_MAX = 64, /* gates of one realm that wait for news */
};

struct issuer;
struct realm;

/* What an epoll event means. */
struct watch {
	void (*ready)(struct issuer *is, struct watch *w);
	int fd;
};

/* --- settle.c: what must be durable before an answer leaves --- */
struct settler {
	/* within the one transaction of all that wait. E_INVALID_GRANT refuses this one alone;
	 * what else fails is the store's failure */
	ch_err (*settle)(struct settler *s);
	/* called once, after the commit, or with what failed */
	void (*answer)(struct settler *s, ch_err e);
	ch_err settled;
	struct settler *next;
};
/* Its request waits; it lives in the request's arena. */
void settle_add(struct issuer *is, struct settler *s);
/* Once a turn, when no other use of the store is under way: settles and answers them. */
void settle_run(struct issuer *is);

/* --- jobs and signers, signers.c --- */

/* What a code or refresh grant keeps until its tokens are signed. */
struct settling {
	uint8_t code_hash[STORE_HASH_SIZE]; /* of the code that was shown */
	struct store_grant grant;
	str client_id; /* who shows the refresh token */
	str jkt;       /* and of which key a proof; empty: none */
	int64_t seq;   /* of that token */
};

/* A request that waits for tokens: one, or access and ID token, signed in one batch. It
 * lives in the request's arena. */
struct job {
	struct settler settler; /* first */
	struct realm *realm;
	struct http_req *http;
	/* called once, with all tokens or with an error */
	void (*done)(struct job *j, ch_err e);
	struct sign_request requests[2];
	str tokens[2];
	size_t n;
	size_t missing;
	uint8_t grant; /* its number in grant_names */
	uint16_t code; /* the first that was not CH_OK */
	uint16_t slot;
	bool retried;
	struct signer *signer; /* NULL: it waits */
	uint8_t batch;
	uint64_t since_ns;
	struct job *next;
	/* whose it is, and since when it is asked for: both may end while it is signed */
	str client_id;
	int64_t asked_s;
	uint64_t revoked; /* revocations of the realm then */
	/* for `done` */
	str scope;
	uint32_t ttl_s;
	str refresh; /* the refresh token; empty: none */
	str jkt;     /* thumbprint of the key that they are bound to; empty: none */
	ch_err (*settle)(struct job *j); /* as a settler's; NULL: there is nothing to settle */
	struct settling *settling;
};

struct signer {
	struct watch watch; /* first */
	struct realm *realm;
	uint32_t generation;
	bool has_keys;
	uint16_t outstanding[BATCHES_IN_FLIGHT];
	uint64_t sent_ns[BATCHES_IN_FLIGHT];
};

/* --- what is revoked, revocations.c --- */
struct page_waiter;
struct revocations {
	struct chain chain;
	bool open;           /* the chain is; else it is opened again when something is due */
	bool failing;        /* the log has it */
	struct revoked *set; /* what cannot be written yet is in it, too */
	uint64_t added;      /* to it, by this process */
	int beat_fd;
	struct page_waiter *waiters; /* revoke_pages.c */
	size_t n_waiters;
	uint8_t room[CHAIN_ROOM_MIN];
};

struct realm {
	const struct issuer_realm *config;
	struct issuer *issuer;
	struct revocations revocations;
	struct signer signers[SIGNERS_MAX]; /* fd < 0: free */
	struct signer *current;
	uint32_t attached; /* the newest that the supervisor was told of */
	struct job *first, *last;
	size_t waiting;
	struct guesses guesses; /* of user codes */
	/* what the newest signer said, and the room of its texts */
	bool knows_keys;
	size_t n_keys;
	struct realm_key {
		struct key_times times;
		uint8_t alg;
		str kid, jwk;
	} keys[SIGN_BATCH_MAX];
	char key_texts[JWKS_MAX];
	/* what follows from it at this time of day, jwks_refresh() */
	int64_t from_s, until_s; /* until_s 0: for good */
	unsigned algs;
	bool has_key;
	size_t jwks_n;         /* 0: all keys are over */
	struct policy *policy; /* for its own tokens; NULL: none is made of these keys yet */
	str etag;
	char etag_text[40];
	char jwks[JWKS_MAX];
};

void signers_init(struct realm *r);
/* A new signer's socket; owns fd. */
ch_err signer_attach(struct realm *r, int fd, uint32_t generation);
/* Queues a job, its request suspended; E_BUSY or E_NO_KEY when it cannot be. */
ch_err job_start(struct job *j);
/* After HTTP was served: a batch for each realm that has jobs. */
void signers_flush(struct issuer *is);
/* What has waited too long; returns the time in ms until the next look, -1: none. */
int signers_sweep(struct issuer *is, uint64_t now_ns);
void jwks_read(struct realm *r, const struct sign_key *keys, size_t n);
/* Before any use of the set, of algs or of has_key: makes them what they are now. */
void jwks_refresh(struct realm *r);

/* --- hasher, hasher.c --- */
struct hash_job {
	struct http_req *http;
	/* code as in wire/hash.h, or E_GONE */
	void (*done)(struct hash_job *j, enum ch_code code);
	str hash;
	struct secret_bytes password;
	uint32_t req;
	uint64_t since_ns;
	struct hash_job *next;
};
struct hasher {
	struct watch watch; /* first; fd < 0: there is none */
	struct hash_job *first, *last;
	size_t waiting;
	bool asked; /* the first one has been sent */
	uint64_t asked_ns;
	uint32_t last_req;
};
void hasher_attach(struct issuer *is, int fd);
/* E_BUSY when too many wait, E_GONE when there is no hasher. */
ch_err hasher_ask(struct issuer *is, struct hash_job *j);
/* Once a turn: asks for the first of the queue. */
void hasher_flush(struct issuer *is);
/* One that hangs is nobody's to see but ours. */
void hasher_sweep(struct issuer *is, uint64_t now_ns);

/* --- clients, clients.c: read from the store once, until somebody changes it --- */
struct clients {
	struct arena arena;
	struct store_client *table[CLIENTS_MAX * 2];
	size_t n;
	uint64_t version;
	bool checked; /* this turn */
	uint8_t memory[CLIENTS_MEMORY];
};
void clients_init(struct clients *c);
/* E_NOT_FOUND when there is none or it is disabled; lives until the next turn. */
ch_err client_find(struct issuer *is, str realm, str id, const struct store_client **ret_c);

/* --- keys of clients, client_keys.c: zeroed, there are none --- */
enum { CLIENT_KEYS_KEPT = 16 };
struct client_key {
	struct public_key *key; /* NULL: free */
	enum alg alg;
	uint8_t thumbprint[THUMBPRINT_SIZE];
	uint32_t uses;
	uint64_t used; /* by the clock of finds */
};
struct client_keys {
	struct client_key keys[CLIENT_KEYS_KEPT];
	struct key_work *work; /* to verify with; there once a key was found */
	uint64_t clock;
};
/* The key of these parts, ready to verify; lives until the next call. */
ch_err client_key_find(struct client_keys *k, const struct key_parts *parts,
		       const struct public_key **ret_key);

/* --- what was used and is for one use, spent.c: tables that outlive this process --- */
enum spent_kind { SPENT_ASSERTIONS, SPENT_PROOFS, SPENT_KINDS };
/* Is it used? And now it is: E_INVALID_REQUEST when it was before. */
ch_err spent_has_pushed(struct issuer *is, const struct pushed *p, bool *ret_used);
ch_err spent_pushed(struct issuer *is, const struct pushed *p);
/* The proofs' table, for replay_note. */
ch_err spent_proofs(struct issuer *is, struct replay **ret_used);
/* Notes it until its exp. E_INVALID_CLIENT when it was noted before, E_BUSY when there is no
 * room; anything else when the table cannot be had. */
ch_err spent_note(struct issuer *is, str realm, const struct assertion *a, int64_t now_s);

/* --- the realm's own access tokens, own.c --- */
/* Good, now, and of an app and a person that are here? E_DENIED if not; E_BUSY, E_STORE …
 * when it cannot be said. What *ret_v points to lives until the next one is judged. One that is
 * bound to a key (ret_v->bound) opens nothing until proof_confirm has said so. */
ch_err own_token_judge(struct realm *m, str token, struct arena *a, struct token_verdict *ret_v);

/* Good by its text, of this realm, and not expired: whoever has it, and whether it is revoked or
 * its person gone does not count. What is not is in ret_v->code. E_BUSY as above. */
ch_err own_token_read(struct realm *m, str token, struct token_verdict *ret_v);

/* --- revocations.c --- */
/* Opens every realm's chain, or makes it, reads it, and takes in what is due. Before the walls:
 * E_MISMATCH when one is damaged. */
ch_err revocations_open(struct issuer *is);
void revocations_close(struct issuer *is);
/* Puts what is due in the store into the chains, durable when it returns. What cannot be written
 * stays due, and is refused here all the same. Not within a transaction of the store. */
ch_err revocations_drain(struct issuer *is);
/* Makes one due, and drains unless a transaction is under way (which drains at its end). */
ch_err revocations_add(const struct realm *m, struct revocation *r);
/* Around what must happen together, a revocation among it: one transaction, unless one is under
 * way, and drained after it. end returns e, or what failed then; *ret_mine is for it. */
ch_err revoking_begin(struct issuer *is, bool *ret_mine);
ch_err revoking_end(struct issuer *is, bool mine, ch_err e);
/* Each turn: what others made due, and the pulse, each second; waiters that need not wait. */
void revocations_turn(struct issuer *is);
/* Is anything of it revoked? */
bool revocations_have(const struct realm *m, const struct revoked_query *q);
/* revoke_pages.c: answers those who wait, where there are news, and all when it is time. */
void pages_turn(struct realm *m, bool news, uint64_t now_ns);

/* --- the log over HTTP: logfiles.c, and lognow.c for heads made after a question --- */
#define LOG_NOTE_TYPE "text/plain; charset=utf-8"
struct now_waiter;
struct log_now {
	struct watch watch; /* the ledger's socket; fd < 0: it is not here */
	int folder_fd;      /* DIR/log; -1: there is no log */
	uint32_t req;       /* of the last question */
	bool asks;          /* it is not answered yet */
	uint64_t asked_ns;
	struct now_waiter *asked, *waiting; /* for that answer; for the next */
	size_t n_waiting[2];                /* of strangers, of who showed who he is */
};
/* Before the walls. */
ch_err log_open_folder(struct issuer *is);
/* May it read the log? *ret_known: it has shown who it is. Answers it, if not. */
bool log_reader_ok(struct http_req *r, struct issuer *is, bool *ret_known);
void log_refuse(struct http_req *r, ch_err e);
/* 200, or 304 for who has this body. */
void log_reply(struct http_req *r, bytes body, str type, str cache);
/* A socket to the ledger, in place of the last; owns fd. */
void log_attach(struct issuer *is, int fd);
/* Once a turn; the time in ms until the next, -1: none. */
int log_turn(struct issuer *is, uint64_t now_ns);
/* ctx is the issuer */
void serve_log_checkpoint(struct http_req *r, void *ctx);
void serve_log_cosigned(struct http_req *r, void *ctx);
void serve_log_tile(struct http_req *r, void *ctx);
void serve_log_now(struct http_req *r, void *ctx);

struct issuer {
	struct issuer_config config;
	struct store *store;
	struct http *http;
	struct http *monitor; /* NULL: none */
	struct watch monitor_watch;
	uint64_t monitor_ns; /* when it was last run */
	struct metrics metrics;
	struct http_watcher watcher;
	int epoll;
	struct watch control;
	struct hasher hasher;
	struct log_now log;
	struct clients clients;
	struct client_keys client_keys;
	struct throttle throttle;
	struct pace pace;
	struct assertion_scratch assertions; /* of the request under way, for its tokens too */
	struct token_scratch proof_scratch;  /* of the proof beside them */
	struct replay *spent[SPENT_KINDS];   /* NULL: not opened yet */
	struct nonces nonces;
	uint8_t pushed_key[MAC_KEY_SIZE];
	struct realm realms[REALMS_MAX];
	struct http_route routes[ROUTES_MAX];
	size_t route_endpoints[ROUTES_MAX]; /* in metrics */
	size_t n_routes;
	struct job *jobs[JOBS_MAX];
	size_t free_job; /* where to look first */
	struct settler *settle_first, *settle_last;
	uint8_t csrf_key[MAC_KEY_SIZE];
	bool settling;       /* a transaction of the store is under way */
	uint64_t revoked_ns; /* when it was last looked whether something is due */
	int64_t latest_s;    /* the latest time that any token here can have been issued at */
	bool stopping;
	bool gone;                 /* the supervisor is */
	bool silent;               /* a signer is, and there is no other; or the hasher */
	bool serves;               /* HTTP, since there were signers */
	uint64_t stop_ns, idle_ns; /* since when it stops; so long connections may say nothing */
};

ch_err watch_add(struct issuer *is, struct watch *w);
/* Stops watching and closes; fine when it is closed. */
void watch_done(struct issuer *is, struct watch *w);
ch_err issuer_loop(struct issuer *is);
void control_event(struct issuer *is, struct watch *w);
ch_err issuer_confine(const struct issuer *is);
void routes_make(struct issuer *is);

/* --- watching, monitor.c --- */
/* Serves /metrics, /health, /ready on this socket. */
ch_err monitor_make(struct issuer *is, int listen_fd);
/* Once a turn. */
void monitor_run(struct issuer *is);
/* Each request's answer is counted, and logged when the configuration says so. */
void requests_watch(struct issuer *is);
/* The trace that the request is part of; no field when it is of none. For one line. */
struct log_field log_trace(const struct http_req *r);
void metrics_count(const struct realm *m, enum metrics_counter c);

/* --- endpoints; ctx is the realm --- */
void serve_metadata(struct http_req *r, void *ctx);
void serve_jwks(struct http_req *r, void *ctx);
void serve_token(struct http_req *r, void *ctx);
void serve_par(struct http_req *r, void *ctx);
void serve_authorize(struct http_req *r, void *ctx);
void serve_login(struct http_req *r, void *ctx);
void serve_userinfo(struct http_req *r, void *ctx);
void serve_introspect(struct http_req *r, void *ctx);
void serve_device_authorization(struct http_req *r, void *ctx);
void serve_device(struct http_req *r, void *ctx);
void serve_device_answer(struct http_req *r, void *ctx);
void serve_revoke(struct http_req *r, void *ctx);
void serve_revocations(struct http_req *r, void *ctx);

/* --- what endpoints share, reply.c --- */
/* RFC 6749 section 5.2, RFC 9449 section 8; logs what the client may not see. */
void reply_error(struct http_req *r, const struct realm *m, ch_err e);
void reply_json(struct http_req *r, unsigned status, str json);
/* A page with its headers. */
struct page_answer {
	unsigned status;
	str html;
	str form_action;    /* a CSP source beside our own that forms may lead to; empty: none */
	const str *cookies; /* values of Set-Cookie, three at most */
	size_t n_cookies;
	uint32_t retry_s; /* Retry-After; 0: as the status has it */
};
void reply_page(struct http_req *r, const struct page_answer *p);
/* 303, with cookies as above. */
void reply_see_other(struct http_req *r, str location, const str *cookies, size_t n_cookies);
void reply_error_page(struct http_req *r, enum lang lang, ch_err e);
/* With one field more. */
void reply_json_with(struct http_req *r, unsigned status, str json, struct http_out more);
/* Room for an answer in the request's arena; everything after it is written in it. */
struct wr reply_room(struct http_req *r, size_t n);

/* --- token endpoint's parts --- */
struct token_request {
	struct http_req *http;
	struct realm *realm;
	struct form form;
	const struct store_client *client;
	struct proof proof;
	str jkt; /* thumbprint of the proof's key, as text; p == NULL: no proof was shown */
};
/* Who asks, clientauth.c (RFC 6749 section 2.3); E_INVALID_CLIENT or E_INVALID_REQUEST. */
ch_err client_authenticate(struct token_request *t);

/* --- whence an authorization request's parameters come, par.c --- */
struct asked {
	struct form form;     /* the request's parameters, pushed or plain */
	str uri;              /* for our pages to carry; p == NULL: they came plain */
	struct pushed pushed; /* set with uri */
};
/* E_INVALID_REQUEST: a request_uri of ours that is expired, used or another client's. */
ch_err request_asked(struct http_req *r, struct realm *m, const struct form *f,
		     struct asked *ret_asked);
/* A code goes out for it: never again. E_INVALID_REQUEST when one did before. */
ch_err request_used(struct realm *m, const struct asked *a);

/* --- DPoP, proof.c --- */
/* The URL that was asked for, as clients know it: of the issuer's, not of the Host field. */
str realm_url(struct http_req *r, const struct realm *m);
/* DPoP-Nonce for an answer. */
struct http_out proof_nonce(struct http_req *r, const struct realm *m);
/* What a proof must be for; does not move. */
struct proof_terms {
	char now[NONCE_TEXT], before[NONCE_TEXT];
	str nonces[2];
	struct proof_request request;
};
void proof_terms(struct http_req *r, const struct realm *m, struct proof_terms *ret_t);
/* Judges the request's proof, if there is one, into t->proof and t->jkt. E_INVALID_PROOF,
 * E_NONCE. */
ch_err proof_take(struct token_request *t);
/* An access token as it came. */
struct shown_token {
	str token;
	bool by_dpop; /* the scheme */
};
/* Does who shows a good token that is bound to a key hold that key (RFC 9449 section 7)? Fine for
 * an unbound one. E_INVALID_PROOF, E_NONCE; E_DENIED: it is another key's, came as a plain
 * bearer token, or is not bound and came by the scheme DPoP. */
ch_err proof_confirm(struct http_req *r, struct realm *m, const struct shown_token *shown,
		     struct token_verdict *v);
/* It is used now. E_INVALID_PROOF when it was before, E_BUSY when there is no room. */
ch_err proof_note(struct token_request *t);
ch_err grant_client_credentials(struct token_request *t, struct job *j);
ch_err grant_code(struct token_request *t, struct job *j);
ch_err grant_refresh(struct token_request *t, struct job *j);
ch_err grant_device(struct token_request *t, struct job *j);
/* The names of the grant types, at most max; returns how many. They are constants. */
size_t grant_names(str *ret_names, size_t max);
/* The answer when the signer, and what there is to settle, are done. */
void token_answer(struct job *j, ch_err e);

/* --- what grants share, grants.c --- */
/* E_INVALID_GRANT when the user is gone or disabled. */
ch_err grant_person(struct token_request *t, str sub, struct store_user *ret_u);
/* A new grant, of what a code says or what is as good as one. */
ch_err grant_make(struct token_request *t, const struct store_code *c, struct store_grant *ret_g);
/* The claims of an access token, and of an ID token when j->scope has openid. */
void grant_tokens(struct job *j, const struct store_grant *g, const struct store_user *u,
		  str nonce);
/* E_INVALID_TARGET when the request names another resource than this audience's. */
ch_err grant_resource(struct token_request *t, str audience);
/* Into the store. E_INVALID_GRANT when the user or the client is gone. */
ch_err grant_add(const struct realm *m, const struct store_grant *g);
/* For good, in the realm's chain when it returns (within a transaction of the store: soon after its
 * end, and lost by no crash); logs it and returns `why`, or the store's or the chain's error.
 * This is the one way to end a grant. */
ch_err grant_revoke(const struct realm *m, str grant_id, str client_id, ch_err why);
/* The same, for a reason that is no error. */
ch_err grant_end(const struct realm *m, str grant_id, enum revoke_why why);
/* The text of one of the grant's refresh tokens into j->refresh. */
ch_err refresh_write(struct job *j, const struct store_grant *g, int64_t seq);

/* --- room.c --- */
enum { ROOM_OF_LOG = 'l' }; /* detail of an E_NO_ROOM that the ledger had */
/* E_NO_ROOM, the store's or the log's, is counted: room_turn() says it, not each request. */
void room_note(ch_err e);
/* The same, and what a request failed of as it is answered: a full disk that another file than
 * the store met is E_NO_ROOM, too, and is logged here; others stay as they are. */
ch_err room_judge(ch_err e);
/* Once a turn: says it, and looks each second whether there is room again. */
void room_turn(struct issuer *is);
/* Has the last write to the store found a full disk? */
bool room_lacks(void);
/* A signature came: the ledger had room for its entry. */
void room_signed(void);
/* Has the log no room, as the ledger last said? */
bool room_lacks_log(void);

/* Is the body a form? E_INVALID_REQUEST. */
ch_err body_form(struct http_req *r, struct form *ret_form);
