/* One thread beside the one that has it: it does jobs 0, 1, 2 … in order, one at a time. What is
 * given was written before, and what it wrote can be read once it was waited for. */
#pragma once
#include "base/err.h"

struct beside;
/* Made before the walls of its process, since no thread starts behind them. It is inside as
 * well: landlock and limits come to it as to whoever made it, and sandbox_seccomp is for all
 * threads. It waits when this returns, and takes no signal. E_NOMEM: there is none to be had. */
ch_err beside_new(struct beside **ret_b);
/* What it does is done first; what is given and not begun is not done. */
void beside_done(struct beside **b);

typedef ch_err beside_fn(void *of, uint64_t job);
/* What jobs are, from 0 on, until the next begin; no job may be under way. */
void beside_begin(struct beside *b, beside_fn *run, void *of);
/* One job more. After one has failed, the others count as done. */
void beside_give(struct beside *b);
/* Until no more than `left` jobs are to be done. The failure of the first that failed. */
ch_err beside_wait(struct beside *b, uint64_t left);
/* How many are to be done; of those that are not, what they wrote can be read. */
uint64_t beside_left(struct beside *b);
