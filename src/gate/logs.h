/* The logs that tokens are held against: each followed from its folder and the socket of its ledger
 * on this host, or through the fetcher. A token with a good signature that is in the live set was
 * issued. One that is not there may be newer than what was read: so a head is asked for that is made
 * after the question, all below it is verified, and it is looked up again; only then it is known
 * that nobody issued it. No clock decides that.
 *
 *   known    passes, however old the log's newest head is
 *   unsure   the head is too old or from the future, witnesses are late, or the log could not be
 *            asked in time: refused, and nobody says forged
 *   absent   forged
 *   broken   two heads of the log contradict each other: nothing of its issuers is believed until
 *            the gate starts anew */
#pragma once
#include "http/http.h"
#include "logstore/logstore.h"
#include "tail.h"
#include "token/verify.h"
#include "wire/fetch.h"
#include "wire/roles.h"

enum {
	LOGS_WAIT_MS = 3000, /* an unknown token waits at most so long */
	LOGS_WAITERS_MAX = 2048,
	LOGS_LIVE_MAX = 1 << 26, /* live tokens of one log */
	LOGS_TILES_KEPT = 18,    /* what a proof in a tree of any size takes */
};

/* Has the question been asked of the log before? */
enum log_turn { LOG_FIRST, LOG_CAUGHT_UP, LOG_IN_VAIN };

enum log_say {
	LOG_KNOWN,  /* it was issued, or its issuer's tokens are held against no log */
	LOG_LEGACY, /* its key signed it before what it signs was logged */
	LOG_WAIT,   /* logs_wait, then ask again */
	LOG_ABSENT,
	LOG_UNSURE,
	LOG_LOST, /* the log is broken */
};

/* A tile that came from a URL. */
struct kept_tile {
	struct tile_id id; /* width 0: none */
	bool missing;
	size_t n;
	uint8_t text[TILE_ROOM_MAX];
};

enum log_fetch { FETCH_NOTHING, FETCH_HEAD, FETCH_COSIGNED, FETCH_NOW, FETCH_TILE };

struct log_source {
	struct tile_source tiles; /* of a URL; first */
	const struct gate_log *of;
	struct live *live;
	struct tail tail;
	struct note_key witnesses[LOG_WITNESSES_MAX];

	/* said in the log */
	bool missing, unread, stale, broken, first;
	uint64_t opened_ns, looked_ns, cosigned_ns;
	uint64_t retry_ns; /* after a failure, not before */
	bool more;         /* there is more to compute now */

	/* heads */
	uint64_t heads; /* that were new */
	uint64_t note_size;
	size_t n_note;
	uint8_t note[LOGSTORE_NOTE_MAX];
	size_t n_cosigned;
	uint8_t cosigned[LOGSTORE_NOTE_MAX]; /* the newest that witnesses signed */

	/* catching up: one question at a time, for all that wait */
	uint64_t asked, known; /* how many were begun, and came to their end */
	bool in_flight, answered;
	bool vain; /* the last one came to none, and nothing was heard since */
	uint64_t asked_ns, answer_size, heads_before;
	uint64_t ask_ns;           /* not before */
	struct tail_head known_at; /* the newest head when it was asked */
	uint32_t req;

	/* on this host */
	struct logstore store; /* dir_fd -1: not open */
	int socket;            /* of the ledger; -1: none now */
	uint64_t attach_ns;    /* one was asked for then */

	/* elsewhere */
	uint16_t number; /* of its URL, at the fetcher */
	enum log_fetch fetching;
	uint32_t fetch_req;
	uint64_t fetch_ns;
	bool wants_tile;
	struct tile_id wanted;
	struct kept_tile *kept; /* LOGS_TILES_KEPT */
	size_t n_kept;          /* a ring */
};

struct log_waiter {
	struct http_req *r;
	http_serve *serve;
	void *ctx;
	struct log_source *source;
	uint64_t need; /* what source->known must reach */
	uint64_t until_ns;
};

struct log_counts {
	uint64_t catch_ups; /* begun */
	uint64_t waited;    /* tokens */
	uint64_t in_vain;   /* of these: the log did not answer in time */
	uint64_t legacy;
};

struct logs {
	const struct gate_config *config;
	size_t n;
	int wake;    /* readable when a folder has a new head; -1: polled alone */
	int control; /* whom sockets are asked of; -1: nobody */
	int fetcher; /* not owned; -1: none, or gone */
	uint32_t last_req;
	struct log_source *of_issuer[REALMS_MAX]; /* NULL: held against none */
	struct log_source sources[LOGS_MAX];
	struct log_source *missed; /* of the last LOG_WAIT */
	struct log_counts counts;
	size_t n_waiters;
	struct log_waiter waiters[LOGS_WAITERS_MAX];
};

/* Before the walls. Says in the log which issuer has none. control: where ATTACH is said, -1 for
 * nowhere. E_NOT_FOUND: a folder that is named is not there; E_NOMEM; vkeys: as vkey_read. */
ch_err logs_open(struct logs *l, const struct gate_config *config, int control, int fetcher);
void logs_done(struct logs *l);
/* Once a turn; woken: `wake` was readable. Never waits. Serves who waited and need no more. */
void logs_turn(struct logs *l, bool woken);
/* So long the loop may sleep, at most. */
int logs_wait_ms(const struct logs *l);
/* An answer of the fetcher that is nobody else's. */
void logs_told(struct logs *l, const struct fetch_told *t);
/* The socket of this log's ledger came; it becomes the log's. */
void logs_attached(struct logs *l, str name, int fd);
/* Is each followed, broken, or waited for long enough? */
bool logs_settled(const struct logs *l);

/* For a verdict that is accepted. */
enum log_say logs_look(struct logs *l, const struct token_verdict *v, int64_t now_s,
		       enum log_turn turn);
/* After LOG_WAIT, from within the request's own serve: it is suspended, and served again with
 * logs_turn_of of another value. False: too many wait. */
bool logs_wait(struct logs *l, struct http_req *r, http_serve *serve, void *ctx);
enum log_turn logs_turn_of(const struct http_req *r);
size_t logs_waiting(const struct logs *l);

/* For metrics and /ready: can unknown tokens be judged now? */
bool logs_followed(const struct logs *l, size_t issuer);
bool logs_usable(const struct log_source *s, int64_t now_s);
bool logs_issuer_ok(const struct logs *l, size_t issuer, int64_t now_s);

/* --- between the files of logs --- */

/* A head that came; the same one again costs nothing. False: it is none, and nothing has changed. */
bool logs_take_note(struct log_source *s, bytes note);
/* One that witnesses cosigned, some seconds older. */
void logs_take_cosigned(struct log_source *s, bytes note);
void logs_missed(struct log_source *s, ch_err e);
/* Computes as far as it can now. */
void logs_compute(struct logs *l, struct log_source *s, uint64_t now_ns);
/* Begins a catch-up, unless one is in flight. */
void logs_ask(struct logs *l, struct log_source *s, uint64_t now_ns);
void logs_local_turn(struct logs *l, struct log_source *s, bool woken, uint64_t now_ns);
bool logs_local_ask(struct logs *l, struct log_source *s);
ch_err logs_local_open(struct logs *l, struct log_source *s);
void logs_local_close(struct log_source *s);
void logs_url_open(struct log_source *s);
void logs_url_turn(struct logs *l, struct log_source *s, uint64_t now_ns);
bool logs_url_ask(struct logs *l, struct log_source *s, uint64_t now_ns);
bool logs_url_told(struct log_source *s, const struct fetch_told *t, uint64_t now_ns);
void logs_url_forget(struct log_source *s);
