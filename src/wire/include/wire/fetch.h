/* A gate or a collector and its fetcher: what is at the URLs that the fetcher was given when it
 * started (struct fetcher_config), and what is sent to others of them. A URL never crosses: only
 * its number, and which part of a log.
 *
 *   FETCH    u8 0x71  u8 version  u32 req  u16 url  str16 etag  str16 query  str16 path
 *   FETCHED  u8 0x72  u8 version  u32 req  u16 url  u16 code  u64 detail  u16 status
 *            i64 max_age_s  str16 etag  bytes32 body
 *
 *   POST     u8 0x73  u8 version  u32 req  u16 post  str16 signature  bytes32 body
 *   POSTED   u8 0x74  u8 version  u32 req  u16 post  u16 code  u64 detail  u16 status
 *            bytes16 body
 *
 * code: CH_OK, the server answered: status and the rest are its; else why it did not.
 * max_age_s: -1 when it states none. The etag of a request is that of the set one has. */
#pragma once
#include "base/rw.h"
#include "wire/channel.h"
#include "wire/roles.h"

enum {
	FETCH_ETAG_MAX = 128,
	FETCH_QUERY_MAX = 192,
	FETCH_PATH_MAX = 64,
	FETCH_URLS_MAX = 2 * REALMS_MAX + LOGS_MAX,
	FETCH_BODY_MAX = 66 * 1024, /* the largest is a full bundle of a log's entries */
	FETCH_MESSAGE_MAX = FETCH_BODY_MAX + 1024, /* longer than MESSAGE_MAX: one whole set */
	FETCH_POST_MAX = 60 * 1024,                /* of a body that is sent */
	FETCH_SIGNATURE_MAX = 128,
	FETCH_ANSWER_MAX = 1024, /* of an answer to it; of a longer one nothing is handed on */
};

enum fetch_kind { FETCH_ASK = 0x71, FETCH_TOLD = 0x72, FETCH_POST = 0x73, FETCH_POSTED = 0x74 };

struct fetch_ask {
	uint32_t req;
	uint16_t
		url; /* index in fetcher_config.urls, or behind them in its revocations, its logs */
	str etag;
	str query; /* of revocations alone: small letters, digits, '=' and '&' */
	/* of logs alone: "checkpoint", "cosigned/checkpoint", "now", or a tile's: "tile/0/x001/234.p/7" */
	str path;
};

struct fetch_told {
	uint32_t req;
	uint16_t url;
	uint16_t code;
	uint64_t detail;
	uint16_t status;
	int64_t max_age_s;
	str etag;
	bytes body;
};

/* Writers append to w (FETCH_MESSAGE_MAX bytes), which turns full when a text is too long.
 * Readers: E_PROTOCOL for what does not fit; slices point into the message. */
void fetch_write_ask(struct wr *w, const struct fetch_ask *a);
ch_err fetch_read_ask(bytes message, struct fetch_ask *ret_a);
void fetch_write_told(struct wr *w, const struct fetch_told *t);
ch_err fetch_read_told(bytes message, struct fetch_told *ret_t);

struct fetch_post {
	uint32_t req;
	uint16_t post; /* index in fetcher_config.posts */
	str signature; /* small letters, digits, '=' and ','; empty: none */
	bytes body;
};

struct fetch_posted {
	uint32_t req;
	uint16_t post;
	uint16_t code;
	uint64_t detail;
	uint16_t status;
	bytes body;
};

/* The first byte of a message, whatever it is; 0 of an empty one. */
uint8_t fetch_kind_of(bytes message);
/* As above. */
void fetch_write_post(struct wr *w, const struct fetch_post *p);
ch_err fetch_read_post(bytes message, struct fetch_post *ret_p);
void fetch_write_posted(struct wr *w, const struct fetch_posted *p);
ch_err fetch_read_posted(bytes message, struct fetch_posted *ret_p);
