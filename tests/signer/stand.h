/* A signer on a stand: real keys, real sockets, and the test in the place of its issuers and of
 * its ledger. */
#pragma once
#include "signer_internal.h"
#include "token/verify.h"

enum { STAND_REALMS = 2, STAND_SEEN_MAX = 4096 };
#define STAND_ISSUER LIT("http://localhost/home")

struct stand {
	struct signer signer;
	struct signer_status status;
	int issuers[STAND_REALMS]; /* our ends: home with a key of each algorithm, corp with one */
	int ledger;
	uint64_t seq;      /* the last one that the ledger got */
	uint64_t answered; /* and answered */
	uint16_t code;     /* what it answers */
	/* every entry that it got and said to be durable */
	size_t n_seen;
	struct seen {
		struct log_entry entry;
		uint8_t room[LEDGER_ENTRY_MAX];
		uint8_t sub[LEDGER_SUB_SIZE];
		char client[64], grant[64];
		uint64_t seq;
	} seen[STAND_SEEN_MAX];
	struct policy *policy; /* of home, whose tokens are for mail or client-1 */
	uint8_t message[MESSAGE_MAX], answer[MESSAGE_MAX];
};

/* New sockets and counters, the same keys. */
void stand_set_up(struct stand *t);
void stand_reset(struct stand *t);
void stand_tear_down(struct stand *t);

/* A request that is fine. */
struct sign_request stand_request(uint32_t req, uint8_t alg);
/* Sends the batch to the realm's signer. */
void stand_ask(struct stand *t, size_t realm, bytes message);
/* Turns until there is nothing to do, with a ledger that keeps silent. */
ch_err stand_turn(struct stand *t);
/* The ledger reads all that there is, and answers one batch, if one waits. */
bool stand_append(struct stand *t);
/* Both, until nothing is left to do. */
ch_err stand_serve(struct stand *t);
/* One message of answers; E_BUSY if there is none. */
ch_err stand_answers(struct stand *t, size_t realm, struct rd *ret_r, size_t *ret_n);
/* The entry of this token; NULL: the ledger never had it. */
const struct seen *stand_entry_of(const struct stand *t, str token);
