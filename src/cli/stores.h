/* The store that has a realm's clients and users. */
#pragma once
#include "authority.h"
#include "store/store.h"

/* Says what is wrong; EXIT_YES when it is open. From then on root has the rights of the
 * store's owner alone: what else is to be read must have been. */
int store_of_realm(const struct authority *a, str realm, struct store **ret_s);
/* Root has its own rights again, once a store that was opened is closed. */
ch_err stores_leave(void);
/* Calls each with every store of the authority, until one is not EXIT_YES. */
int stores_each(const struct authority *a, int (*each)(struct store *s, str group, void *ctx),
		void *ctx);
