/* The signer's parts. One thread, no file, no network. It believes only its own
 * configuration and the keeper's seal; what an issuer sends is checked to the last byte. */
#pragma once
#include "base/secret.h"
#include "base/secretmem.h"
#include "crypto/key.h"
#include "keyfile/keyfile.h"
#include "merkle/entry.h"
#include "wire/ledger.h"
#include "wire/roles.h"
#include "wire/sign.h"
#include "wire/status.h"

/* A key with its grant. Texts point into the boot configuration. */
struct signing_key {
	struct key_meta meta;
	struct private_key *key;
	struct bucket {
		uint32_t rate_per_s; /* 0: no limit */
		uint64_t tokens_ns;  /* what may be spent, in nanoseconds of rate */
		uint64_t at_ns;      /* when that was true */
	} bucket;
};

struct realm {
	str name, issuer;
	int fd;
	struct signing_key *keys;
	size_t n_keys;
	struct bucket bucket;
};

enum {
	BATCHES_MAX = 3, /* of all realms: two wait for the ledger while one is signed */
	APPENDS_MAX = 2, /* that the ledger has */
	SLICE = 8,       /* signatures between two looks at the sockets */
	BATCH_TEXT_MAX = SIGN_BATCH_MAX * SIGN_TOKEN_MAX,
};

struct pending_entry {
	uint32_t req;
	uint16_t code;
	struct signing_key *key;
	size_t at, n; /* the signing input, in the batch's text */
};

enum batch_state {
	BATCH_FREE,
	BATCH_APPENDING, /* the ledger has its entries; nothing of it may be signed */
	BATCH_LOGGED,    /* they are durable, or it is refused with `code` */
};

/* What one message of an issuer asked for. Its text has no key in it, nor a nonce. */
struct batch {
	enum batch_state state;
	struct realm *realm;
	uint64_t turn;  /* batches are answered in the order they came in */
	uint64_t seq;   /* at the ledger; 0: nothing of it had to be logged */
	uint16_t code;  /* the ledger's */
	size_t n, next; /* requests; of these, answered */
	struct pending_entry entry[SIGN_BATCH_MAX];
	size_t used;
	uint8_t text[BATCH_TEXT_MAX];
};

struct signer {
	struct signer_config config;
	struct secretmem kek_memory;
	struct signer_status *status;
	struct signing_key keys[KEYS_MAX];
	struct realm realms[REALMS_MAX];
	size_t n_realms;
	int ledger, control;
	uint64_t turn;         /* the last one given */
	uint64_t seq;          /* the last one appended */
	uint64_t appended;     /* the last one answered by the ledger */
	ch_err trouble;        /* it could not be told of one: the end */
	struct batch *batches; /* BATCHES_MAX */
};

/* memory.c: runs work() with libcrypto's heap and the stack both in secret memory of
 * this kind; crypto_init is done inside. Returns what work returns. */
ch_err memory_run(enum secretmem_kind kind, ch_err (*work)(struct signer *), struct signer *s);

/* confine.c: gives up dumps before any key is near; then the walls of the steady state. */
ch_err confine_early(void);
ch_err confine_steady(void);

/* modules.c: which code is where, for the crash report. */
void modules_note(struct signer_status *status);

/* keys.c: takes the key-encryption key from the warden, unseals all keys, lets it go. */
ch_err keys_load(struct signer *s);
/* Sends each realm's public keys to its issuer. */
ch_err keys_announce(struct signer *s);

/* grant.c: may this request be signed, and by which key? */
ch_err grant_check(struct realm *m, const struct sign_request *q, int64_t now_s, uint64_t now_ns,
		   struct signing_key **ret_key);
void bucket_init(struct bucket *b, uint32_t rate_per_s);
bool bucket_take(struct bucket *b, uint64_t now_ns);

/* batch.c: a batch of an issuer's. An error is a breach of protocol, or a peer that is gone. */
/* There is one free, and the ledger may be given one more. */
bool batch_may_take(const struct signer *s);
/* One message of this realm's issuer: decoded, built, and its entries on their way to the
 * ledger. */
ch_err batch_take(struct signer *s, struct realm *m);
/* Signs and answers a slice of the one whose turn it is. */
ch_err batch_answer(struct signer *s, struct batch *b);
/* The one whose turn it is to be answered; NULL: none may be yet. */
struct batch *batch_due(struct signer *s);

/* ledger.c: what the ledger says. An error ends the signer. */
/* Sends the entries of a batch, those of its requests that are not refused already. What fails is
 * s->trouble then. */
void ledger_append(struct signer *s, struct batch *b, const struct ledger_item *items, size_t n);
/* One message, if there is one: a batch may be signed now, or is refused. */
ch_err ledger_take(struct signer *s);
/* What the log holds of a token, into room (LEDGER_ENTRY_MAX), and what its journal keeps
 * beside it, of the request. E_INVALID_REQUEST: it does not fit in there. */
ch_err ledger_item_of(const struct signer *s, const struct realm *m, const struct sign_request *q,
		      const struct log_entry *entry, struct wr *room, struct ledger_item *ret_item);

/* tokens.c: until every issuer's socket is closed, or somebody it needs is gone. */
ch_err tokens_serve(struct signer *s);
/* One look at all sockets, and a slice of what may be signed; waits for something to do if it may.
 * *ret_over: that was the last. */
ch_err tokens_turn(struct signer *s, bool may_wait, bool *ret_over);

/* heads.c: the duty of the other instance, for the ledger's socket alone. Until it ends. */
ch_err heads_serve(struct signer *s);
/* What comes before the first head, and one message, if there is one. */
ch_err heads_begin(struct signer *s);
ch_err heads_turn(struct signer *s);
