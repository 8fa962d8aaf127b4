/* What an administrator did, as it is recorded in DIR/audit: records of one chain
 * (src/chain/FORMAT.md), purpose "audit".
 *
 * An act is recorded before it is begun (an intent) and after (its outcome, which names the
 * intent by its sequence number). An intent without an outcome is an act that was cut off,
 * or is still under way: it may have been done or not. What was done without an intent
 * does not exist: an act whose intent cannot be recorded is refused. */
#pragma once
#include "base/err.h"
#include "base/rw.h"

enum {
	AUDIT_COMMAND_MAX = 64,
	AUDIT_NAME_MAX = 64,
	AUDIT_OBJECT_MAX = 1024,
	AUDIT_DETAIL_MAX = 2048,
	AUDIT_RECORD_MAX = 64 + AUDIT_COMMAND_MAX + AUDIT_NAME_MAX + AUDIT_OBJECT_MAX +
			   AUDIT_DETAIL_MAX
};

#define AUDIT_PURPOSE ((str){ "audit", 5 })
#define AUDIT_NOBODY UINT32_MAX /* no such uid is known */

/* Types of records. */
enum audit_type {
	AUDIT_INTENT = 1,
	AUDIT_ITEM = 2, /* one of several things that an act changes */
	AUDIT_OUTCOME = 3,
};

enum audit_result {
	AUDIT_DONE,
	AUDIT_REFUSED, /* nothing was done, for a reason that was told */
	AUDIT_FAILED,  /* something did not work; what was done of it is not said */
	AUDIT_RESULTS,
};

/*	0  1  version: 1
 *	1  3  zero
 *	4  4  uid of the process; all ones: unknown, as in the next two
 *	8  4  the uid that logged in, as the kernel keeps it (/proc/self/loginuid)
 *     12  4  $SUDO_UID, which is only what sudo, or who calls as root, says
 *     16  4  pid
 *	   then name of the person, command, object: u16 length, bytes
 */
struct audit_intent {
	uint32_t uid, login_uid, sudo_uid, pid;
	str who;     /* name of login_uid, else of sudo_uid, else of uid */
	str command; /* "user add" */
	str object;  /* "corp/carol@corp.example" */
};

/*	0  1  version: 1
 *	1  1  result, of an outcome; 0 in an item
 *	2  2  zero
 *	4  8  sequence number of the intent
 *	   then object (an item's; empty in an outcome), detail: u16 length, bytes
 */
struct audit_outcome {
	uint8_t result;
	uint64_t intent;
	str object;
	str detail; /* what became of it: "added", "changed scope audience" */
};

/* Texts that are too long are cut. */
void audit_intent_write(struct wr *w, const struct audit_intent *i);
void audit_outcome_write(struct wr *w, const struct audit_outcome *o);
/* E_SYNTAX, E_UNSUPPORTED (another version), E_TRUNCATED, E_TRAILING; slices of b. */
ch_err audit_intent_read(bytes b, struct audit_intent *ret_i);
ch_err audit_outcome_read(bytes b, struct audit_outcome *ret_o);
/* "done", "refused", "failed" */
str audit_result_name(uint8_t result);
