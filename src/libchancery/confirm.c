/* What a client showed beside its token, taken in and handed to the one who confirms. A
 * wrong call must come out here: further in, it would end the program. */
#include <assert.h>
#include <stdalign.h>

#include "inside.h"
#include "token/confirm.h"

enum { ALIGN = 64 };

/* At the beginning of the caller's storage, the store itself behind it. */
struct ch_replay {
	struct replay *used;
	int64_t since_s;
};

static_assert(sizeof(struct ch_replay) <= ALIGN, "the store begins 64 bytes further on");
static_assert(CH_NONCE_SIZE == NONCE_TEXT + 1, "a nonce and its terminator");

/* One ALIGN to reach an aligned address, one for our own. */
size_t ch_replay_size(size_t proofs)
{
	size_t n = replay_size(proofs);
	return n ? n + 2 * (size_t)ALIGN : 0;
}

ch_err ch_replay_init(void *storage, size_t size, size_t proofs, int64_t now_s,
		      struct ch_replay **ret_replay)
{
	if (!storage || !ret_replay || now_s < 0)
		return ch_fail(CH_E_USAGE, "ch_replay_init got a NULL or no time", 0);
	size_t ahead = (ALIGN - (uintptr_t)storage % ALIGN) % ALIGN + ALIGN;
	struct ch_replay *r = (void *)((uint8_t *)storage + ahead - ALIGN);
	struct replay *used = NULL;
	if (size < ahead)
		return ch_fail(CH_E_RANGE, "too little storage for so many proofs", size);
	TRY(replay_init((uint8_t *)storage + ahead, size - ahead, proofs, &used));
	*r = (struct ch_replay){ used, now_s };
	*ret_replay = r;
	return CH_DONE;
}

size_t ch_nonce_now(const struct ch_nonces *nonces, int64_t now_s, char to[CH_NONCE_SIZE])
{
	char before[NONCE_TEXT];
	if (!to)
		return 0;
	to[0] = 0;
	if (!nonces || nonces->slice_s < 1 || now_s < 0)
		return 0;
	struct nonces n = { .slice_s = nonces->slice_s };
	mem_copy(n.key, nonces->key, sizeof(n.key));
	nonces_at(&n, now_s, to, before);
	to[NONCE_TEXT] = 0;
	return NONCE_TEXT;
}

bool request_take(const struct ch_request *from, int64_t now_s, struct ch_request *ret_to)
{
	if (failed(struct_take(from, sizeof(*ret_to), ret_to)))
		return false;
	const struct ch_request *r = ret_to;
	if (now_s < 0 || r->window_s < 1 || r->window_s > DPOP_WINDOW_MAX_S)
		return false;
	if (r->skew_s < 0 || r->skew_s > DPOP_SKEW_MAX_S)
		return false;
	if (r->nonces && r->nonces->slice_s < 1)
		return false;
	return !r->dpop_scheme || (r->replay && r->method.p && r->url.p);
}

/* How the internal contract wants it. */
struct confirm {
	struct token_proofs proofs;
	struct proof_request request;
	char nonces[2][NONCE_TEXT];
	str accepted[2];
};

static void nonces_fill(struct confirm *c, const struct ch_nonces *from)
{
	struct nonces n = { .slice_s = from->slice_s };
	mem_copy(n.key, from->key, sizeof(n.key));
	nonces_at(&n, c->request.now_s, c->nonces[0], c->nonces[1]);
	for (size_t i = 0; i < COUNT_OF(c->nonces); i++)
		c->accepted[i] = (str){ c->nonces[i], NONCE_TEXT };
	c->request.nonces = c->accepted;
	c->request.n_nonces = COUNT_OF(c->accepted);
}

enum token_code request_confirm(const struct ch_request *shown, str token, int64_t now_s,
				struct inside *in)
{
	struct confirm c = {
		.proofs = { .dpop = str_of_text(shown->dpop),
			    .dpop_scheme = shown->dpop_scheme,
			    .certificate = { shown->certificate, shown->certificate_size },
			    .certificate_sha256 = shown->certificate_sha256 },
		.request = { .token = token,
			     .method = str_of_text(shown->method),
			     .url = str_of_text(shown->url),
			     .now_s = now_s,
			     .window_s = shown->window_s,
			     .skew_s = shown->skew_s,
			     .since_s = shown->replay ? shown->replay->since_s : 0,
			     .replay = shown->replay ? shown->replay->used : NULL },
	};
	if (shown->nonces)
		nonces_fill(&c, shown->nonces);
	return token_confirm(&in->last, &c.proofs, &c.request, &in->proof);
}
