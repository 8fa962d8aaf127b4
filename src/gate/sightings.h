/* Every verdict is a sighting: when, which token (SHA-256 of its signing input), whose, from
 * where, at which place, and what was answered. Two chains (src/chain/FORMAT.md) in a folder:
 * `signed` for tokens whose signature was good, `unsigned` for all others, each with a bound
 * of its own, so that a flood of junk cannot push the evidence out.
 *
 * The same verdict on the same token for the same client at the same place is recorded at once,
 * and when it comes again within ten seconds, counted (repeats.h): a second record has the
 * count. So whoever repeats a token pushes no evidence out.
 *
 * In a loop turn: sightings_note for each verdict, sightings_flush at the end, before or
 * after the answers go out. sightings_ok false means: what was noted could not be written;
 * with fail_open off (the default) every request is then answered 503 until it can. What
 * was noted is kept and tried again, so nothing that was answered goes unrecorded unless the
 * process dies.
 *
 * Behind walls it needs, for the folder: landlock ACCESS_READ | ACCESS_WRITE, and of system
 * calls besides sandbox_common and sandbox_server: openat, pread64, pwrite64, fdatasync,
 * fsync, ftruncate, fchmod, flock, renameat2, unlinkat, getdents64. */
#pragma once
#include "base/address.h"
#include "base/err.h"
#include "token/verify.h"

struct sightings_limits {     /* 0: the default in brackets */
	uint64_t total_bytes; /* of the folder [64 MiB]: three quarters are `signed` */
	int64_t keep_s;       /* older ones are erased [30 days]; by whole files, so a file's
			       * age (a day at most) comes on top */
	int64_t sync_ms;      /* fdatasync at most so long after a write [1000] */
	int64_t wait_ms;      /* so long another gate may still hold the folder when there is
			       * something to write [0: not at all]: for a new generation that
			       * takes over. Meanwhile what is noted is kept in memory, some
			       * 2000 verdicts a chain. */
	bool fail_open;       /* serve although sightings cannot be written */
};

struct sightings_counts {
	/* verdicts, each of a count; lost: not recorded. Those that are counted only are noted
	 * and not yet written. */
	uint64_t noted, written, failed_writes, lost;
	uint64_t bytes; /* of the folder, about */
};

struct sightings;

/* Opens or makes the folder (0700; files 0600). E_BUSY: another gate writes there, and wait_ms
 * is 0. *ret_cut_bytes is how much of a torn end was cut off (0: none); that, and where
 * damage is (E_MISMATCH), has been logged. One a process: the storage is static. */
ch_err sightings_open(const char *folder, const struct sightings_limits *limits,
		      struct sightings **ret_s, uint64_t *ret_cut_bytes);
/* Writes what waits and what is counted, and syncs. NULL is fine. */
void sightings_close(struct sightings *s);

/* A verdict as it was answered. text is the token as it was sent: its identity is taken from
 * the verdict when that is accepted, else computed. location is the place's name in the
 * policy. False: no room and none can be made; answer 503. No malloc. */
bool sightings_note(struct sightings *s, const struct token_verdict *v, str text,
		    const struct address *client, str location, int64_t now_ms);
/* Writes what was noted; at most one write a chain. now_ns paces retries and syncs. Logs once
 * when writing begins to fail, and once when it works again. Call it in idle turns, too. */
void sightings_flush(struct sightings *s, int64_t now_ms, uint64_t now_ns);
/* May requests be answered? */
bool sightings_ok(const struct sightings *s);
/* Why not; a success when they can be written. For the log and /ready. */
ch_err sightings_error(const struct sightings *s);
struct sightings_counts sightings_counts(const struct sightings *s);

/* Where a chain of them is and what of it is durable, for whoever sends it on; false: it is not
 * open now. path lives as long as s. */
struct sightings_place {
	const char *folder; /* that all chains are in */
	uint8_t id[16];     /* of the chain */
	uint64_t synced;    /* all records below this number are durable */
};
bool sightings_place(const struct sightings *s, size_t chain, struct sightings_place *ret_p);

/* SHA-256 of what stands before the last dot, of all of it when there is none. */
void sighting_identity(str token, uint8_t ret_identity[static TOKEN_ID_SIZE]);
/* Was the signature known to be good when this code was given? */
bool sighting_signed(enum token_code code);
