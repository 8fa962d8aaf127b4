/* Telling a service manager how we are: sd_notify(3), without its library. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

/* Who wants to hear from this process, as systemd says it in the environment. */
struct notify_wish {
	str address;          /* NOTIFY_SOCKET; empty: nobody. Points into the environment */
	uint64_t watchdog_us; /* a sign of life is wanted within this; 0: none is */
};

/* Of this process alone: a watchdog that was meant for another (WATCHDOG_PID) is none. */
struct notify_wish notify_wish_read(void);
/* One datagram with text ("READY=1\nSTATUS=serving") to the address: a path, or "@name" for an
 * abstract socket. Waits a second at most. An empty address: nothing to do. E_SYNTAX: no such
 * address; E_IO, detail = errno: it was not taken, which no caller need mind. */
ch_err notify_send(str address, str text);
/* For the second argument of poll(2): at most as long as a third of watchdog_us, or timeout_ms
 * itself (-1: for ever) when nobody watches. */
int notify_timeout(uint64_t watchdog_us, int timeout_ms);
