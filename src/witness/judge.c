/* What a witness thinks of a request to cosign a head, in the order that the protocol has: whose log,
 * signed by it, of a size that follows on what was seen last, and shown to begin with it. Pure:
 * it believes nothing of who asks, and what it finds has no effect here. */
#include "witness_internal.h"

static const unsigned statuses[WITNESS_COUNTS] = {
	[COUNT_COSIGNED] = 200, [COUNT_MALFORMED] = 400, [COUNT_UNSIGNED] = 403,
	[COUNT_UNKNOWN] = 404,  [COUNT_BEHIND] = 409,    [COUNT_FORKED] = 409,
	[COUNT_UNPROVEN] = 422, [COUNT_FAILED] = 503,
};

unsigned witness_status(enum witness_count c)
{
	return statuses[c];
}

static struct witness_log *log_find(struct witness *w, str origin)
{
	for (size_t i = 0; i < w->config.n_logs; i++)
		if (str_eq(w->logs[i].origin, origin))
			return &w->logs[i];
	return NULL;
}

enum witness_count witness_judge(struct witness *w, str body, struct witness_asked *ret_a)
{
	struct witness_asked *a = ret_a;
	if (failed(witness_request_read(body, &a->request)) ||
	    failed(note_open(a->request.checkpoint, &a->note)) ||
	    failed(checkpoint_read(a->note.body, &a->head)))
		return COUNT_MALFORMED;
	a->log = log_find(w, a->head.origin);
	if (!a->log)
		return COUNT_UNKNOWN;
	if (failed(note_check(&a->note, &a->log->key)))
		return COUNT_UNSIGNED;
	if (a->request.old_size > a->head.size)
		return COUNT_MALFORMED;
	if (a->request.old_size != a->log->size)
		return COUNT_BEHIND;
	if (a->head.size == a->log->size && !merkle_eq(&a->head.root, &a->log->root))
		return COUNT_FORKED;
	if (failed(merkle_check_consistency(a->log->size, &a->log->root, a->head.size,
					    &a->head.root, &a->request.proof)))
		return COUNT_UNPROVEN;
	return COUNT_COSIGNED;
}
