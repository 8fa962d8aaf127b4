/* HTTP(S) client: one request at a time, everything bounded. Certificates are checked;
 * no redirect is followed; cookies live as long as the fetch. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/secret.h"

struct fetch;
ch_err fetch_new(struct fetch **ret_f);
/* NULL is fine; the second is for AUTO(). */
void fetch_free(struct fetch *f);
void fetch_done(struct fetch **f);

struct fetch_request {
	str url;  /* http or https */
	str form; /* p == NULL: GET; else POST of application/x-www-form-urlencoded */
	/* HTTP Basic when user.p is set, both as they shall stand there */
	str user;
	struct secret_bytes password;
	unsigned timeout_s; /* of all of it; 0: 20 */
	size_t max;         /* of the body; 0: 256 KiB. A longer one is E_FULL */
};

struct fetch_answer {
	unsigned status;
	str type;     /* Content-Type, as it came */
	str location; /* of a redirect, as it came; p == NULL: none */
	bytes body;
};

/* The answer lives in a. E_SYNTAX for a URL that is none, E_GONE when nobody answers
 * (detail: libcurl's code), E_BUSY when the time is over, E_FULL, E_LIMIT when the
 * arena is. */
ch_err fetch_run(struct fetch *f, const struct fetch_request *q, struct arena *a,
		 struct fetch_answer *ret_answer);
