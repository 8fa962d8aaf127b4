/* A log in memory, signed by a key of its own, for tests of those who follow one. It can be led
 * astray: rewritten, shortened, its tiles damaged. */
#pragma once
#include "crypto/key.h"
#include "live.h"
#include "merkle/checkpoint.h"
#include "merkle/entry.h"
#include "merkle/source.h"

enum { KIT_ENTRIES = 20000, KIT_NOTE = 2048, KIT_HEADS = 64 };

struct kit_log {
	struct tile_source tiles; /* first */
	struct private_key *key;
	struct note_key verifier;
	uint64_t size;
	struct kit_entry {
		uint8_t n, text[LOG_ENTRY_MAX];
		struct merkle_hash leaf;
	} * entries;
	/* sizes of heads that were made: other partial tiles there are not */
	uint64_t published[KIT_HEADS];
	size_t n_published;
	bool damaged, slow; /* a bundle has another entry; E_BUSY every second time */
	uint64_t gone;      /* bundles below it were pruned */
	unsigned asked;
};

void kit_open(struct kit_log *l);
void kit_close(struct kit_log *l);
/* Appends the token of this number. */
void kit_add(struct kit_log *l, uint64_t number, int64_t iat_s, int64_t exp_s);
void kit_add_typ(struct kit_log *l, uint64_t number, int64_t iat_s, int64_t exp_s, uint8_t typ);
/* The identity of that token. */
void kit_identity(uint64_t number, uint8_t ret_id[static LIVE_ID_SIZE]);
/* A head of the log as it is, with `extra` lines of others. Static storage of the caller. */
str kit_head(struct kit_log *l, int64_t time_s, uint8_t room[static KIT_NOTE]);
/* The same with a cosignature of a witness. */
str kit_witnessed(struct kit_log *l, int64_t time_s, const struct note_key *witness,
		  struct private_key *key, uint8_t room[static KIT_NOTE]);
