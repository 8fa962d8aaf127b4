/* A full disk: what had to be stored is refused, to be asked for again, and the log has it in one
 * line a minute, however many ask. Each second it is tried whether there is room again: nobody
 * has to restart anything. It must never let go out what was not stored. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "issuer.h"

#define SAY_EVERY_NS (60 * UINT64_C(1000000000))
#define PROBE_EVERY_NS UINT64_C(1000000000)
#define QUIET_NS (5 * UINT64_C(1000000000))

/* A process has one store and one log, and who answers a request need not know them. */
static struct disk {
	bool lacks, said;
	uint64_t refused; /* since it was first said */
	uint64_t said_ns, tried_ns;
	uint64_t refused_ns;
	int64_t since_s;
	bool signed_since; /* the log's alone */
} store_disk, log_disk;

void room_note(ch_err e)
{
	if (ch_code_of(e) != CH_E_NO_ROOM)
		return;
	struct disk *d = e.detail == ROOM_OF_LOG ? &log_disk : &store_disk;
	d->lacks = true;
	d->refused++;
	d->tried_ns = d->refused_ns = clock_mono_ns();
	d->signed_since = false;
	d->since_s = clock_unix_s();
}

ch_err room_judge(ch_err e)
{
	room_note(e);
	if (ch_code_of(e) != CH_E_IO || (e.detail != ENOSPC && e.detail != EDQUOT))
		return e;
	/* of a file beside the store: its disk may be another one, and nobody looks there */
	LOG(LOG_WARN, "request failed for want of room", log_err(e));
	return ch_fail(CH_E_NO_ROOM, "the disk is full: make room on it", e.detail);
}

bool room_lacks(void)
{
	return store_disk.lacks;
}

bool room_lacks_log(void)
{
	return log_disk.lacks;
}

static void say(struct disk *d, str folder, uint64_t now)
{
	if (d->said_ns > 0 && now - d->said_ns < SAY_EVERY_NS)
		return;
	LOG(LOG_ALARM,
	    "the disk is full: what must be stored is answered 503 and nothing is issued for it; "
	    "make room on the disk of this folder, and it goes on by itself",
	    log_str("folder", folder), log_u64("refused", d->refused));
	d->said = true;
	d->said_ns = now;
}

static void over(struct disk *d, str folder)
{
	d->lacks = false;
	if (d->said)
		LOG(LOG_WARN, "there is room on the disk again", log_str("folder", folder),
		    log_u64("refused", d->refused));
	d->said = false;
	d->refused = 0;
}

/* A signature says so at once; where nobody asks for one, who watches may be what keeps them away: new
 * heads, and no refusal for some seconds. */
static bool log_has_room(const struct issuer *is, uint64_t now)
{
	struct stat st = { 0 };
	return log_disk.signed_since ||
	       (now - log_disk.refused_ns > QUIET_NS &&
		fstatat(is->log.folder_fd, "checkpoint", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		st.st_mtime > log_disk.since_s);
}

void room_signed(void)
{
	log_disk.signed_since = log_disk.lacks;
}

static void turn(struct issuer *is, struct disk *d, uint64_t now)
{
	bool of_log = d == &log_disk;
	str folder = of_log ? is->config.log : is->config.store;
	if (!d->lacks)
		return;
	say(d, folder, now);
	if (now - d->tried_ns < PROBE_EVERY_NS)
		return;
	d->tried_ns = now;
	if (of_log ? log_has_room(is, now) : !failed(store_probe(is->store)))
		over(d, folder);
}

void room_turn(struct issuer *is)
{
	uint64_t now = clock_mono_ns();
	turn(is, &store_disk, now);
	turn(is, &log_disk, now);
}
