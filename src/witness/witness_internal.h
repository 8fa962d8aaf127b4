/* The witness's parts: what it judges of a request (judge.c), what it remembers (state.c), what it
 * does about one (add.c), how it serves (serve.c, metrics.c), and its walls (confine.c).
 * https://c2sp.org/tlog-witness */
#pragma once
#include "base/arena.h"
#include "crypto/key.h"
#include "http/http.h"
#include "merkle/checkpoint.h"
#include "merkle/proof.h"
#include "wire/boot.h"
#include "wire/roles.h"

enum {
	LISTEN_FD = ROLE_FD,
	STATE_FD,   /* the folder of what it remembers */
	KEY_FD,     /* 32 bytes: the seed of an Ed25519 key */
	MONITOR_FD, /* if has_monitor */
	WITNESS_BODY_MAX = 48 * 1024,
	WITNESS_ANSWER_MAX = NOTE_LINE_MAX,
	STATE_NAME_MAX = 64,
	STATE_MAX = WITNESS_BODY_MAX + WITNESS_ANSWER_MAX,
};

/* One log, and the last head of it that was cosigned. */
struct witness_log {
	str origin;
	struct note_key key;
	bool known; /* one was cosigned */
	uint64_t size;
	struct merkle_hash root; /* of the empty tree, when none was */
	int64_t cosigned_s;      /* 0: none was */
	char name[STATE_NAME_MAX];
};

enum witness_count {
	COUNT_COSIGNED,  /* 200 */
	COUNT_MALFORMED, /* 400 */
	COUNT_UNSIGNED,  /* 403 */
	COUNT_UNKNOWN,   /* 404 */
	COUNT_BEHIND,    /* 409: another size than the last one */
	COUNT_FORKED,    /* 409: the same size, another root */
	COUNT_UNPROVEN,  /* 422 */
	COUNT_FAILED,    /* 503: it could not be written down */
	WITNESS_COUNTS
};

struct witness {
	struct witness_config config;
	int state_fd;
	struct private_key *private;
	struct note_key key; /* of its cosignatures */
	struct witness_log logs[WITNESS_LOGS_MAX];
	uint64_t counts[WITNESS_COUNTS];
};

/* What a request asks for: slices of its body. */
struct witness_asked {
	struct witness_log *log;
	struct witness_request request;
	struct note note;
	struct checkpoint head;
};
/* Which of the answers it gets; log, note and head are set from COUNT_BEHIND on, and for
 * COUNT_COSIGNED. Changes nothing. */
enum witness_count witness_judge(struct witness *w, str body, struct witness_asked *ret_a);
unsigned witness_status(enum witness_count c);

/* Makes the logs of the configuration, and reads what it remembers of them. E_SYNTAX,
 * E_MISMATCH: what is remembered is not what the log and this witness have signed; the log
 * it is of was said. */
ch_err witness_take_up(struct witness *w);
/* Durable when it returns: note is the checkpoint as it came, line its own. */
ch_err state_write(struct witness *w, const struct witness_log *log, const struct witness_asked *a,
		   str line);
/* Keeps what a log should not have signed, once a log and kind. */
void evidence_keep(struct witness *w, const struct witness_asked *a, enum witness_count why);

struct witness_answer {
	unsigned status;
	str type;
	struct wr body; /* room of the caller's, WITNESS_ANSWER_MAX at least */
	enum witness_count what;
};
/* Judges, and if all is well writes down, cosigns at this time, and remembers; in this order. */
void witness_add(struct witness *w, str body, int64_t now_s, struct witness_answer *a);

ch_err witness_confine(void);
ch_err witness_serve(struct witness *w);
void witness_metrics(const struct witness *w, struct wr *out);
