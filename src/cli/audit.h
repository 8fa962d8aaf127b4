/* What administrators do is recorded in DIR/audit (wire/audit.h has the records): each act
 * before it is begun and after. An act whose intent cannot be recorded is refused.
 *
 *	struct audit t = { 0 };
 *	int r = audit_begin(a, "user add", object, &t);
 *	if (r != EXIT_YES)
 *		return r;
 *	return audit_end(&t, do_it(), LIT("added"));
 *
 * Between the two, root may have taken the rights of a store's owner: the audit is written
 * with those of who called. No other command waits meanwhile. Never a secret: objects are
 * names of realms, people, clients, keys. */
#pragma once
#include "authority.h"

struct audit {
	const struct authority *a; /* NULL: nothing was begun */
	uint64_t intent;           /* its sequence number */
	size_t items;
};

/* Records the intent, durably. Waits for others that write, but not for ever. EXIT_TROUBLE: it
 * could not be recorded, which was said, and the act must not be done. command: "user add";
 * object: what it is about. */
int audit_begin(const struct authority *a, const char *command, str object, struct audit *ret_t);
/* One of several things that the act changed; kept with the outcome. Until then nobody else
 * can write: call it when little is left to do. EXIT_TROUBLE: it was said. */
int audit_item(struct audit *t, str object, str detail);
/* Makes the items durable; before what they say is kept. EXIT_TROUBLE: it was said. */
int audit_keep_items(struct audit *t);
/* Records what came of it: status is the command's exit status. Returns it, or EXIT_TROUBLE
 * when it could not be recorded. Fine when nothing was begun. */
int audit_end(struct audit *t, int status, str detail);
/* REALM/ID, or REALM; into room. */
str audit_object(struct wr *room, str realm, str id);

/* `chancery audit`: how to read it. */
struct chain_ref;
enum { AUDIT_ROOM = 64 * 1024, AUDIT_TEXT_MAX = 1024 };
extern const char audit_folder[];
