/* Issuer and signer. One socket a realm: the realm is not in any message, it comes
 * from the socket. No call signs bytes: a request names claims from a closed list.
 *
 *   batch   u8 type  u8 version  u16 count  item…
 *   KEYS    str16 kid  u8 alg  i64 not before  i64 not after  u32 longest lifetime
 *           bytes16 public JWK
 *   SIGN    u32 req  u8 typ  u8 alg  u32 ttl_s  u8 claims { u8 id  value }…
 *           value: text str16, number i64, bool u8
 *   SIGNED  u32 req  u16 code  str16 token */
#pragma once
#include "base/rw.h"
#include "wire/channel.h"

enum sign_type { SIGN_KEYS = 0x41, SIGN_REQUESTS, SIGN_ANSWERS };

enum {
	SIGN_BATCH_MAX = 32,
	SIGN_REQUEST_MAX = 4096,
	SIGN_CLAIMS_MAX = 32,
	SIGN_TEXT_MAX = 1024,
	SIGN_TOKEN_MAX = 8192,
};

/* What a request asks for when it leaves the algorithm to the realm's signing key. */
enum { SIGN_ALG_ANY = 255 };

enum token_typ { TYP_ACCESS = 1, TYP_ID = 2 };

/* How a claim's value travels and how the signer writes it. */
enum claim_form { FORM_TEXT, FORM_NUMBER, FORM_BOOL, FORM_TEXTS, FORM_JKT };

/* id, JSON name, form, in which typ it may stand: (A)ccess, (I)d or both. The order is
 * the wire's; only ever added to. */
#define SIGN_CLAIMS(X)                                                 \
	X(SUB, "sub", FORM_TEXT, TYP_ACCESS | TYP_ID)                  \
	X(AUD, "aud", FORM_TEXT, TYP_ACCESS | TYP_ID)                  \
	X(CLIENT_ID, "client_id", FORM_TEXT, TYP_ACCESS)               \
	X(SCOPE, "scope", FORM_TEXT, TYP_ACCESS)                       \
	X(USERNAME, "username", FORM_TEXT, TYP_ACCESS)                 \
	X(GRANT_ID, "grant_id", FORM_TEXT, TYP_ACCESS)                 \
	X(CNF_JKT, "cnf", FORM_JKT, TYP_ACCESS)                        \
	X(AUTH_TIME, "auth_time", FORM_NUMBER, TYP_ACCESS | TYP_ID)    \
	X(ACR, "acr", FORM_TEXT, TYP_ACCESS | TYP_ID)                  \
	X(AMR, "amr", FORM_TEXTS, TYP_ACCESS | TYP_ID)                 \
	X(AZP, "azp", FORM_TEXT, TYP_ID)                               \
	X(NONCE, "nonce", FORM_TEXT, TYP_ID)                           \
	X(SID, "sid", FORM_TEXT, TYP_ID)                               \
	X(NAME, "name", FORM_TEXT, TYP_ID)                             \
	X(GIVEN_NAME, "given_name", FORM_TEXT, TYP_ID)                 \
	X(FAMILY_NAME, "family_name", FORM_TEXT, TYP_ID)               \
	X(PREFERRED_USERNAME, "preferred_username", FORM_TEXT, TYP_ID) \
	X(EMAIL, "email", FORM_TEXT, TYP_ID)                           \
	X(EMAIL_VERIFIED, "email_verified", FORM_BOOL, TYP_ID)         \
	X(LOCALE, "locale", FORM_TEXT, TYP_ID)                         \
	X(ZONEINFO, "zoneinfo", FORM_TEXT, TYP_ID)                     \
	X(UPDATED_AT, "updated_at", FORM_NUMBER, TYP_ID)

enum sign_claim_id {
#define X(id, name, form, typs) CLAIM_##id,
	SIGN_CLAIMS(X)
#undef X
		SIGN_CLAIM_COUNT
};

struct sign_claim_rule {
	str name;
	enum claim_form form;
	unsigned typs;
};
const struct sign_claim_rule *sign_claim_rule(enum sign_claim_id id);

struct sign_claim {
	enum sign_claim_id id;
	str text;       /* TEXT, TEXTS (separated by blanks), JKT */
	int64_t number; /* NUMBER, BOOL */
};

struct sign_request {
	uint32_t req; /* the issuer's own number, comes back in the answer */
	enum token_typ typ;
	uint8_t alg; /* enum alg or SIGN_ALG_ANY */
	uint32_t ttl_s;
	struct sign_claim claims[SIGN_CLAIMS_MAX];
	size_t n_claims;
};

struct sign_answer {
	uint32_t req;
	uint16_t code; /* enum ch_code */
	str token;     /* empty unless code is CH_OK */
};

struct sign_key {
	str kid;
	int64_t not_before_s; /* signs from then on; 0: not planned */
	int64_t not_after_s;  /* and no longer from then on; 0: open */
	uint32_t max_ttl_s;   /* the longest lifetime of what it signs */
	uint8_t alg;
	bytes jwk; /* the public key as JSON */
};

/* Adds a claim when text.p is set; asserts on too many. */
void sign_add_text(struct sign_request *r, enum sign_claim_id id, str text);
void sign_add_number(struct sign_request *r, enum sign_claim_id id, int64_t number);

/* A batch under construction in w (MESSAGE_MAX bytes of room). */
void sign_batch_begin(struct wr *w, enum sign_type type);
/* False when it is full (bytes or count): send it and begin another. An item that
 * does not fit leaves w as it was. */
bool sign_batch_add_request(struct wr *w, const struct sign_request *r);
bool sign_batch_add_answer(struct wr *w, const struct sign_answer *a);
bool sign_batch_add_key(struct wr *w, const struct sign_key *k);
size_t sign_batch_count(const struct wr *w);

/* Reading: E_PROTOCOL unless the message is a batch of this type; *ret_n items follow in
 * *ret_r, and rd_done() after the last. */
ch_err sign_batch_open(bytes message, enum sign_type type, struct rd *ret_r, size_t *ret_n);
/* Slices point into the message. E_PROTOCOL: an unknown claim, twice the same, one that
 * this typ must not have, over a limit. */
ch_err sign_read_request(struct rd *r, struct sign_request *ret_request);
ch_err sign_read_answer(struct rd *r, struct sign_answer *ret_answer);
ch_err sign_read_key(struct rd *r, struct sign_key *ret_key);
