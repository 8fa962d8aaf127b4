/* A realm's sealed keys as a command works on them: read, timed anew, taken out. */
#pragma once
#include "authority.h"
#include "base/file.h"
#include "keyfile/keyfile.h"

struct realm_key_file {
	struct key_meta meta; /* as it is on disk; texts point into file */
	size_t n;
	uint8_t file[KEYFILE_MAX];
};

struct realm_keys {
	const struct authority *a;
	const struct config_realm *realm;
	size_t n;
	struct key_times times[KEY_SET_MAX]; /* what they are to become */
	struct realm_key_file keys[KEY_SET_MAX];
};

/* One who changes keys of an authority at a time; waits for another a minute. The lock
 * ends with the descriptor. E_BUSY. */
ch_err realm_keys_lock(const struct authority *a, int *ret_fd);
/* E_NOT_FOUND: the realm has no folder. */
ch_err realm_keys_read(const struct authority *a, const struct config_realm *realm,
		       struct realm_keys *ret_k);
/* keys/REALM, or a folder below it; E_NOT_FOUND. */
ch_err realm_keys_open(const struct authority *a, str realm, str below, DIR **ret_d);
/* The index of a kid; k->n: none. */
size_t realm_keys_find(const struct realm_keys *k, str kid);

/* Seals what has other times than on disk, and a new key with the times *new_or_null. Before
 * that it notes in the folder that what runs has to take it up. The public set on disk is
 * written. *ret_changed: whether there was anything to do. */
ch_err realm_keys_save(const struct realm_keys *k, int passphrase_fd,
		       const struct key_times *new_or_null, bool *ret_changed);
/* Notes in the folder that what runs has to take something up. */
ch_err realm_keys_mark(const struct authority *a, str realm);
/* Has what runs taken it all up? Asks it to, if not or if `anyway`; *ret_asked: a running
 * authority was asked. */
ch_err realm_keys_take_up(const struct realm_keys *k, bool anyway, bool *ret_asked);

/* What is kept of a key that has left: DIR/keys/REALM/past/KID.json, with its public half. */
struct past_key {
	const char *state; /* "retired", "compromised" */
	int64_t since_s;
	str reason; /* empty: none */
};
/* Takes a key out of k and its files away, for good; the public set on disk is not touched.
 * Nothing is lost when it is interrupted, and it can be done again. */
ch_err realm_keys_remove(struct realm_keys *k, size_t at, const struct past_key *past);
/* The file of a past key, into room; E_NOT_FOUND. */
ch_err past_key_read(const struct authority *a, str realm, str kid, void *room, size_t cap,
		     size_t *ret_n);
/* Writes a past key again as compromised. */
ch_err past_key_compromise(const struct authority *a, str realm, str kid,
			   const struct past_key *past);
