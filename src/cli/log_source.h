/* Where a log is read from: its folder, or its URL. Nothing that comes from there is believed here. */
#pragma once
#include "base/path.h"
#include "fetch/fetch.h"
#include "logstore/logstore.h"
#include "merkle/source.h"

enum { LOG_SOURCE_MEMORY = 384 * 1024, LOG_SECRET_MAX = 256, LOG_NOTE_FILE_MAX = 64 * 1024 };

struct log_place {
	const char *folder; /* or */
	const char *url;    /* https, or http on this host: what stands before "/checkpoint" */
	const char *client, *secret_file; /* HTTP Basic; NULL: the log is public */
	const char *ca_file; /* who may certify the server; NULL: whom the system trusts */
};

/* Large: static, or part of what is. */
struct log_source {
	struct tile_source tiles; /* first: the source of tiles is this struct itself */
	struct logstore store;
	const struct log_place *place;
	struct fetch *client;
	struct arena arena;
	/* of a server: what it may send in all, and until when; 0: any */
	uint64_t bytes, bytes_max, until_ns;
	str user, secret;
	char secret_room[LOG_SECRET_MAX];
	uint8_t memory[LOG_SOURCE_MEMORY];
};

/* The place must outlive it. E_NOT_FOUND: there is no such folder; E_MISSING: no secret. */
ch_err log_source_open(const struct log_place *p, struct log_source *ret_s);
void log_source_close(struct log_source *s);
/* From now on a server may send so much in so many seconds: one that answers without end must not
 * keep whoever asks. Then E_FULL or E_BUSY. */
void log_source_bound(struct log_source *s, uint64_t bytes_max, uint64_t seconds);
/* "checkpoint", "cosigned/checkpoint" or "now" (of a folder: the checkpoint), appended to w.
 * E_NOT_FOUND: there is none; E_DENIED: it may not be read; E_BUSY: not now; E_FULL. */
ch_err log_source_note(struct log_source *s, str name, struct wr *w);
