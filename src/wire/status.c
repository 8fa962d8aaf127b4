/* The steps of a signer, as the crash report names them. */
#include "wire/status.h"

enum { TRIES_MAX = 100 };

static const str names[STEP_COUNT] = {
	[STEP_START] = { "start", 5 },     [STEP_SECRET_MEMORY] = { "secret-memory", 13 },
	[STEP_KEY] = { "key", 3 },         [STEP_UNSEAL] = { "unseal", 6 },
	[STEP_SANDBOX] = { "sandbox", 7 }, [STEP_IDLE] = { "idle", 4 },
	[STEP_DECODE] = { "decode", 6 },   [STEP_BUILD] = { "build", 5 },
	[STEP_APPEND] = { "append", 6 },   [STEP_SIGN] = { "sign", 4 },
	[STEP_SEND] = { "send", 4 },       [STEP_STOP] = { "stop", 4 },
};

/* Each is written where nobody reads yet: one that ends in the midst of it leaves the one before. */
void status_put_head(struct signer_status *s, uint64_t size, const uint8_t root[static STATUS_ROOT])
{
	uint64_t n = atomic_load(&s->heads) + 1;
	s->head[n % 2].size = size;
	mem_copy(s->head[n % 2].root, root, STATUS_ROOT);
	atomic_store(&s->heads, n);
}

bool status_head(const volatile struct signer_status *s, struct status_head *ret_head)
{
	uint64_t n = 0, again = 1;
	/* the writer may be anybody by now: what never holds still is no head */
	for (unsigned tries = 0; n != again && tries < TRIES_MAX; tries++) {
		n = s->heads;
		const volatile struct status_head *h = &s->head[n % 2];
		ret_head->size = h->size;
		for (size_t i = 0; i < STATUS_ROOT; i++)
			ret_head->root[i] = h->root[i];
		again = s->heads;
	}
	return n == again && n > 0;
}

str signer_step_name(uint32_t step)
{
	return step < STEP_COUNT ? names[step] : LIT("unknown");
}
