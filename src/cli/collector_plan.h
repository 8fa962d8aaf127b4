/* The collector's part of what the supervisor runs. */
#pragma once
#include "authority.h"

/* Fills in what chancery.yaml says; leaves config empty when there is no collector. listen_fd is the
 * caller's. Secrets are read from their files: E_DENIED when others may read one. */
ch_err plan_collector(const struct authority *a, struct plan_collector *ret_c);
/* The configuration of a fetcher as it travels; two at most. */
ch_err plan_fetcher(const struct fetcher_config *f, bytes *ret_config);
/* The first line of a file below DIR (or absolute): a secret of at least min bytes, at most max; into
 * room. Says what is wrong. */
ch_err collector_secret(const struct authority *a, str file, size_t min, uint8_t *room, size_t max,
			str *ret_secret);
