/* Revocations over HTTP: what a gate elsewhere is told when it asks for all from a sequence
 * number on. Drawn in src/revoke/FORMAT.md. */
#pragma once
#include "chain/chain.h"
#include "revoke/record.h"

enum { REVOKE_PAGE_HEAD = 104, REVOKE_PAGE_MAX = 48 * 1024, REVOKE_QUERY_MAX = 192 };
#define REVOKE_PAGE_TYPE "application/vnd.chancery.revocations"

/* What is asked: from `after` on, of the chain of this id, whose hash there was `hash`. */
struct revoke_ask {
	uint64_t after;
	bool known; /* chain and hash are set: not the first time */
	uint8_t chain[CHAIN_ID_SIZE];
	uint8_t hash[CHAIN_HASH_SIZE];
	uint32_t wait_s; /* the answer may take so long when there is nothing new */
};
enum { REVOKE_WAIT_MAX_S = 20 };
/* The query of the URL, at most REVOKE_QUERY_MAX bytes. */
void revoke_ask_write(struct wr *w, const struct revoke_ask *a);
/* E_SYNTAX for any other. */
ch_err revoke_ask_read(str query, struct revoke_ask *ret_a);

struct revoke_page {
	uint8_t chain[CHAIN_ID_SIZE];
	struct chain_head next; /* behind the last of this page; what to ask with next */
	uint64_t end;           /* so many records has the chain: next.seq when there are no more */
	size_t count;
	bytes records;
};
struct revoke_row {
	uint64_t seq;
	int64_t time_ms;
	struct revocation r;
};
/* Head first, with what is not known yet; then rows; the head again at the end. */
void revoke_page_begin(struct wr *w);
/* False: no room left, nothing was written. */
bool revoke_page_add(struct wr *w, const struct revoke_row *row);
void revoke_page_end(struct wr *w, const struct revoke_page *p);
/* E_SYNTAX, E_UNSUPPORTED, E_TRUNCATED, E_TRAILING; checks every row: in order, below
 * next, well formed. Slices of b. */
ch_err revoke_page_read(bytes b, struct revoke_page *ret_p);
/* Cuts the first row off p->records; only what revoke_page_read has taken. */
bool revoke_page_cut(struct revoke_page *p, struct revoke_row *ret_row);
