/* A full disk: what had to be stored is refused, to be asked for again, and the log has it in one
 * line a minute, however many ask. Each second it is tried whether there is room again: nobody
 * has to restart anything. It must never let go out what was not stored. */
#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "issuer.h"

#define SAY_EVERY_NS (60 * UINT64_C(1000000000))
#define PROBE_EVERY_NS UINT64_C(1000000000)

/* A process has one store, and who answers a request need not know it. */
static struct {
	bool lacks, said;
	uint64_t refused; /* since it was first said */
	uint64_t said_ns, tried_ns;
} room;

void room_note(ch_err e)
{
	if (ch_code_of(e) != CH_E_NO_ROOM)
		return;
	room.lacks = true;
	room.refused++;
	room.tried_ns = clock_mono_ns();
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
	return room.lacks;
}

static void say(const struct issuer *is, uint64_t now)
{
	if (room.said_ns > 0 && now - room.said_ns < SAY_EVERY_NS)
		return;
	LOG(LOG_ALARM,
	    "the disk is full: what must be stored is answered 503 and nothing is issued for it; "
	    "make room on the disk of this folder, and it goes on by itself",
	    log_str("folder", is->config.store), log_u64("refused", room.refused));
	room.said = true;
	room.said_ns = now;
}

void room_turn(struct issuer *is)
{
	uint64_t now = clock_mono_ns();
	if (!room.lacks)
		return;
	say(is, now);
	if (now - room.tried_ns < PROBE_EVERY_NS)
		return;
	room.tried_ns = now;
	if (failed(store_probe(is->store)))
		return;
	room.lacks = false;
	if (room.said)
		LOG(LOG_WARN, "there is room on the disk again",
		    log_str("folder", is->config.store), log_u64("refused", room.refused));
	room.said = false;
	room.refused = 0;
}
