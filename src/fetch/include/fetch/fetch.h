/* HTTP(S) client: one request at a time, everything bounded. Certificates are checked;
 * no redirect is followed; cookies live as long as the fetch. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"
#include "base/secret.h"

struct fetch;
ch_err fetch_new(struct fetch **ret_f);
/* NULL is fine; the second is for AUTO(). */
void fetch_free(struct fetch *f);
void fetch_done(struct fetch **f);

struct fetch_request {
	str url;       /* http or https */
	str form;      /* p == NULL: GET; else POST of this body, any bytes */
	str form_type; /* its Content-Type; empty: application/x-www-form-urlencoded */
	str signature; /* of the body, for its reader: Chancery-Signature; empty: none */
	/* HTTP Basic when user.p is set, both as they shall stand there */
	str user;
	struct secret_bytes password;
	unsigned timeout_s; /* of all of it; 0: 20 */
	size_t max;         /* of the body; 0: 256 KiB. A longer one is E_FULL */
	/* https, or http on loopback: else E_DENIED. No proxy, whatever the environment says:
	 * what is fetched is trusted for where it comes from */
	bool pinned;
	bool reuse;        /* with pinned: the connection stays for the next request there */
	str if_none_match; /* an entity tag (RFC 9110 section 8.8.3); empty: none */
	str dpop;          /* a proof (RFC 9449 section 4.1); empty: none */
	/* PEM: who may certify the server; empty: whom the system trusts. The same in all
	 * requests of one fetch */
	str ca_file;
	str addresses; /* what fetch_lookup wrote; empty: libcurl looks the name up */
};

struct fetch_answer {
	unsigned status;
	str type;     /* Content-Type, as it came */
	str location; /* of a redirect, as it came; p == NULL: none */
	str etag;     /* as it came; p == NULL: none */
	/* for the next proof (RFC 9449 section 8), as it came; p == NULL: none */
	str dpop_nonce;
	/* Cache-Control: max-age; -1: not stated. 0 too for no-store, no-cache and a number that
	 * is none; of several the smallest; of a huge one FETCH_AGE_MAX */
	int64_t max_age_s;
	bytes body;
};
enum { FETCH_AGE_MAX = INT32_MAX };

/* The answer lives in a. E_SYNTAX for a URL that is none, E_GONE when nobody answers
 * (detail: libcurl's code), E_BUSY when the time is over, E_DENIED: the certificate is not
 * good, E_FULL, E_LIMIT when the arena is. */
ch_err fetch_run(struct fetch *f, const struct fetch_request *q, struct arena *a,
		 struct fetch_answer *ret_answer);

/* The addresses of a URL's host, for fetch_request; nothing for a literal address and for
 * localhost, which need no lookup. Waits for the resolver, in this thread and in no other
 * (libcurl would start one). E_GONE: no such name; E_FULL. */
ch_err fetch_lookup(str url, struct wr *w);
/* From now on this process looks names up in /etc/hosts and the DNS alone, and loads no
 * plug-in for it: for a sandboxed one. */
ch_err fetch_lookup_plainly(void);
