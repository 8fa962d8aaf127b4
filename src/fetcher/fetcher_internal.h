/* The fetcher's parts: its parent (main.c), the worker that talks (worker.c), the worker's
 * walls (confine.c). */
#pragma once
#include "fetch/many.h"
#include "wire/fetch.h"

/* Serves one gate until it is gone (CH_DONE) or breaks the protocol (E_PROTOCOL). E_GONE: a
 * name was not found; another worker shall look with the resolver's files as they are now.
 * gate: the socket. The walls are up already. */
ch_err worker_serve(const struct fetcher_config *config, struct fetches *fetches, int gate);

/* No dumps; of files only what resolver and certificates need, to be read; of sockets only
 * those of the internet, to connect with; no program, no process, no port of its own. */
ch_err confine(const struct fetcher_config *config, const int *keep_fds, size_t n);
