/* The log of an authority, as the command line begins it and finds it: its key, its name, the key
 * of its journal's hashes. */
#pragma once
#include "authority.h"
#include "merkle/note.h"

/* Folders, the log's key if the keeper has not made it, and what follows from it. An authority of
 * before the log gets one. Fine when all of it is there; E_MISMATCH when a part of it is gone, or
 * chancery.yaml has another origin than the log. */
ch_err log_ensure(const struct authority *a, int passphrase_fd);
/* What follows from the key, which is there: log.vkey and keys/journal.key. anew: this authority
 * had a log before, which this one must not be taken for. */
ch_err log_begin(const struct authority *a, bool anew);

struct log_facts {
	uint8_t journal_key[JOURNAL_KEY_SIZE];
	struct note_key key; /* its name is the log's origin */
	str vkey;
	char room[NOTE_VKEY_MAX + 1];
};
/* *ret_f must stay where it is: its texts point into it. */
ch_err log_facts_read(const struct authority *a, struct log_facts *ret_f);
