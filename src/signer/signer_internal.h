/* The signer's parts. One thread, no file, no network. It believes only its own
 * configuration and the keeper's seal; what an issuer sends is checked to the last byte. */
#pragma once
#include "base/secret.h"
#include "base/secretmem.h"
#include "crypto/key.h"
#include "keyfile/keyfile.h"
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

struct signer {
	struct signer_config config;
	struct secretmem kek_memory;
	struct signer_status *status;
	struct signing_key keys[KEYS_MAX];
	struct realm realms[REALMS_MAX];
	size_t n_realms;
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

/* batch.c: one message of an issuer. Built entries wait in a pending batch between
 * building and signing: that is where a log comes in. An error is a breach of protocol or a
 * peer that is gone. */
ch_err batch_serve(struct signer *s, struct realm *m);
