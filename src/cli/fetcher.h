/* The fetcher of a gate whose issuers publish their keys at a URL. */
#pragma once
#include "config/config.h"

struct fetcher_secrets {
	const str *revocations; /* of those who ask, by the issuer's place */
	const str *logs;        /* by the log's; empty where nobody is asked who he is */
	str collector;          /* of the gate there; empty: it reports nowhere */
};

/* Starts one for this policy, whose ca_file is absolute, as this user (0: who we are), and
 * gives the gate's end of its socket; -1 when nothing has a URL. It ends with the last
 * copy of that end. */
ch_err fetcher_start(const struct gate_file *g, const struct fetcher_secrets *secrets, uint32_t uid,
		     uint32_t gid, int *ret_fd);
/* What that one is told; false: it has nothing to do. *ret_c points into g, secrets and storage of
 * this file. */
bool fetcher_config_of(const struct gate_file *g, const struct fetcher_secrets *secrets,
		       struct fetcher_config *ret_c);
