/* Several requests at once without waiting, for somebody's loop; one thread. Libcurl
 * starts no thread of its own as long as each request has its addresses. */
#pragma once
#include "fetch/fetch.h"

struct fetches;
/* As many as slots at once; no body is longer than body_max. */
ch_err fetches_new(size_t slots, size_t body_max, struct fetches **ret_f);
/* NULL is fine; the second is for AUTO(). What is under way is broken off. */
void fetches_free(struct fetches *f);
void fetches_done(struct fetches **f);

/* Everything of q is copied. E_BUSY while the slot's last one is not over; errors as of
 * fetch_run. */
ch_err fetches_start(struct fetches *f, size_t slot, const struct fetch_request *q);
/* Is one under way there? */
bool fetches_busy(const struct fetches *f, size_t slot);
/* Does what can be done now. */
ch_err fetches_run(struct fetches *f);
/* One that is over, each once; false: none. *ret_e says how it went; only if well, the
 * answer is set, which lives until the slot is started again. */
bool fetches_next(struct fetches *f, size_t *ret_slot, ch_err *ret_e,
		  struct fetch_answer *ret_answer);
/* Readable when fetches_run has something to do; the same one always. */
int fetches_fd(const struct fetches *f);
/* When it has something to do even if the descriptor says nothing; -1: never. */
int fetches_timeout_ms(const struct fetches *f);
