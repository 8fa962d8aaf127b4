/* What the two threads tell each other: numbers, a descriptor, and two eventfds to wake by. No
 * lock is held while anything is done, so that the sequencer never waits for tiles or heads. */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/file.h"
#include "ledger_internal.h"

static void ring(int fd)
{
	const uint64_t one = 1;
	/* only a counter that is about to overflow refuses, and that wakes too */
	(void)!write(fd, &one, sizeof(one));
}

ch_err handover_open(struct handover *h, uint64_t durable)
{
	atomic_store(&h->durable, durable);
	atomic_store(&h->heads_socket, -1);
	h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	h->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->wake < 0 || h->done < 0)
		return ch_fail(CH_E_IO, "cannot make an eventfd", errno);
	return CH_DONE;
}

void handover_close(struct handover *h)
{
	int fd = handover_take_socket(h);
	fd_close(&fd);
	fd_close(&h->wake);
	fd_close(&h->done);
}

void handover_publish(struct handover *h, uint64_t durable)
{
	atomic_store(&h->durable, durable);
	if (atomic_exchange(&h->asleep, false))
		ring(h->wake);
}

void handover_heads_socket(struct handover *h, int fd)
{
	int before = atomic_exchange(&h->heads_socket, fd);
	fd_close(&before);
	ring(h->wake);
}

void handover_stop(struct handover *h)
{
	atomic_store(&h->stopping, true);
	ring(h->wake);
}

bool handover_may_sleep(struct handover *h, uint64_t seen)
{
	/* first the flag, then the number; the sequencer does it the other way round */
	atomic_store(&h->asleep, true);
	if (atomic_load(&h->durable) == seen)
		return true;
	atomic_store(&h->asleep, false);
	return false;
}

void handover_woken(struct handover *h)
{
	uint64_t count = 0;
	atomic_store(&h->asleep, false);
	(void)!read(h->wake, &count, sizeof(count));
}

int handover_take_socket(struct handover *h)
{
	return atomic_exchange(&h->heads_socket, -1);
}

void handover_end(struct handover *h, ch_err e)
{
	atomic_store(&h->trouble, (uint32_t)ch_code_of(e));
	atomic_store(&h->ended, true);
	ring(h->done);
}
