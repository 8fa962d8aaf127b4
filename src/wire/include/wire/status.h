/* One ordinary page that a signer shares with the warden: what a crash report may
 * say. The signer writes it, the warden reads it and believes none of it. No key, no
 * request content, no address but those of code. */
#pragma once
#include <stdatomic.h>

#include "base/bytes.h"

enum signer_step {
	STEP_START,
	STEP_SECRET_MEMORY,
	STEP_KEY,
	STEP_UNSEAL,
	STEP_SANDBOX,
	STEP_IDLE,
	STEP_DECODE,
	STEP_BUILD,
	STEP_APPEND,
	STEP_SIGN,
	STEP_SEND,
	STEP_STOP,
	STEP_COUNT
};

enum {
	STATUS_SIZE = 4096,
	STATUS_MODULES = 12,
	STATUS_NAME = 40,
	STATUS_BUILD_ID = 20,
	STATUS_ROOT = 32
};

struct status_module {
	uint64_t start, end; /* of its executable segment */
	uint64_t offset;     /* add to (rip - start) to get the address in the file */
	char name[STATUS_NAME];
	uint8_t build_id[STATUS_BUILD_ID];
};

struct signer_status {
	_Atomic uint32_t step; /* enum signer_step */
	_Atomic uint32_t typ;  /* of the request under way */
	_Atomic uint64_t batches, signed_tokens, refused;
	/* of a signer of heads: how many it has put here, and the last two, by turns; the newest
	 * is at the odd or even place that its number says */
	_Atomic uint64_t heads;
	struct status_head {
		uint64_t size;
		uint8_t root[STATUS_ROOT];
	} head[2];
	uint32_t n_modules;
	struct status_module modules[STATUS_MODULES];
};
_Static_assert(sizeof(struct signer_status) <= STATUS_SIZE, "the status fits its page");

/* The signer: what it has signed, before anybody else sees it. */
void status_put_head(struct signer_status *s, uint64_t size,
		     const uint8_t root[static STATUS_ROOT]);
/* Whoever reads the page: the last one that was put whole; false: none was. */
bool status_head(const volatile struct signer_status *s, struct status_head *ret_head);

/* In words, for a report; "unknown" for a number that is none. */
str signer_step_name(uint32_t step);
