/* Signers, the ledger, and those who read its log. A signer's entries are in the journal before
 * it signs; the signer of the log's heads is another instance; anybody may ask for the newest
 * head at the socket DIR/run/log.
 *
 *   APPEND       u8 type  u8 version  u16 count (1..32)  u64 seq
 *                { bytes16 entry  str16 client_id  str16 grant_id  16 bytes sub }…
 *   APPENDED     u8 type  u8 version  u16 code  u64 seq  u64 first_index
 *   HEAD         u8 type  u8 version  u64 old_size  32 old_root  u64 size  32 root
 *                u16 n  n × 32 proof (RFC 6962 section 2.1.2)
 *   HEAD_SIGNED  u8 type  u8 version  u16 code  u64 size  bytes16 note
 *   LOG_ASK      u8 type  u8 version  u32 req  u8 flags
 *   LOG_HEAD     u8 type  u8 version  u32 req  u16 code  bytes16 note */
#pragma once
#include "base/rw.h"
#include "wire/channel.h"

enum ledger_type {
	LEDGER_APPEND = 0x51,
	LEDGER_APPENDED,
	LEDGER_HEAD,
	LEDGER_HEAD_SIGNED,
	LEDGER_LOG_ASK,
	LEDGER_LOG_HEAD
};

enum {
	LEDGER_BATCH_MAX = 32,
	LEDGER_ENTRY_MAX = 256,
	LEDGER_TEXT_MAX = 512,
	LEDGER_SUB_SIZE = 16,
	LEDGER_HASH_SIZE = 32,
	LEDGER_PROOF_MAX = 64,
	LEDGER_NOTE_MAX = 8192,
	/* of a message of each kind, at most */
	LEDGER_APPEND_MAX = 12 + LEDGER_BATCH_MAX * (6 + LEDGER_ENTRY_MAX + 2 * LEDGER_TEXT_MAX +
						     LEDGER_SUB_SIZE),
	LEDGER_APPENDED_SIZE = 20,
	LEDGER_HEAD_MAX = 84 + LEDGER_PROOF_MAX * LEDGER_HASH_SIZE,
	LEDGER_HEAD_SIGNED_MAX = 14 + LEDGER_NOTE_MAX,
	LEDGER_LOG_ASK_SIZE = 7,
	LEDGER_LOG_HEAD_MAX = 10 + LEDGER_NOTE_MAX,
};

/* --- signer → ledger --- */

/* What is logged of a token, and what the journal keeps beside it. */
struct ledger_item {
	bytes entry;                  /* merkle/entry.h; 1 to 256 bytes */
	str client_id;                /* at most LEDGER_TEXT_MAX; empty: the token names none */
	str grant_id;                 /* likewise */
	uint8_t sub[LEDGER_SUB_SIZE]; /* keyed hash of realm and sub */
};

/* A batch under construction in w (LEDGER_APPEND_MAX bytes of room always suffice). seq: 1 for
 * the first on a socket, then without a gap. */
void ledger_append_begin(struct wr *w, uint64_t seq);
/* False, and w as it was, when it has 32 already, or the item is over a limit or does not fit. */
bool ledger_append_add(struct wr *w, const struct ledger_item *item);
size_t ledger_append_count(const struct wr *w);
/* E_PROTOCOL unless the message is such a batch; *ret_n items (1 at least) follow in *ret_r, and
 * rd_done() after the last. */
ch_err ledger_append_open(bytes message, struct rd *ret_r, uint64_t *ret_seq, size_t *ret_n);
/* Slices point into the message. E_PROTOCOL: ends early, an empty entry, over a limit. */
ch_err ledger_append_read(struct rd *r, struct ledger_item *ret_item);

/* --- ledger → signer: in the order of the batches --- */

struct ledger_appended {
	uint64_t seq;
	uint64_t first_index; /* of the batch's entries, in the log; 0 with a code */
	uint16_t code; /* CH_OK: durable; CH_E_NO_ROOM or CH_E_LOG: nothing of it is signed */
};
/* Appends the message to w, which turns full when there is no room; so do all writers below. Each
 * reader: E_PROTOCOL for what does not fit; slices point into the message. */
void ledger_appended_write(struct wr *w, const struct ledger_appended *a);
ch_err ledger_appended_read(bytes message, struct ledger_appended *ret_a);

/* --- ledger → signer of heads, one at a time --- */

struct ledger_hash {
	uint8_t b[LEDGER_HASH_SIZE];
};
struct ledger_head {
	uint64_t old_size, size;
	struct ledger_hash old_root, root;
	size_t n_proof;
	struct ledger_hash proof[LEDGER_PROOF_MAX]; /* that the old tree is a start of the new */
};
void ledger_head_write(struct wr *w, const struct ledger_head *h);
ch_err ledger_head_read(bytes message, struct ledger_head *ret_h);

/* --- signer of heads → ledger --- */

struct ledger_head_signed {
	/* as it was asked; with a code, of the last head that was signed, from which the next
	 * must go on */
	uint64_t size;
	uint16_t code; /* CH_OK; else the head was refused, and there is no note */
	bytes note;    /* a signed checkpoint, at most LEDGER_NOTE_MAX */
};
void ledger_head_signed_write(struct wr *w, const struct ledger_head_signed *s);
ch_err ledger_head_signed_read(bytes message, struct ledger_head_signed *ret_s);

/* --- anybody → ledger, at DIR/run/log --- */

struct log_ask {
	uint32_t req;  /* not 0: comes back */
	bool is_fresh; /* 1: a head that was made after this question */
	bool follows;  /* 2: and each new head from now on, as LOG_HEAD of req 0 */
};
void log_ask_write(struct wr *w, const struct log_ask *a);
ch_err log_ask_read(bytes message, struct log_ask *ret_a);

/* --- ledger → anybody --- */

struct log_answer {
	uint32_t req;  /* 0: nobody asked for this one */
	uint16_t code; /* CH_OK; else there is no note */
	bytes note;    /* the published checkpoint, at most LEDGER_NOTE_MAX */
};
void log_answer_write(struct wr *w, const struct log_answer *h);
ch_err log_answer_read(bytes message, struct log_answer *ret_h);
