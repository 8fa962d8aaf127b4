/* The folder of dumps on a host: for each ID.dump (sealed) and ID.json (what it is and its
 * report, readable by the folder's group). A dump appears whole or not at all: it is written
 * to a file without a name, which gets one when all is well. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"

enum { DUMP_ID_SIZE = 40 };

struct dump_id {
	char p[DUMP_ID_SIZE]; /* NUL-terminated: time and random, sorts by time */
};

/* What the handler knows of a crash beside what the worker reports. */
struct dump_facts {
	int64_t time_s; /* since 1970 */
	uint32_t pid, uid;
	int signal;
	str executable; /* path in the initial namespace; any bytes */
	str build_id;   /* hex; empty: none */
	uint64_t device, inode;
	str level, cgroup;
};

/* A folder that is there, of mode 0750 or less, owned by root or by us; E_DENIED otherwise:
 * whoever may write into it may put dumps there. */
ch_err dumpstore_open(const char *path, int *ret_dir);
/* The same to read and list only: whose it is does not matter. */
ch_err dumpstore_open_to_read(const char *path, int *ret_dir);
/* A new file without a name in it, for a packer. E_UNSUPPORTED when the file system has none. */
ch_err dumpstore_begin(int dir, int *ret_fd);
/* Names it, with its sidecar; both or, after a crash at any moment, neither counts. The report
 * is an object of at most DUMP_REPORT_MAX bytes, or empty. E_TRUNCATED when nothing is in the
 * file, E_SYNTAX (nothing is named then) when the report is no JSON. */
ch_err dumpstore_commit(int dir, int fd, const struct dump_facts *f, bytes report_json,
			struct dump_id *ret_id);
/* The sidecar alone, of a crash whose dump is not kept: `why` is a word. */
ch_err dumpstore_note(int dir, const struct dump_facts *f, str why, struct dump_id *ret_id);

enum { DUMP_SIDECAR_MAX = 1024 * 1024 + 64 * 1024 };

struct dump_entry {
	struct dump_id id;
	bool has_dump;
	uint64_t stored_bytes;
	bytes sidecar; /* JSON as it was written here, until take returns */
};
/* Calls take for each, oldest first; ends with the first error of take's. */
struct entry_taker {
	ch_err (*take)(struct entry_taker *t, const struct dump_entry *e);
};
ch_err dumpstore_list(int dir, struct entry_taker *t);
/* By its id, or the beginning of it or of the random part behind its "-". E_NOT_FOUND;
 * E_DUPLICATE when it may be several. */
ch_err dumpstore_find(int dir, str id_or_prefix, struct dump_id *ret_id);
/* One of them; the sidecar as above. */
ch_err dumpstore_show(int dir, const struct dump_id *id, struct entry_taker *t);
/* The sealed file, to be read; E_NOT_FOUND when its dump was not kept. */
ch_err dumpstore_open_dump(int dir, const struct dump_id *id, int *ret_fd);
ch_err dumpstore_remove(int dir, const struct dump_id *id);
/* Removes what is older than keep_days (0: none) and then the oldest until all are at most
 * total_bytes (0: no bound); also what an interrupted commit left behind. What cannot be
 * removed does not stop the rest. */
struct dumpstore_limits {
	uint32_t keep_days;
	uint64_t total_bytes;
	uint64_t file_bytes; /* of one dump; checked by the packer */
	uint64_t free_bytes; /* that must stay free on the disk */
};
ch_err dumpstore_prune(int dir, const struct dumpstore_limits *l, int64_t now_s,
		       size_t *ret_removed);
/* Is there room for one more? E_FULL. */
ch_err dumpstore_room(int dir, const struct dumpstore_limits *l);
/* How long its file may get: packer_config's size_max; never 0. E_FULL likewise. */
ch_err dumpstore_space(int dir, const struct dumpstore_limits *l, uint64_t *ret_bytes);
