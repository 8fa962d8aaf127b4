/* What `chancery audit` does. Both return the exit status. */
#pragma once
#include "authority.h"
#include "chain/chain.h"

struct audit_wish {
	const struct authority *a;
	int64_t since_ms;
	bool json;
	const struct chain_head *head; /* kept earlier; NULL: none */
};

/* Acts, each when its outcome is known; those without one last. */
int audit_list(const struct audit_wish *w);
/* Every record; prints the head. EXIT_NO: damaged, not the kept head's, or there is none. */
int audit_verify(const struct audit_wish *w);
