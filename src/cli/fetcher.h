/* The fetcher of a gate whose issuers publish their keys at a URL. */
#pragma once
#include "config/config.h"

/* Starts one for this policy, whose ca_file is absolute, as this user (0: who we are), and
 * gives the gate's end of its socket; -1 when no issuer has a URL. secrets: of those who ask
 * for revocations, by the issuer's place. It ends with the last
 * copy of that end. */
ch_err fetcher_start(const struct gate_file *g, const str *secrets, uint32_t uid, uint32_t gid,
		     int *ret_fd);
