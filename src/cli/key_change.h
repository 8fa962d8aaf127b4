/* The steps that a person asks for: rotate, compromise. */
#pragma once
#include "key_tend.h"

struct key_change {
	const struct authority *a;
	const struct config_realm *realm;
	int passphrase_fd;
	str kid;    /* compromise */
	str reason; /* compromise; empty: none */
	bool force; /* rotate: although the next key is not published for long enough */
	bool json;
	struct wr *detail; /* KEY_DETAIL_MAX: what is recorded of it */
};

enum { KEY_DETAIL_MAX = 256 };

/* Both say what they did and what it means for verifiers; an exit status. EXIT_NO: not yet,
 * with the time when it may be, or no such key. */
int key_rotate(const struct key_change *c);
int key_compromise(const struct key_change *c);
