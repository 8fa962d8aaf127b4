/* Tokens that are bound to a key (RFC 7800) are good only with that key: DPoP (RFC 9449) and
 * mutual TLS (RFC 8705). What the client showed goes into a struct ch_request, ch_options
 * points to it, and ch_verify asks for all of it each time: there is no second call that
 * could be forgotten. */
#ifndef CHANCERY_CONFIRM_H
#define CHANCERY_CONFIRM_H

#include "chancery/verify.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- used proofs ------------------------------------------------------------------ */

struct ch_replay;

/* Bytes of storage for so many proofs at a time, some 32 each: requests a second times
 * window_s + skew_s. 0: none, or too many. */
CH_API size_t ch_replay_size(size_t proofs);
/* Lays out storage of the caller's, of which nothing needs to be freed; it must stay where it
 * is. Any number of threads may share it, without a lock. Proofs made before now_s are
 * refused, since they may have been used before this store knew; 0: none are. CH_E_USAGE: a
 * NULL, or now_s below 0. CH_E_RANGE: too small for so many. */
CH_API ch_err ch_replay_init(void *storage, size_t size, size_t proofs, int64_t now_s,
			     struct ch_replay **ret_replay);

/* --- nonces ----------------------------------------------------------------------- */

/* Nonces without a store (RFC 9449 section 8): all servers with the same key hand out the
 * same ones. */
struct ch_nonces {
	uint8_t key[32]; /* random, of this use alone */
	int64_t slice_s; /* a nonce is good for one to two of these; at least 1 */
};

#define CH_NONCE_SIZE 33

/* The text for the field DPoP-Nonce, terminated, and its length; 0: called wrongly. */
CH_API size_t ch_nonce_now(const struct ch_nonces *nonces, int64_t now_s, char to[CH_NONCE_SIZE]);

/* --- what the client showed ------------------------------------------------------- */

/* Start from CH_REQUEST_INIT. */
struct ch_request {
	size_t size;      /* of this struct; set by CH_REQUEST_INIT */
	bool dpop_scheme; /* the token came as "Authorization: DPoP", not "Bearer" */
	ch_text dpop; /* the value of the field DPoP; p == NULL: there was none. A request with two
			   * such fields is for you to refuse */
	ch_text method; /* exact: "GET" */
	/* The address as the client meant it: of your configured origin, never of the field
	 * Host. Query and fragment do not count. */
	ch_text url;
	int64_t window_s;               /* how old a proof may be, 1 to 600; 60 */
	int64_t skew_s;                 /* how far ahead, 0 to 60; 10 */
	struct ch_replay *replay;       /* needed with dpop_scheme */
	const struct ch_nonces *nonces; /* NULL: none are asked for */
	/* The client's certificate, which whoever ended TLS has checked: its DER, or its
	 * SHA-256 (32 bytes), or both; NULL: there was none. */
	const unsigned char *certificate;
	size_t certificate_size;
	const uint8_t *certificate_sha256;
};

#define CH_REQUEST_INIT                                                                          \
	{                                                                                        \
		sizeof(struct ch_request), false, { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, 60, 10, \
			NULL, NULL, NULL, 0, NULL                                                \
	}

#ifdef __cplusplus
}
#endif
#endif
