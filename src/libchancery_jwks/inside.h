/* Inside libchancery-jwks. */
#pragma once
#include <stdatomic.h>

#include "base/arena.h"
#include "chancery/jwks.h"
#include "fetch/many.h"
#include "jwks/source.h"

enum { FOLLOWED_MAX = 16 };

/* An issuer that is followed. */
struct followed {
	struct ch_issuer terms; /* its texts are in the arena */
	str addresses;
	struct source *source;
	bool live;         /* the source's set is in the verifier */
	ch_err last;       /* how the last fetch went */
	atomic_bool asked; /* for an unknown key, by any thread */
};

struct ch_jwks {
	struct arena texts;
	void *room;
	str ca_file;
	struct fetches *fetches;
	int epoll, wake; /* what the host watches; an eventfd in it */
	_Atomic uint64_t generation;
	atomic_flag taking; /* held for two loads and a count */
	struct ch_verifier *verifier;
	size_t n;
	struct followed issuers[FOLLOWED_MAX];
};

/* A verifier with jwks for issuer `at` and what is live for the others; at == n: of what is
 * live. why may be NULL. */
ch_err verifier_with(const struct ch_jwks *j, size_t at, bytes jwks, char *why, size_t why_size,
		     struct ch_verifier **ret_v);
/* Puts it in place of the present one; the reference is taken over. */
void publish(struct ch_jwks *j, struct ch_verifier *v);
int64_t jwks_now_s(void);
